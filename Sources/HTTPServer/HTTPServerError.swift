/// Why a server did not start, or did not take new TLS files.
public enum HTTPServerError: Error, Equatable {
    /// Another socket listens there.
    case addressInUse(host: String, port: UInt16)
    /// The port is reserved (below 1024) and the process has no right to it.
    case permissionDenied(host: String, port: UInt16)
    /// The host is no address of this machine, or a name that has none.
    case badAddress(host: String, port: UInt16)
    /// A system call failed for another cause, such as too many open files.
    case system(operation: String, errno: Int32)
    /// The server was started before. A server is started once.
    case alreadyStarted
    /// A certificate or key cannot be used.
    case tlsFile(path: String, TLSFileProblem)
    /// GnuTLS failed for another cause, such as too little memory.
    case tls(operation: String, reason: String)
    /// This machine's libmicrohttpd was built without TLS.
    case tlsUnsupported
    /// There is nothing to reload: the server does not run, or without TLS.
    case tlsNotInUse
}

extension HTTPServerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .addressInUse(let host, let port):
            "cannot listen on \(host) port \(port): the port is in use"
        case .permissionDenied(let host, let port):
            "cannot listen on \(host) port \(port): permission denied"
        case .badAddress(let host, let port):
            "cannot listen on \(host) port \(port): not an address of this machine"
        case .system(let operation, let errno):
            "\(operation) failed: \(systemMessage(errno))"
        case .alreadyStarted:
            "the server was started before"
        case .tlsFile(let path, let problem):
            "TLS: \(path) \(problem)"
        case .tls(let operation, let reason):
            "TLS: \(operation) failed: \(reason)"
        case .tlsUnsupported:
            "TLS: the libmicrohttpd of this machine was built without it"
        case .tlsNotInUse:
            "TLS: this server does not use it"
        }
    }
}
