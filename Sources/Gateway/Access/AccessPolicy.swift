import HTTPServer
import HTTPTypes
import LRP2P

/// Under which names the gateway is served, and to whose pages.
///
/// A browser runs programs of strangers, so what a browser can be tricked into is refused: requests
/// to a name that was made to point at this machine (DNS rebinding) by their `Host`, requests of
/// other sites' pages by their `Origin` (RFC 6454 §7), or, where a browser sends none, as for an
/// image, by its `Sec-Fetch-Site` (W3C Fetch Metadata).
///
/// - On a loopback address `Host` has to be `localhost`, a loopback literal, or one of the further
///   names, such as the one a reverse proxy passes on.
/// - On another address every name will do, unless there are further names: then it has to be one
///   of them, or the address itself. A server bound to every address is served under any literal,
///   because a literal leads where it says.
public struct AccessPolicy: Sendable {
    private let boundHost: String
    private let boundAddress: SocketAddress?
    private let allowedHosts: Set<String>

    /// - Parameters:
    ///   - host: the host the HTTP server is bound to.
    ///   - allowedHosts: further names, without a port.
    public init(host: String, allowedHosts: [String] = []) {
        boundHost = host.lowercased()
        boundAddress = HostPort(host: boundHost, port: 0).socketAddress
        self.allowedHosts = Set(allowedHosts.map { $0.lowercased() })
    }

    /// Whether this is the name of a host, or an address without brackets, as it can stand in the
    /// list of further names.
    public static func isHost(_ text: String) -> Bool {
        if text.contains(":") { return SocketAddress("[\(text)]:0") != nil }
        return !text.isEmpty && text.utf8.count <= 253
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// - Parameter isOpen: what is asked for does nothing and tells nothing, so that a link on
    ///   another site may lead to it.
    func check(_ headers: HTTPFields, isOpen: Bool = false) throws(GatewayError) {
        // RFC 9112 §3.2: exactly one.
        let hosts = headers[values: .host]
        guard hosts.count == 1, let authority = hosts.first?.lowercased(),
            let (host, _) = HostPort.split(authority)
        else {
            throw .invalidHeader(name: "Host", detail: "exactly one is needed, as host:port")
        }
        guard isServed(host) else { throw .access(.hostNotAllowed(authority)) }
        for origin in headers[values: .origin] {
            guard Self.isSame(origin: origin.lowercased(), authority: authority) else {
                throw .access(.crossOrigin(origin))
            }
        }
        guard !isOpen else { return }
        // "same-site" is another port of this machine, too.
        for site in headers[values: .secFetchSite]
        where !["same-origin", "none"].contains(site.lowercased()) {
            throw .access(.crossOrigin("another site"))
        }
    }

    private func isServed(_ host: String) -> Bool {
        if host == boundHost || allowedHosts.contains(host) { return true }
        let address = HostPort(host: host, port: 0).socketAddress
        if boundAddress?.isLoopback ?? false { return address?.isLoopback ?? false }
        if allowedHosts.isEmpty { return true }
        guard let address else { return false }
        // The same address can be written in more than one way.
        return address == boundAddress || boundAddress?.host.isAny ?? false
    }

    private static func isSame(origin: String, authority: String) -> Bool {
        for (scheme, port) in [("http://", ":80"), ("https://", ":443")]
        where origin.hasPrefix(scheme) {
            let ours = origin.dropFirst(scheme.count)
            // A browser leaves the default port out of both (RFC 6454 §6.2).
            return ours == authority || ours + port == authority || ours == authority + port
        }
        return false
    }
}

extension SocketAddress.Host {
    /// `0.0.0.0` or `::`.
    fileprivate var isAny: Bool { high == 0 && low == 0 }
}
