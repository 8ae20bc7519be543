import LRP2P
import ProcessSupport
import TestSupport
import Testing

/// A way the other side may behave, and the seed of its loss.
struct Behaviour: Sendable, CustomTestStringConvertible {
    let name: String
    let arguments: [String]
    /// The peer keeps quiet about lost handshake messages; then none of them may be lost.
    let seed: Int

    var testDescription: String { name }

    /// 3-byte windows, obeys ours, repeats lost handshake messages. The seed loses the first
    /// datagram in each direction.
    static let specification = Behaviour(name: "specification", arguments: [], seed: 37)
    /// 4-byte windows of 65535, ignores ours, and never repeats a handshake message: the seed
    /// loses none of the first eight datagrams in either direction.
    static let reference = Behaviour(name: "reference", arguments: ["--reference-like"], seed: 6)
}

extension Interop {
    @Suite struct ExchangeTests {
        static let mebibyte = 1 << 20

        @Test(
            "1 MiB each way at once, 5 % of the datagrams lost",
            arguments: [Role.initiator, .responder], [Behaviour.specification, .reference])
        func exchange(role: Role, behaviour: Behaviour) async throws {
            let socket = try Transfer.listen()
            let (connection, peer) = try await Transfer.connect(
                socket, as: role,
                peerArguments: behaviour.arguments + [
                    "--loss", "0.05", "--seed", "\(behaviour.seed)",
                    "--send-bytes", "\(Self.mebibyte)", "--receive-bytes", "\(Self.mebibyte)",
                ])
            #expect(try await peer.handshake() == socket.identity.publicKey.hex)

            let sent = Transfer.randomBytes(Self.mebibyte)
            async let sending: Void = Transfer.send(sent, to: connection)
            let received = try await Transfer.receive(Self.mebibyte, from: connection)
            try await sending

            let result = try await peer.finish()
            #expect(result.receivedSha256 == Transfer.sha256(sent))
            #expect(result.sentSha256 == Transfer.sha256(received))
            // The loss was real, and what we write is the specification's form.
            #expect(result.retransmissions > 0)
            try await eventually("retransmissions in the statistics") {
                connection.statistics.retransmissions > 0
            }
            #expect(result.ackWindowLengths == [3])
            await socket.close()
        }

        @Test("Data stays behind message 3, which is sent more than once")
        func thirdMessage() async throws {
            let socket = try Transfer.listen()
            let (connection, peer) = try await Transfer.connect(
                socket, as: .initiator,
                peerArguments: ["--reference-like", "--receive-bytes", "5"])
            try await Transfer.send(Array("hello".utf8), to: connection)
            let result = try await peer.finish()
            #expect(try #require(result.thirdMessagesBeforeData) >= 2)
            #expect(result.receivedSha256 == Transfer.sha256(Array("hello".utf8)))
            await socket.close()
        }

        @Test("Keepalives are empty datagrams, and nobody minds them")
        func keepalive() async throws {
            let socket = try Transfer.listen { $0.keepAliveInterval = .milliseconds(20) }
            let (connection, peer) = try await Transfer.connect(
                socket, as: .initiator, peerArguments: ["--receive-bytes", "5"])
            // A few of them are the handshake's.
            try await eventually("30 datagrams sent") {
                connection.statistics.packetsSent >= 30
            }
            try await Transfer.send(Array("hello".utf8), to: connection)
            #expect(try await peer.finish().keepalives >= 20)
            await socket.close()
        }

        @Test(
            "A peer that dies half-way ends by idle timeout",
            arguments: [Role.initiator, .responder])
        func deadPeer(role: Role) async throws {
            let socket = try Transfer.listen { $0.idleTimeout = .seconds(2) }
            let (connection, peer) = try await Transfer.connect(
                socket, as: role,
                peerArguments: ["--send-bytes", "\(64 * Self.mebibyte)", "--receive-bytes", "1"])
            _ = try await Transfer.receive(100_000, from: connection)
            peer.process.send(signal: 9)
            let limit = ContinuousClock.now + Transfer.deadline
            #expect(await connection.waitUntilClosed(deadline: limit) == .idleTimeout)
            await #expect(throws: ReadError.self) {
                while true { _ = try await connection.read(maxBytes: 1 << 20, deadline: limit) }
            }
            await #expect(throws: WriteError.self) {
                try await connection.write([1], deadline: limit)
            }
            await socket.close()
        }

        @Test("The Python peer agrees with the recorded exchanges, and finds faults")
        func selfTest() async throws {
            let process = try PythonPeer.launch(["selftest"])
            let exit = try await process.wait(within: .seconds(240))
            #expect(exit == .status(0), "\(process.errorText)")
        }
    }
}
