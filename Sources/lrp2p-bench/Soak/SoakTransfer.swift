import LRP2P
import LRP2PSimulation

/// What travels in a soak: a number and a length, 8 bytes each, and as many bytes of the common
/// pattern, from a place on that depends on the number. So whoever receives it can check it.
struct SoakContent: Sendable {
    static let headerBytes = 16
    let number: UInt64
    /// Without the header.
    let length: Int

    init(number: UInt64, length: Int) { (self.number, self.length) = (number, length) }

    /// - Parameter header: 16 bytes.
    init(header: [UInt8]) {
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        number = word(header[..<8])
        length = Int(truncatingIfNeeded: word(header[8..<16]))
    }

    var header: [UInt8] {
        [number, UInt64(length)].flatMap { word in
            withUnsafeBytes(of: word.bigEndian) { Array($0) }
        }
    }

    var total: Int { Self.headerBytes + length }

    /// Where in the pattern a position of the stream lies.
    func place(of position: Int) -> Int { Int(number >> 32) + position - Self.headerBytes }

    func send(_ range: Range<Int>, of pattern: Pattern, over client: HTTPClient) throws {
        if range.lowerBound < Self.headerBytes {
            let part = header[range.clamped(to: 0..<Self.headerBytes)]
            try part.withUnsafeBytes { try client.socket.send($0) }
        }
        var position = max(range.lowerBound, Self.headerBytes)
        while position < range.upperBound {
            try pattern.withRun(at: place(of: position), count: range.upperBound - position) {
                try client.socket.send($0)
                position += $0.count
            }
        }
    }
}

/// One connection, from its beginning to its end, seen from who sends.
struct SoakTransfer: Sendable {
    private let field: SoakField
    private let from: SoakField.Node
    private let to: SoakField.Node
    private let throughLink: Bool
    private let content: SoakContent
    /// Positions at which the client is cut off.
    private let cuts: [Int]

    private static let longest = 8 << 20
    private static let mostCuts = 3

    init(_ field: SoakField, _ random: inout SeededRandom) {
        self.field = field
        from = random.chance(0.5) ? .a : .b
        to = random.chance(0.2) ? .c : from == .a ? .b : .a
        throughLink = random.chance(0.3)
        // Short ones are as frequent as long ones.
        let most = 1 << random.integer(in: 0...Self.longest.trailingZeroBitCount)
        let content = SoakContent(number: random.next(), length: random.integer(in: 0...most))
        self.content = content
        cuts = (0..<random.integer(in: 0...Self.mostCuts)).map { _ in
            random.integer(in: 0...(content.total - 1))
        }.sorted()
    }

    func run() async {
        do {
            try await onThread { try self.carry() }
            field.count { [content, cuts] in
                $0.transfers += 1
                $0.bytes += content.length
                $0.clientsCutOff += cuts.count
            }
        } catch {
            if case .c = to {
                field.count { $0.interrupted += 1 }
            } else {
                field.fail("sending from \(from) to \(to): \(error)")
            }
        }
    }

    private func carry() throws {
        let gateway = field.gateway(from)
        let client = try HTTPClient(port: gateway.httpPort)
        let address = field.address(of: to, throughLink: throughLink)
        let id = try gateway.connect(to: address, over: client)
        let path = GatewayProcess.data(id)
        defer { _ = try? client.request("DELETE", "/v1/connections/\(id)?drain=5s") }
        try upload(path, port: gateway.httpPort)
        try readReceipt(path, client)
    }

    private func upload(_ path: String, port: UInt16) throws {
        for end in cuts {
            let client = try HTTPClient(port: port)
            client.socket.resetAtEnd()
            let offset = try sendOffset(path, client)
            try beginUpload(path, from: offset, client)
            try content.send(offset..<max(offset, end), of: field.pattern, over: client)
        }
        let client = try HTTPClient(port: port)
        let offset = try sendOffset(path, client)
        try beginUpload(path, from: offset, client)
        try content.send(offset..<content.total, of: field.pattern, over: client)
        var text: [UInt8] = []
        let head = try client.readAnswer { bytes, _ in text.append(contentsOf: bytes) }
        guard head.status == 200 else {
            throw BenchError.gatewaySaid(String(decoding: text, as: UTF8.self))
        }
    }

    private func beginUpload(_ path: String, from offset: Int, _ client: HTTPClient) throws {
        try client.send(
            "POST", path, headers: ["Send-Offset: \(offset)"], length: content.total - offset)
    }

    private func sendOffset(_ path: String, _ client: HTTPClient) throws -> Int {
        let head = try client.request("HEAD", path).head
        guard head.status == 200, let offset = head["Send-Offset"].flatMap({ Int($0) }) else {
            throw BenchError.status(head.status, of: "HEAD \(path)")
        }
        return offset
    }

    /// The header comes back when all was received and right.
    private func readReceipt(_ path: String, _ client: HTTPClient) throws {
        var receipt: [UInt8] = []
        var acknowledge = ""
        while receipt.count < SoakContent.headerBytes {
            let answer = try client.request("GET", "\(path)?wait=60s\(acknowledge)")
            guard answer.head.status == 200, let next = answer.head["Next-Offset"] else {
                throw BenchError.status(answer.head.status, of: "GET \(path)")
            }
            receipt += answer.body
            acknowledge = "&ack=\(next)"
        }
        guard receipt == content.header else { throw BenchError.wrongBytes(at: 0) }
    }
}
