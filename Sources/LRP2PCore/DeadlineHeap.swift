/// Connections by the time at which each wants to be called: a binary heap, earliest first.
///
/// A connection's place is updated at once when its deadline comes nearer; one that moves away is
/// looked at again when its old deadline passes, which happens once and saves a move per packet.
struct DeadlineHeap {
    private var items: [Connection] = []

    var earliest: Instant? { items.first?.heapDeadline }

    /// Sees to it that the connection is looked at by its deadline.
    mutating func schedule(_ connection: Connection, at deadline: Instant) {
        if let index = connection.heapIndex {
            guard deadline < connection.heapDeadline else { return }
            connection.heapDeadline = deadline
            siftUp(index)
        } else if deadline < .distantFuture {
            connection.heapDeadline = deadline
            connection.heapIndex = items.count
            items.append(connection)
            siftUp(items.count - 1)
        }
    }

    /// Takes out a connection whose deadline has passed, if there is one.
    mutating func popDue(now: Instant) -> Connection? {
        guard let first = items.first, first.heapDeadline <= now else { return nil }
        remove(first)
        return first
    }

    mutating func remove(_ connection: Connection) {
        guard let index = connection.heapIndex else { return }
        connection.heapIndex = nil
        let last = items.removeLast()
        guard last !== connection else { return }
        items[index] = last
        last.heapIndex = index
        siftUp(index)
        siftDown(last.heapIndex ?? index)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard items[index].heapDeadline < items[parent].heapDeadline else { return }
            swapItems(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < items.count {
                if items[child].heapDeadline < items[least].heapDeadline { least = child }
            }
            guard least != index else { return }
            swapItems(index, least)
            index = least
        }
    }

    private mutating func swapItems(_ a: Int, _ b: Int) {
        items.swapAt(a, b)
        items[a].heapIndex = a
        items[b].heapIndex = b
    }
}
