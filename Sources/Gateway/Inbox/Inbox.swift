import LRP2P
import Logging
import Spool
import Synchronization

/// What a peer has sent, as HTTP clients see it: bytes at positions, which stay until every reader
/// has acknowledged them.
///
/// Without a spool, everything that has arrived can be read. With one, what has been kept can: what
/// a client has seen is there after a crash, and what the peer was told has arrived is, too. Safe
/// to use from any task.
final class Inbox: Sendable {
    /// Where the bytes are.
    private enum Source: Sendable {
        case connection(PeerConnection)
        /// Of a connection that has survived its process.
        case spool(StoredStream)
    }

    private struct State {
        var readers: ReaderTable
        /// With a spool: everything before can be read.
        var kept: UInt64
        /// With a spool: the stream is over, and all that came can be read.
        var isAllKept: Bool
        /// Of a connection of another process: everything before was released.
        var released: UInt64
        /// With a spool: the positions of readers that it was told last.
        var keptReaders: [String: UInt64] = [:]
    }

    let epoch: Epoch
    private let id: String
    private let source: Source
    private let spool: Spool?
    private let state: Mutex<State>
    /// With a spool: woken when more can be read.
    private let arrivals = WaitList()
    /// Woken when a reader has come on.
    let acknowledgements = WaitList()

    /// Of a connection of this process.
    init(
        _ facts: ConnectionFacts, _ transport: PeerConnection, spool: Spool?,
        limits: GatewayLimits
    ) {
        id = facts.id
        epoch = facts.epoch
        source = .connection(transport)
        self.spool = spool
        state = Mutex(
            State(
                readers: ReaderTable(limit: limits.maximumReaders, timeout: limits.readerTimeout),
                kept: 0, isAllKept: false, released: 0))
    }

    /// Of a connection that was found in the spool.
    init(_ facts: ConnectionFacts, _ stored: StoredStream, spool: Spool, limits: GatewayLimits) {
        id = facts.id
        epoch = facts.epoch
        source = .spool(stored)
        self.spool = spool
        state = Mutex(
            State(
                readers: ReaderTable(
                    limit: limits.maximumReaders, timeout: limits.readerTimeout,
                    positions: stored.readers),
                kept: stored.range.upperBound, isAllKept: true,
                released: stored.range.lowerBound, keptReaders: stored.readers))
    }

    func cursor(_ position: UInt64) -> Cursor { Cursor(epoch: epoch, position: position) }

    /// What can be read.
    var range: Range<UInt64> {
        switch source {
        case .connection(let transport):
            let range = transport.receivedRange
            return spool == nil ? range : range.lowerBound..<state.withLock { $0.kept }
        case .spool:
            return state.withLock { $0.released..<$0.kept }
        }
    }

    /// Whether nothing can come after `position`. Whether the stream is over is asked first: once
    /// it is, no byte is added.
    func isEnd(_ position: UInt64) -> Bool {
        let isOver =
            switch source {
            case .connection(let transport) where spool == nil:
                transport.isRemoteFinished || transport.closeReason != nil
            default: state.withLock { $0.isAllKept }
            }
        return isOver && range.upperBound == position
    }

    /// The peer has ended its stream, and all of it can be read.
    var isFinished: Bool {
        switch source {
        case .connection(let transport):
            transport.isRemoteFinished && (spool == nil || state.withLock { $0.isAllKept })
        case .spool(let stored): stored.isComplete
        }
    }

    // MARK: Reading

    /// Bytes from `position` on, waiting for the first one until the deadline. No bytes at the end
    /// of the stream. `nil`, or an error as of `PeerConnection.peek`, when there is none by then.
    func read(
        at position: UInt64, maximum: Int, deadline: ContinuousClock.Instant?
    ) async throws(InboxReadError) -> [UInt8]? {
        guard case .connection(let transport) = source, spool == nil else {
            return try await readKept(at: position, maximum: maximum, deadline: deadline)
        }
        return try await peek(transport, at: position, maximum: maximum, deadline: deadline)
    }

