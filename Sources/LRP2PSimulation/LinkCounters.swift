import LRP2PCore

/// What became of a datagram given to the network.
public enum DatagramFate: Sendable, Equatable {
    /// On its way, in so many copies, so many of them damaged.
    case carried(copies: Int, damaged: Int)
    case dropped(LinkDrop)
}

/// Why the network dropped a datagram.
public enum LinkDrop: String, CaseIterable, Sendable {
    case lost
    case targeted
    case partitioned
    case queueFull = "queue_full"
    /// Above the path's maximum.
    case tooLong = "too_long"
    /// No link leads there, or the address was given up by its NAT.
    case unreachable
    /// `VirtualNetwork.maximumDatagramsInFlight` was reached.
    case inFlightLimit = "in_flight_limit"
}

/// What one link did so far. Datagrams, unless the name says bytes.
public struct LinkCounters: Sendable, Equatable {
    public var sent = 0
    public var sentBytes = 0
    public var delivered = 0
    public var deliveredBytes = 0
    /// Bytes of the longest datagram that was delivered.
    public var longestDelivered = 0
    public var duplicated = 0
    public var damaged = 0
    public var heldBack = 0
    /// Given a CE mark.
    public var marked = 0
    /// Datagrams that went through the queue, and how long they waited in it and on the wire.
    public var queued = 0
    public var queuedBytes = 0
    public var queueingTime = Interval.zero
    public var longestQueueingTime = Interval.zero
    public private(set) var drops = [Int](repeating: 0, count: LinkDrop.allCases.count)

    public init() {}

    public func dropped(_ cause: LinkDrop) -> Int {
        drops[Self.index(of: cause)]
    }

    public var droppedInAll: Int { drops.reduce(0, +) }

    mutating func countDrop(_ cause: LinkDrop) {
        drops[Self.index(of: cause)] += 1
    }

    private static func index(of cause: LinkDrop) -> Int {
        LinkDrop.allCases.firstIndex(of: cause) ?? 0
    }
}

/// When, and in what state, one copy of a datagram leaves a link.
public struct LinkArrival: Sendable, Equatable {
    public let time: Instant
    /// Bits were flipped, or the end cut off.
    public let isDamaged: Bool
    /// The later one of two copies.
    public let isDuplicate: Bool
    /// The ECN field as it arrives.
    public let ecn: ECNCodepoint
}
