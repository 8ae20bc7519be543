import CLinux
import Glibc
import Synchronization

/// What other threads ask of a network thread.
enum Command: Sendable {
    /// Look at the flags of this connection.
    case attend(PeerConnection)
    case connect(ConnectAttempt)
    /// No one waits for this attempt any more.
    case abandon(ConnectAttempt)
    case stop
}

/// The way into a network thread: commands, and the deadlines of waiting tasks.
///
/// The thread takes all commands at once. It says under the lock when it goes to sleep and until
/// when; whoever brings something that cannot wait so long rings the eventfd, under the same lock.
/// So a wake-up is neither lost nor paid for while the thread is awake.
///
/// Limits: at most ``maximumConnectCommands`` attempts wait here; a connection has at most one
/// command here at a time, an attempt at most two.
final class Mailbox: Sendable {
    /// Attempts to connect that the thread has not seen yet; further ones are refused.
    static let maximumConnectCommands = 1024

    private struct State {
        var commands: [Command] = []
        var connectCommands = 0
        /// Another network thread has received datagrams for this one.
        var hasDatagrams = false
        var deadlines = DeadlineQueue()
        /// While the thread sleeps: when it will wake by itself.
        var sleepsUntil: Instant?
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Valid until ``close()``, so only to be written to under the lock.
    let eventDescriptor: Int32

    init(eventDescriptor: Int32) {
        self.eventDescriptor = eventDescriptor
    }

    deinit {
        if !state.withLock({ $0.isClosed }) { Glibc.close(eventDescriptor) }
    }

    /// Returns false when the thread takes no more commands.
    @discardableResult
    func post(_ command: Command) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.commands.append(command)
            wake(&state)
            return true
        }
    }

    enum ConnectAnswer { case posted, full, closed }

    func postConnect(_ attempt: ConnectAttempt) -> ConnectAnswer {
        state.withLock { state in
            guard !state.isClosed else { return .closed }
            guard state.connectCommands < Mailbox.maximumConnectCommands else { return .full }
            state.connectCommands += 1
            state.commands.append(.connect(attempt))
            wake(&state)
            return .posted
        }
    }

    /// Resolves the waiter as timed out when the deadline comes.
    func schedule(_ waiter: Waiter, at deadline: Instant) {
        state.withLock { state in
            // A closed socket has ended all waits, this one too.
            guard !state.isClosed else { return }
            state.deadlines.insert(waiter, at: deadline)
            if let until = state.sleepsUntil, deadline < until { wake(&state) }
        }
    }

    /// A scheduled waiter does not need its deadline any more.
    func discardDeadline() {
        state.withLock { $0.deadlines.discardOne() }
    }

    /// Tells that there are datagrams in the thread's ``HandoverQueue``.
    func announceDatagrams() {
        state.withLock { state in
            guard !state.isClosed else { return }
            state.hasDatagrams = true
            wake(&state)
        }
    }

    private func wake(_ state: inout State) {
        guard state.sleepsUntil != nil else { return }
        state.sleepsUntil = nil
        clinux_eventfd_signal(eventDescriptor)
    }
}

// MARK: - For the network thread

extension Mailbox {
    /// Exchanges the waiting commands for an empty array, whose memory is used again.
    ///
    /// - Returns: whether datagrams have been announced since the last time.
    @discardableResult
    func take(_ commands: inout [Command]) -> Bool {
        commands.removeAll(keepingCapacity: true)
        return state.withLock { state in
            state.sleepsUntil = nil
            let hasDatagrams = state.hasDatagrams
            state.hasDatagrams = false
            guard !state.commands.isEmpty else { return hasDatagrams }
            swap(&state.commands, &commands)
            state.connectCommands = 0
            return hasDatagrams
        }
    }

    /// Says that the thread is about to sleep until `deadline` or the first deadline of a task.
    ///
    /// - Returns: when to wake up; `nil` when there are commands or datagrams, so not to sleep at
    ///   all.
    func prepareToSleep(until deadline: Instant) -> Instant? {
        state.withLock { state in
            guard state.commands.isEmpty, !state.hasDatagrams else { return nil }
            let until = min(deadline, state.deadlines.earliest ?? deadline)
            state.sleepsUntil = until
            return until
        }
    }

    /// Resolves every waiter whose deadline is not later than `now`.
    func expireDeadlines(now: Instant) {
        while let waiter = state.withLock({ $0.deadlines.popExpired(now: now) }) {
            waiter.resolve(.timedOut)
        }
    }

    /// Takes no more commands, and returns those that were never taken.
    func close() -> [Command] {
        state.withLock { state in
            guard !state.isClosed else { return [] }
            state.isClosed = true
            state.deadlines = DeadlineQueue()
            Glibc.close(eventDescriptor)
            defer { state.commands = [] }
            return state.commands
        }
    }
}
