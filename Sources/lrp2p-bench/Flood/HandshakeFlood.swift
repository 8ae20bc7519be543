import Glibc
import LRP2P
import LRP2PSimulation
import Sodium
import Synchronization

/// First messages of handshakes from very many addresses, as if they were spoofed: of 127.0.0.0/8,
/// all of which is this machine.
final class HandshakeFlood: Sendable {
    /// What is sent at once, before the next look at the clock.
    private static let burst = 16
    /// Answers are not read, and not kept: the least there is for them.
    private static let receiveBufferBytes: Int32 = 1

    private let sockets: [Int32]
    private let target: sockaddr_in
    private let offer: [UInt8]
    private let isOver = Atomic(false)
    private let sent = Atomic(0)

    init(sources: Int, target: SocketAddress) throws {
        self.target = .loopback(port: target.port)
        offer = try Self.firstMessage()
        var sockets: [Int32] = []
        do {
            for source in 0..<sources { sockets.append(try Self.socket(ofSource: source)) }
        } catch {
            sockets.forEach { close($0) }
            throw error
        }
        self.sockets = sockets
    }

    deinit { sockets.forEach { close($0) } }

    /// A socket at 127.1.0.1 or after it, out of the way of everybody else.
    private static func socket(ofSource source: Int) throws -> Int32 {
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = Glibc.socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { throw BenchError.system(operation: "socket", errno: errno) }
        var bytes = receiveBufferBytes
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        var name = sockaddr_in.loopback(port: 0)
        name.sin_addr.s_addr = (UInt32(0x7f01_0001) + UInt32(source)).bigEndian
        guard name.asSockaddr({ bind(descriptor, $0, $1) }) == 0 else {
            let code = errno
            close(descriptor)
            throw BenchError.system(operation: "bind", errno: code)
        }
        return descriptor
    }

    /// What a gateway's connection begins with.
    private static func firstMessage() throws -> [UInt8] {
        let endpoint = Endpoint(
            configuration: EndpointConfiguration(),
            staticPrivateKey: SecretBytes(count: X25519.keyLength) {
                Sodium.fillWithRandomBytes($0)
            },
            random: { Sodium.fillWithRandomBytes($0) })
        let now = MonotonicClock.now
        _ = try endpoint.connect(to: .loopback(port: 1), now: now)
        var buffer = [UInt8](repeating: 0, count: Endpoint.maximumDatagramSize)
        let length = buffer.withUnsafeMutableBytes {
            endpoint.pollTransmit(into: $0, now: now)?.length ?? 0
        }
        return Array(buffer[..<length])
    }

    /// Datagrams sent so far.
    var count: Int { sent.load(ordering: .relaxed) }

    func stop() { isOver.store(true, ordering: .relaxed) }

    /// Sends so many in a second until it is stopped: every source in its turn, every other message
    /// with an offer and every other one of the base protocol.
    func run(perSecond rate: Int) {
        var random = SeededRandom(seed: 1)
        var message = offer
        let start = MonotonicClock.now
        var number = 0
        while !isOver.load(ordering: .relaxed) {
            let due = Int((MonotonicClock.now - start).inSeconds * Double(rate))
            guard number < due else {
                usleep(500)
                continue
            }
            for _ in 0..<min(due - number, Self.burst) {
                send(&message, hasOffer: number % 2 == 0, from: number / 2, &random)
                number += 1
            }
            sent.store(number, ordering: .relaxed)
        }
    }

    /// Connection id and key are new in each. The rest of a first message is not secret, and not
    /// authenticated.
    private func send(
        _ message: inout [UInt8], hasOffer: Bool, from source: Int, _ random: inout SeededRandom
    ) {
        let baseLength = WireFormat.connectionIDLength + X25519.keyLength
        message.withUnsafeMutableBytes { bytes in
            random.fill(UnsafeMutableRawBufferPointer(rebasing: bytes[..<baseLength]))
            let length = hasOffer ? bytes.count : baseLength
            _ = target.asSockaddr {
                sendto(
                    sockets[source % sockets.count], bytes.baseAddress, length, 0, $0, $1)
            }
        }
    }
}
