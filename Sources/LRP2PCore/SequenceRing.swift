/// Values for a window of consecutive positions that slides upwards, found by position.
///
/// Storage is a power of two that doubles while the window grows and is never given back, so an
/// idle connection costs little and a fast one does not allocate. The caller bounds the window.
struct SequenceRing<Element> {
    private var storage: ContiguousArray<Element>
    private let filler: Element
    /// The window's first position.
    private(set) var start: UInt64
    /// The position after the window's last.
    private(set) var end: UInt64

    init(start: UInt64, filler: Element, initialCapacity: Int = 16) {
        storage = ContiguousArray(repeating: filler, count: initialCapacity)
        self.filler = filler
        self.start = start
        end = start
    }

    var count: Int { Int(end - start) }
    var isEmpty: Bool { end == start }

    @inline(__always)
    private func slot(_ position: UInt64) -> Int {
        Int(truncatingIfNeeded: position) & (storage.count - 1)
    }

    subscript(position: UInt64) -> Element {
        @inline(__always) get { storage[slot(position)] }
        @inline(__always) _modify { yield &storage[slot(position)] }
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count == storage.count { grow(toHold: count + 1) }
        storage[slot(end)] = element
        end += 1
    }

    /// Widens the window to end at `newEnd`; new positions hold the filler.
    mutating func extend(to newEnd: UInt64) {
        guard newEnd > end else { return }
        if Int(newEnd - start) > storage.count { grow(toHold: Int(newEnd - start)) }
        end = newEnd
    }

    /// Takes the first value out of the window.
    mutating func removeFirst() -> Element {
        let index = slot(start)
        let element = storage[index]
        storage[index] = filler
        start += 1
        return element
    }

    /// Takes the first value out of the window without clearing its place: for windows that grow by
    /// `append` only, which overwrites it.
    @inline(__always)
    mutating func dropFirst() {
        start += 1
    }

    /// Lets the window pass over one position, which holds the filler while it is inside.
    mutating func skip() {
        if isEmpty {
            start += 1
            end += 1
        } else {
            append(filler)
        }
    }

    private mutating func grow(toHold count: Int) {
        var capacity = storage.count
        while capacity < count { capacity *= 2 }
        var larger = ContiguousArray(repeating: filler, count: capacity)
        for position in start..<end {
            larger[Int(truncatingIfNeeded: position) & (capacity - 1)] = storage[slot(position)]
        }
        storage = larger
    }
}

extension SequenceRing: Sendable where Element: Sendable {}
