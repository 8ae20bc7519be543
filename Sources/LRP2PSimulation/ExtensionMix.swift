/// Which hosts of a history have the extended protocol on.
public enum ExtensionMix: String, CaseIterable, Sendable {
    case both
    case neither
    /// Host 0, which is mostly the initiator; and every other host of even number.
    case firstOnly = "first-only"
    /// Host 1; and every other host of odd number.
    case secondOnly = "second-only"

    public func isExtended(host: Int) -> Bool {
        switch self {
        case .both: true
        case .neither: false
        case .firstOnly: host % 2 == 0
        case .secondOnly: host % 2 == 1
        }
    }
}
