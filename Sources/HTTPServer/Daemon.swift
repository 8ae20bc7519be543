import CMicrohttpd
import Glibc

/// libmicrohttpd's daemon with one thread, and its callbacks.
struct Daemon: @unchecked Sendable {
    private let pointer: OpaquePointer
    private let core: Unmanaged<ServerCore>
    private let logger: UnsafeMutablePointer<CMicrohttpd_logger>

    static func start(
        _ core: ServerCore, on socket: ListeningSocket
    ) throws(HTTPServerError) -> Self {
        let configuration = core.configuration
        guard core.tls == nil || MHD_is_feature_supported(.FEATURE_TLS) == .YES else {
            throw .tlsUnsupported
        }
        // Balanced in `stop`: the callbacks use it until then.
        let reference = Unmanaged.passRetained(core)
        let context = reference.toOpaque()
        let logger = UnsafeMutablePointer<CMicrohttpd_logger>.allocate(capacity: 1)
        logger.initialize(to: CMicrohttpd_logger(context: context, log: logMessage))
        var options = [
            option(.EXTERNAL_LOGGER, CMicrohttpd_log_callback(), logger),
            option(.LISTEN_SOCKET, Int(socket.descriptor)),
            option(.CONNECTION_LIMIT, configuration.maximumConnections),
            option(.PER_IP_CONNECTION_LIMIT, configuration.maximumConnectionsPerAddress),
            option(.CONNECTION_TIMEOUT, configuration.idleTimeoutSeconds),
            option(.CONNECTION_MEMORY_LIMIT, configuration.connectionMemoryBytes),
            option(.STRICT_FOR_CLIENT, 1),
            option(
                .URI_LOG_CALLBACK, unsafeBitCast(receiveTarget, to: Int.self), context),
            option(
                .NOTIFY_COMPLETED, unsafeBitCast(completeRequest, to: Int.self), context),
            option(
                .NOTIFY_CONNECTION, unsafeBitCast(connectionChanged, to: Int.self), context),
        ]
        var flags =
            MHD_USE_EPOLL_INTERNAL_THREAD.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue
            | MHD_USE_ERROR_LOG.rawValue
        let pointer = TLSConfiguration.priorities.withCString { priorities in
            if core.tls != nil {
                flags |= MHD_USE_TLS.rawValue
                options += tlsOptions(priorities)
            }
            options.append(option(.END, 0))
            return options.withUnsafeBufferPointer { options in
                withVaList([
                    MHD_OPTION.ARRAY.rawValue, OpaquePointer(options.baseAddress!),
                    MHD_OPTION.END.rawValue,
                ]) {
                    MHD_start_daemon_va(flags, 0, nil, nil, handleRequest, context, $0)
                }
            }
        }
        guard let pointer else {
            let number = errno
            logger.deallocate()
            reference.release()
            throw .system(operation: "MHD_start_daemon", errno: number)
        }
        return Self(pointer: pointer, core: reference, logger: logger)
    }

    private static func tlsOptions(_ priorities: UnsafePointer<CChar>) -> [MHD_OptionItem] {
        [
            option(.HTTPS_PRIORITIES, 0, UnsafeMutableRawPointer(mutating: priorities)),
            option(
                .HTTPS_CERT_CALLBACK, 0,
                unsafeBitCast(offerNoCertificate, to: UnsafeMutableRawPointer.self)),
        ]
    }

    private static func option(
        _ option: MHD_OPTION, _ value: Int, _ pointer: UnsafeMutableRawPointer? = nil
    ) -> MHD_OptionItem {
        MHD_OptionItem(option: option, value: value, ptr_value: pointer)
    }

    var connectionCount: Int { Int(CMicrohttpd_connection_count(pointer)) }

    /// Accepts no more connections. The listening socket is the caller's again.
    func quiesce() { _ = MHD_quiesce_daemon(pointer) }

    /// Closes every connection and ends the thread. Blocks. No connection may be suspended.
    func stop() {
        MHD_stop_daemon(pointer)
        logger.deallocate()
        core.release()
    }
}

private func core(_ context: UnsafeMutableRawPointer?) -> ServerCore? {
    context.map { Unmanaged<ServerCore>.fromOpaque($0).takeUnretainedValue() }
}

/// The first that is known of a request. What it returns is the request's context from now on.
private let receiveTarget:
    @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?, OpaquePointer?)
        -> UnsafeMutableRawPointer? = { context, target, _ in
            guard let core = core(context), let target else { return nil }
            let exchange = core.makeExchange(target: String(cString: target))
            return Unmanaged.passRetained(exchange).toOpaque()
        }

private let handleRequest: MHD_AccessHandlerCallback = {
    _, connection, _, method, version, upload, uploadSize, exchange in
    guard let connection = connection.flatMap(Connection.init), let method, let version,
        let uploadSize, let exchange = exchange?.pointee
    else { return .NO }
    let piece = UnsafeRawBufferPointer(
        start: uploadSize.pointee > 0 ? upload : nil, count: uploadSize.pointee)
    let taken = Unmanaged<Exchange>.fromOpaque(exchange).takeUnretainedValue()
        .handleCall(
            connection, method: String(cString: method),
            isHTTP10: strcmp(version, "HTTP/1.0") == 0, piece: piece)
    guard let taken else { return .NO }
    uploadSize.pointee -= taken
    return .YES
}

private let completeRequest: MHD_RequestCompletedCallback = { context, _, reference, _ in
    guard let pointer = reference?.pointee else { return }
    reference?.pointee = nil
    let exchange = Unmanaged<Exchange>.fromOpaque(pointer).takeRetainedValue()
    exchange.finish()
    core(context)?.remove(exchange)
}

/// A connection begins or ends. libmicrohttpd closes the socket after the latter.
private let connectionChanged: MHD_NotifyConnectionCallback = { context, connection, slot, what in
    guard let core = core(context), let slot else { return }
    if what == .CONNECTION_NOTIFY_STARTED {
        guard let connection = connection.flatMap(Connection.init) else { return }
        let tls = core.tls.flatMap { connection.makeTLS($0.current, log: core.configuration.log) }
        let client = ClientConnection(socket: connection.socket, tls: tls)
        slot.pointee = Unmanaged.passRetained(client).toOpaque()
        core.monitor.opened(client)
    } else if let client = slot.pointee {
        slot.pointee = nil
        let client = Unmanaged<ClientConnection>.fromOpaque(client).takeRetainedValue()
        if client.tls?.wasRefused == true, let connection = connection.flatMap(Connection.init) {
            core.monitor.linger(connection.socket, closesSending: true)
        }
        core.monitor.closed(client)
    }
}

/// libmicrohttpd insists on a source of certificates. It is asked (as a
/// `gnutls_certificate_retrieve_function2`) only where ours were not set: then the handshake fails.
private let offerNoCertificate:
    @convention(c) (
        OpaquePointer?, UnsafeRawPointer?, Int32, UnsafeRawPointer?, Int32, UnsafeRawPointer?,
        UnsafeRawPointer?, UnsafeRawPointer?
    ) -> Int32 = { _, _, _, _, _, _, _, _ in -1 }

private let logMessage: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?) -> Void = {
    context, message in
    guard let core = core(context), let message else { return }
    var text = String(cString: message)
    while text.last?.isNewline == true { text.removeLast() }
    core.configuration.log(text)
}
