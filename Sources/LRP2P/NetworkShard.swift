import CLinux
import Synchronization

/// The figures of a network thread that any thread may read.
final class NetworkFigures: Sendable {
    let statistics = Mutex(EndpointStatistics())
    /// Datagrams the kernel would not take for sending.
    let sendFailures = Atomic<UInt64>(0)
    /// Datagrams that were received for other network threads.
    let handedOver = Atomic<UInt64>(0)
}

/// What other threads reach of one of a socket's network threads.
final class NetworkShard: Sendable {
    let mailbox: Mailbox
    let handover = HandoverQueue()
    let figures = NetworkFigures()

    init() throws(ListenError) {
        let eventDescriptor = clinux_eventfd_create()
        guard eventDescriptor >= 0 else {
            throw .system(operation: "eventfd", errno: -eventDescriptor)
        }
        mailbox = Mailbox(eventDescriptor: eventDescriptor)
    }
}

/// Waits for all of a socket's network threads to end.
final class EndOfThreads: Sendable {
    private let running: Atomic<Int>
    private let ended: Waiters

    /// - Parameter mailbox: of any of them.
    init(of threads: Int, mailbox: Mailbox) {
        running = Atomic(threads)
        ended = Waiters(mailbox: mailbox)
    }

    /// One has ended.
    func countDown() {
        let left = running.subtract(1, ordering: .acquiringAndReleasing).newValue
        if left == 0 { ended.finish() }
    }

    func wait() async {
        await ended.waitUntilFinished()
    }
}