    private func peek(
        _ transport: PeerConnection, at position: UInt64, maximum: Int,
        deadline: ContinuousClock.Instant?
    ) async throws(InboxReadError) -> [UInt8]? {
        do throws(ReadError) {
            return try await transport.peek(at: position, maxBytes: maximum, deadline: deadline)
        } catch {
            throw .stream(error)
        }
    }

    private func readKept(
        at position: UInt64, maximum: Int, deadline: ContinuousClock.Instant?
    ) async throws(InboxReadError) -> [UInt8]? {
        while true {
            let generation = arrivals.generation
            let isOver = state.withLock { $0.isAllKept }
            let range = range
            if position < range.lowerBound { throw .stream(.released(earliest: range.lowerBound)) }
            if position > range.upperBound { throw .stream(.notYetWritten(end: range.upperBound)) }
            let count = Int(min(UInt64(maximum), range.upperBound - position))
            if count > 0 { return try await copy(at: position, count: count) }
            if isOver { return isFinished ? [] : nil }
            let isLate = deadline.map { ContinuousClock.now >= $0 } ?? false
            if Task.isCancelled || isLate { return nil }
            await arrivals.wait(whileGeneration: generation, deadline: deadline)
        }
    }

    private func copy(at position: UInt64, count: Int) async throws(InboxReadError) -> [UInt8]? {
        switch source {
        case .connection(let transport):
            return try await peek(transport, at: position, maximum: count, deadline: .now)
        case .spool:
            guard let spool else { return nil }
            do throws(SpoolError) {
                return try await spool.read(id, from: position, maximum: count)
            } catch {
                throw .spool(error)
            }
        }
    }

    // MARK: Readers

    /// Everything before has been acknowledged by some reader.
    var foremostPosition: UInt64 { state.withLock { $0.readers.foremost } ?? 0 }

    var readerPositions: [String: UInt64] { state.withLock { $0.readers.positions } }

    /// Where a reader goes on that does not say: at what it has acknowledged, else at the start.
    func position(of reader: String) -> UInt64 {
        state.withLock { $0.readers.position(of: reader) } ?? range.lowerBound
    }

    /// From now on nothing is freed that the reader has not acknowledged.
    ///
    /// - Parameter position: where it begins; `nil` for where a new one does.
    func join(_ reader: String, at position: UInt64?) throws(ReaderTable.Refusal) {
        let start = max(position ?? 0, range.lowerBound)
        let result = state.withLock { state in
            Result { () throws(ReaderTable.Refusal) in
                try state.readers.join(reader, at: start, begins: position != nil, now: .now)
            }
        }
        try result.get()
    }

    /// The reader needs nothing before `position` any more; frees what nobody needs. Going
    /// backwards changes nothing.
    ///
    /// - Throws: the end, when the position is beyond it.
    func acknowledge(_ reader: String, upTo position: UInt64) throws(AcknowledgementError) {
        let end = range.upperBound
        guard position <= end else { throw .beyondEnd(end) }
        do throws(ReaderTable.Refusal) {
            try join(reader, at: reader == ReaderTable.unnamed ? 0 : nil)
        } catch {
            throw .refused(error)
        }
        state.withLock { $0.readers.acknowledge(reader, upTo: position, now: .now) }
        _ = expireReaders()
        acknowledgements.wakeAll()
    }

    /// Expires readers that hold others back, and frees what they have kept.
    func expireReaders(now: ContinuousClock.Instant = .now) -> [String] {
        let expired = state.withLock { $0.readers.expire(now: now) }
        release()
        return expired
    }

    /// False when there is no such reader.
    func remove(_ reader: String) -> Bool {
        guard state.withLock({ $0.readers.remove(reader) }) else { return false }
        release()
        return true
    }

    /// Whether something waits to be read that would be lost with the process.
    var hasUnread: Bool { spool != nil && !range.isEmpty }

