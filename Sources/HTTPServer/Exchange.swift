import Glibc
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
        /// Until the handler is started with it.
        var request: ServerRequest?
        var handler: Task<Void, Never>?
        var handlerIsCancelled = false
        var reader: CheckedContinuation<ExchangeStateMachine.Delivery, Never>?
        var producer: CheckedContinuation<Bool, Never>?
        var closesConnection = false
        var lingers = false
        var isHTTP10 = false
    }

    let id: UInt64
    /// As in the request line.
    let target: String
    let server: ServerCore
    private let state = Mutex(State())

    init(id: UInt64, target: String, server: ServerCore) {
        self.id = id
        self.target = target
        self.server = server
    }

    // MARK: On libmicrohttpd's thread

    /// One call of the access handler. Returns how many bytes were taken, `nil` to close.
    func handleCall(
        _ connection: Connection, method: String, isHTTP10: Bool, piece: UnsafeRawBufferPointer
    ) -> Int? {
        if state.withLock({ $0.machine == nil }) {
            guard server.admits(connection) else { return nil }
            begin(connection, method: method, isHTTP10: isHTTP10)
        }
        var rest = piece
        while true {
            var later = Later()
            let (taken, request) = state.withLock {
                step(connection, method: method, rest, &$0, &later)
            }
            later.run()
            guard let request else { return taken.map { piece.count - rest.count + $0 } }
            start(request)
            rest = UnsafeRawBufferPointer(rebasing: rest[(taken ?? 0)...])
            // An empty piece would be the end of the body.
            if rest.isEmpty, !piece.isEmpty { return piece.count }
        }
    }

    /// With the request that the handler is to be started with, when it is time.
    private func step(
        _ connection: Connection, method: String, _ piece: UnsafeRawBufferPointer,
        _ state: inout State, _ later: inout Later
    ) -> (taken: Int?, ServerRequest?) {
        guard let (directive, effects) = state.machine?.call(with: piece) else { return (nil, nil) }
        later = apply(effects, to: &state)
        switch directive {
        case .start(let taken):
            return (taken, state.request.take())
        case .proceed(let taken):
            return (taken, nil)
        case .suspend(let taken):
            suspend(connection, &state)
            return (taken, nil)
        case .answer(let response, let early):
            state.lingers = early
            let closes = early || state.closesConnection || server.isStopping
            return (connection.queue(response, for: self, closes: closes) ? 0 : nil, nil)
        case .closeAnswering(let response):
            state.lingers = true
            connection.sendLast(response, toHead: method == "HEAD")
            return (nil, nil)
        case .close:
            return (nil, nil)
        }
    }

    /// Under the lock: whoever resumes sees the suspension, or comes before it.
    private func suspend(_ connection: Connection, _ state: inout State) {
        connection.suspend()
        server.monitor.watch(
            connection.socket, for: self, halfClose: state.machine?.halfCloseMeansGone ?? false)
    }

    /// Reads the header. Keeps the request for the handler, or answers it here.
    private func begin(_ connection: Connection, method: String, isHTTP10: Bool) {
        let headers = connection.headers()
        let framing = RequestFraming(headers)
        connection.client?.nextPhase()
        state.withLock { state in
            state.connection = connection
            state.isHTTP10 = isHTTP10
            state.machine = ExchangeStateMachine(
                declaredLength: framing.declaredLength,
                expectsContinue: framing.expectsContinue,
                isHead: method == "HEAD",
                bufferLimit: server.configuration.bodyBufferBytes,
                drainLimit: server.configuration.drainLimitBytes)
        }
        if server.isStopping {
            refuse(.serviceUnavailable, "The server is stopping.")
        } else if !framing.isValid {
            // Two readers of such a request may disagree on where it ends (RFC 9112 §11.2).
            refuse(.badRequest, "The length of the body is stated in more than one way.")
        } else if framing.expectsUnknown {
            refuse(.expectationFailed, "The only expectation that can be met is 100-continue.")
        } else if let method = HTTPRequest.Method(method), let target = RequestTarget(target) {
            let request = ServerRequest(
                method: method, segments: target.segments, query: target.query, headers: headers,
                remoteAddress: connection.remoteAddress, isSecure: connection.tls != nil,
                clientCertificate: connection.tls?.clientCertificate, parameters: [:],
                body: RequestBody(of: self, declaredLength: framing.declaredLength))
            state.withLock { $0.request = request }
        } else {
            refuse(.badRequest, "The request target is malformed.")
        }
    }

    private func refuse(_ status: HTTPResponse.Status, _ detail: String) {
        state.withLock { $0.closesConnection = true }
        respond(server.configuration.errorResponse(status, detail))
    }

    /// Runs the handler on this thread until it waits for something for the first time: one that
    /// does not has answered when this returns, without a change of threads.
    private func start(_ request: ServerRequest) {
        let handler = server.handler
        let task = Task.immediate {
            let response = await handler(request)
            self.respond(response)
            if let stream = response.stream { await self.produce(stream) }
        }
        let isCancelled = state.withLock { state in
            state.handler = task
            return state.handlerIsCancelled
        }
        if isCancelled { task.cancel() }
    }

    /// One call of the reader callback of a streamed answer.
    func pull(into buffer: UnsafeMutableRawBufferPointer) -> AnswerStream.Pull {
        var later = Later()
        defer { later.run() }
        return state.withLock { state in
            guard let connection = state.connection,
                let (pull, effects) = state.machine?.pull(into: buffer)
            else { return .abort }
            later = apply(effects, to: &state)
            if pull == .suspend { suspend(connection, &state) }
            // Without chunks only a reset tells that this is not the end (RFC 9112 §8).
            if pull == .abort, state.isHTTP10 { connection.reset() }
            return pull
        }
    }

    /// libmicrohttpd has forgotten the request. The connection is not to be used any more.
    func finish() {
        let later = state.withLock { state in
            guard let connection = state.connection else { return Later() }
            connection.client?.nextPhase()
            if state.lingers {
                // Under TLS libmicrohttpd has yet to send `close_notify`, which is the end as well.
                server.monitor.linger(connection.socket, closesSending: connection.tls == nil)
            }
            if state.machine?.isSuspended == true { server.monitor.unwatch(connection.socket) }
            let effects = state.machine?.finish() ?? .init()
            state.connection = nil
            return apply(effects, to: &state)
        }
        later.run()
    }

    // MARK: From anywhere

    func nextPiece(
        deadline: ContinuousClock.Instant? = nil
    ) async throws(RequestBodyError) -> [UInt8]? {
        let known = state.withLock { state -> ExchangeStateMachine.Delivery? in
            guard let effects = state.machine?.readWhatIsThere() else { return nil }
            // Nobody waits who would have to be woken.
            _ = apply(effects, to: &state)
            return effects.delivery
        }
        if let known { return try known.get() }
        // Only a body that is not there yet, and has a deadline, costs a timer.
        let timer = deadline.map { deadline in
            Task {
                let isOver: ()? = try? await Task.sleep(until: deadline, clock: .continuous)
                if isOver != nil { self.input { $0.failRead(.timedOut) } }
            }
        }
        defer { timer?.cancel() }
        let delivery = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                input(from: continuation) { $0.read() }
                // The cancellation may have come before there was a reader to wake.
                if Task.isCancelled { input { $0.failRead(.aborted) } }
            }
        } onCancel: {
            input { $0.failRead(.aborted) }
        }
        return try delivery.get()
    }

    func respond(_ response: ServerResponse) {
        var response = response
        if !(200...599).contains(response.status.code) {
            response = server.configuration.errorResponse(
                .internalServerError, "The answer has no status that can be sent.")
        }
        if response.status == .noContent || response.status == .notModified {
            response.stream = nil
        }
        input { $0.respond(response) }
    }

    /// The end of the grace period: an answer for a handler that has none, and the end of a stream
    /// that has not come to one.
    func abandon(with response: ServerResponse) {
        respond(response)
        input { $0.endStream(failed: true) }
    }

    /// Makes the pieces of a streamed answer, each when TCP has taken the last.
    private func produce(_ stream: ServerResponse.BodyStream) async {
        while await isMoreWanted() {
            do {
                guard let piece = try await stream() else {
                    return input { $0.endStream(failed: false) }
                }
                input { $0.offer(piece) }
            } catch {
                return input { $0.endStream(failed: true) }
            }
        }
    }

    /// False when nobody takes any more. A cancelled task waits as well: the client may still be
    /// reading what came before the end.
    private func isMoreWanted() async -> Bool {
        await withCheckedContinuation { producer in
            input(from: nil, producer: producer) { $0.demand() }
        }
    }

    func clientLeft() { input { $0.clientLeft() } }

    func stop() { input { $0.stop() } }

    /// Not inlined: what it needs would lie in the frame of every task that waits.
    @inline(never)
    private func input(
        from reader: CheckedContinuation<ExchangeStateMachine.Delivery, Never>? = nil,
        producer: CheckedContinuation<Bool, Never>? = nil,
        _ input: (inout ExchangeStateMachine) -> ExchangeStateMachine.Effects
    ) {
        let later = state.withLock { state in
            guard var machine = state.machine.take() else { return Later() }
            let effects = input(&machine)
            state.machine = machine
            if let reader { state.reader = reader }
            if let producer { state.producer = producer }
            return apply(effects, to: &state)
        }
        later.run()
    }

    /// What is done once the lock is released: a task that is woken, or cancelled, takes it.
    private struct Later {
        var reader: CheckedContinuation<ExchangeStateMachine.Delivery, Never>?
        var delivery: ExchangeStateMachine.Delivery?
        var producer: CheckedContinuation<Bool, Never>?
        var demand: Bool?
        var cancelled: Task<Void, Never>?

        func run() {
            if let delivery { reader?.resume(returning: delivery) }
            if let demand { producer?.resume(returning: demand) }
            cancelled?.cancel()
        }
    }

    /// Under the lock: a connection that is resumed here cannot be suspended again or forgotten
    /// before libmicrohttpd has been told.
    private func apply(
        _ effects: ExchangeStateMachine.Effects, to state: inout State
    ) -> Later {
        var later = Later()
        if effects.delivery != nil {
            (later.reader, later.delivery) = (state.reader.take(), effects.delivery)
        }
        if effects.demand != nil {
            (later.producer, later.demand) = (state.producer.take(), effects.demand)
        }
        if let response = effects.lastAnswer, let connection = state.connection {
            state.lingers = true
            connection.sendLast(response, toHead: false)
            // libmicrohttpd, which waits for the rest of the body, sees the end and closes.
            shutdown(connection.socket, Int32(SHUT_RD))
        }
        if effects.resumesConnection, let connection = state.connection {
            server.monitor.unwatch(connection.socket)
            connection.resume()
        }
        if effects.cancelsHandler {
            state.handlerIsCancelled = true
            later.cancelled = state.handler
        }
        return later
    }
}
