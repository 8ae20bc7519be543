import Testing

@testable import HTTPServer

@Suite struct AnswerStreamTests {
    @Test func piecesLeaveInOrderAndInParts() {
        var stream = AnswerStream(startingWith: [1, 2, 3])
        #expect(stream.pulled(2) == [1, 2])
        #expect(stream.pulled(2) == [3])
        #expect(stream.pulled(2) == nil)
        #expect(stream.offer([4]) == true)
        #expect(stream.pulled(2) == [4])
    }

    @Test func nextPieceIsWantedWhenTheLastIsGone() {
        var stream = AnswerStream(startingWith: [1])
        #expect(stream.demand() == nil)
        #expect(stream.pulled(8) == [1])
        let (pull, wakes) = stream.pull(8)
        #expect(pull == .suspend && wakes)
        #expect(stream.demand() == true)
        #expect(stream.offer([2]) == true)
        #expect(stream.offer([3]) == false, "nobody has asked for it")
        #expect(stream.demand() == nil)
        #expect(stream.pulled(8) == [2])
    }

    @Test func emptyPieceIsSkipped() {
        var stream = AnswerStream(startingWith: [])
        #expect(stream.pulled(8) == nil)
        #expect(stream.offer([]) == false)
        #expect(stream.demand() == true)
    }

    @Test(arguments: [(false, AnswerStream.Pull.end), (true, .abort)])
    func endComesAfterTheLastPiece(failed: Bool, end: AnswerStream.Pull) {
        var stream = AnswerStream(startingWith: [1])
        #expect(stream.demand() == nil)
        #expect(stream.close(failed: failed) == true, "the producer that waits is told")
        #expect(stream.close(failed: !failed) == false, "the first end counts")
        #expect(stream.pulled(8) == [1])
        #expect(stream.pull(8).0 == end)
        #expect(!stream.isOpen)
        #expect(stream.demand() == false)
        #expect(stream.offer([2]) == false)
    }
}

extension AnswerStream {
    fileprivate mutating func pull(_ count: Int) -> (Pull, wakes: Bool) {
        withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { pull(into: $0) }
    }

    /// `nil` when there is nothing.
    fileprivate mutating func pulled(_ count: Int) -> [UInt8]? {
        withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { buffer in
            guard case (.bytes(let count), _) = pull(into: buffer) else { return nil }
            return Array(buffer.prefix(count))
        }
    }
}