    private func release() {
        let position = state.withLock { state in
            let position = state.readers.released ?? 0
            if case .spool = source { state.released = max(state.released, position) }
            let readers = state.readers.positions
            // Under the lock, so that what was earlier is not kept later; and not for nothing.
            if let spool, readers != state.keptReaders {
                state.keptReaders = readers
                spool.release(id, upTo: position, readers: readers)
            }
            return position
        }
        if case .connection(let transport) = source {
            // Within what was received, so it cannot fail.
            try? transport.acknowledge(upTo: position)
        }
    }

    /// Waits until nothing can come any more. Returns early when the task is cancelled.
    func waitUntilOver() async {
        guard case .connection(let transport) = source else { return }
        guard spool != nil else { return await transport.waitUntilReceivingEnds() }
        while !Task.isCancelled {
            let generation = arrivals.generation
            if state.withLock({ $0.isAllKept }) { return }
            await arrivals.wait(whileGeneration: generation, deadline: nil)
        }
    }

    // MARK: Keeping

    private static let keptAtOnce = 4 << 20
    /// How long to wait before the disk is tried again.
    private static let retryInterval: Duration = .seconds(1)

    /// Carries what arrives into the spool until the connection ends, and tells the peer of each
    /// byte that is safe. Needs to run once, in a task of its own.
    func keep(_ log: Logger, _ facts: Facts) async {
        guard let spool, case .connection(let transport) = source else { return }
        let atFirst = facts()
        guard await retrying(log, { () async throws(SpoolError) in
            try await spool.begin(id, details: atFirst.encoded)
        }) else { return }
        // What was changed before there was a place for it.
        if facts() != atFirst { await keepFacts(log, facts) }
        var position: UInt64 = 0
        while let bytes = try? await transport.peek(at: position, maxBytes: Self.keptAtOnce),
            !bytes.isEmpty
        {
            let start = position
            guard await retrying(log, { () async throws(SpoolError) in
                try await spool.append(bytes, to: id, at: start)
            }) else { return }
            position += UInt64(bytes.count)
            let end = position
            state.withLock { $0.kept = end }
            arrivals.wakeAll()
            transport.confirmDelivery(upTo: end)
        }
        // Nothing comes any more: the stream or the connection is over.
        if transport.isRemoteFinished {
            guard await retrying(log, { () async throws(SpoolError) in
                try await spool.complete(id)
            }) else { return }
            transport.confirmDelivery(upTo: position + 1)
        }
        state.withLock { $0.isAllKept = true }
        arrivals.wakeAll()
    }

    typealias Facts = @Sendable () -> ConnectionFacts

    /// Notes in the spool what is known of the connection. When several do so at once, the last has
    /// the last word: what has changed meanwhile is noted once more.
    func keepFacts(_ log: Logger, _ facts: Facts) async {
        guard let spool else { return }
        var kept: ConnectionFacts
        repeat {
            let current = facts()
            guard await retrying(log, { () async throws(SpoolError) in
                try await spool.update(id, details: current.encoded)
            }) else { return }
            kept = current
        } while facts() != kept
    }

    /// Nobody will read it any more.
    func forget() { spool?.remove(id) }

    /// While the disk fails the peer is told of nothing, and its window closes: nothing is lost.
    /// False when the spool is closed.
    private func retrying(
        _ log: Logger, _ body: () async throws(SpoolError) -> Void
    ) async -> Bool {
        while true {
            do throws(SpoolError) {
                try await body()
                return true
            } catch {
                if error == .closed { return false }
                log.error(
                    "cannot keep what arrives; trying again",
                    metadata: ["connection": "\(id)", "cause": "\(error)"])
                try? await Task.sleep(for: Self.retryInterval)
            }
        }
    }
}

/// Why there are no bytes.
enum InboxReadError: Error {
    case stream(ReadError)
    /// They are on the disk, which does not give them back now.
    case spool(SpoolError)
}

/// Why an acknowledgement was not taken.
enum AcknowledgementError: Error {
    case beyondEnd(UInt64)
    case refused(ReaderTable.Refusal)
}
