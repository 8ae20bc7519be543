import LRP2PCore
import Testing

@testable import LRP2PSimulation

@Suite struct EventQueueTests {
    @Test func comesOutByTimeAndThenByInsertion() {
        var random = SeededRandom(seed: 1)
        var queue = EventQueue<Int>()
        var times: [Int] = []
        for index in 0..<2000 {
            times.append(random.integer(in: 0...99))
            queue.insert(index, at: Instant(nanoseconds: Int64(times[index])))
        }
        var popped: [Int] = []
        while let index = queue.popFirst(upTo: .distantFuture) { popped.append(index) }
        let expected = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
        #expect(popped == expected)
    }

    @Test func holdsBackWhatIsNotDue() {
        var queue = EventQueue<String>()
        queue.insert("later", at: Instant(nanoseconds: 10))
        #expect(queue.nextTime == Instant(nanoseconds: 10))
        #expect(queue.popFirst(upTo: Instant(nanoseconds: 9)) == nil)
        #expect(queue.popFirst(upTo: Instant(nanoseconds: 10)) == "later")
        #expect(queue.count == 0 && queue.nextTime == nil)
    }
}
