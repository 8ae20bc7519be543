import LRP2PCore
import Testing

@testable import lrp2p_bench

@Suite struct DatagramFIFOTests {
    private func time(_ nanoseconds: Int) -> Instant { Instant(nanoseconds: Int64(nanoseconds)) }

    @Test func datagramsLeaveAtTheirTimesAndInOrder() {
        var fifo = DatagramFIFO()
        [1, 2, 3].withUnsafeBytes { fifo.append($0, arrival: time(5)) }
        [UInt8]().withUnsafeBytes { fifo.append($0, arrival: time(5)) }
        [UInt8(9)].withUnsafeBytes { fifo.append($0, arrival: time(7)) }
        let early = fifo.popArrived(by: time(4)) == nil
        #expect(early)
        #expect(fifo.nextArrival == time(5))
        let first = fifo.popArrived(by: time(6))?.count
        let second = fifo.popArrived(by: time(6))?.count
        let third = fifo.popArrived(by: time(6)) == nil
        #expect(first == 3 * MemoryLayout<Int>.size && second == 0 && third)
        #expect(fifo.nextArrival == time(7) && fifo.count == 1)
        let last = fifo.popArrived(by: time(7)).map { Array($0) }
        #expect(last == [9])
        #expect(fifo.nextArrival == nil && fifo.count == 0)
    }

    /// Through many chunks, so that they are filled, emptied and used again.
    @Test func contentSurvivesChunks() {
        var fifo = DatagramFIFO()
        var written = 0, read = 0
        func datagram(_ index: Int) -> [UInt8] {
            [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: (index * 7919) % 65_536 / 4)
        }
        var areEqual = true
        for _ in 0..<12 {
            for _ in 0..<100 {
                datagram(written).withUnsafeBytes { fifo.append($0, arrival: time(written)) }
                written += 1
            }
            while fifo.count > 20, let found = fifo.popArrived(by: time(written)) {
                areEqual = areEqual && found.elementsEqual(datagram(read))
                read += 1
                areEqual = areEqual && fifo.nextArrival == time(read)
            }
        }
        #expect(areEqual)
        #expect(written - read == fifo.count && fifo.count == 20)
    }
}
