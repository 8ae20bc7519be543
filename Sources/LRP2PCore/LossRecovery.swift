/// Which packets are in flight, which of them are lost, and how much more may be sent and when
/// (RFC 9002).
///
/// Packets are numbered in the order in which they were sent. The extended protocol acknowledges
/// those numbers, which are its nonces; the base protocol acknowledges segments, and `SegmentTable`
/// knows with which packet each was sent last.
struct LossRecovery: Sendable {
    /// The backoff ends here, so that a path that comes back is found again soon.
    static let maximumProbeTimeout: Interval = .seconds(10)
    /// Probes in an idle timeout at least: a peer that is only slow must be seen to be alive, and
    /// one path that loses a probe must not end the connection.
    private static let probesInIdleTimeout: Int64 = 4
    /// A peer whose window is closed is probed no sooner than this: it will say itself when the
    /// window opens, and a probe is a whole segment that is refused (RFC 9293 §3.8.6.1).
    static let minimumWindowProbeTimeout: Interval = .milliseconds(200)
    /// Probe timeouts without an answer that mean persistent congestion (RFC 9002 §7.6.1).
    static let persistentCongestionThreshold = 3
    /// Packets sent for one probe timeout (RFC 9002 §6.2.4).
    static let packetsPerProbe = 2
    /// Packets that are dealt with, behind one in flight, of which is kept that they are. A peer
    /// that acknowledges nothing and has everything acknowledged could make it any number.
    static let maximumSettled = 1 << 16
    /// Bytes beyond the congestion window that packets without data may take: they are short, and
    /// the peer may wait for what they say.
    private static let controlAllowance = 14_720

    // What is not private is also of LossRecovery+Timer.swift, but for what the owner calls.
    let algorithm: CongestionControlAlgorithm
    let maximumProbeTimeout: Interval
    var rtt = RTTEstimator()
    var controller: CongestionControl
    private var delivery = DeliveryRateEstimator()
    var pacer: Pacer
    /// Asked of the controller once for each acknowledgement, not for each packet.
    var pacingRate: Double?
    /// Bytes of a full datagram on this path.
    var datagramSize: Int

    /// From the first packet that is in flight to the next new one.
    var packets = SequenceRing<SentPacket>(start: 0, filler: SentPacket())
    private(set) var packetsInFlight = 0
    private(set) var bytesInFlight = 0
    /// Declared lost since the owner last looked; it empties this.
    private var lost = ContiguousArray<LostPacket>()
    /// Packets that may be sent although the congestion window is full.
    var probes = 0
    var probeTimeouts = 0
    var lastSendingAt = Instant(nanoseconds: 0)
    private(set) var largestAcknowledged: UInt64?
    var lossDeadline: Instant?
    /// Whether the congestion window was in full use when there was last a chance to send.
    private var isWindowLimited = false

    /// Packets before this one belong to the congestion event that is being recovered from.
    var recoveryStart: UInt64 = 0
    var spurious = SpuriousLossDetection()
    var news = News()

    /// What one acknowledgement has brought so far.
    struct News {
        var packets = 0
        var bytes = 0
        var bytesSinceEvent = 0
        var lostBytes = 0
        var priorBytesInFlight = 0
        /// When the newest packet it names was sent, if that measures a round trip.
        var measuredFrom: Instant?
    }

    /// - Parameter idleTimeout: of the connection, which bounds the backoff.
    init(
        algorithm: CongestionControlAlgorithm = .cubic, datagramSize: Int = 1400,
        idleTimeout: Interval? = nil
    ) {
        self.algorithm = algorithm
        self.datagramSize = datagramSize
        controller = CongestionControl(algorithm, maximumDatagramSize: datagramSize)
        pacer = Pacer(maximumDatagramSize: datagramSize)
        maximumProbeTimeout = min(
            Self.maximumProbeTimeout,
            idleTimeout.map { $0 / Self.probesInIdleTimeout } ?? Self.maximumProbeTimeout)
    }

    // MARK: What is known

    /// The number of the next packet.
    var nextNumber: UInt64 { packets.end }
    var isWindowFull: Bool { bytesInFlight + datagramSize > controller.congestionWindow }
    /// Bytes in flight when the last acknowledgement came.
    var lastBytesInFlight: Int { news.priorBytesInFlight }

    var spuriousRetransmissions: UInt64 { spurious.spuriousRetransmissions }

    func packet(_ number: UInt64) -> SentPacket { packets[number] }

    mutating func addHandshakeSample(_ sample: Interval) {
        rtt.addSample(sample)
        pacingRate = controller.pacingRate(rtt: rtt)
    }

    /// Until when pacing holds the next packet back; `nil` when it may leave.
    mutating func pacedUntil(now: Instant) -> Instant? {
        probes > 0 ? nil : pacer.releaseTime(size: datagramSize, rate: pacingRate, now: now)
    }

    /// A packet that asks for an acknowledgement must be sent, whatever it carries.
    var mustProbe: Bool { probes > 0 }

    /// Whether the congestion window, or a probe, has room for another full packet.
    var hasRoom: Bool { probes > 0 || !isWindowFull }

