/// What was sent and not yet acknowledged, which of it is lost, and how much more may be sent
/// (RFC 9002, with segments in the place of packets).
///
/// The protocol acknowledges segments, and a segment keeps its number when it is sent again. So
/// each sending gets an *order* of its own, which takes the part that packet numbers have in
/// RFC 9002; nothing but loss recovery knows of it.
struct LossRecovery<Controller: CongestionController>: Sendable {
    /// The backoff ends here, so that a path that comes back is found again soon.
    static var maximumProbeTimeout: Interval { .seconds(10) }
    /// Probes in an idle timeout at least: a peer that is only slow must be seen to be alive, and
    /// one path that loses a probe must not end the connection.
    private static var probesInIdleTimeout: Int64 { 4 }
    /// A peer whose window is closed is probed no sooner than this: it will say itself when the
    /// window opens, and a probe is a whole segment that is refused (RFC 9293 §3.8.6.1).
    static var minimumWindowProbeTimeout: Interval { .milliseconds(200) }
    /// Probe timeouts without an answer that mean persistent congestion (RFC 9002 §7.6.1).
    private static var persistentCongestionThreshold: Int { 3 }

    struct SentSegment: Sendable {
        enum State: UInt8, Sendable { case inFlight, lost, acknowledged }
        /// Where its bytes are in the stream.
        var offset: UInt64 = 0
        var length: Int32 = 0
        var state = State.acknowledged
        var isRetransmission = false
        /// Why it was last declared lost.
        var cause = RetransmissionCause.packetThreshold
        var sentAt = Instant(nanoseconds: 0)
        var order: UInt64 = 0
        /// The order of the sending before the last.
        var previousOrder: UInt64 = 0
    }

    /// One sending, in order; stale once its segment was acknowledged or sent again.
    private struct Sending: Sendable {
        var position: UInt64
        var sentAt: Instant
    }

    private let maximumProbeTimeout: Interval
    private(set) var rtt = RTTEstimator()
    private(set) var controller = Controller()
    /// From the first segment that is not acknowledged to the next new one.
    private var segments: SequenceRing<SentSegment>
    /// From the first sending that may still be found lost; positions are orders.
    private var sendings: SequenceRing<Sending>
    /// Positions declared lost, to be sent again in this order; stale ones are skipped.
    private var lost = SequenceRing<UInt64>(start: 0, filler: 0)
    private(set) var inFlight = 0
    /// Whether the congestion window was in full use when there was last a chance to send.
    private var isWindowLimited = false
    private var lostCount = 0
    /// Retransmissions that may be sent although the congestion window is full.
    private var probes = 0
    private var probeTimeouts = 0
    private var lastSendingAt = Instant(nanoseconds: 0)
    private var largestAcknowledgedOrder: UInt64?
    private var lossDeadline: Instant?

    /// Sendings before this order belong to the congestion event that is being recovered from.
    private var recoveryStart: UInt64 = 0
    private var spurious = SpuriousLossDetection<Controller>()
    private(set) var retransmissions = [UInt64](
        repeating: 0, count: RetransmissionCause.allCases.count)

    /// - Parameter idleTimeout: of the connection, which bounds the backoff.
    init(initialSequenceNumber: UInt32, idleTimeout: Interval? = nil) {
        maximumProbeTimeout = min(
            Self.maximumProbeTimeout,
            idleTimeout.map { $0 / Self.probesInIdleTimeout } ?? Self.maximumProbeTimeout)
        segments = SequenceRing(start: UInt64(initialSequenceNumber), filler: SentSegment())
        // Orders start at 1: a retransmission's previous order is never confused with none.
        let none = Sending(position: 0, sentAt: Instant(nanoseconds: 0))
        sendings = SequenceRing(start: 1, filler: none)
    }

    // MARK: What is known

    var firstUnacknowledged: UInt64 { segments.start }
    var nextNew: UInt64 { segments.end }
    /// Segments sent and not acknowledged, lost ones included: what the peer's window bounds.
    var unacknowledged: Int { inFlight + lostCount }
    /// How far the newest segment is ahead of the first that is not acknowledged.
    var span: Int { segments.count }
    var isWindowFull: Bool { inFlight >= controller.congestionWindow }

    var spuriousRetransmissions: UInt64 { spurious.spuriousRetransmissions }

    func segment(at position: UInt64) -> SentSegment { segments[position] }

    mutating func addHandshakeSample(_ sample: Interval) {
        rtt.addSample(sample)
    }

    // MARK: Sending

    /// Records a segment that is sent for the first time; its position is the former `nextNew`.
    mutating func didSendNew(offset: UInt64, length: Int, now: Instant) {
        var segment = SentSegment()
        segment.offset = offset
        segment.length = Int32(length)
        segments.append(segment)
        recordSending(of: segments.end - 1, now: now)
    }

