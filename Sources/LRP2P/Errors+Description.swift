import Glibc

private func text(ofErrno code: Int32) -> String {
    // strerror's buffer is per thread in glibc since 2.32.
    strerror(code).map { String(cString: $0) } ?? "error \(code)"
}

extension ListenError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .addressInUse(let address): "\(address) is in use by another socket"
        case .permissionDenied(let address): "no permission to bind to \(address)"
        case .addressNotAvailable(let address): "no interface of this host has \(address)"
        case .system(let operation, let code): "\(operation): \(text(ofErrno: code))"
        }
    }
}

extension ConnectError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .timedOut: "no answer in time"
        case .cancelled: "cancelled"
        case .socketClosed: "the socket is closed"
        case .peerMismatch(let expected, let found):
            "expected the peer \(expected), and \(found) answered"
        case .peerNotAllowed(let found): "the peer \(found) answered, which is not allowed"
        case .connectedToSelf: "the address leads back to this node"
        case .connectionLimit: "the limit of connections is reached"
        case .unusableAddress(let address): "nothing can be sent from this socket to \(address)"
        }
    }
}

extension ResolveError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed(let text): "not HOST:PORT: \(text)"
        case .notFound(let host): "no address for \(host)"
        case .temporaryFailure(let host): "the name service did not answer for \(host)"
        case .tooManyLookups(let limit): "\(limit) look-ups are under way already"
        case .cancelled: "cancelled"
        case .system("getaddrinfo", let code):
            "getaddrinfo: " + (gai_strerror(code).map { String(cString: $0) } ?? "error \(code)")
        case .system(let operation, let code): "\(operation): \(text(ofErrno: code))"
        }
    }
}
