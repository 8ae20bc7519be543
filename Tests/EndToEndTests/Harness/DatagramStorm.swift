import Foundation
import Glibc

/// Datagrams that an attacker sends who sees all that passes: copies of real ones, damaged, cut
/// off, prolonged, repeated; and random ones. The same for one seed and one list of real ones.
struct DatagramStorm {
    private var random: SplitMix64
    private let real: [[UInt8]]

    /// - Parameter real: some that have passed, handshakes among them.
    init(seed: UInt64, real: [[UInt8]]) {
        random = SplitMix64(seed: seed)
        self.real = real
    }

    mutating func next() -> [UInt8] {
        guard !real.isEmpty, random.below(8) > 0 else { return random.bytes(random.below(1500)) }
        let datagram = real[random.below(real.count)]
        switch random.below(6) {
        case 0: return datagram
        case 1: return Array(datagram.prefix(random.below(datagram.count + 1)))
        case 2: return datagram + random.bytes(1 + random.below(64))
        // A connection that exists, and nothing else.
        case 3: return datagram.prefix(8) + random.bytes(random.below(1400))
        // The first message of another handshake: its key is random anyway.
        case 4: return random.bytes(8 + 32) + datagram.dropFirst(40)
        default: return damaged(datagram)
        }
    }

    private mutating func damaged(_ datagram: [UInt8]) -> [UInt8] {
        guard !datagram.isEmpty else { return datagram }
        var datagram = datagram
        for _ in 0...random.below(8) {
            // Half of the damage in the header, which is short.
            let end = random.below(2) == 0 ? min(32, datagram.count) : datagram.count
            datagram[random.below(end)] ^= UInt8(1 << random.below(8))
        }
        return datagram
    }
}

/// The start of a handshake from an address in 127.0.0.0/8, which looks as if it were spoofed.
enum SpoofedSource {
    /// Sends the datagrams from one source, numbered from 0 below 2²³.
    static func send(_ datagrams: [[UInt8]], from source: Int, to port: UInt16) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemCallFailure("socket", errno: errno) }
        defer { close(descriptor) }
        var name = loopbackAddress(port: 0)
        // 127.1.0.1 and on, out of the way of everybody else.
        name.sin_addr.s_addr = UInt32(0x7f01_0001 + source).bigEndian
        let bound = withUnsafeBytes(of: &name) {
            bind(
                descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress,
                socklen_t($0.count))
        }
        guard bound == 0 else { throw SystemCallFailure("bind", errno: errno) }
        var target = loopbackAddress(port: port)
        for datagram in datagrams {
            _ = withUnsafeBytes(of: &target) {
                sendto(
                    descriptor, datagram, datagram.count, 0,
                    $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count))
            }
        }
    }
}
