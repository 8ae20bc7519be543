/// The ECN field of an IP header (RFC 3168 §5): what the sender of a datagram, or a router that
/// was about to queue it, has marked it with.
public enum ECNCodepoint: UInt8, Sendable {
    /// The transport does not take part.
    case notECT = 0b00
    /// ECN-capable transport (1), which RFC 9331 gives to low-latency senders.
    case ect1 = 0b01
    /// ECN-capable transport (0), which we send.
    case ect0 = 0b10
    /// A queue on the path is filling: congestion experienced.
    case ce = 0b11
}

/// How many packets arrived with each mark (RFC 9000 §19.3.2); they never decrease.
struct ECNCounts: Hashable, Sendable {
    var ect0: UInt64 = 0
    var ect1: UInt64 = 0
    var ce: UInt64 = 0

    var isEmpty: Bool { ect0 | ect1 | ce == 0 }

    @inline(__always)
    mutating func count(_ codepoint: ECNCodepoint) {
        switch codepoint {
        case .notECT: break
        case .ect0: ect0 &+= 1
        case .ect1: ect1 &+= 1
        case .ce: ce &+= 1
        }
    }
}
