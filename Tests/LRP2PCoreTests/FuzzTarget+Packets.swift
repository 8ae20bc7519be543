import Sodium

@testable import LRP2PCore

// Packets of a peer that has the keys and follows no rules.
extension FuzzTarget {
    /// The input is a series of packets: what happens before it (1), the length of its plaintext
    /// (1), the plaintext. High bits let the victim's application read, write and end its stream;
    /// the low ones let time pass.
    static func handlePackets(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard var peers = FuzzedPair() else { return "no connection" }
        defer { peers.output.deallocate() }
        var position = 0
        while bytes.count - position >= 2, !peers.victim.isClosed {
            let mode = bytes[position]
            let length = min(Int(bytes[position + 1]), bytes.count - position - 2)
            peers.act(mode)
            peers.deliver(
                UnsafeRawBufferPointer(rebasing: bytes[(position + 2)..<(position + 2 + length)]))
            position += 2 + length
            if let violation = peers.violation() { return violation }
        }
        return nil
    }
}

/// Two endpoints after their handshake, of which one is attacked.
private struct FuzzedPair {
    private static let addresses = (
        SocketAddress(ipv4: 0x0a00_0001, port: 1000), SocketAddress(ipv4: 0x0a00_0002, port: 2000)
    )

    private let attacker: Endpoint
    private let attacked: Endpoint
    private let own: Connection
    let victim: Connection
    let output = UnsafeMutableRawBufferPointer.allocate(
        byteCount: Endpoint.maximumDatagramSize, alignment: 8)
    private var now = Instant(nanoseconds: 1_000_000_000)

    init?() {
        attacker = Self.makeEndpoint(1)
        attacked = Self.makeEndpoint(2)
        guard let own = try? attacker.connect(to: Self.addresses.1, now: now) else { return nil }
        self.own = own
        var accepted: Connection?
        for _ in 0..<3 {
            Self.pass(from: attacker, at: Self.addresses.0, to: attacked, output, now)
            Self.pass(from: attacked, at: Self.addresses.1, to: attacker, output, now)
            while let event = attacked.pollEvent() {
                if case .accepted(let connection) = event { accepted = connection }
            }
        }
        guard let accepted else { return nil }
        victim = accepted
    }

    private static func makeEndpoint(_ seed: UInt8) -> Endpoint {
        var next = seed
        return Endpoint(
            configuration: EndpointConfiguration(),
            staticPrivateKey: SecretBytes(copying: [UInt8](repeating: seed, count: 32)),
            random: { buffer in
                for index in buffer.indices {
                    next = next &* 5 &+ 3
                    buffer[index] = next
                }
            })
    }

    private static func pass(
        from: Endpoint, at source: SocketAddress, to: Endpoint,
        _ buffer: UnsafeMutableRawBufferPointer, _ now: Instant
    ) {
        while let transmit = from.pollTransmit(into: buffer, now: now) {
            var datagram = Array(buffer[..<transmit.length])
            datagram.withUnsafeMutableBytes { to.handleDatagram($0, from: source, now: now) }
        }
    }

    /// What the victim's application does, and how much time passes.
    mutating func act(_ mode: UInt8) {
        if mode & 0x80 != 0 {
            victim.receiveRing.release(upTo: victim.receiveRing.endPosition)
            attacked.didRead(from: victim, now: now)
        }
        if mode & 0x40 != 0 {
            _ = [UInt8](repeating: 7, count: 3000).withUnsafeBytes { victim.sendRing.write($0) }
            attacked.didWrite(to: victim, now: now)
        }
        if mode & 0x20 != 0 { attacked.finishWriting(victim, now: now) }
        now = now + .milliseconds(Int64(mode & 0x1f) * 16)
        attacked.handleDeadline(now: now)
    }

    /// Encrypts the plaintext with the keys of the connection.
    func deliver(_ plaintext: UnsafeRawBufferPointer) {
        let room = own.plaintext(of: output)
        guard plaintext.count + WireFormat.tagLength <= room.count else { return }
        room.copyMemory(from: plaintext)
        let header = PacketHeader(number: own.nextNonce, isPhaseOdd: own.keys.isSendingPhaseOdd)
        let length = own.seal(plaintext.count, field: header.field, into: output)
        attacked.handleDatagram(
            UnsafeMutableRawBufferPointer(rebasing: output[..<length]), from: Self.addresses.0,
            now: now)
    }

    /// Takes what the victim has to say, which must come to an end, and looks at what it keeps.
    func violation() -> String? {
        for (name, next) in [
            ("sending", { attacked.pollTransmit(into: output, now: now) != nil }),
            ("events", { attacked.pollEvent() != nil }),
        ] as [(String, () -> Bool)] {
            var count = 0
            while next() {
                count += 1
                if count > 1000 { return "\(name) without end" }
            }
        }
        for ring in [victim.sendRing, victim.receiveRing]
        where ring.count > ring.capacity || ring.startPosition > ring.endPosition {
            return "\(ring.count) bytes in a ring of \(ring.capacity)"
        }
        let statistics = victim.statistics
        return statistics.packetsInFlight < 0 || statistics.congestionWindowPackets < 1
            ? "impossible figures" : nil
    }
}
