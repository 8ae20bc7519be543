import Glibc
import HTTPTypes
import Synchronization
import Threads

/// An HTTP/1.1 server on libmicrohttpd.
///
/// A request waits for its handler without a thread: handlers are `async`, and the connection is
/// suspended meanwhile. Two threads serve any number of connections: libmicrohttpd's, and one that
/// notices clients that leave. A server that was started runs until `stop`.
public final class HTTPServer: Sendable {
    private enum State {
        case new
        case running(Daemon, ServerCore, ListeningSocket)
        case stopping(Task<Void, Never>)
    }

    /// How long the answers given at the end of the grace period have to leave.
    private static let lastAnswerTime: Duration = .milliseconds(250)

    private let configuration: HTTPServerConfiguration
    private let handler: Handler
    private let state = Mutex(State.new)
    private let address = Mutex<(host: String, port: UInt16)?>(nil)

    /// One handler for everything: see `Router` for choosing by path.
    public init(configuration: HTTPServerConfiguration, handler: @escaping Handler) {
        self.configuration = configuration
        self.handler = handler
    }

    /// Binds and starts to serve. Blocks while a host name is resolved.
    public func start() throws(HTTPServerError) {
        try state.withLock { state throws(HTTPServerError) in
            guard case .new = state else { throw .alreadyStarted }
            let socket = try ListeningSocket(configuration)
            do throws(HTTPServerError) {
                let core = try ServerCore(configuration: configuration, handler: handler)
                do throws(HTTPServerError) {
                    state = .running(try Daemon.start(core, on: socket), core, socket)
                } catch {
                    core.monitor.stop()
                    throw error
                }
            } catch {
                close(socket.descriptor)
                throw error
            }
            address.withLock { $0 = (socket.host, socket.port) }
        }
    }

    /// As bound, in figures and without brackets; as configured before `start`.
    public var host: String { address.withLock { $0?.host } ?? configuration.host }

    /// As bound; as configured before `start`.
    public var port: UInt16 { address.withLock { $0?.port } ?? configuration.port }

    /// Reads the certificate, the key and the client certificate authorities anew. New connections
    /// get them; established ones go on with what they have. On an error all of the old stays in
    /// force, and the error says which file is wrong. Blocks while files are read.
    public func reloadTLS() throws(HTTPServerError) {
        guard let tls else { throw .tlsNotInUse }
        try tls.reload()
    }

    /// Until when the server's own certificate is valid, in seconds since 1970: of the certificate
    /// that new connections get. `nil` without TLS and when the server does not run.
    public var certificateExpiry: Int64? { tls?.current.expiry }

    private var tls: TLSStore? {
        state.withLock { state in
            if case .running(_, let core, _) = state { core.tls } else { nil }
        }
    }

    /// Connections of clients that are open now; `maximumConnections` is their limit.
    public var connectionCount: Int {
        state.withLock { state in
            if case .running(let daemon, _, _) = state { daemon.connectionCount } else { 0 }
        }
    }

    /// Requests whose header is arriving or whose answer has not left yet.
    public var requestsInProgress: Int {
        state.withLock { state in
            if case .running(_, let core, _) = state { core.exchangesInProgress } else { 0 }
        }
    }

    /// Stops serving. Can be called more than once and from several tasks: all return when the
    /// server has stopped.
    ///
    /// New connections are refused and new requests on old ones get 503. The tasks of running
    /// handlers are cancelled: those that wait see it and answer. Handlers that have not answered
    /// when `grace` is over are answered for with 503. Then every connection is closed.
    public func stop(grace: Duration) async {
        let task: Task<Void, Never> = state.withLock { state in
            switch state {
            case .new:
                let task = Task {}
                state = .stopping(task)
                return task
            case .running(let daemon, let core, let socket):
                // Not a child of the caller, whose cancellation would cut the grace period short.
                let task = Task { await Self.stop(daemon, core, socket, grace: grace) }
                state = .stopping(task)
                return task
            case .stopping(let task):
                return task
            }
        }
        await task.value
    }

    private static func stop(
        _ daemon: Daemon, _ core: ServerCore, _ socket: ListeningSocket, grace: Duration
    ) async {
        daemon.quiesce()
        close(socket.descriptor)
        core.beginStopping()
        await core.waitUntilIdle(atMost: grace)
        core.answerAll(
            with: core.configuration.errorResponse(
                .serviceUnavailable, "The server is stopping."))
        await core.waitUntilIdle(atMost: lastAnswerTime)
        await withCheckedContinuation { continuation in
            let end: @Sendable () -> Void = {
                daemon.stop()
                continuation.resume()
            }
            // Without memory for a thread, blocking this one is what is left.
            if BackgroundThread.start(name: "http-stop", end) != 0 { end() }
        }
        core.monitor.stop()
    }
}
