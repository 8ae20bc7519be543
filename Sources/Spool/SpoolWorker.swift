import Glibc
import Synchronization
import Threads

/// The thread of a spool: takes everything that was asked for since the last time, and does it in
/// one transaction.
final class SpoolWorker: Sendable {
    enum Job: Sendable {
        case begin(String, details: [UInt8])
        case update(String, details: [UInt8])
        case append(String, position: UInt64, [UInt8])
        case complete(String)
        case release(String, upTo: UInt64, readers: [String: UInt64])
        case remove(String)
        case read(String, from: UInt64, maximum: Int)
        case close
    }

    typealias Outcome = Result<[UInt8], SpoolError>

    struct Request {
        let job: Job
        let continuation: CheckedContinuation<Outcome, Never>?

        var isAppend: Bool {
            if case .append = job { true } else { false }
        }
    }

    struct Figures: Sendable {
        var storedBytes = 0
        /// Appends that wait for room.
        var waitingAppends = 0
        var commits: UInt64 = 0
        var failures: UInt64 = 0
        var failure: SpoolError?
    }

    private struct Queue {
        var requests: [Request] = []
        var isClosed = false
    }

    let figures: Mutex<Figures>
    private let limit: Int
    private let queue = Mutex(Queue())
    private let signal = Signal()

    init(_ store: SpoolStore, limit: Int, stored: Int) throws(SpoolError) {
        self.limit = limit
        figures = Mutex(Figures(storedBytes: stored))
        let status = BackgroundThread.start(name: "spool") { self.run(store) }
        if status != 0 {
            throw .failed(path: "spool", detail: "no thread: \(String(cString: strerror(status)))")
        }
    }

    /// Done, and durable, when it returns.
    @discardableResult
    func perform(_ job: Job) async throws(SpoolError) -> [UInt8] {
        let outcome = await withCheckedContinuation { enqueue(job, $0) }
        return try outcome.get()
    }

    func enqueue(_ job: Job, _ continuation: CheckedContinuation<Outcome, Never>?) {
        let isAccepted = queue.withLock { queue in
            guard !queue.isClosed else { return false }
            queue.requests.append(Request(job: job, continuation: continuation))
            if case .close = job { queue.isClosed = true }
            return true
        }
        if isAccepted { signal.raise() } else { continuation?.resume(returning: .failure(.closed)) }
    }

    // MARK: - The thread

    private func run(_ store: SpoolStore) {
        // What could not be done yet, in order.
        var waiting: [Request] = []
        while true {
            signal.wait()
            let requests = queue.withLock { queue in
                defer { queue.requests = [] }
                return queue.requests
            }
            // A group has been taken with the first of its signals.
            guard !requests.isEmpty else { continue }
            waiting += requests
            // What is released makes room for what waits.
            repeat {
                commit(&waiting, store)
            } while waiting.first.map { $0.isAppend && hasRoom(for: $0.job) } == true
            guard let closing = waiting.last, case .close = closing.job else { continue }
            waiting.removeLast()
            for request in waiting { request.continuation?.resume(returning: .failure(.closed)) }
            store.close()
            closing.continuation?.resume(returning: .success([]))
            return
        }
    }

    private func hasRoom(for job: Job, beside added: Int = 0) -> Bool {
        guard case .append(_, _, let bytes) = job else { return true }
        let stored = figures.withLock { $0.storedBytes } + added
        // A piece that is longer than the limit must not wait for ever.
        return stored == 0 || stored + bytes.count <= limit
    }

    /// Does what there is room for; leaves the rest, and the word to close, which comes last.
    private func commit(_ requests: inout [Request], _ store: SpoolStore) {
        var done: [(request: Request, bytes: [UInt8])] = []
        var delayed: [Request] = []
        var change = 0
        do throws(SpoolError) {
            try store.transaction { () throws(SpoolError) in
                for request in requests {
                    if mustWait(request, behind: delayed, beside: change) {
                        delayed.append(request)
                    } else {
                        done.append((request, try perform(request.job, store, &change)))
                    }
                }
            }
        } catch {
            return fail(&requests, error)
        }
        requests = delayed
        figures.withLock {
            $0.storedBytes += change
            $0.waitingAppends = delayed.count { $0.isAppend }
            $0.commits += 1
            $0.failure = nil
        }
        for (request, bytes) in done { request.continuation?.resume(returning: .success(bytes)) }
    }

    private func mustWait(_ request: Request, behind delayed: [Request], beside added: Int) -> Bool {
        switch request.job {
        case .append: !delayed.isEmpty || !hasRoom(for: request.job, beside: added)
        case .close: true
        default: false
        }
    }

    /// Nothing of a group has happened. Whoever waits is told; what nobody waits for is tried again
    /// with the next group: of each stream, the last that was asked for.
    private func fail(_ requests: inout [Request], _ error: SpoolError) {
        figures.withLock {
            $0.failures += 1
            $0.failure = error
            $0.waitingAppends = 0
        }
        var again: [String: Request] = [:]
        var closing: [Request] = []
        for request in requests {
            switch request.job {
            case .release(let name, _, _), .remove(let name): again[name] = request
            case .close: closing.append(request)
            default: request.continuation?.resume(returning: .failure(error))
            }
        }
        requests = Array(again.values) + closing
    }

    private func perform(
        _ job: Job, _ store: SpoolStore, _ change: inout Int
    ) throws(SpoolError) -> [UInt8] {
        switch job {
        case .begin(let name, let details): try store.begin(name, details: details)
        case .update(let name, let details): try store.update(name, details: details)
        case .append(let name, let position, let bytes):
            change += try store.append(name, position: position, bytes)
        case .complete(let name): try store.complete(name)
        case .release(let name, let position, let readers):
            change -= try store.release(name, upTo: position, readers: readers)
        case .remove(let name): change -= try store.remove(name)
        case .read(let name, let position, let maximum):
            return try store.read(name, from: position, maximum: maximum)
        // See `run`.
        case .close: break
        }
        return []
    }
}
