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
    func queue(
        _ response: ServerResponse, closes: Bool, using configuration: HTTPServerConfiguration
    ) -> Bool {
        var response = response
        if !(200...599).contains(response.status.code) {
            response = configuration.errorResponse(
                .internalServerError, "The answer has no status that can be sent.")
        }
        let created = response.body.withUnsafeBytes { body in
            // libmicrohttpd does not write to what it is to copy.
            MHD_create_response_from_buffer(
                body.count, UnsafeMutableRawPointer(mutating: body.baseAddress),
                .RESPMEM_MUST_COPY)
        }
        guard let created else { return false }
        defer { MHD_destroy_response(created) }
        for field in response.headers where !Self.ownHeaders.contains(field.name) {
            _ = MHD_add_response_header(created, field.name.rawName, field.value)
        }
        if closes { _ = MHD_add_response_header(created, "Connection", "close") }
        return MHD_queue_response(pointer, UInt32(response.status.code), created) == .YES
    }

    /// What libmicrohttpd writes itself.
    static let ownHeaders: Set<HTTPField.Name> = [.contentLength, .transferEncoding, .date]
}
