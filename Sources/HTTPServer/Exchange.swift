import CMicrohttpd
import HTTPTypes
import Synchronization

/// One request and its answer, shared by libmicrohttpd's thread, the handler's task and the
/// monitor.
///
/// libmicrohttpd holds one reference, from the request line to the completed callback.
final class Exchange: Sendable {
    private struct State {
        var machine: ExchangeStateMachine?
        var connection: Connection?
        var handler: Task<Void, Never>?
        var handlerIsCancelled = false
        var reader: CheckedContinuation<ExchangeStateMachine.Delivery, Never>?
        var closesConnection = false
        var lingers = false
    }

    let id: UInt64
    /// As in the request line.
    let target: String
    private let server: ServerCore
    private let state = Mutex(State())

    init(id: UInt64, target: String, server: ServerCore) {
        self.id = id
        self.target = target
        self.server = server
    }

    // MARK: On libmicrohttpd's thread

    /// One call of the access handler. Returns how many bytes were taken, `nil` to close.
    func handleCall(
        _ connection: Connection, method: String, piece: UnsafeRawBufferPointer
    ) -> Int? {
        let request = state.withLock { $0.machine == nil } ? begin(connection, method: method) : nil
        if let request { start(request) }
        return state.withLock { state in
            guard let (directive, effects) = state.machine?.call(with: piece) else { return nil }
            // A call never cancels the handler.
            _ = apply(effects, to: &state)
            switch directive {
            case .proceed(let taken):
                return taken
            case .suspend(let taken):
                // Under the lock: whoever resumes sees the suspension, or comes before it.
                connection.suspend()
                server.monitor.watch(
                    connection.socket, for: self,
                    halfClose: state.machine?.halfCloseMeansGone ?? false)
                return taken
            case .answer(let response, let early):
                state.lingers = early
                let closes = early || state.closesConnection || server.isStopping
                return connection.queue(response, closes: closes, using: server.configuration)
                    ? 0 : nil
            case .closeAnswering(let response):
                state.lingers = true
                connection.sendLast(response, toHead: method == "HEAD")
                return nil
            case .close:
                return nil
            }
        }
    }

    /// Reads the header. Returns the request for the handler, or answers it here.
    private func begin(_ connection: Connection, method: String) -> ServerRequest? {
        let headers = connection.headers()
        let framing = RequestFraming(headers)
        state.withLock { state in
            state.connection = connection
            state.machine = ExchangeStateMachine(
                declaredLength: framing.declaredLength,
                expectsContinue: framing.expectsContinue,
                bufferLimit: server.configuration.bodyBufferBytes,
                drainLimit: server.configuration.drainLimitBytes)
        }
        if server.isStopping {
            refuse(.serviceUnavailable, "The server is stopping.")
        } else if !framing.isValid {
            // Two readers of such a request may disagree on where it ends (RFC 9112 §11.2).
            refuse(.badRequest, "The length of the body is stated in more than one way.")
        } else if let method = HTTPRequest.Method(method), let target = RequestTarget(target) {
            return ServerRequest(
                method: method, segments: target.segments, query: target.query, headers: headers,
                remoteAddress: connection.remoteAddress, parameters: [:],
                body: RequestBody(of: self, declaredLength: framing.declaredLength))
        } else {
            refuse(.badRequest, "The request target is malformed.")
        }
        return nil
    }

    private func refuse(_ status: HTTPResponse.Status, _ detail: String) {
        state.withLock { $0.closesConnection = true }
        respond(server.configuration.errorResponse(status, detail))
    }

    private func start(_ request: ServerRequest) {
        let handler = server.handler
        let task = Task { self.respond(await handler(request)) }
        let isCancelled = state.withLock { state in
            state.handler = task
            return state.handlerIsCancelled
        }
        if isCancelled { task.cancel() }
    }

    /// libmicrohttpd has forgotten the request. The connection is not to be used any more.
    func finish() {
        let cancelled: Task<Void, Never>? = state.withLock { state in
            guard let connection = state.connection else { return nil }
            if state.lingers { server.monitor.linger(connection.socket) }
            if state.machine?.isSuspended == true { server.monitor.unwatch(connection.socket) }
            let effects = state.machine?.finish() ?? .init()
            state.connection = nil
            return apply(effects, to: &state)
        }
        cancelled?.cancel()
    }

    // MARK: From anywhere

    func nextPiece() async throws(RequestBodyError) -> [UInt8]? {
        let delivery = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                input(from: continuation) { $0.read() }
                // The cancellation may have come before there was a reader to wake.
                if Task.isCancelled { input { $0.cancelRead() } }
            }
        } onCancel: {
            input { $0.cancelRead() }
        }
        return try delivery.get()
    }

    func respond(_ response: ServerResponse) { input { $0.respond(response) } }

    func clientLeft() { input { $0.clientLeft() } }

    func stop() { input { $0.stop() } }

    private func input(
        from reader: CheckedContinuation<ExchangeStateMachine.Delivery, Never>? = nil,
        _ input: (inout ExchangeStateMachine) -> ExchangeStateMachine.Effects
    ) {
        let cancelled: Task<Void, Never>? = state.withLock { state in
            guard var machine = state.machine.take() else { return nil }
            let effects = input(&machine)
            state.machine = machine
            if let reader { state.reader = reader }
            return apply(effects, to: &state)
        }
        cancelled?.cancel()
    }

    /// Under the lock: a connection that is resumed here cannot be suspended again or forgotten
    /// before libmicrohttpd has been told.
    ///
    /// Returns the task to cancel once the lock is released, because cancelling it calls back.
    private func apply(
        _ effects: ExchangeStateMachine.Effects, to state: inout State
    ) -> Task<Void, Never>? {
        if let delivery = effects.delivery { state.reader.take()?.resume(returning: delivery) }
        if effects.resumesConnection, let connection = state.connection {
            server.monitor.unwatch(connection.socket)
            connection.resume()
        }
        guard effects.cancelsHandler else { return nil }
        state.handlerIsCancelled = true
        return state.handler
    }
}
