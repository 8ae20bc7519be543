import CSodium
import LRP2P
import Testing

/// Our side of an exchange with the Python peer.
struct Transfer {
    static let deadline: Duration = .seconds(240)

    static func listen(
        _ change: (inout EndpointConfiguration) -> Void = { _ in }
    ) throws -> PeerSocket {
        var configuration = PeerSocketConfiguration(identity: Identity())
        change(&configuration.endpoint)
        return try PeerSocket.listen(on: .loopback(port: 0), configuration: configuration)
    }

    /// A connection to a peer that answers, or from a peer that asks.
    static func connect(
        _ socket: PeerSocket, as role: Role, peerArguments: [String]
    ) async throws -> (PeerConnection, PythonPeer) {
        let limit = ContinuousClock.now + deadline
        let peer: PythonPeer
        let connection: PeerConnection
        switch role {
        case .initiator:
            peer = try await PythonPeer(["--role", "responder"] + peerArguments)
            connection = try await socket.connect(to: peer.address, deadline: limit)
        case .responder:
            let port = socket.localAddress.port
            peer = try await PythonPeer(
                ["--role", "initiator", "--connect", "127.0.0.1:\(port)"] + peerArguments)
            connection = try await socket.accept(deadline: limit)
        }
        #expect(connection.role == role)
        #expect(connection.remotePublicKey.hex == peer.staticKey)
        return (connection, peer)
    }

    /// Writes all, and waits until the peer has acknowledged it.
    static func send(_ bytes: [UInt8], to connection: PeerConnection) async throws {
        let limit = ContinuousClock.now + deadline
        try await connection.write(bytes, deadline: limit)
        try await connection.waitAcknowledged(upTo: UInt64(bytes.count), deadline: limit)
    }

    static func receive(_ count: Int, from connection: PeerConnection) async throws -> [UInt8] {
        let limit = ContinuousClock.now + deadline
        var received: [UInt8] = []
        while received.count < count {
            received += try await connection.read(maxBytes: 65_536, deadline: limit)
        }
        return received
    }

    static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    static func sha256(_ bytes: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        crypto_hash_sha256(&digest, bytes, UInt64(bytes.count))
        return digest.hex
    }
}

extension [UInt8] {
    var hex: String {
        map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
