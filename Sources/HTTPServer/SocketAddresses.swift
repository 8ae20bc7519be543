import Glibc

/// Host and port in figures; `nil` for what is no IP address.
func numericAddress(_ address: UnsafePointer<sockaddr>) -> (host: String, port: UInt16)? {
    let length: Int
    switch Int32(address.pointee.sa_family) {
    case AF_INET: length = MemoryLayout<sockaddr_in>.size
    case AF_INET6: length = MemoryLayout<sockaddr_in6>.size
    default: return nil
    }
    var host = [UInt8](repeating: 0, count: Int(NI_MAXHOST))
    var port = [UInt8](repeating: 0, count: Int(NI_MAXSERV))
    let status = host.withUnsafeMutableBytes { host in
        port.withUnsafeMutableBytes { port in
            getnameinfo(
                address, socklen_t(length), host.baseAddress, socklen_t(host.count),
                port.baseAddress, socklen_t(port.count), NI_NUMERICHOST | NI_NUMERICSERV)
        }
    }
    guard status == 0, let number = UInt16(text(port)) else { return nil }
    return (text(host), number)
}

/// What the system says about an error number.
func systemMessage(_ number: Int32) -> String {
    strerror(number).map { String(cString: $0) } ?? "error \(number)"
}

private func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
}
