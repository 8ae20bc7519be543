import Foundation
import Glibc
import Synchronization

/// A man in the middle: forwards between one peer and another, and beside each datagram sends what
/// an attacker on the path could make of it, to its destination, from the right address.
final class HostileRelay: Sendable {
    let port: UInt16
    private let descriptor: Int32
    private let destination: UInt16
    private let forges: Bool
    private let isStopped = Atomic(false)
    private let injected = Atomic(0)
    private let seen = Mutex(Seen())

    private struct Seen {
        /// Whoever sent first: the peer that connects.
        var asker: UInt16?
        /// The first ones, which are the handshake, and some of the latest.
        var datagrams: [[UInt8]] = []
    }

    /// Datagrams that are remembered for later, and how many of them are the first ones.
    private static let remembered = 64
    private static let firstRemembered = 8

    /// - Parameters:
    ///   - destination: the UDP port of the peer that is connected to; the other one is whoever
    ///     sends first.
    ///   - forges: sends more beside each datagram.
    init(to destination: UInt16, forges: Bool = true) throws {
        self.forges = forges
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemCallFailure("socket", errno: errno) }
        var address = loopbackAddress(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
            let result = bind(descriptor, pointer, size)
            return result == 0 ? getsockname(descriptor, pointer, &size) : result
        }
        guard bound == 0 else { throw SystemCallFailure("bind", errno: errno) }
        self.descriptor = descriptor
        port = UInt16(bigEndian: address.sin_port)
        // So that the thread sees when it is to stop.
        var timeout = timeval(tv_sec: 0, tv_usec: 50_000)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout,
            socklen_t(MemoryLayout<timeval>.size))
        self.destination = destination
        Thread.detachNewThread { [self] in forward() }
    }

    /// How many datagrams were made up.
    var injectedCount: Int { injected.load(ordering: .relaxed) }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    private func forward() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !isStopped.load(ordering: .relaxed) {
            var source = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let count = withUnsafeMutableBytes(of: &source) {
                recvfrom(
                    descriptor, &buffer, buffer.count, 0,
                    $0.assumingMemoryBound(to: sockaddr.self).baseAddress, &size)
            }
            guard count >= 0 else { continue }
            let from = UInt16(bigEndian: source.sin_port)
            let datagram = Array(buffer[..<count])
            guard let to = remember(datagram, from: from) else { continue }
            send(datagram, to: to)
            for forgery in forges ? Self.forgeries(of: datagram) : [] {
                send(forgery, to: to)
                injected.add(1, ordering: .relaxed)
            }
        }
        close(descriptor)
    }

    /// Returns where it is to go.
    private func remember(_ datagram: [UInt8], from: UInt16) -> UInt16? {
        seen.withLock { seen in
            if from != destination { seen.asker = from }
            if seen.datagrams.count < Self.remembered {
                seen.datagrams.append(datagram)
            } else {
                seen.datagrams[.random(in: Self.firstRemembered..<Self.remembered)] = datagram
            }
            return from == destination ? seen.asker : destination
        }
    }

    /// What began the connection: message 1 of its handshake.
    var firstDatagram: [UInt8]? { seen.withLock { $0.datagrams.first } }

    /// Datagrams between two looks at what passes now.
    private static let stormRound = 256

    /// Sends so many hostile datagrams to both peers, as fast as it can.
    func storm(_ count: Int, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var left = count
        while left > 0 {
            let (asker, real) = seen.withLock { ($0.asker, $0.datagrams) }
            var storm = DatagramStorm(seed: random.next(), real: real)
            for number in 0..<min(left, Self.stormRound) {
                send(storm.next(), to: number % 2 == 0 ? destination : asker ?? destination)
                injected.add(1, ordering: .relaxed)
            }
            left -= Self.stormRound
        }
    }

    /// Cut off, damaged, repeated, prolonged, foreign.
    private static func forgeries(of datagram: [UInt8]) -> [[UInt8]] {
        // Handshakes are left alone: whoever forges those can prevent them, in any protocol.
        // Packets have a number in this place, which begins with zeros but for two flags.
        guard datagram.count >= 32, datagram[8] & 0x3f == 0, datagram[9..<12].allSatisfy({ $0 == 0 })
        else { return [] }
        var damaged = datagram
        damaged[.random(in: 8..<damaged.count)] ^= UInt8(1) << UInt8.random(in: 0..<8)
        var foreign = datagram
        foreign[.random(in: 0..<8)] ^= 0x55
        let cut = Array(datagram.prefix(.random(in: 0..<datagram.count)))
        let short = Array(datagram.prefix(.random(in: 0...24)))
        let random = (0..<Int.random(in: 0...1500)).map { _ in UInt8.random(in: 0...255) }
        let foreignRandom = datagram.prefix(8) + random
        let prolonged = datagram + [0]
        return [damaged, foreign, cut, short, random, Array(foreignRandom), prolonged, datagram]
    }

    private func send(_ datagram: [UInt8], to port: UInt16) {
        var address = loopbackAddress(port: port)
        _ = withUnsafeBytes(of: &address) {
            sendto(
                descriptor, datagram, datagram.count, 0,
                $0.assumingMemoryBound(to: sockaddr.self).baseAddress,
                socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}
