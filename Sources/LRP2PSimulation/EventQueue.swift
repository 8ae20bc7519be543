import LRP2PCore

/// What happens next: a binary heap by time. Elements of the same time come out in the order they
/// went in, so that a history does not depend on the shape of the heap.
struct EventQueue<Element> {
    private struct Entry {
        let time: Instant
        let order: UInt64
        let element: Element

        func precedes(_ other: Entry) -> Bool {
            time == other.time ? order < other.order : time < other.time
        }
    }

    private var heap: [Entry] = []
    private var nextOrder: UInt64 = 0

    var count: Int { heap.count }
    var nextTime: Instant? { heap.first?.time }

    mutating func insert(_ element: Element, at time: Instant) {
        heap.append(Entry(time: time, order: nextOrder, element: element))
        nextOrder += 1
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].precedes(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Removes the earliest element, unless it lies after `limit`.
    mutating func popFirst(upTo limit: Instant) -> Element? {
        guard let first = heap.first, first.time <= limit else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].precedes(heap[smallest]) {
                smallest = child
            }
            guard smallest != parent else { return first.element }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
