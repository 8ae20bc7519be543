import Gateway
import Glibc
import LRP2P
import Logging

/// From the first SIGTERM or SIGINT to the end of the process, which comes in time whatever
/// clients and peers do.
struct Shutdown: Sendable {
    /// How the process ends.
    enum Outcome: Int32 {
        case delivered = 0
        /// EX_TEMPFAIL: bytes that were accepted have not reached their peers, or nobody knows.
        case undelivered = 75
        /// As a shell says it of a program that SIGINT has ended.
        case aborted = 130
    }

    /// Beyond the drain time: for the last answers, what is under way, and the end of it all. The
    /// promise is half a second more, which the last log lines may need.
    private static let limit: Duration = .seconds(4)
    /// How long answers may take to leave, and then sent data to be acknowledged.
    private static let answerGrace: Duration = .seconds(2)
    private static let flushTime: Duration = .seconds(1)

    let running: Running
    let writer: LogWriter
    private var log: Logger { running.log }

    /// The steps, in a task; meanwhile this thread keeps the promise that they end in time. The
    /// second signal ends them at once.
    func run(_ signals: Signals) -> Never {
        let deadline = ContinuousClock.now + running.settings.drainTime + Self.limit
        log.info(
            "shutting down",
            metadata: ["drain_time": "\(DurationText.format(running.settings.drainTime))"])
        // At once: what asks whether this process is ready may come next.
        running.gateway.beginDraining()
        Task {
            let outcome = await stop()
            writer.flushLast()
            exit(outcome.rawValue)
        }
        while true {
            switch signals.wait(until: deadline) {
            case .reload: continue
            case .end: _exit(Outcome.aborted.rawValue)
            case nil:
                log.error("stopped before everything had ended")
                writer.flushLast()
                // Not `exit`, which the task may be in.
                _exit(Outcome.undelivered.rawValue)
            }
        }
    }

    private func stop() async -> Outcome {
        let gateway = running.gateway
        await gateway.waitUntilNoneOpen(deadline: .now + running.settings.drainTime)
        gateway.beginShutdown()
        await running.server.stop(grace: Self.answerGrace)
        let undelivered = await gateway.flush(deadline: .now + Self.flushTime)
        await running.socket.close()
        await gateway.closeSpool()
        guard undelivered.bytes > 0 else {
            log.info("stopped")
            return .delivered
        }
        log.error(
            "stopped, and some peers did not get everything",
            metadata: [
                "connections": "\(undelivered.connections)", "bytes": "\(undelivered.bytes)",
            ])
        return .undelivered
    }
}
