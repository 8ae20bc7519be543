import Synchronization

/// What the server's callbacks share: the handler, the limits, and the requests in progress.
final class ServerCore: Sendable {
    private struct State {
        var exchanges: [UInt64: Exchange] = [:]
        var nextID: UInt64 = 0
        var isStopping = false
        /// There is one waiter at a time: the stop of the server.
        var idleWaiter: CheckedContinuation<Void, Never>?
        var idleWaitIsOver = false
    }

    let configuration: HTTPServerConfiguration
    let handler: Handler
    let monitor: ConnectionMonitor
    /// `nil` for plain HTTP.
    let tls: TLSStore?
    private let state = Mutex(State())

    init(configuration: HTTPServerConfiguration, handler: @escaping Handler)
        throws(HTTPServerError)
    {
        self.configuration = configuration
        self.handler = handler
        if let configuration = configuration.tls {
            tls = try TLSStore(configuration, warn: self.configuration.warn)
        } else {
            tls = nil
        }
        // Last, as it starts a thread.
        monitor = try ConnectionMonitor(configuration)
    }

    /// New requests are refused from the first step of a stop on.
    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Whether a client may ask for anything: with mutual TLS, one with a certificate.
    func admits(_ connection: Connection) -> Bool {
        tls == nil || connection.tls?.admitsRequests == true
    }

    var exchangesInProgress: Int { state.withLock { $0.exchanges.count } }

    func makeExchange(target: String) -> Exchange {
        state.withLock { state in
            state.nextID += 1
            let exchange = Exchange(id: state.nextID, target: target, server: self)
            state.exchanges[exchange.id] = exchange
            return exchange
        }
    }

    func remove(_ exchange: Exchange) {
        state.withLock { state in
            state.exchanges[exchange.id] = nil
            return state.exchanges.isEmpty ? state.idleWaiter.take() : nil
        }?.resume()
    }

    /// Refuses new requests and asks the handlers to answer.
    func beginStopping() {
        let exchanges = state.withLock { state in
            state.isStopping = true
            return Array(state.exchanges.values)
        }
        for exchange in exchanges { exchange.stop() }
    }

    /// Answers every request that has no answer yet, and breaks off answers that go on.
    func answerAll(with response: ServerResponse) {
        let exchanges = state.withLock { Array($0.exchanges.values) }
        for exchange in exchanges { exchange.abandon(with: response) }
    }

    /// Waits until no request is in progress, at most so long. One caller at a time.
    func waitUntilIdle(atMost limit: Duration) async {
        state.withLock { $0.idleWaitIsOver = false }
        let timer = Task {
            guard (try? await Task.sleep(for: limit)) != nil else { return }
            state.withLock { state in
                state.idleWaitIsOver = true
                return state.idleWaiter.take()
            }?.resume()
        }
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                let isOver = state.exchanges.isEmpty || state.idleWaitIsOver
                if !isOver { state.idleWaiter = continuation }
                return isOver
            }
            if isOver { continuation.resume() }
        }
        timer.cancel()
        await timer.value
    }
}