    /// Whether a packet without data may ask for an acknowledgement.
    var hasRoomForControl: Bool {
        probes > 0 || bytesInFlight < controller.congestionWindow + Self.controlAllowance
    }

    // MARK: Sending

    /// Records the packet `nextNumber`, which the peer will acknowledge.
    mutating func didSend(
        _ contents: SentPacket.Contents, offset: UInt64 = 0, length: Int = 0, size: Int,
        now: Instant
    ) {
        var packet = SentPacket()
        packet.offset = offset
        packet.length = UInt16(truncatingIfNeeded: length)
        packet.size = UInt16(truncatingIfNeeded: size)
        packet.contents = contents
        packet.sentAt = now
        packet.state = .inFlight
        let charged = packet.chargedSize
        packet.stamp = delivery.didSend(
            bytesInFlightBefore: bytesInFlight, size: charged, now: now)
        let isApplicationLimited = delivery.isApplicationLimited
        if isApplicationLimited { packet.contents.insert(.applicationLimited) }
        controller.onSend(
            size: charged, bytesInFlightBefore: bytesInFlight,
            isApplicationLimited: isApplicationLimited, now: now)
        packets.append(packet)
        packetsInFlight += 1
        bytesInFlight += charged
        lastSendingAt = now
        if probes > 0, charged > 0 { probes -= 1 }
        pacer.didSend(size: charged, rate: pacingRate, now: now)
    }

    /// Uses up a number for a packet that the peer will not acknowledge.
    mutating func skipNumber() {
        packets.skip()
        while packets.count - packetsInFlight > Self.maximumSettled {
            if packets[packets.start].state == .inFlight {
                queueLost(packets.start, cause: .probeTimeout)
            }
            packets.dropFirst()
        }
    }

    /// There was a chance to send, and nothing more can be sent now. Whether the window was what
    /// ended it is decided here and not by each acknowledgement, because those come in batches
    /// during which nothing is sent (RFC 9002 §7.8).
    ///
    /// - Parameter hasMore: the application has data that would be sent if it were allowed.
    mutating func didExhaustSending(hasMore: Bool, now: Instant) {
        let isInSlowStart =
            controller.slowStartThreshold.map { controller.congestionWindow < $0 } ?? true
        let isHeldBack = isWindowFull || (hasMore && pacedUntil(now: now) != nil)
        isWindowLimited = isHeldBack
            || (isInSlowStart && bytesInFlight * 2 >= controller.congestionWindow)
        if !hasMore, !isHeldBack {
            delivery.markApplicationLimited(bytesInFlight: bytesInFlight)
        }
    }

    // MARK: Acknowledgement

    /// The numbers from the first packet that may be in flight on, for the owner to go through.
    var firstUnsettled: UInt64 { packets.start }

    mutating func beginAcknowledgement() {
        news = News()
        news.priorBytesInFlight = bytesInFlight
    }

    /// The peer has received the packet. Returns it when that is news.
    ///
    /// - Parameter mayMeasure: the acknowledgement is known to be for this packet and to have been
    ///   sent when it arrived.
    @inline(__always)
    mutating func acknowledge(
        _ number: UInt64, mayMeasure: Bool, now: Instant
    ) -> SentPacket? {
        guard number >= packets.start, number < packets.end else { return nil }
        let packet = packets[number]
        guard packet.state == .inFlight else { return nil }
        let size = packet.chargedSize
        packets[number].state = .settled
        packetsInFlight -= 1
        bytesInFlight -= size
        news.packets += 1
        news.bytes += size
        if number >= recoveryStart { news.bytesSinceEvent += size }
        delivery.didAcknowledge(
            packet.stamp, sentAt: packet.sentAt, size: size,
            isApplicationLimited: packet.contents.contains(.applicationLimited), now: now)
        if mayMeasure, number >= largestAcknowledged ?? 0 {
            largestAcknowledged = number
            news.measuredFrom = packet.sentAt
        }
        return packet
    }

    /// Takes note of the newest packet an acknowledgement is for when it measures nothing.
    mutating func noteAcknowledged(_ number: UInt64) {
        largestAcknowledged = max(number, largestAcknowledged ?? 0)
    }

