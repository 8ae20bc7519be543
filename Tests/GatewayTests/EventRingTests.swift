import Testing

@testable import Gateway

@Suite struct EventRingTests {
    @Test func remembersTheLatest() {
        var ring = EventRing<Int>(limit: 3)
        #expect(ring.events(from: 0, maximum: 10) == [])
        for number in 0..<10 {
            ring.append(number)
            let earliest = max(0, number - 2)
            #expect(ring.end == UInt64(number + 1) && ring.earliest == UInt64(earliest))
            for position in 0...number + 2 {
                let expected = (earliest...number + 1).contains(position)
                    ? Array(position..<number + 1) : nil
                #expect(ring.events(from: UInt64(position), maximum: 10) == expected)
            }
        }
    }

    @Test func givesAsManyAsAreWanted() {
        var ring = EventRing<Int>(limit: 3)
        for number in 0..<5 { ring.append(number) }
        #expect(ring.events(from: 2, maximum: 2) == [2, 3])
        #expect(ring.events(from: 4, maximum: 2) == [4])
        #expect(ring.events(from: 3, maximum: 0) == [])
        #expect(ring.events(from: .max, maximum: 1) == nil)
    }
}
