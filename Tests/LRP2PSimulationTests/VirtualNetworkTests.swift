import LRP2PCore
import Testing

@testable import LRP2PSimulation

/// The network by itself, between two hosts that do nothing but send.
@Suite struct VirtualNetworkTests {
    let a = SocketAddress.loopback(port: 1)
    let b = SocketAddress.loopback(port: 2)

    private func network(seed: UInt64 = 1, _ conditions: LinkConditions) -> VirtualNetwork {
        let network = VirtualNetwork(seed: seed)
        network.addLink(from: a, to: b, conditions: conditions)
        return network
    }

    private func send(
        _ network: VirtualNetwork, bytes: [UInt8], to destination: SocketAddress? = nil
    ) -> DatagramFate {
        bytes.withUnsafeBytes { network.send($0, from: a, to: destination ?? b) }
    }

    /// Everything that arrives from now on, with its time since the start.
    private func arrivals(
        _ network: VirtualNetwork
    ) -> [(time: Interval, datagram: VirtualDatagram)] {
        var arrived: [(Interval, VirtualDatagram)] = []
        while let next = network.nextArrival {
            network.advance(to: next)
            while let datagram = network.receive() { arrived.append((network.elapsed, datagram)) }
        }
        return arrived
    }

    /// Sends numbered datagrams, one each `gap`, and returns the numbers in order of arrival.
    private func sendNumbered(
        _ network: VirtualNetwork, count: Int, gap: Interval
    ) -> [Int] {
        for number in 0..<count {
            network.advance(to: network.start + gap * Int64(number))
            _ = send(network, bytes: [UInt8(number >> 8), UInt8(number & 255)])
        }
        return arrivals(network).map { Int($0.datagram.bytes[0]) << 8 | Int($0.datagram.bytes[1]) }
    }

    @Test func aPerfectLinkCarriesEverythingInOrderAfterItsDelay() {
        var conditions = LinkConditions()
        conditions.delay = .milliseconds(20)
        let network = network(conditions)
        #expect(send(network, bytes: [1, 2, 3]) == .carried(copies: 1, damaged: 0))
        let arrived = arrivals(network)
        #expect(arrived.map(\.time) == [.milliseconds(20)])
        #expect(arrived.map(\.datagram.bytes) == [[1, 2, 3]])
        #expect(arrived.map(\.datagram.source) == [a])
        #expect(!arrived[0].datagram.isDamaged && !arrived[0].datagram.isDuplicate)
        let counters = network.counters(from: a, to: b)
        #expect(counters.sent == 1 && counters.delivered == 1 && counters.deliveredBytes == 3)
    }

    @Test func independentLossHasItsRatio() {
        var conditions = LinkConditions()
        conditions.loss = .independent(0.3)
        let network = network(conditions)
        let arrived = sendNumbered(network, count: 20_000, gap: .microseconds(1))
        #expect((13_600...14_400).contains(arrived.count))
        #expect(network.counters(from: a, to: b).dropped(.lost) == 20_000 - arrived.count)
    }

    @Test func burstyLossHasItsRatioAndComesInRuns() {
        let model = GilbertElliott(goodToBad: 0.01, badToGood: 0.2)
        var conditions = LinkConditions()
        conditions.loss = .bursty(model)
        let arrived = sendNumbered(network(conditions), count: 50_000, gap: .microseconds(1))
        let lost = 50_000 - arrived.count
        #expect(abs(Double(lost) / 50_000 - model.expectedRatio) < 0.01)
        let runs = zip(arrived, arrived.dropFirst()).count { $1 != $0 + 1 }
        // A run is 1 / badToGood datagrams long in the mean.
        #expect((4.0...6.0).contains(Double(lost) / Double(runs)))
    }

    @Test func bandwidthSpacesDatagrams() {
        var conditions = LinkConditions()
        conditions.bytesPerSecond = 1_000_000
        conditions.delay = .milliseconds(5)
        let network = network(conditions)
        for _ in 0..<4 { _ = send(network, bytes: [UInt8](repeating: 0, count: 1000)) }
        #expect(arrivals(network).map(\.time) == (1...4).map { .milliseconds(5 + $0) })
    }

