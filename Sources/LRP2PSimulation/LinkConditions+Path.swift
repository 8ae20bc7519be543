import LRP2PCore

// What a path does to datagrams beyond delay and loss: sizes, congestion marks, changes.

/// What the path takes from a moment on.
public struct MTUChange: Sendable, Equatable {
    /// Since the start.
    public var at: Interval
    /// UDP payload bytes; `nil` for anything that UDP can carry.
    public var maximumDatagram: Int?

    public init(at: Interval, maximumDatagram: Int?) {
        self.at = at
        self.maximumDatagram = maximumDatagram
    }
}

/// The rate of a link from a moment on.
public struct RateChange: Sendable, Equatable {
    /// Since the start.
    public var at: Interval
    public var bytesPerSecond: Int

    public init(at: Interval, bytesPerSecond: Int) {
        self.at = at
        self.bytesPerSecond = bytesPerSecond
    }
}

/// What a path does to the ECN field (RFC 3168 §5, and RFC 9000 §13.4.2 for what goes wrong).
public enum ECNTreatment: Sendable, Equatable {
    /// Left alone.
    case passes
    /// CE on what was sent as ECN-capable and finds more than this many bytes waiting before it.
    case marks(aboveBytes: Int)
    /// Not-ECT on everything: a router that bleaches the field.
    case clears
    /// CE on everything that is ECN-capable: a router that is misconfigured.
    case marksAll
}

extension LinkConditions {
    /// The longest datagram that passes at this time; longer ones vanish without a word.
    public func maximumDatagram(at elapsed: Interval) -> Int {
        let change = mtuChanges.last { $0.at <= elapsed }
        return (change?.maximumDatagram ?? (change == nil ? maximumDatagram : nil)) ?? .max
    }

    public func bytesPerSecond(at elapsed: Interval) -> Int? {
        rateChanges.last { $0.at <= elapsed }?.bytesPerSecond ?? bytesPerSecond
    }

    /// The smallest size that the path will be limited to at any time.
    public var smallestMaximumDatagram: Int {
        ([maximumDatagram] + mtuChanges.map(\.maximumDatagram)).compactMap(\.self).min() ?? .max
    }

    public var marksECN: Bool {
        switch ecn {
        case .marks, .marksAll: true
        case .passes, .clears: false
        }
    }
}