    /// The segment to send again next, if the window or a probe allows one.
    mutating func nextRetransmission() -> UInt64? {
        while !lost.isEmpty {
            let position = lost[lost.start]
            if position >= segments.start, segments[position].state == .lost {
                return probes > 0 || !isWindowFull ? position : nil
            }
            _ = lost.removeFirst()
        }
        return nil
    }

    /// Records that what `nextRetransmission` returned was sent. Returns the cause.
    mutating func didRetransmit(_ position: UInt64, now: Instant) -> RetransmissionCause {
        _ = lost.removeFirst()
        if probes > 0 { probes -= 1 }
        let cause = segments[position].cause
        retransmissions[cause.index] += 1
        lostCount -= 1
        segments[position].isRetransmission = true
        segments[position].previousOrder = segments[position].order
        recordSending(of: position, now: now)
        return cause
    }

    /// There was a chance to send, and nothing more can be sent. Whether the window was what ended
    /// it is decided here and not by each acknowledgement, because those come in batches during
    /// which nothing is sent (RFC 9002 §7.8).
    mutating func didExhaustSending() {
        let isInSlowStart =
            controller.slowStartThreshold.map { controller.congestionWindow < $0 } ?? true
        isWindowLimited = isWindowFull
            || (isInSlowStart && inFlight * 2 >= controller.congestionWindow)
    }

    private mutating func recordSending(of position: UInt64, now: Instant) {
        segments[position].order = sendings.end
        segments[position].sentAt = now
        segments[position].state = .inFlight
        sendings.append(Sending(position: position, sentAt: now))
        inFlight += 1
        lastSendingAt = now
    }

    // MARK: Acknowledgement

    struct Acknowledged {
        /// Segments acknowledged for the first time.
        var segments = 0
        var rttSample: Interval?
    }

    /// The peer has received the segment at `position`, and everything before `cumulative`.
    ///
    /// - Parameter mayBeRepeated: the peer may say this again without having received it again.
    mutating func acknowledge(
        _ position: UInt64, allBefore cumulative: UInt64, mayBeRepeated: Bool = false, now: Instant
    ) -> Acknowledged {
        var result = Acknowledged()
        if position >= segments.start, segments[position].state != .acknowledged {
            let segment = segments[position]
            sample(segment, at: position, now: now, into: &result)
            // Karn: only what was sent once tells that the timeout is long enough again.
            if !segment.isRetransmission { probeTimeouts = 0 }
            remove(position, now: now)
            result.segments += 1
        } else {
            if !mayBeRepeated, let loss = spurious.didAcknowledgeAgain(position) {
                didDisprove(loss, wasSentAgain: true)
            }
        }
        var before = segments.start
        while before < min(cumulative, segments.end) {
            if segments[before].state != .acknowledged {
                _ = isForEarlierSending(segments[before], now: now)
                remove(before, now: now)
                result.segments += 1
            }
            before += 1
        }
        while !segments.isEmpty, segments[segments.start].state == .acknowledged {
            _ = segments.removeFirst()
        }
        if result.segments > 0 {
            probes = 0
            detectLosses(now: now)
        }
        return result
    }

    /// Whether the acknowledgement comes sooner after the last sending than any round trip so far,
    /// or before it was sent again at all: then an earlier sending arrived, and the loss was none.
    private mutating func isForEarlierSending(_ segment: SentSegment, now: Instant) -> Bool {
        let isLost = segment.state == .lost
        let isTooSoon =
            segment.isRetransmission && rtt.hasSample && now - segment.sentAt < rtt.minimum
        guard isLost || isTooSoon else { return false }
        let order = isLost ? segment.order : segment.previousOrder
        didDisprove(.init(order: order, cause: segment.cause), wasSentAgain: !isLost)
        return true
    }

    private mutating func didDisprove(
        _ loss: SpuriousLossDetection<Controller>.Loss, wasSentAgain: Bool
    ) {
        spurious.didDisprove(
            loss, largest: largestAcknowledgedOrder, wasSentAgain: wasSentAgain,
            controller: &controller)
    }

    /// Draws conclusions from the one segment that the acknowledgement names.
    private mutating func sample(
        _ segment: SentSegment, at position: UInt64, now: Instant,
        into result: inout Acknowledged
    ) {
        if isForEarlierSending(segment, now: now) { return }
        let elapsed = now - segment.sentAt
        if segment.isRetransmission {
            spurious.remember(
                position, .init(order: segment.previousOrder, cause: segment.cause))
        }
        let isNewest = segment.order > (largestAcknowledgedOrder ?? 0)
        if isNewest { largestAcknowledgedOrder = segment.order }
        if isNewest, !segment.isRetransmission {
            rtt.addSample(elapsed)
            result.rttSample = elapsed
        }
    }

