@testable import LRP2PCore

/// The initiator of a connection, which has its keys and says whatever it likes.
struct MaliciousPeer {
    let pair: Pair
    /// Its own end, of which only the keys and the numbers are used.
    let own: Connection
    /// The end that has to stand it.
    let victim: Connection

    init(_ pair: Pair) throws {
        self.pair = pair
        (own, victim) = try pair.connect()
        pair.run(for: .seconds(1))
    }

    /// A packet of these frames, which has not been sent.
    func packet(_ frames: (inout FrameWriter) -> Void) -> Pair.Flight {
        var bytes = [UInt8](repeating: 0, count: Endpoint.maximumDatagramSize)
        let length = bytes.withUnsafeMutableBytes { buffer in
            var writer = FrameWriter(
                UnsafeMutableRawBufferPointer(
                    rebasing: own.plaintext(of: buffer).dropLast(WireFormat.tagLength)))
            frames(&writer)
            let header = PacketHeader(
                number: own.nextNonce, isPhaseOdd: own.keys.isSendingPhaseOdd)
            own.recovery.skipNumber()
            return own.seal(writer.count, field: header.field, into: buffer)
        }
        return Pair.Flight(isFromA: true, bytes: Array(bytes[..<length]))
    }

    func send(_ frames: (inout FrameWriter) -> Void) {
        pair.deliver(packet(frames))
    }

    /// Lets the victim say what it has to say, and loses it.
    func ignoreAnswers() {
        withUnsafeTemporaryAllocation(byteCount: Endpoint.maximumDatagramSize, alignment: 8) {
            while pair.b.pollTransmit(into: $0, now: pair.now) != nil {}
        }
        while pair.b.pollEvent() != nil {}
    }

    /// Lets time pass for the victim alone.
    func pass(_ interval: Interval) {
        pair.now = pair.now + interval
        pair.b.handleDeadline(now: pair.now)
        ignoreAnswers()
    }
}
