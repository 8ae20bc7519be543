@testable import LRP2PCore

/// One sender on a simulated path.
struct SimulatedFlow {
    private struct Packet {
        var size: Int
        var stamp: DeliveryStamp
        var sentAt: Instant
        var acknowledgedAt: Instant?
        var isApplicationLimited: Bool
    }
    private struct Limit {
        var rate: Double
        var since: Instant
        var sent = 0.0
    }

    private static let packetThreshold = 3
    private static let acknowledgementDelay: Interval = .milliseconds(5)

    private(set) var controller: CongestionControl
    private(set) var rtt = RTTEstimator()
    private var estimator = DeliveryRateEstimator()
    private var pacer: Pacer
    private let datagramSize: Int
    /// From the first packet that may still be in flight.
    private var packets: [Packet] = []
    private var first = 0
    private var largest = -1
    /// The next packet that arrives, as packets do in order.
    private var arriving = 0
    /// What the peer has and did not acknowledge yet.
    private var received: [Int] = []
    private var acknowledgementDue: Instant?
    private var inFlight = 0
    private var recoveryStart = 0
    private var limit: Limit?
    private var isApplicationLimited = false
    private var release: Instant?
    private var timeout: Instant?

    /// Bytes since `resetStatistics`.
    private(set) var sent = 0
    private(set) var delivered = 0
    private(set) var lost = 0
    private(set) var congestionEvents = 0

    init(
        _ algorithm: CongestionControlAlgorithm, datagramSize: Int, roundTrip: Interval,
        start: Instant
    ) {
        controller = CongestionControl(algorithm, maximumDatagramSize: datagramSize)
        pacer = Pacer(maximumDatagramSize: datagramSize)
        self.datagramSize = datagramSize
        release = start
        // The handshake's.
        rtt.addSample(roundTrip)
    }

    mutating func resetStatistics() {
        (sent, delivered, lost, congestionEvents) = (0, 0, 0, 0)
    }

    mutating func limitApplication(to rate: Double?, now: Instant) {
        limit = rate.map { Limit(rate: $0, since: now) }
        release = now
    }

    // MARK: Events

    var nextEvent: Instant {
        min(
            release ?? .distantFuture, nextArrival ?? .distantFuture,
            acknowledgementDue ?? .distantFuture, timeout ?? .distantFuture)
    }

    private var nextArrival: Instant? {
        arriving < packets.count ? packets[arriving].acknowledgedAt : nil
    }

    mutating func handleEvent(now: Instant, acknowledgeEvery count: Int) {
        if let release, release <= now { self.release = nil }
        if let arrival = nextArrival, arrival <= now {
            receive(acknowledgeEvery: count, now: now)
        }
        if let due = acknowledgementDue, due <= now {
            acknowledgementDue = nil
            process(received, now: now)
            received.removeAll(keepingCapacity: true)
        } else if let timeout, timeout <= now {
            declareLost(upTo: packets.count, now: now)
            self.timeout = nil
        }
    }

    /// Steps over packets that never arrive.
    private mutating func skipLostOnTheWay() {
        while arriving < packets.count, packets[arriving].acknowledgedAt == nil { arriving += 1 }
    }

    /// The peer has a packet; it acknowledges `count` together, or what it has after a while.
    private mutating func receive(acknowledgeEvery count: Int, now: Instant) {
        while let arrival = nextArrival, arrival <= now {
            if received.isEmpty { acknowledgementDue = now + Self.acknowledgementDelay }
            received.append(arriving)
            arriving += 1
            skipLostOnTheWay()
        }
        if received.count >= count { acknowledgementDue = now }
    }

