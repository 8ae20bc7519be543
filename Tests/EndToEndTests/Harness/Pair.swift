import Foundation
import Testing

/// Two gateways with one connection between them, each with its own name for it.
struct Pair: Sendable {
    let a: GatewayProcess
    let b: GatewayProcess
    let idA: String
    let idB: String

    var dataA: String { "/v1/connections/\(idA)/data" }
    var dataB: String { "/v1/connections/\(idB)/data" }

    init(_ arguments: [String] = []) async throws {
        let a = try await GatewayProcess(arguments)
        let b = try await GatewayProcess(arguments)
        try await self.init(a, b, address: b.udp)
    }

    /// - Parameter address: where A reaches B; that of a relay, perhaps.
    init(_ a: GatewayProcess, _ b: GatewayProcess, address: String) async throws {
        (self.a, self.b) = (a, b)
        idA = try await a.connect(to: address, peer: b.peerID).id
        idB = try await b.accept().id
    }

    func stop() async throws {
        try await a.stop()
        try await b.stop()
    }
}

extension GatewayProcess {
    func connect(to address: String, peer: String? = nil) async throws -> ConnectionDocument {
        let peer = peer.map { #","peer":"\#($0)""# } ?? ""
        let answer = try await request(
            "POST", "/v1/connections?wait=30s", headers: ["Content-Type": "application/json"],
            body: Array(#"{"address":"\#(address)"\#(peer)}"#.utf8))
        try #require(answer.status == 201, "\(answer.text)")
        let document = try answer.decode(ConnectionDocument.self)
        #expect(answer["Location"] == "/v1/connections/\(document.id)")
        return document
    }

    func accept() async throws -> ConnectionDocument {
        let answer = try await request("GET", "/v1/accept?wait=60s")
        try #require(answer.status == 200, "\(answer.status) \(answer.text)")
        return try answer.decode(ConnectionDocument.self)
    }

    func connection(_ id: String) async throws -> ConnectionDocument {
        try await request("GET", "/v1/connections/\(id)").decode(ConnectionDocument.self)
    }

    /// Long-polls and acknowledges, as the README shows, with one `curl` after the other.
    func download(_ path: String, bytes: Int) async throws -> Data {
        var received = Data()
        var next: String?
        while received.count < bytes {
            let acknowledge = next.map { "&ack=\($0)" } ?? ""
            let answer = try await Curl.run("\(base)\(path)?wait=60s\(acknowledge)")
            try #require(
                answer.status == 200,
                "status \(answer.status) after \(received.count) bytes: \(answer.text)")
            received += answer.body
            let cursor: String = try #require(answer["Next-Offset"])
            next = cursor
        }
        return received
    }
}
