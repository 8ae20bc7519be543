import CLinux
import Testing

@testable import LRP2P

/// Long enough for any machine; nothing waits for it unless something is broken.
let patience = Duration.seconds(60)

/// The deadline of a wait that must succeed.
func soon() -> ContinuousClock.Instant { .now + patience }

/// A mailbox without a thread; the test plays the thread.
func makeMailbox() throws -> Mailbox {
    let descriptor = clinux_eventfd_create()
    try #require(descriptor >= 0)
    return Mailbox(eventDescriptor: descriptor)
}

extension SocketAddress {
    static let anyLoopbackPort = SocketAddress.loopback(port: 0)
    static let anyIPv6LoopbackPort = SocketAddress(ipv6High: 0, low: 1, port: 0)
}

extension PeerSocket {
    /// A socket on loopback with a new identity.
    static func onLoopback(
        _ address: SocketAddress = .anyLoopbackPort,
        configure: (inout PeerSocketConfiguration) -> Void = { _ in }
    ) throws -> PeerSocket {
        var configuration = PeerSocketConfiguration(identity: Identity())
        configure(&configuration)
        return try PeerSocket.listen(on: address, configuration: configuration)
    }
}

/// Two sockets with one connection between them.
struct ConnectedPair {
    let client: PeerSocket, server: PeerSocket
    let outbound: PeerConnection, inbound: PeerConnection

    init(
        _ address: SocketAddress = .anyLoopbackPort,
        configure: (inout PeerSocketConfiguration) -> Void = { _ in }
    ) async throws {
        client = try .onLoopback(address, configure: configure)
        server = try .onLoopback(address, configure: configure)
        outbound = try await client.connect(to: server.localAddress, deadline: soon())
        inbound = try await server.accept(deadline: soon())
    }

    func close() async {
        await client.close()
        await server.close()
    }
}

extension PeerConnection {
    /// Exactly `count` bytes.
    func read(exactly count: Int) async throws -> [UInt8] {
        var result: [UInt8] = []
        while result.count < count {
            result += try await read(maxBytes: count - result.count, deadline: soon())
        }
        return result
    }

    /// Writes `count` bytes made from a seed.
    func write(seed: UInt64, count: Int) async throws {
        var random = SplitMix64(seed: seed)
        var left = count
        while left > 0 {
            let part = min(left, 64 * 1024)
            try await write(random.bytes(part), deadline: soon())
            left -= part
        }
    }

    /// Reads what ``write(seed:count:)`` wrote; the offset of the first wrong byte, if any.
    func readAndCompare(seed: UInt64, count: Int) async throws -> Int? {
        var random = SplitMix64(seed: seed)
        var offset = 0
        while offset < count {
            let part = min(count - offset, 64 * 1024)
            let expected = random.bytes(part)
            let found = try await read(exactly: part)
            if found != expected { return offset + zip(found, expected).prefix { $0 == $1 }.count }
            offset += part
        }
        return nil
    }
}
