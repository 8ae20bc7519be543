import Foundation
import HTTPServer
import HTTPTypes
import LRP2P
import TestSupport
import Testing

@testable import Gateway

/// One Server-Sent Event, or a comment, as a browser takes it apart.
struct ServedEvent: Equatable {
    var type: String?
    var id: String?
    var data: String?

    static func parse(_ bytes: [UInt8]) -> [ServedEvent] {
        String(decoding: bytes, as: UTF8.self).components(separatedBy: "\n\n").dropLast().map {
            var event = ServedEvent()
            for line in $0.components(separatedBy: "\n") {
                let sides = line.components(separatedBy: ": ")
                let value = sides.dropFirst().joined(separator: ": ")
                switch sides[0] {
                case "event": event.type = value
                case "id": event.id = value
                case "data": event.data = value
                default: continue
                }
            }
            return event
        }
    }

    func object() throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(try #require(data).utf8))
        return try #require(value as? [String: Any])
    }
}

extension ServerResponse {
    /// The next piece of a streamed answer.
    func piece() async throws -> [UInt8]? {
        let stream = try #require(stream)
        return try await stream()
    }

    func text() async throws -> String? {
        try await piece().map { String(decoding: $0, as: UTF8.self) }
    }

    /// The next piece that is no comment, which has to be one event.
    func event() async throws -> ServedEvent {
        while true {
            let events = ServedEvent.parse(try #require(try await piece()))
            try #require(events.count == 1)
            if events[0].type != nil { return events[0] }
        }
    }
}

/// A node, and a peer that connected to it and is used directly.
struct ServedPeer {
    let node: TestNode
    let peer: PeerSocket
    let connection: PeerConnection
    let id: String
    let start: String

    var path: String { "/v1/connections/\(id)" }

    init(_ text: String = "", change: (inout GatewayLimits) -> Void = { _ in }) async throws {
        var limits = GatewayLimits()
        change(&limits)
        node = try TestNode(limits: limits)
        peer = try PeerSocket.listen(on: .loopback(port: 0))
        connection = try await peer.connect(to: node.socket.localAddress)
        let accepted = try await node.get("/v1/accept?wait=60s").object()
        id = try #require(accepted["id"] as? String)
        let receive = try #require(accepted["receive"] as? [String: Any])
        start = try #require(receive["acknowledged"] as? String)
        try await send(text)
    }

    /// Returns when it has arrived.
    func send(_ text: String) async throws {
        guard !text.isEmpty else { return }
        try await connection.write([UInt8](text.utf8))
        try await connection.drain(deadline: .now + .seconds(60))
    }

    func acknowledge(_ position: Int, as reader: String? = nil) async {
        let query = reader.map { "?reader=\($0)" } ?? ""
        let response = await node.post(
            path + "/ack" + query, #"{"offset":"\#(cursor(position))"}"#)
        #expect(response.status == .ok)
    }

    func acknowledged() async throws -> Int? {
        let receive = try await node.document(id)["receive"] as? [String: Any]
        return receive?["acknowledged_offset"] as? Int
    }

    func cursor(_ position: Int) -> String { start.dropLast() + String(position) }
}
