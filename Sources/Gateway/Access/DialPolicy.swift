import LRP2P

/// Which addresses the gateway connects to when it is asked to. Asked of the very address that is
/// dialled, after names have been resolved: a name that leads elsewhere the second time does not
/// get around it.
///
/// By default all but this host's own HTTP port: what is let through to this machine's UDP must not
/// become a way to the service that decides who may.
public struct DialPolicy: Sendable, Equatable {
    /// Networks in each list.
    public static let maximumNetworks = 1024

    /// Only these, unless the list is empty.
    public var allow: [NetworkPrefix] = []
    /// Not these, whatever else holds.
    public var deny: [NetworkPrefix] = []

    public init() {}

    /// Why an address is not dialled.
    enum Refusal: Equatable {
        case denied(NetworkPrefix)
        case notAllowed
        case ownHTTPPort
    }

    /// - Parameters:
    ///   - httpPort: this host's own; `nil` when there is none.
    ///   - isOwn: whether the address is one of this host's; asked only when the port is.
    func refusal(
        of address: SocketAddress, httpPort: UInt16?,
        isOwn: (SocketAddress) -> Bool = { $0.isOfThisHost }
    ) -> Refusal? {
        if let network = deny.first(where: { $0.contains(address) }) { return .denied(network) }
        if !allow.isEmpty, !allow.contains(where: { $0.contains(address) }) { return .notAllowed }
        if let httpPort, address.port == httpPort, isOwn(address) { return .ownHTTPPort }
        return nil
    }
}
