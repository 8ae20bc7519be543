import CMicrohttpd
import Glibc
import HTTPTypes

/// libmicrohttpd's side of a request. Everything but `suspend`, `resume` and `socket` may only be
/// used on its thread, inside a callback.
struct Connection: @unchecked Sendable {
    private let pointer: OpaquePointer
    let socket: Int32

    init?(_ pointer: OpaquePointer) {
        guard let info = CMicrohttpd_connection_info(pointer, .CONNECTION_INFO_CONNECTION_FD)
        else { return nil }
        self.pointer = pointer
        socket = info.pointee.connect_fd
    }

    /// What is ours of the connection; `nil` before it has begun.
    var client: ClientConnection? {
        CMicrohttpd_connection_info(pointer, .CONNECTION_INFO_SOCKET_CONTEXT)
            .flatMap { $0.pointee.socket_context }
            .map { Unmanaged<ClientConnection>.fromOpaque($0).takeUnretainedValue() }
    }

    /// `nil` for plain HTTP.
    var tls: TLSSession? { client?.tls }

    /// Prepares TLS, before its handshake.
    func makeTLS(_ credentials: TLSCredentials, log: @escaping (String) -> Void) -> TLSSession? {
        guard let info = CMicrohttpd_connection_info(pointer, .CONNECTION_INFO_GNUTLS_SESSION),
            let session = info.pointee.tls_session
        else { return nil }
        return TLSSession(
            OpaquePointer(session), credentials: credentials,
            log: { log("\(remoteAddress): \($0)") })
    }

    func suspend() { MHD_suspend_connection(pointer) }

    func resume() { MHD_resume_connection(pointer) }

    func headers() -> HTTPFields {
        var fields = HTTPFields()
        withUnsafeMutablePointer(to: &fields) { fields in
            _ = MHD_get_connection_values_n(
                pointer, .HEADER_KIND,
                { context, _, name, nameCount, value, valueCount in
                    guard let context, let name else { return .YES }
                    let fields = context.assumingMemoryBound(to: HTTPFields.self)
                    let nameBytes = UnsafeRawBufferPointer(start: name, count: nameCount)
                    let valueBytes = UnsafeRawBufferPointer(start: value, count: valueCount)
                    // libmicrohttpd lets names through that are no tokens: nobody can ask for them.
                    if let name = HTTPField.Name(String(decoding: nameBytes, as: UTF8.self)) {
                        fields.pointee.append(HTTPField(name: name, value: valueBytes))
                    }
                    return .YES
                }, fields)
        }
        return fields
    }

    var remoteAddress: String {
        guard let info = CMicrohttpd_connection_info(pointer, .CONNECTION_INFO_CLIENT_ADDRESS),
            let address = info.pointee.client_addr
        else { return "" }
        return numericAddress(address).map { host, port in
            host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        } ?? ""
    }

    /// Hands the answer over. False when libmicrohttpd refuses it.
    func queue(_ response: ServerResponse, for exchange: Exchange, closes: Bool) -> Bool {
        let created =
            response.stream == nil
            ? Self.create(body: response.body) : Self.createStreaming(from: exchange)
        guard let created else { return false }
        defer { MHD_destroy_response(created) }
        for field in response.headers where !Self.ownHeaders.contains(field.name) {
            _ = MHD_add_response_header(created, field.name.rawName, field.value)
        }
        if closes { _ = MHD_add_response_header(created, "Connection", "close") }
        return MHD_queue_response(pointer, UInt32(response.status.code), created) == .YES
    }

    private static func create(body: [UInt8]) -> OpaquePointer? {
        body.withUnsafeBytes { body in
            // libmicrohttpd does not write to what it is to copy.
            MHD_create_response_from_buffer(
                body.count, UnsafeMutableRawPointer(mutating: body.baseAddress),
                .RESPMEM_MUST_COPY)
        }
    }

    /// The response owns a reference to the exchange.
    private static func createStreaming(from exchange: Exchange) -> OpaquePointer? {
        let reference = Unmanaged.passRetained(exchange)
        let created = MHD_create_response_from_callback(
            UInt64.max, streamBlockBytes, pullStream, reference.toOpaque(), releaseStream)
        if created == nil { reference.release() }
        return created
    }

    /// Ends the connection with a reset, unsent bytes lost: `close` would send an end instead.
    func reset() {
        var address = sockaddr()
        address.sa_family = sa_family_t(AF_UNSPEC)
        _ = connect(socket, &address, socklen_t(MemoryLayout<sockaddr>.size))
    }

    /// libmicrohttpd keeps such a buffer for each streamed answer. Only those to HTTP/1.0 go
    /// through it: chunks are written where the request was, in the connection's memory.
    private static let streamBlockBytes = 4096

    /// What libmicrohttpd writes itself.
    static let ownHeaders: Set<HTTPField.Name> = [.contentLength, .transferEncoding, .date]
}

private let pullStream: MHD_ContentReaderCallback = { exchange, _, buffer, count in
    guard let exchange, let buffer else { return ContentReader.endWithError }
    let pull = Unmanaged<Exchange>.fromOpaque(exchange).takeUnretainedValue()
        .pull(into: UnsafeMutableRawBufferPointer(start: buffer, count: count))
    return switch pull {
    case .bytes(let count): count
    case .suspend: 0
    case .end: ContentReader.endOfStream
    case .abort: ContentReader.endWithError
    }
}

private let releaseStream: MHD_ContentReaderFreeCallback = { exchange in
    if let exchange { Unmanaged<Exchange>.fromOpaque(exchange).release() }
}

/// Macros of `microhttpd.h` that Swift does not import.
private enum ContentReader {
    static let endOfStream = -1
    static let endWithError = -2
}