    private mutating func process(_ numbers: [Int], now: Instant) {
        let prior = inFlight
        var bytes = 0
        for number in numbers {
            let packet = packets[number]
            bytes += packet.size
            estimator.didAcknowledge(
                packet.stamp, sentAt: packet.sentAt, size: packet.size,
                isApplicationLimited: packet.isApplicationLimited, now: now)
            largest = max(largest, number)
        }
        let sample = now - packets[largest].sentAt
        rtt.addSample(sample)
        inFlight -= bytes
        delivered += bytes
        let lostBefore = estimator.lost
        declareLost(upTo: largest - Self.packetThreshold + 1, now: now)
        var since = 0
        for number in numbers where number >= recoveryStart { since += packets[number].size }
        controller.onAcknowledgement(
            AcknowledgementSample(
                now: now, acknowledgedBytes: bytes, acknowledgedSinceEvent: since,
                lostBytes: Int(estimator.lost - lostBefore), priorBytesInFlight: prior,
                bytesInFlight: inFlight, isWindowLimited: !isApplicationLimited,
                largestAcknowledged: UInt64(largest), nextPacketNumber: UInt64(packets.count),
                latestRTT: sample,
                delivery: estimator.takeSample(minimumRTT: rtt.minimum, now: now),
                totalDelivered: estimator.delivered, totalLost: estimator.lost), rtt: rtt)
        startTimeout(now: now)
    }

    private mutating func declareLost(upTo end: Int, now: Instant) {
        var isNew = false
        while first < end {
            let packet = packets[first]
            if packet.acknowledgedAt == nil {
                inFlight -= packet.size
                lost += packet.size
                estimator.didLose(size: packet.size)
                isNew = isNew || first >= recoveryStart
                controller.onLoss(
                    LossSample(
                        now: now, size: packet.size, stamp: packet.stamp,
                        isApplicationLimited: packet.isApplicationLimited, bytesInFlight: inFlight,
                        totalDelivered: estimator.delivered, totalLost: estimator.lost))
            } else if first >= arriving {
                // Still on its way.
                break
            }
            first += 1
        }
        guard isNew else { return }
        recoveryStart = packets.count
        congestionEvents += 1
        controller.onCongestionEvent(now: now, isExplicit: false)
    }

    private mutating func startTimeout(now: Instant) {
        timeout = inFlight > 0 ? now + rtt.probeTimeout * 2 : nil
    }

    // MARK: Sending

    /// - Returns: the size of a packet that may leave now.
    mutating func packetToSend(now: Instant) -> Int? {
        skipLostOnTheWay()
        // Before its start it has nothing to say.
        if packets.isEmpty, let release, release > now { return nil }
        guard inFlight + datagramSize <= controller.congestionWindow else {
            isApplicationLimited = false
            return nil
        }
        if let limit {
            let available = limit.rate * (now - limit.since).inSeconds - limit.sent
            guard available >= Double(datagramSize) else {
                isApplicationLimited = true
                estimator.markApplicationLimited(bytesInFlight: inFlight)
                let missing = (Double(datagramSize) - available) / limit.rate
                release = now + Interval(nanoseconds: Int64(missing * 1e9) + 1)
                return nil
            }
        } else {
            isApplicationLimited = false
        }
        let rate = controller.pacingRate(rtt: rtt)
        if let time = pacer.releaseTime(size: datagramSize, rate: rate, now: now) {
            release = time
            isApplicationLimited = false
            return nil
        }
        return datagramSize
    }

    mutating func didSend(size: Int, acknowledgedAt: Instant?, now: Instant) {
        let before = inFlight
        let stamp = estimator.didSend(bytesInFlightBefore: before, size: size, now: now)
        packets.append(
            Packet(
                size: size, stamp: stamp, sentAt: now, acknowledgedAt: acknowledgedAt,
                isApplicationLimited: estimator.isApplicationLimited))
        inFlight += size
        sent += size
        limit?.sent += Double(size)
        controller.onSend(
            size: size, bytesInFlightBefore: before,
            isApplicationLimited: estimator.isApplicationLimited, now: now)
        pacer.didSend(size: size, rate: controller.pacingRate(rtt: rtt), now: now)
        if timeout == nil { startTimeout(now: now) }
    }
}
