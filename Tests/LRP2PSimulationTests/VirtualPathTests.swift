import LRP2PCore
import Testing

@testable import LRP2PSimulation

/// What the network does beyond delay and loss: sizes, marks, shared links, addresses.
@Suite struct VirtualPathTests {
    let hosts = (1...4).map { SocketAddress.loopback(port: $0) }

    private func network(_ conditions: LinkConditions) -> VirtualNetwork {
        let network = VirtualNetwork(seed: 1)
        network.addLink(from: hosts[0], to: hosts[1], conditions: conditions)
        return network
    }

    private func send(
        _ network: VirtualNetwork, _ length: Int, from source: Int = 0, to destination: Int = 1,
        ecn: ECNCodepoint = .notECT, label: UInt64 = 0
    ) -> DatagramFate {
        [UInt8](repeating: UInt8(source), count: length).withUnsafeBytes {
            network.send(
                $0, from: hosts[source], to: hosts[destination], ecn: ecn, label: label)
        }
    }

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

    private static let carried = DatagramFate.carried(copies: 1, damaged: 0)

    @Test func longDatagramsVanishWhereThePathIsNarrow() {
        var conditions = LinkConditions()
        conditions.maximumDatagram = 9000
        conditions.mtuChanges = [
            MTUChange(at: .seconds(1), maximumDatagram: 1300),
            MTUChange(at: .seconds(2), maximumDatagram: nil),
        ]
        let network = network(conditions)
        #expect(send(network, 9000) == Self.carried)
        #expect(send(network, 9001) == .dropped(.tooLong))
        network.advance(to: network.start + .seconds(1))
        #expect(send(network, 1300) == Self.carried)
        #expect(send(network, 1301) == .dropped(.tooLong))
        network.advance(to: network.start + .seconds(2))
        #expect(send(network, 65_507) == Self.carried)
        #expect(conditions.smallestMaximumDatagram == 1300)
        #expect(arrivals(network).map(\.datagram.bytes.count) == [9000, 1300, 65_507])
    }

    @Test func aFillingQueueMarksWhatIsECNCapable() {
        var conditions = LinkConditions()
        conditions.bytesPerSecond = 1_000_000
        conditions.queueBytes = 5000
        conditions.ecn = .marks(aboveBytes: 2000)
        let network = network(conditions)
        for ecn: ECNCodepoint in [.ect0, .ect0, .ect0, .ect0, .notECT] {
            #expect(send(network, 1000, ecn: ecn) == Self.carried)
        }
        #expect(send(network, 1000, ecn: .ect0) == .dropped(.queueFull))
        #expect(arrivals(network).map(\.datagram.ecn) == [.ect0, .ect0, .ect0, .ce, .notECT])
        #expect(network.counters(from: hosts[0], to: hosts[1]).marked == 1)
    }

    @Test(arguments: [
        (ECNTreatment.passes, ECNCodepoint.ect0), (.clears, .notECT), (.marksAll, .ce),
    ])
    func routersTreatTheECNFieldWellOrBadly(treatment: ECNTreatment, expected: ECNCodepoint) {
        var conditions = LinkConditions()
        conditions.ecn = treatment
        let network = network(conditions)
        _ = send(network, 10, ecn: .ect0)
        _ = send(network, 10, ecn: .notECT)
        #expect(arrivals(network).map(\.datagram.ecn) == [expected, .notECT])
    }

    @Test func aRateThatChangesMovesWhatWaits() {
        var conditions = LinkConditions()
        conditions.bytesPerSecond = 1_000_000
        conditions.rateChanges = [RateChange(at: .milliseconds(1), bytesPerSecond: 100_000)]
        let network = network(conditions)
        for _ in 0..<3 { _ = send(network, 1000) }
        network.advance(to: network.start + .milliseconds(1))
        // 2000 bytes still wait, now at a tenth of the rate, and this comes after them.
        _ = send(network, 1000)
        #expect(arrivals(network).map(\.time).last == .milliseconds(31))
    }

    @Test func aSharedLinkIsOneQueueForAll() {
        let network = VirtualNetwork(seed: 1)
        var shared = LinkConditions()
        shared.bytesPerSecond = 1_000_000
        shared.queueBytes = 3000
        let bottleneck = network.addBottleneck(conditions: shared)
        for (source, delay) in [(0, 10), (2, 20)] as [(Int, Int64)] {
            var conditions = LinkConditions()
            conditions.delay = .milliseconds(delay)
            network.addLink(
                from: hosts[source], to: hosts[source + 1], conditions: conditions,
                bottleneck: bottleneck)
        }
        let fates = [0, 2, 0, 2].map { send(network, 1000, from: $0, to: $0 + 1) }
        #expect(fates == [Self.carried, Self.carried, Self.carried, .dropped(.queueFull)])
        #expect(arrivals(network).map(\.time)
            == [.milliseconds(11), .milliseconds(13), .milliseconds(22)])
        let counters = network.counters(ofBottleneck: bottleneck)
        #expect(counters.sent == 4 && counters.dropped(.queueFull) == 1)
        #expect(counters.queued == 3 && counters.queueingTime == .milliseconds(6))
        #expect(counters.longestQueueingTime == .milliseconds(3))
        #expect(network.counters(from: hosts[2], to: hosts[3]).delivered == 1)
    }

    @Test func aFormerAddressWorksForItsGraceTime() {
        let network = VirtualNetwork(seed: 1)
        network.addLink(from: hosts[0], to: hosts[1], conditions: LinkConditions())
        network.rebind(hosts[1], to: hosts[3], grace: .seconds(1))
        #expect(network.visibleAddress(of: hosts[1]) == hosts[3])
        #expect(send(network, 1, to: 1) == Self.carried)
        #expect(send(network, 1, to: 3) == Self.carried)
        network.advance(to: network.start + .seconds(1))
        #expect(send(network, 1, to: 1) == .dropped(.unreachable))
        #expect(send(network, 1, to: 3) == Self.carried)
        #expect(arrivals(network).allSatisfy { $0.datagram.destination == hosts[1] })
    }

    @Test func labelsTravelAlong() {
        var conditions = LinkConditions()
        conditions.duplication = 1
        let network = network(conditions)
        _ = send(network, 10, label: 7)
        #expect(arrivals(network).map(\.datagram.label) == [7, 7])
    }
}
