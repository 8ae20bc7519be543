import FoundationEssentials
import LRP2P
import Logging
import Spool
import Synchronization

/// One LRP2P connection and what the gateway knows about it beyond the transport.
final class RegisteredConnection: Sendable {
    let id: String
    let peer: String
    let direction: ConnectionDirection
    /// `nil` for one that has survived in the spool, and is closed.
    let transport: PeerConnection?
    let inbox: Inbox
    private let state: Mutex<State>
    private let uploadEnds = WaitList()

    /// How long an upload that is to give way may take to do so.
    private static let takeoverTime: Duration = .seconds(2)

    private typealias UploadTask = Task<Result<UInt64, GatewayError>, Never>

    private struct State {
        var facts: ConnectionFacts
        var isUploading = false
        /// Uploads so far, this one included.
        var uploads: UInt64 = 0
        /// Of the upload; `nil` until it waits for the first time.
        var upload: UploadTask?
        var uploadIsSuperseded = false
        var isDraining = false
        var closedAt: Date?
        /// Carries what arrives into the spool.
        var keeper: Task<Void, Never>?
    }

    /// Of a connection of this process.
    init(
        id: String, name: String?, transport: PeerConnection, spool: Spool?,
        limits: GatewayLimits
    ) {
        let facts = ConnectionFacts(id: id, name: name, transport: transport)
        (self.id, peer, direction) = (id, facts.peer, facts.direction)
        self.transport = transport
        inbox = Inbox(facts, transport, spool: spool, limits: limits)
        state = Mutex(State(facts: facts))
    }

    /// Of a connection that was found in the spool; `nil` when what was found is not ours.
    init?(_ stored: StoredStream, spool: Spool, limits: GatewayLimits) {
        guard let facts = ConnectionFacts(encoded: stored.details), facts.id == stored.name
        else { return nil }
        (id, peer, direction) = (facts.id, facts.peer, facts.direction)
        transport = nil
        inbox = Inbox(facts, stored, spool: spool, limits: limits)
        state = Mutex(State(facts: facts, closedAt: facts.closedAt ?? Date()))
    }

    var facts: ConnectionFacts { state.withLock { $0.facts } }
    var name: String? { facts.name }
    /// Where the peer is now, or was when the connection began.
    var remoteAddress: String {
        transport?.remoteAddress.description ?? facts.remoteAddress
    }
    var isClosed: Bool { closeReason != nil }
    var closedAt: Date? { state.withLock { $0.closedAt } }

    /// `nil` while it is open.
    var closeReason: String? {
        guard let transport else { return facts.closeReason ?? ConnectionFacts.lostReason }
        return transport.closeReason?.rawValue
    }

    func cursor(_ position: UInt64) -> Cursor { inbox.cursor(position) }

    func setClosedAt(_ date: Date) {
        state.withLock { if $0.closedAt == nil { $0.closedAt = date } }
    }

    /// What this gateway calls the connection from now on. In the spool it is a moment later.
    func rename(_ name: String, log: Logger) {
        state.withLock { state in
            state.facts.name = name
            state.keeper = Task { [self, keeper = state.keeper] in
                await inbox.keepFacts(log) { self.facts }
                await keeper?.value
            }
        }
    }

    /// Begins to carry what arrives into the spool, for as long as the connection lasts.
    func startKeeping(log: Logger) {
        let task = Task { [self] in
            await inbox.keep(log) { self.facts }
            guard let transport, let reason = await transport.waitUntilClosed() else { return }
            state.withLock {
                $0.facts.closeReason = reason.rawValue
                $0.facts.closedAt = Date()
                $0.facts.resetCode = transport.resetCode?.rawValue
            }
            await inbox.keepFacts(log) { self.facts }
        }
        state.withLock { $0.keeper = task }
    }

    /// Waits until everything that has arrived is kept, after the connection has closed.
    func waitUntilKept() async { await state.withLock { $0.keeper }?.value }

    /// From here on no request may begin to send.
    func beginDrain() {
        state.withLock { $0.isDraining = true }
    }

    var closedError: GatewayError {
        .state(.connectionClosed(closeReason, send: transport?.sendRange ?? 0..<0))
    }

    /// For what needs a connection that may still be open.
    func requireTransport() throws(GatewayError) -> PeerConnection {
        guard let transport else { throw closedError }
        return transport
    }
}

extension RegisteredConnection {
    typealias Upload = @Sendable () async throws(GatewayError) -> UInt64

    /// Runs an upload, which returns the offset it came to. One at a time can, so that bodies
    /// cannot mix.
    ///
    /// - Parameter takesOver: ends another one instead of failing because of it. A client that left
    ///   while the send buffer was full cannot be noticed, because the end of its TCP connection
    ///   lies behind bytes that are not read; its next attempt must not be locked out by the last.
    func upload(takesOver: Bool, _ body: @escaping Upload) async throws(GatewayError) -> UInt64 {
        let deadline = ContinuousClock.now + Self.takeoverTime
        while true {
            guard !isClosed, !state.withLock({ $0.isDraining }) else { throw closedError }
            let generation = uploadEnds.generation
            let (number, other) = state.withLock { state -> (UInt64?, UploadTask?) in
                guard !state.isUploading else {
                    state.uploadIsSuperseded = state.uploadIsSuperseded || takesOver
                    return (nil, state.upload)
                }
                state.isUploading = true
                state.uploads += 1
                return (state.uploads, nil)
            }
            if let number {
                // One that never waits is over here, and no thread was changed for it.
                let task = Task.immediate { await self.run(body) }
                let isSuperseded = state.withLock { state in
                    guard state.isUploading, state.uploads == number else { return false }
                    state.upload = task
                    return state.uploadIsSuperseded
                }
                if isSuperseded { task.cancel() }
                let result = await withTaskCancellationHandler {
                    await task.value
                } onCancel: {
                    task.cancel()
                }
                return try result.get()
            }
            guard takesOver, ContinuousClock.now < deadline, !Task.isCancelled else {
                throw .state(.uploadInProgress)
            }
            other?.cancel()
            await uploadEnds.wait(whileGeneration: generation, deadline: deadline)
        }
    }

    private func run(_ body: Upload) async -> Result<UInt64, GatewayError> {
        let result: Result<UInt64, GatewayError>
        do throws(GatewayError) {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        let isSuperseded = state.withLock { state in
            defer { state.uploadIsSuperseded = false }
            state.upload = nil
            state.isUploading = false
            return state.uploadIsSuperseded
        }
        uploadEnds.wakeAll()
        if isSuperseded, case .failure = result { return .failure(.state(.uploadSuperseded)) }
        return result
    }
}

/// Who began the handshake, seen from here.
enum ConnectionDirection: String, CaseIterable, Codable {
    case inbound, outbound
}

enum ConnectionState: String, CaseIterable, Encodable {
    case open, closed
}
