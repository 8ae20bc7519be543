/// Finds the largest datagram that a path carries, by probing (DPLPMTUD, RFC 8899).
///
/// All sizes are bytes of UDP payload. A probe is a packet of PING and PADDING; its loss tells
/// nothing about congestion (RFC 8899 §3) and is reported here alone. The current size is used for
/// all other packets.
struct PathMTUDiscovery {
    /// What is used before anything is known: what a base peer takes (PROTOCOL.md §1).
    static let baseSize = WireFormat.initialDatagram
    /// What is used after a black hole: every path carries it (RFC 8899 §5.1.2, RFC 9000 §14).
    static let minimumSize = 1200
    /// What UDP over IPv4 can carry.
    static let maximumSize = 65_507
    /// Probes of one size that must be lost before it counts as too large (RFC 8899 §5.1.2).
    static let maximumProbes = 3
    /// After a search, when to look whether the path now takes more (RFC 8899 §5.1.1).
    static let raiseInterval = Interval.seconds(600)
    /// After a black hole, when to search again.
    static let blackHoleInterval = Interval.seconds(60)
    /// Packets lost in a row that make a black hole.
    static let blackHoleLosses = 6
    /// Probe timeouts (RFC 9002 §6.2) in a row that make one.
    static let blackHoleTimeouts = 3

    /// Links have few sizes: IPv6's least, ours, Ethernet under IPv6 and IPv4, InfiniBand, jumbo
    /// frames under IPv6 and IPv4, and loopback devices of 16 and 32 KiB.
    private static let commonSizes = [1232, baseSize, 1452, 1472, 4044, 8952, 8972, 16_336, 32_720]
    /// A search ends when it could find no more than this, or than 2 %.
    private static let smallestStep = 20

    private enum Phase {
        /// The handshake is not confirmed.
        case idle
        case searching
        /// Until it is time to search again.
        case resting(until: Instant)
        /// The path takes all there is to want.
        case complete
    }

    private let upperBound: Int
    private var phase = Phase.idle
    /// The size that packets may have.
    private(set) var currentSize: Int
    /// The smallest size that this search has found to be too large, else one above the bound.
    private var ceiling: Int
    /// The probe whose fate is open.
    private(set) var outstandingProbe: Int?
    /// Probes of the same size that were lost in a row.
    private var lostProbes = 0
    private var evidence = BlackHoleEvidence()

    /// - Parameter maximum: the largest datagram that both this node and the peer can receive.
    init(maximum: Int) {
        upperBound = min(max(maximum, Self.minimumSize), Self.maximumSize)
        currentSize = min(Self.baseSize, upperBound)
        ceiling = upperBound + 1
    }

    /// Starts over at the base size, on a path that is new; also the beginning, when the handshake
    /// is confirmed.
    mutating func start() {
        currentSize = min(Self.baseSize, upperBound)
        evidence = BlackHoleEvidence()
        search()
    }

    private mutating func search() {
        outstandingProbe = nil
        lostProbes = 0
        ceiling = upperBound + 1
        phase = currentSize < upperBound ? .searching : .complete
    }

    // MARK: Probes

    /// When there is a reason to ask `probeToSend` without any other occasion.
    var nextDeadline: Instant? {
        if case .resting(let until) = phase { until } else { nil }
    }

    /// The size of a probe to send now, if one is wanted. The caller says `didSend` when it has
    /// sent it, and later what became of it; until then there is no other.
    @inline(__always)
    mutating func probeToSend(now: Instant) -> Int? {
        switch phase {
        case .idle, .complete: return nil
        case .resting(let until):
            guard now >= until else { return nil }
            search()
        case .searching: break
        }
        return outstandingProbe == nil ? nextProbe(now: now) : nil
    }

