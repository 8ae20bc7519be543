/// The congestion control algorithms to choose from.
public enum CongestionControlAlgorithm: String, CaseIterable, Hashable, Sendable {
    /// CUBIC (RFC 9438) with HyStart++ (RFC 9406).
    case cubic
    /// BBR, version 3 (draft-ietf-ccwg-bbr): keeps its rate where packets are lost at random.
    case bbr
}

/// The congestion controller of a connection, chosen when it begins.
///
/// Holds the states of both algorithms and uses one: an enum's payload would have to be copied
/// out and in for each packet.
struct CongestionControl: Sendable {
    let algorithm: CongestionControlAlgorithm
    private var cubic: Cubic
    private var bbr: BBR

    init(_ algorithm: CongestionControlAlgorithm, maximumDatagramSize: Int) {
        self.algorithm = algorithm
        cubic = Cubic(maximumDatagramSize: maximumDatagramSize)
        bbr = BBR(maximumDatagramSize: maximumDatagramSize)
    }

    /// See `CongestionController`, also for the following.
    var congestionWindow: Int {
        switch algorithm {
        case .cubic: cubic.congestionWindow
        case .bbr: bbr.congestionWindow
        }
    }

    var slowStartThreshold: Int? {
        switch algorithm {
        case .cubic: cubic.slowStartThreshold
        case .bbr: bbr.slowStartThreshold
        }
    }

    func pacingRate(rtt: RTTEstimator) -> Double? {
        switch algorithm {
        case .cubic: cubic.pacingRate(rtt: rtt)
        case .bbr: bbr.pacingRate(rtt: rtt)
        }
    }

    mutating func onSend(
        size: Int, bytesInFlightBefore: Int, isApplicationLimited: Bool, now: Instant
    ) {
        switch algorithm {
        case .cubic:
            cubic.onSend(
                size: size, bytesInFlightBefore: bytesInFlightBefore,
                isApplicationLimited: isApplicationLimited, now: now)
        case .bbr:
            bbr.onSend(
                size: size, bytesInFlightBefore: bytesInFlightBefore,
                isApplicationLimited: isApplicationLimited, now: now)
        }
    }

    mutating func onAcknowledgement(_ sample: AcknowledgementSample, rtt: RTTEstimator) {
        switch algorithm {
        case .cubic: cubic.onAcknowledgement(sample, rtt: rtt)
        case .bbr: bbr.onAcknowledgement(sample, rtt: rtt)
        }
    }

    mutating func onLoss(_ sample: LossSample) {
        switch algorithm {
        case .cubic: cubic.onLoss(sample)
        case .bbr: bbr.onLoss(sample)
        }
    }

    mutating func onCongestionEvent(now: Instant, isExplicit: Bool) {
        switch algorithm {
        case .cubic: cubic.onCongestionEvent(now: now, isExplicit: isExplicit)
        case .bbr: bbr.onCongestionEvent(now: now, isExplicit: isExplicit)
        }
    }

    mutating func onPersistentCongestion() {
        switch algorithm {
        case .cubic: cubic.onPersistentCongestion()
        case .bbr: bbr.onPersistentCongestion()
        }
    }

    mutating func undo(to before: CongestionControl) {
        switch algorithm {
        case .cubic: cubic.undo(to: before.cubic)
        case .bbr: bbr.undo(to: before.bbr)
        }
    }

    mutating func didChangeMaximumDatagramSize(_ size: Int) {
        switch algorithm {
        case .cubic: cubic.didChangeMaximumDatagramSize(size)
        case .bbr: bbr.didChangeMaximumDatagramSize(size)
        }
    }
}
