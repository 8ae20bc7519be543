import CLinux
import Glibc
import LRP2P
import LRP2PSimulation
import Synchronization
import Threads

/// A relay on a thread of its own.
final class RunningRelay: Sendable {
    let address: SocketAddress
    private let stopEvent: StopEvent
    private let end: End

    /// Readable when the relay is to stop. Shared with the thread, so that it is open while either
    /// uses it.
    private final class StopEvent: Sendable {
        let descriptor: Int32
        init(descriptor: Int32) { self.descriptor = descriptor }
        deinit { close(descriptor) }
    }

    /// Where the thread leaves its result.
    private final class End: Sendable {
        private enum State {
            case running
            case awaited(CheckedContinuation<RelayCounters, Never>)
            case over(RelayCounters)
        }
        private let state = Mutex(State.running)

        func finish(_ counters: RelayCounters) {
            let waiting = state.withLock { state -> CheckedContinuation<RelayCounters, Never>? in
                defer { state = .over(counters) }
                if case .awaited(let continuation) = state { return continuation }
                return nil
            }
            waiting?.resume(returning: counters)
        }

        func wait() async -> RelayCounters {
            await withCheckedContinuation { continuation in
                let counters = state.withLock { state -> RelayCounters? in
                    if case .over(let counters) = state { return counters }
                    state = .awaited(continuation)
                    return nil
                }
                if let counters { continuation.resume(returning: counters) }
            }
        }
    }

    /// Takes the relay to its thread, which alone uses it from then on.
    private final class Handover: @unchecked Sendable {
        private var relay: Relay?

        init(_ relay: Relay) { self.relay = relay }

        func run() -> RelayCounters {
            relay?.run()
            defer { relay = nil }
            return relay?.counters ?? RelayCounters()
        }
    }

    init(
        listen: SocketAddress, target: SocketAddress, conditions: LinkConditions, seed: UInt64
    ) throws(ListenError) {
        let descriptor = clinux_eventfd_create()
        guard descriptor >= 0 else { throw .system(operation: "eventfd", errno: -descriptor) }
        let stopEvent = StopEvent(descriptor: descriptor), end = End()
        let relay = try Relay(
            listen: listen, target: target, conditions: conditions, seed: seed,
            stopDescriptor: descriptor)
        address = relay.localAddress
        self.stopEvent = stopEvent
        self.end = end
        let handover = Handover(relay)
        let status = BackgroundThread.start(name: "link") {
            let counters = handover.run()
            withExtendedLifetime(stopEvent) { end.finish(counters) }
        }
        guard status == 0 else { throw .system(operation: "pthread_create", errno: status) }
    }

    deinit {
        clinux_eventfd_signal(stopEvent.descriptor)
    }

    /// For signal handlers: an eventfd to write to, valid as long as this object.
    var stopDescriptor: Int32 { stopEvent.descriptor }

    /// Waits for the end, which ``stop()`` or a signal brings. One task may.
    func counters() async -> RelayCounters { await end.wait() }

    func stop() async -> RelayCounters {
        clinux_eventfd_signal(stopEvent.descriptor)
        return await end.wait()
    }
}
