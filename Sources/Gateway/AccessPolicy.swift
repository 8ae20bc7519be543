import HTTPServer
import HTTPTypes

/// Who may use the gateway, as far as a request shows it.
///
/// On loopback every local program may. A browser runs programs of strangers, so what a browser can
/// be tricked into is refused: requests to a name that was made to point at this machine (DNS
/// rebinding) by their `Host`, requests of other sites' pages by their `Origin` (RFC 6454 §7).
public struct AccessPolicy: Sendable {
    private let boundHost: String
    private let isLoopback: Bool

    /// - Parameter host: the host the HTTP server is bound to.
    public init(host: String) {
        boundHost = host.lowercased()
        isLoopback = HostPort.isLoopback(host: host)
    }

    func check(_ headers: HTTPFields) throws(GatewayError) {
        // RFC 9112 §3.2: exactly one.
        let hosts = headers[values: .host]
        guard hosts.count == 1, let authority = hosts.first?.lowercased(),
            let (host, _) = HostPort.split(authority)
        else {
            throw .invalidHeader(name: "Host", detail: "exactly one is needed, as host:port")
        }
        if isLoopback {
            guard host == boundHost || HostPort.isLoopback(host: host) else {
                throw .access(.hostNotAllowed(authority))
            }
        }
        for origin in headers[values: .origin] {
            guard Self.isSame(origin: origin.lowercased(), authority: authority) else {
                throw .access(.crossOrigin(origin))
            }
        }
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