    private mutating func nextProbe(now: Instant) -> Int? {
        if currentSize >= upperBound {
            phase = .complete
            return nil
        }
        // On most paths the bound itself is refused at once, or it is the end of the search.
        if ceiling > upperBound { return upperBound }
        let candidates = currentSize + 1..<ceiling
        if let size = Self.commonSizes.first(where: candidates.contains) { return size }
        if ceiling - currentSize > max(Self.smallestStep, currentSize / 50) {
            return currentSize + (ceiling - currentSize) / 2
        }
        phase = .resting(until: now + Self.raiseInterval)
        return nil
    }

    mutating func didSend(probe size: Int) {
        outstandingProbe = size
    }

    /// Late news of a probe that was given up change nothing.
    mutating func probeAcknowledged(size: Int) {
        guard size == outstandingProbe else { return }
        outstandingProbe = nil
        lostProbes = 0
        currentSize = max(currentSize, size)
        // What was delivered so far was smaller.
        evidence = BlackHoleEvidence()
    }

    /// The probe may have been lost for another reason, so it is repeated.
    mutating func probeLost() {
        guard let size = outstandingProbe else { return }
        outstandingProbe = nil
        lostProbes += 1
        if lostProbes == Self.maximumProbes { rule(out: size) }
    }

    /// The probe could not be sent: this host itself says that it is too large (EMSGSIZE).
    mutating func probeRefused(size: Int) {
        outstandingProbe = nil
        rule(out: size)
    }

    private mutating func rule(out size: Int) {
        lostProbes = 0
        ceiling = max(currentSize + 1, min(ceiling, size))
    }

    // MARK: Black holes

    /// A packet that was no probe has arrived. Report those of an acknowledgement before the
    /// losses that it reveals.
    @inline(__always)
    mutating func packetAcknowledged(_ number: UInt64, size: Int) {
        evidence.packetAcknowledged(number, size: size, isFull: size >= currentSize)
    }

    /// A packet that was no probe is lost. Returns whether the current size has changed.
    mutating func packetLost(_ number: UInt64, size: Int, now: Instant) -> Bool {
        guard currentSize > Self.minimumSize, size > Self.minimumSize else { return false }
        guard evidence.packetLost(number, size: size) >= Self.blackHoleLosses else { return false }
        fallBack(now: now)
        return true
    }

    /// The probe timeout has expired `count` times since anything was acknowledged. Returns whether
    /// the current size has changed.
    mutating func probeTimeout(count: Int, now: Instant) -> Bool {
        guard currentSize > Self.minimumSize, count >= Self.blackHoleTimeouts else { return false }
        fallBack(now: now)
        return true
    }

    private mutating func fallBack(now: Instant) {
        currentSize = Self.minimumSize
        outstandingProbe = nil
        lostProbes = 0
        evidence = BlackHoleEvidence()
        phase = .resting(until: now + Self.blackHoleInterval)
    }
}

/// Losses that a black hole would explain: packets of some size, and nothing of that size that was
/// sent after them has arrived. A full queue also drops many in a row, but lets others through.
private struct BlackHoleEvidence {
    private var losses = 0
    /// The smallest packet among the losses.
    private var smallestLoss = Int.max
    /// The newest packet of the current size that has arrived.
    private var newestFull: UInt64?
    /// The newest one below the current size.
    private var newestOther: (number: UInt64, size: Int)?

    @inline(__always)
    mutating func packetAcknowledged(_ number: UInt64, size: Int, isFull: Bool) {
        if size >= smallestLoss {
            losses = 0
            smallestLoss = .max
        }
        if isFull {
            newestFull = max(newestFull ?? 0, number)
        } else if newestOther.map({ $0.number < number }) ?? true {
            newestOther = (number, size)
        }
    }

    /// Returns how many suspicious losses there are now.
    mutating func packetLost(_ number: UInt64, size: Int) -> Int {
        if let newestFull, newestFull > number { return losses }
        if let newestOther, newestOther.number > number, newestOther.size >= size { return losses }
        losses += 1
        smallestLoss = min(smallestLoss, size)
        return losses
    }
}
