/// The deadlines of waiting tasks, earliest first: a binary heap.
///
/// A wait that ends before its deadline leaves its entry behind; entries of ended waits are cleared
/// out when they are the greater part. So an entry costs amortised logarithmic time, and there are
/// at most twice as many as tasks that wait, plus ``slack``.
struct DeadlineQueue {
    /// Below this number of dead entries clearing out is not worth it.
    static let slack = 64

    private struct Entry {
        let deadline: Instant
        let waiter: Waiter
    }

    private var heap: [Entry] = []
    private var deadEntries = 0

    var earliest: Instant? { heap.first?.deadline }
    var count: Int { heap.count }

    mutating func insert(_ waiter: Waiter, at deadline: Instant) {
        heap.append(Entry(deadline: deadline, waiter: waiter))
        siftUp(from: heap.count - 1)
    }

    /// Notes that some wait with an entry here has ended otherwise.
    mutating func discardOne() {
        deadEntries += 1
        guard deadEntries > DeadlineQueue.slack, deadEntries * 2 > heap.count else { return }
        heap.removeAll { $0.waiter.isResolved }
        deadEntries = 0
        for i in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(from: i) }
    }

    /// Takes out one whose deadline is not later than `now`.
    mutating func popExpired(now: Instant) -> Waiter? {
        guard let first = heap.first, first.deadline <= now else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            siftDown(from: 0)
        }
        if first.waiter.isResolved { deadEntries = max(0, deadEntries - 1) }
        return first.waiter
    }

    private mutating func siftUp(from start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].deadline < heap[parent].deadline else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(from start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in (2 * parent + 1)...(2 * parent + 2)
            where child < heap.count && heap[child].deadline < heap[least].deadline {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
