/// A set of offsets (or packet numbers) as sorted half-open ranges that neither overlap nor touch.
///
/// Offsets mostly come in order, and leave in order: adding at the end and removing at the
/// beginning take constant time, everything else a binary search and a move of what is behind.
/// Allocates nothing before the first range. The caller bounds `count`.
struct OffsetRanges: Sendable {
    /// Ranges before `head` are gone; they are cleared away when they are half of the storage.
    private var storage: ContiguousArray<Range<UInt64>> = []
    private var head = 0
    /// How many offsets the set holds.
    private(set) var coveredBytes = 0

    /// Ranges gone that are not worth a move.
    private static let toleratedHead = 32

    @inline(__always) var count: Int { storage.count &- head }
    @inline(__always) var isEmpty: Bool { head == storage.count }
    var first: Range<UInt64>? { isEmpty ? nil : storage[head] }
    var last: Range<UInt64>? { isEmpty ? nil : storage[storage.count &- 1] }

    /// The range with that place in the order, from 0.
    @inline(__always)
    subscript(index: Int) -> Range<UInt64> { storage[head &+ index] }

    func contains(_ offset: UInt64) -> Bool {
        let index = firstIndex(endingAbove: offset)
        return index < storage.count && storage[index].lowerBound <= offset
    }

    /// Whether every offset of the range is in the set.
    func contains(_ range: Range<UInt64>) -> Bool {
        if range.isEmpty { return true }
        let index = firstIndex(endingAbove: range.lowerBound)
        return index < storage.count && storage[index].lowerBound <= range.lowerBound
            && storage[index].upperBound >= range.upperBound
    }

    /// Where the first range that begins at or after `offset`, or includes it, stands in the order;
    /// `count` when there is none.
    func index(atOrAfter offset: UInt64) -> Int { firstIndex(endingAbove: offset) &- head }

    // MARK: Insertion

    /// Adds the offsets of a range. Returns how many of them are new.
    @inline(__always)
    @discardableResult
    mutating func insert(_ range: Range<UInt64>) -> Int {
        if range.isEmpty { return 0 }
        guard !isEmpty else { return append(range) }
        let last = storage[storage.count &- 1]
        if range.lowerBound > last.upperBound { return append(range) }
        guard range.lowerBound >= last.lowerBound else { return insertBelowLast(range) }
        guard range.upperBound > last.upperBound else { return 0 }
        let added = Int(truncatingIfNeeded: range.upperBound &- last.upperBound)
        storage[storage.count &- 1] = Range(
            uncheckedBounds: (last.lowerBound, range.upperBound))
        coveredBytes &+= added
        return added
    }

    private mutating func append(_ range: Range<UInt64>) -> Int {
        if isEmpty, head > 0 {
            // The place of a range that is gone, without changing the length of the storage.
            head &-= 1
            storage[head] = range
        } else {
            storage.append(range)
        }
        coveredBytes += range.count
        return range.count
    }

    private mutating func insertBelowLast(_ range: Range<UInt64>) -> Int {
        // Ranges that only touch the new one become part of it as well.
        let start = firstIndex(endingAtOrAbove: range.lowerBound)
        var end = start
        var merged = range
        var before = 0
        while end < storage.count, storage[end].lowerBound <= range.upperBound {
            before += storage[end].count
            merged = min(merged.lowerBound, storage[end].lowerBound)
                ..< max(merged.upperBound, storage[end].upperBound)
            end += 1
        }
        if start < end {
            storage[start] = merged
            storage.removeSubrange(start + 1..<end)
        } else if start == head, head > 0 {
            head -= 1
            storage[head] = merged
        } else {
            storage.insert(merged, at: start)
        }
        coveredBytes += merged.count - before
        return merged.count - before
    }

    // MARK: Removal

    /// Takes the offsets of a range out. Returns how many of them were in the set.
    @discardableResult
    mutating func remove(_ range: Range<UInt64>) -> Int {
        if range.isEmpty { return 0 }
        let start = firstIndex(endingAbove: range.lowerBound)
        guard start < storage.count, storage[start].lowerBound < range.upperBound else { return 0 }
        if storage[start].lowerBound >= range.lowerBound, start == head {
            return removeFirst(upTo: range.upperBound)
        }
        var end = start
        var removed = 0
        while end < storage.count, storage[end].lowerBound < range.upperBound {
            removed += storage[end].clamped(to: range).count
            end += 1
        }
        // Of the first and the last one, what lies outside the range stays.
        let below = storage[start].lowerBound..<max(storage[start].lowerBound, range.lowerBound)
        let above = min(range.upperBound, storage[end - 1].upperBound)..<storage[end - 1].upperBound
        if !below.isEmpty, !above.isEmpty, end - start == 1 {
            storage[start] = below
            storage.insert(above, at: end)
        } else {
            var kept = start
            if !below.isEmpty {
                storage[kept] = below
                kept += 1
            }
            if !above.isEmpty {
                end -= 1
                storage[end] = above
            }
            storage.removeSubrange(kept..<end)
        }
        coveredBytes -= removed
        clearAwayHead()
        return removed
    }

    /// Takes all offsets below `offset` out. Returns how many they were.
    @discardableResult
    mutating func removeFirst(upTo offset: UInt64) -> Int {
        var removed = 0
        while head < storage.count, storage[head].lowerBound < offset {
            let range = storage[head]
            guard range.upperBound <= offset else {
                removed += Int(offset - range.lowerBound)
                storage[head] = offset..<range.upperBound
                break
            }
            removed += range.count
            head += 1
        }
        coveredBytes -= removed
        clearAwayHead()
        return removed
    }

    /// Takes the whole first range out.
    mutating func removeFirst() -> Range<UInt64>? {
        guard let first else { return nil }
        removeFirst(upTo: first.upperBound)
        return first
    }

    mutating func removeAll() {
        storage.removeAll(keepingCapacity: true)
        head = 0
        coveredBytes = 0
    }

    private mutating func clearAwayHead() {
        if head >= Self.toleratedHead, 2 * head >= storage.count {
            storage.removeSubrange(..<head)
            head = 0
        }
    }

    // MARK: Search

    /// The first range that has an offset at or above `offset`.
    private func firstIndex(endingAbove offset: UInt64) -> Int {
        // No range ends at 2⁶⁴, so this is the same as ending at or above the next offset.
        offset == .max ? storage.count : firstIndex(endingAtOrAbove: offset + 1)
    }

    private func firstIndex(endingAtOrAbove bound: UInt64) -> Int {
        // The first range is where a gap closes, so it is tried first.
        guard head < storage.count, storage[head].upperBound < bound else { return head }
        var low = head + 1
        var high = storage.count
        while low < high {
            let middle = (low + high) / 2
            if storage[middle].upperBound < bound { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