    /// The acknowledgement has been gone through. Returns the round trip it measured, if any.
    ///
    /// - Parameters:
    ///   - delay: how long the peer held it back.
    ///   - endsBackoff: it shows that the probe timeout is long enough again (Karn).
    ///   - isMarked: it reports new congestion marks (RFC 9002 §7.1).
    mutating func endAcknowledgement(
        delay: Interval = .zero, endsBackoff: Bool, isMarked: Bool = false, now: Instant
    ) -> Interval? {
        let sample = news.measuredFrom.map { now - $0 }
        if let sample { rtt.addSample(sample, acknowledgementDelay: delay) }
        if endsBackoff, sample != nil || news.packets > 0 { probeTimeouts = 0 }
        guard news.packets > 0 else { return sample }
        probes = 0
        if isMarked, let largest = largestAcknowledged, largest >= recoveryStart {
            beginEvent(isExplicit: true, now: now)
        }
        detectLosses(now: now)
        controller.onAcknowledgement(
            AcknowledgementSample(
                now: now, acknowledgedBytes: news.bytes,
                acknowledgedSinceEvent: news.bytesSinceEvent, lostBytes: news.lostBytes,
                priorBytesInFlight: news.priorBytesInFlight, bytesInFlight: bytesInFlight,
                isWindowLimited: isWindowLimited, largestAcknowledged: largestAcknowledged ?? 0,
                nextPacketNumber: packets.end, latestRTT: sample,
                delivery: delivery.takeSample(minimumRTT: rtt.minimum, now: now),
                totalDelivered: delivery.delivered, totalLost: delivery.lost),
            rtt: rtt)
        pacingRate = controller.pacingRate(rtt: rtt)
        return sample
    }

    // MARK: Loss

    /// Packets declared lost, oldest first; the owner takes all of them after each acknowledgement
    /// and timeout.
    mutating func takeLost(_ body: (LostPacket) -> Void) {
        for packet in lost { body(packet) }
        lost.removeAll(keepingCapacity: true)
    }

    var hasLost: Bool { !lost.isEmpty }

    /// A loss proved to have been none.
    mutating func didDisprove(_ loss: SpuriousLossDetection.Loss, wasSentAgain: Bool) {
        spurious.didDisprove(
            loss, largest: largestAcknowledged, wasSentAgain: wasSentAgain,
            controller: &controller)
    }

    /// Base protocol: a retransmission was acknowledged, and it cannot be told for which sending.
    mutating func rememberRetransmission(
        _ position: UInt64, _ loss: SpuriousLossDetection.Loss
    ) {
        spurious.remember(position, loss)
    }

    /// Base protocol: a segment was acknowledged again, so both copies have arrived.
    mutating func didAcknowledgeAgain(_ position: UInt64) {
        guard let loss = spurious.didAcknowledgeAgain(position) else { return }
        didDisprove(loss, wasSentAgain: true)
    }

    /// A packet within the range that was declared lost and has arrived after all; each once. Its
    /// round trip is measured like that of any other, or one that is longer than the probe timeout
    /// would never become known.
    ///
    /// - Parameter largest: the newest packet that the acknowledgement is for.
    mutating func takeLate(in range: ClosedRange<UInt64>, largest: UInt64) -> LostPacket? {
        guard let late = spurious.takeLate(in: range) else { return nil }
        if late.number == largest, largest >= largestAcknowledged ?? 0 {
            news.measuredFrom = late.packet.sentAt
        }
        didDisprove(.init(number: late.number, cause: late.cause), wasSentAgain: true)
        return late
    }

    /// Declares lost what RFC 9002 §6.1 does, and arms the timer for what comes next.
    mutating func detectLosses(now: Instant) {
        lossDeadline = nil
        guard let largest = largestAcknowledged else { return }
        let delay = max(
            max(rtt.smoothed, rtt.latest) * spurious.timeThreshold / 8, RTTEstimator.granularity)
        while !packets.isEmpty {
            let number = packets.start
            guard packets[number].state == .inFlight else {
                packets.dropFirst()
                continue
            }
            guard number < largest else { return }
            let sentAt = packets[number].sentAt
            if largest - number >= spurious.packetThreshold {
                declareLost(number, cause: .packetThreshold, now: now)
            } else if sentAt + delay <= now {
                declareLost(number, cause: .timeThreshold, now: now)
            } else {
                lossDeadline = sentAt + delay
                return
            }
            packets.dropFirst()
        }
    }

    private mutating func declareLost(
        _ number: UInt64, cause: RetransmissionCause, now: Instant
    ) {
        let packet = queueLost(number, cause: cause)
        if packet.contents.contains(.sizeProbe) { return }
        let size = Int(packet.size)
        news.lostBytes += size
        delivery.didLose(size: size)
        let isEvent = number >= recoveryStart
        spurious.didDeclareLost(
            LostPacket(number: number, cause: cause, packet: packet), isEvent: isEvent,
            controller: controller, rtt: rtt, now: now)
        controller.onLoss(
            LossSample(
                now: now, size: size, stamp: packet.stamp,
                isApplicationLimited: packet.contents.contains(.applicationLimited),
                bytesInFlight: bytesInFlight, totalDelivered: delivery.delivered,
                totalLost: delivery.lost))
        if isEvent { beginEvent(isExplicit: false, now: now) }
    }

    private mutating func beginEvent(isExplicit: Bool, now: Instant) {
        recoveryStart = packets.end
        news.bytesSinceEvent = 0
        controller.onCongestionEvent(now: now, isExplicit: isExplicit)
    }

    @discardableResult
    mutating func queueLost(_ number: UInt64, cause: RetransmissionCause) -> SentPacket {
        packets[number].state = .settled
        let packet = packets[number]
        packetsInFlight -= 1
        bytesInFlight -= packet.chargedSize
        lost.append(LostPacket(number: number, cause: cause, packet: packet))
        return packet
    }
}