    @Test func aFullQueueDropsWhatComesLast() {
        var conditions = LinkConditions()
        conditions.bytesPerSecond = 1_000_000
        conditions.queueBytes = 3000
        let network = network(conditions)
        let datagram = [UInt8](repeating: 0, count: 1000)
        let fates = (0..<5).map { _ in send(network, bytes: datagram) }
        #expect(fates == Array(repeating: .carried(copies: 1, damaged: 0), count: 3)
            + Array(repeating: .dropped(.queueFull), count: 2))
        // After one has left there is room for one.
        network.advance(to: network.start + .milliseconds(1))
        #expect(send(network, bytes: datagram) == .carried(copies: 1, damaged: 0))
        #expect(send(network, bytes: datagram) == .dropped(.queueFull))
        #expect(network.counters(from: a, to: b).dropped(.queueFull) == 3)
    }

    @Test func aPartitionStopsWhatEntersAndNothingElse() {
        var conditions = LinkConditions()
        conditions.delay = .milliseconds(10)
        conditions.partitions = [.milliseconds(5)..<(.milliseconds(8))]
        let network = network(conditions)
        let arrived = sendNumbered(network, count: 12, gap: .milliseconds(1))
        #expect(arrived == [0, 1, 2, 3, 4, 8, 9, 10, 11])
        #expect(network.counters(from: a, to: b).dropped(.partitioned) == 3)
    }

    @Test func duplicatesAreSecondCopies() {
        var conditions = LinkConditions()
        conditions.duplication = 0.1
        let network = network(conditions)
        for number in 0..<10_000 { _ = send(network, bytes: [UInt8(number & 255)]) }
        let arrived = arrivals(network)
        let duplicates = arrived.count { $0.datagram.isDuplicate }
        #expect((900...1100).contains(duplicates))
        #expect(arrived.count == 10_000 + duplicates)
        #expect(network.counters(from: a, to: b).duplicated == duplicates)
    }

    @Test func lateDuplicatesAreWithinTheirDelay() {
        var conditions = LinkConditions()
        conditions.duplication = 1
        conditions.duplicationDelay = .seconds(10)
        let network = network(conditions)
        for _ in 0..<500 { _ = send(network, bytes: [0]) }
        let arrived = arrivals(network)
        #expect(arrived.filter { !$0.datagram.isDuplicate }.allSatisfy { $0.time == .zero })
        let late = arrived.filter(\.datagram.isDuplicate).map(\.time)
        #expect(late.count == 500 && late.allSatisfy { $0 <= .seconds(10) })
        #expect(late.contains { $0 > .seconds(9) } && late.contains { $0 < .seconds(1) })
    }

    @Test func corruptionChangesOrShortensAndSaysSo() {
        var conditions = LinkConditions()
        conditions.corruption = 0.5
        let network = network(conditions)
        let original = (0..<100).map { UInt8($0) }
        for _ in 0..<4000 { _ = send(network, bytes: original) }
        let arrived = arrivals(network).map(\.datagram)
        #expect(arrived.allSatisfy { ($0.bytes != original) == $0.isDamaged })
        #expect((1850...2150).contains(arrived.count { $0.isDamaged }))
        #expect(arrived.contains { $0.bytes.count < 100 })
        #expect(arrived.contains { $0.isDamaged && $0.bytes.count == 100 })
    }

    @Test func jitterReordersUnlessTheLinkKeepsOrder() {
        var conditions = LinkConditions()
        conditions.delay = .milliseconds(20)
        conditions.jitter = .milliseconds(10)
        let shuffled = sendNumbered(network(conditions), count: 1000, gap: .milliseconds(1))
        #expect(shuffled.count == 1000 && shuffled != shuffled.sorted())
        conditions.jitterReorders = false
        let network = network(conditions)
        let kept = sendNumbered(network, count: 1000, gap: .milliseconds(1))
        #expect(kept == Array(0..<1000))
    }

    @Test func jitterStaysWithinItsBounds() {
        var conditions = LinkConditions()
        conditions.delay = .milliseconds(20)
        conditions.jitter = .milliseconds(10)
        let network = network(conditions)
        for _ in 0..<2000 { _ = send(network, bytes: [0]) }
        let times = arrivals(network).map(\.time)
        let bounds: ClosedRange<Interval> = .milliseconds(10)...(.milliseconds(30))
        #expect(times.allSatisfy { bounds.contains($0) })
        #expect(times.contains { $0 < .milliseconds(11) })
        #expect(times.contains { $0 > .milliseconds(29) })
    }

    @Test func heldBackDatagramsAreOvertaken() {
        var conditions = LinkConditions()
        conditions.reordering = 0.2
        conditions.reorderingDelay = .milliseconds(5)
        let network = network(conditions)
        let arrived = sendNumbered(network, count: 1000, gap: .milliseconds(1))
        let held = network.counters(from: a, to: b).heldBack
        #expect((150...250).contains(held))
        #expect(arrived.sorted() == Array(0..<1000) && arrived != Array(0..<1000))
    }

    @Test func targetedFaultsHitTheFirstOfTheirLength() {
        var conditions = LinkConditions()
        conditions.targetedFaults = [
            TargetedFault(lengths: 3...4, count: 2, effect: .drop),
            TargetedFault(lengths: 1...1, count: 1, effect: .damage),
        ]
        let network = network(conditions)
        let fates = [3, 1, 1, 4, 3].map { send(network, bytes: [UInt8](repeating: 9, count: $0)) }
        #expect(fates == [
            .dropped(.targeted), .carried(copies: 1, damaged: 1), .carried(copies: 1, damaged: 0),
            .dropped(.targeted), .carried(copies: 1, damaged: 0),
        ])
    }

    @Test func anotherLinkDoesNotChangeTheHistoryOfThisOne() {
        var conditions = LinkConditions()
        conditions.loss = .independent(0.2)
        conditions.jitter = .milliseconds(3)
        conditions.delay = .milliseconds(3)
        let alone = sendNumbered(network(conditions), count: 500, gap: .milliseconds(1))
        let shared = network(conditions)
        shared.addLink(from: b, to: a, conditions: conditions)
        for _ in 0..<100 { _ = [1].withUnsafeBytes { shared.send($0, from: b, to: a) } }
        while let next = shared.nextArrival, next <= shared.start { _ = shared.receive() }
        for number in 0..<500 {
            shared.advance(to: shared.start + .milliseconds(Int64(number)))
            _ = send(shared, bytes: [UInt8(number >> 8), UInt8(number & 255)])
        }
        let crowded = arrivals(shared).map(\.datagram).filter { $0.destination == b }
            .map { Int($0.bytes[0]) << 8 | Int($0.bytes[1]) }
        #expect(crowded == alone)
    }

    @Test func anotherSeedIsAnotherHistory() {
        var conditions = LinkConditions()
        conditions.loss = .independent(0.2)
        let first = sendNumbered(network(seed: 1, conditions), count: 200, gap: .milliseconds(1))
        let again = sendNumbered(network(seed: 1, conditions), count: 200, gap: .milliseconds(1))
        let second = sendNumbered(network(seed: 2, conditions), count: 200, gap: .milliseconds(1))
        #expect(first == again && first != second)
    }

    @Test func aReboundHostIsSeenAndReachedUnderItsNewAddressOnly() {
        let network = VirtualNetwork(seed: 1)
        network.addLink(from: a, to: b, conditions: LinkConditions())
        network.addLink(from: b, to: a, conditions: LinkConditions())
        let visible = SocketAddress.loopback(port: 99)
        network.rebind(a, to: visible)
        _ = send(network, bytes: [1])
        #expect(network.receive()?.source == visible)
        #expect([2].withUnsafeBytes { network.send($0, from: b, to: a) } == .dropped(.unreachable))
        _ = [3 as UInt8].withUnsafeBytes { network.send($0, from: b, to: visible) }
        let answer = network.receive()
        #expect(answer?.bytes == [3] && answer?.destination == a)
        network.rebind(a, to: SocketAddress.loopback(port: 100))
        #expect([2].withUnsafeBytes { network.send($0, from: b, to: visible) }
            == .dropped(.unreachable))
        #expect(network.unreachable == 2)
    }

    @Test func theAirHoldsALimitedNumberOfDatagrams() {
        var conditions = LinkConditions()
        conditions.delay = .seconds(1)
        let network = network(conditions)
        for _ in 0..<VirtualNetwork.maximumDatagramsInFlight { _ = send(network, bytes: []) }
        #expect(send(network, bytes: []) == .dropped(.inFlightLimit))
        network.advance(to: network.start + .seconds(1))
        #expect(network.receive() != nil)
        #expect(send(network, bytes: []) == .carried(copies: 1, damaged: 0))
    }
}
