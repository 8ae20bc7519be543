import Glibc

/// A bound, listening TCP socket.
struct ListeningSocket {
    let descriptor: Int32
    /// As bound.
    let host: String
    let port: UInt16

    init(_ configuration: HTTPServerConfiguration) throws(HTTPServerError) {
        let host = configuration.host
        let port = configuration.port
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard !host.isEmpty, getaddrinfo(host, String(port), &hints, &list) == 0 else {
            throw .badAddress(host: host, port: port)
        }
        defer { freeaddrinfo(list) }

        var failure = HTTPServerError.badAddress(host: host, port: port)
        var next = list
        while let candidate = next {
            switch Self.listen(on: candidate.pointee, configuration) {
            case .success(let descriptor):
                self.descriptor = descriptor
                (self.host, self.port) = Self.boundAddress(of: descriptor) ?? (host, port)
                return
            case .failure(let error):
                failure = error
            }
            next = candidate.pointee.ai_next
        }
        throw failure
    }

    private static func listen(
        on address: addrinfo, _ configuration: HTTPServerConfiguration
    ) -> Result<Int32, HTTPServerError> {
        let type = address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(address.ai_family, type, address.ai_protocol)
        guard descriptor >= 0 else {
            return .failure(.system(operation: "socket", errno: errno))
        }
        let host = configuration.host
        let port = configuration.port
        var operation = "setsockopt"
        // Without SO_REUSEADDR a restart would have to wait for the old connections' TIME_WAIT.
        // The others are inherited by accepted sockets.
        let probe = Int32(clamping: max(1, configuration.keepAliveProbeSeconds))
        let isSet =
            set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            && set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
            && set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPIDLE, probe)
            && set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPINTVL, probe)
            && set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
        if isSet {
            operation = "bind"
            if bind(descriptor, address.ai_addr, address.ai_addrlen) == 0 {
                operation = "listen"
                let backlog = Int32(clamping: configuration.listenBacklog)
                if Glibc.listen(descriptor, backlog) == 0 { return .success(descriptor) }
            }
        }
        let number = errno
        close(descriptor)
        return switch number {
        case EADDRINUSE: .failure(.addressInUse(host: host, port: port))
        case EACCES, EPERM: .failure(.permissionDenied(host: host, port: port))
        case EADDRNOTAVAIL: .failure(.badAddress(host: host, port: port))
        default: .failure(.system(operation: operation, errno: number))
        }
    }

    private static func set(
        _ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32
    ) -> Bool {
        var value = value
        return setsockopt(
            descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }

    private static func boundAddress(of descriptor: Int32) -> (host: String, port: UInt16)? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getsockname(descriptor, address, &length) == 0 ? numericAddress(address) : nil
            }
        }
    }
}
