import LRP2P
import LRP2PSimulation

/// One connection, seen from who receives: checks what comes, and sends its header back.
struct SoakReceiver: Sendable {
    private let field: SoakField
    private let node: SoakField.Node
    /// How often it breaks off in the middle of an answer, and after how many bytes.
    private let cuts: [Int]

    private static let mostCuts = 2
    private static let latestCut = 200_000

    init(_ field: SoakField, _ node: SoakField.Node, _ random: inout SeededRandom) {
        (self.field, self.node) = (field, node)
        cuts = (0..<random.integer(in: 0...Self.mostCuts)).map { _ in
            random.integer(in: 0...Self.latestCut)
        }
    }

    func run() async {
        do {
            try await onThread { try self.receive() }
        } catch {
            // Transfers to C end with it; and one who has begun a transfer tells how it ended.
            if case BenchError.wrongBytes = error { field.fail("receiving at \(node): \(error)") }
        }
    }

    private func receive() throws {
        let gateway = field.gateway(node)
        let client = try HTTPClient(port: gateway.httpPort)
        let arrival = try client.request("GET", "/v1/accept?wait=1s")
        guard arrival.head.status == 200, let id = JSONText.string("id", in: arrival.text) else {
            return
        }
        defer { _ = try? client.request("DELETE", "/v1/connections/\(id)?drain=10s") }
        let path = GatewayProcess.data(id)
        let content = try read(path, gateway.httpPort)
        let answer = try client.request("POST", "\(path)?until=acknowledged", body: content.header)
        guard answer.head.status == 200 else {
            throw BenchError.status(answer.head.status, of: "POST \(path)")
        }
    }

    private func read(_ path: String, _ port: UInt16) throws -> SoakContent {
        var header: [UInt8] = [], position = 0
        var content: SoakContent?
        var cuts = cuts, cursor: String?
        var client = try HTTPClient(port: port)
        while content.map({ position < $0.total }) ?? true {
            let place = cursor.map { "&offset=\($0)&ack=\($0)" } ?? ""
            try client.send("GET", "\(path)?wait=60s\(place)")
            if let cut = cuts.popLast() {
                try breakOff(client, after: cut)
                field.count { $0.clientsCutOff += 1 }
                client = try HTTPClient(port: port)
                continue
            }
            let head = try client.readAnswer { bytes, head in
                guard head.status == 200 else { return }
                let missing = SoakContent.headerBytes - header.count
                header += bytes.prefix(missing)
                if header.count == SoakContent.headerBytes {
                    let now = content ?? SoakContent(header: header)
                    content = now
                    let rest = bytes.dropFirst(max(0, missing))
                    let start = now.place(of: position + max(0, missing))
                    try field.pattern.check(UnsafeRawBufferPointer(rebasing: rest), at: start)
                }
                position += bytes.count
            }
            guard head.status == 200, let next = head["Next-Offset"] else {
                throw BenchError.status(head.status, of: "GET \(path)")
            }
            cursor = next
        }
        guard let content, position == content.total else {
            throw BenchError.wrongBytes(at: position)
        }
        return content
    }

    private struct IsEnough: Error {}

    /// Reads a part of the answer, and resets the connection.
    private func breakOff(_ client: HTTPClient, after count: Int) throws {
        client.socket.resetAtEnd()
        var left = count
        do {
            _ = try client.readAnswer { bytes, _ in
                left -= bytes.count
                if left <= 0 { throw IsEnough() }
            }
        } catch is IsEnough {
            return
        }
    }
}
