import CLinux
import Glibc
import Synchronization
import Threads

extension SocketAddress {
    /// Look-ups under way at a time in this process. Each occupies a thread until the name service
    /// has answered, even when no one waits for it any more.
    public static let maximumLookups = 16

    private static let lookups = Mutex(0)

    /// The addresses of `HOST:PORT`, where the host is a name or numeric (``init(_:)``), in the
    /// order in which they should be tried (RFC 6724). Never empty.
    ///
    /// Blocks no thread of Swift's pool. Cancellation ends the wait at once.
    public static func resolve(_ text: String) async throws(ResolveError) -> [SocketAddress] {
        if let address = SocketAddress(text) { return [address] }
        guard let (host, portText) = split(text), let port = parsePort(portText),
            !host.isBracketed, host.name.utf8.count <= 253, !host.name.utf8.contains(0)
        else { throw .malformed(text) }
        let isAllowed = lookups.withLock { count in
            guard count < maximumLookups else { return false }
            count += 1
            return true
        }
        guard isAllowed else { throw .tooManyLookups(limit: maximumLookups) }
        let lookup = Lookup(host: host.name, port: port)
        let status = BackgroundThread.start(name: "lrp2p-resolve") {
            lookup.run()
            lookups.withLock { $0 -= 1 }
        }
        guard status == 0 else {
            lookups.withLock { $0 -= 1 }
            throw .system(operation: "pthread_create", code: status)
        }
        return try await lookup.result()
    }
}

/// One call of getaddrinfo between its thread and the task that waits for it.
private final class Lookup: Sendable {
    private let host: String
    private let port: UInt16
    private let done = Waiter()
    private let outcome = Mutex<Result<[SocketAddress], ResolveError>?>(nil)

    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    func run() {
        let result = lookUp()
        outcome.withLock { $0 = result }
        done.resolve(.reached)
    }

    func result() async throws(ResolveError) -> [SocketAddress] {
        _ = await done.suspendCancellably()
        guard let result = outcome.withLock({ $0 }) else { throw .cancelled }
        return try result.get()
    }

    private func lookUp() -> Result<[SocketAddress], ResolveError> {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        switch status {
        case 0: break
        case EAI_NONAME, clinux_no_address: return .failure(.notFound(host))
        case EAI_AGAIN: return .failure(.temporaryFailure(host))
        default: return .failure(.system(operation: "getaddrinfo", code: status))
        }
        var addresses: [SocketAddress] = []
        var entry = list
        while let info = entry?.pointee {
            var storage = sockaddr_storage()
            if let address = info.ai_addr, info.ai_addrlen <= MemoryLayout<sockaddr_storage>.size {
                memcpy(&storage, address, Int(info.ai_addrlen))
                if let found = SocketAddress(&storage, length: info.ai_addrlen)?.with(port: port),
                    !addresses.contains(found)
                {
                    addresses.append(found)
                }
            }
            entry = info.ai_next
        }
        return addresses.isEmpty ? .failure(.notFound(host)) : .success(addresses)
    }
}