    private mutating func remove(_ position: UInt64, now: Instant) {
        if segments[position].state == .inFlight { inFlight -= 1 } else { lostCount -= 1 }
        segments[position].state = .acknowledged
        if segments[position].order >= recoveryStart {
            controller.onAcknowledgement(rtt: rtt, isWindowLimited: isWindowLimited, now: now)
        }
    }

    // MARK: Loss

    /// Declares lost what RFC 9002 §6.1 does, and arms the timer for what comes next.
    private mutating func detectLosses(now: Instant) {
        lossDeadline = nil
        guard let largest = largestAcknowledgedOrder else { return }
        let delay = max(
            max(rtt.smoothed, rtt.latest) * spurious.timeThreshold / 8, RTTEstimator.granularity)
        while !sendings.isEmpty {
            let order = sendings.start
            let sending = sendings[order]
            guard isCurrent(sending, order) else {
                _ = sendings.removeFirst()
                continue
            }
            guard order < largest else { return }
            if largest - order >= spurious.packetThreshold {
                declareLost(sending.position, cause: .packetThreshold, now: now)
            } else if sending.sentAt + delay <= now {
                declareLost(sending.position, cause: .timeThreshold, now: now)
            } else {
                lossDeadline = sending.sentAt + delay
                return
            }
            _ = sendings.removeFirst()
        }
    }

    private func isCurrent(_ sending: Sending, _ order: UInt64) -> Bool {
        sending.position >= segments.start && segments[sending.position].order == order
            && segments[sending.position].state == .inFlight
    }

    private mutating func declareLost(
        _ position: UInt64, cause: RetransmissionCause, now: Instant
    ) {
        queueLost(position, cause: cause)
        let isEvent = segments[position].order >= recoveryStart
        spurious.didDeclareLost(
            segments[position].order, isEvent: isEvent, controller: controller, rtt: rtt,
            now: now)
        if isEvent {
            recoveryStart = sendings.end
            controller.onCongestionEvent(now: now)
        }
    }

    private mutating func queueLost(_ position: UInt64, cause: RetransmissionCause) {
        segments[position].state = .lost
        segments[position].cause = cause
        inFlight -= 1
        lostCount += 1
        lost.append(position)
    }

    // MARK: Timer

    /// When `handleTimeout` is due; `nil` while nothing is in flight.
    ///
    /// - Parameter isPeerWindowClosed: a peer that says so is slow, not the network.
    func deadline(isPeerWindowClosed: Bool) -> Instant? {
        if let lossDeadline { return lossDeadline }
        guard inFlight > 0 else { return nil }
        return lastSendingAt + probeTimeout(isPeerWindowClosed: isPeerWindowClosed)
    }

    /// The probe timeout with its backoff.
    func probeTimeout(isPeerWindowClosed: Bool) -> Interval {
        let timeout =
            isPeerWindowClosed
            ? max(rtt.probeTimeout, Self.minimumWindowProbeTimeout) : rtt.probeTimeout
        let limited = min(timeout, maximumProbeTimeout)
        return min(limited * (Int64(1) << min(probeTimeouts, 20)), maximumProbeTimeout)
    }

    /// The timer has expired: finds losses by time, or else sends the oldest segments again as
    /// probes (RFC 9002 §6.2.4).
    mutating func handleTimeout(now: Instant, isPeerWindowClosed: Bool) {
        guard let deadline = deadline(isPeerWindowClosed: isPeerWindowClosed), deadline <= now
        else { return }
        if lossDeadline != nil {
            detectLosses(now: now)
            return
        }
        lastSendingAt = now
        // The last probes have not left yet: it is our own socket that is blocked.
        guard probes == 0 else { return }
        probeTimeouts += 1
        if probeTimeouts == Self.persistentCongestionThreshold, !isPeerWindowClosed {
            recoveryStart = sendings.end
            spurious.giveUpDoubt()
            controller.onPersistentCongestion()
        }
        var queued = 0
        for position in segments.start..<segments.end where segments[position].state == .inFlight {
            queueLost(position, cause: .probeTimeout)
            queued += 1
            if queued == 2 { break }
        }
        probes = queued
    }

    /// The peer's window has opened again: what it refused is sent at once.
    mutating func didOpenPeerWindow() {
        guard probeTimeouts > 0, inFlight > 0 else { return }
        probeTimeouts = 0
        for position in segments.start..<segments.end where segments[position].state == .inFlight {
            queueLost(position, cause: .probeTimeout)
        }
    }
}

extension RetransmissionCause {
    /// Its position among all cases.
    var index: Int {
        switch self {
        case .packetThreshold: 0
        case .timeThreshold: 1
        case .probeTimeout: 2
        }
    }
}
