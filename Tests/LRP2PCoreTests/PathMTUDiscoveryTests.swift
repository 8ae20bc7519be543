import Testing

@testable import LRP2PCore

struct PathMTUDiscoveryTests {
    /// A connection on a path that carries datagrams up to a size, one round trip per step.
    private final class Path {
        var discovery: PathMTUDiscovery
        var carries: Int
        var now = Instant(nanoseconds: 1_000_000_000)
        private(set) var probes: [Int] = []
        private(set) var number: UInt64 = 0

        init(maximum: Int, carries: Int) {
            discovery = PathMTUDiscovery(maximum: maximum)
            self.carries = carries
        }

        func start() { discovery.start() }

        /// Probes until none is wanted.
        func search(loses: (Int) -> Bool = { _ in false }) {
            while let size = discovery.probeToSend(now: now) {
                probes.append(size)
                discovery.didSend(probe: size)
                now = now + .milliseconds(10)
                if size <= carries, !loses(probes.count) {
                    discovery.probeAcknowledged(size: size)
                } else {
                    discovery.probeLost()
                }
            }
        }

        func probe() -> Int? { discovery.probeToSend(now: now) }

        func acknowledge(size: Int) {
            number += 1
            discovery.packetAcknowledged(number, size: size)
        }

        func lose(size: Int) -> Bool {
            number += 1
            return discovery.packetLost(number, size: size, now: now)
        }

        /// An older packet than the newest one.
        func lose(size: Int, before: UInt64) -> Bool {
            discovery.packetLost(number - before, size: size, now: now)
        }

        func timeout(_ count: Int) -> Bool { discovery.probeTimeout(count: count, now: now) }
        func forgetProbes() { probes = [] }
    }

    @Test func waitsForTheHandshake() {
        let path = Path(maximum: 9000, carries: 9000)
        #expect(path.probe() == nil)
        #expect(path.discovery.currentSize == 1400 && path.discovery.nextDeadline == nil)
        path.start()
        #expect(path.probe() == 9000)
    }

    @Test func theBoundItselfComesFirst() {
        let path = Path(maximum: 65_507, carries: 65_507)
        path.start()
        path.search()
        #expect(path.probes == [65_507])
        #expect(path.discovery.currentSize == 65_507)
        #expect(path.discovery.nextDeadline == nil, "there is nothing more to want")
    }

    @Test func thereIsOneProbeAtATime() {
        let path = Path(maximum: 9000, carries: 1500)
        path.start()
        path.discovery.didSend(probe: 9000)
        #expect(path.probe() == nil && path.discovery.outstandingProbe == 9000)
        path.discovery.probeLost()
        path.discovery.probeLost()
        #expect(path.probe() == 9000, "one probe was lost, not two")
    }

    @Test func ethernetUnderIPv4() {
        let path = Path(maximum: 65_507, carries: 1472)
        path.start()
        path.search()
        #expect(path.discovery.currentSize == 1472)
        #expect(path.probes.prefix(8) == [65_507, 65_507, 65_507, 1452, 1472, 4044, 4044, 4044])
        #expect(path.probes.count < 32)
        #expect(path.discovery.nextDeadline == path.now + .seconds(600))
    }

    @Test func aRefusedProbeIsNotRepeated() {
        let path = Path(maximum: 65_507, carries: 1472)
        path.start()
        while let size = path.probe(), size > 1472 { path.discovery.probeRefused(size: size) }
        #expect(path.probe() == 1452)
        path.search()
        #expect(path.discovery.currentSize == 1472)
    }

    /// Whatever the path carries is found but for 20 bytes or 2 %.
    @Test func anySize() {
        for maximum in [1200, 1350, 1500, 9000, 65_535] {
            for carries in stride(from: 1400, through: 65_507, by: 331) {
                let path = Path(maximum: maximum, carries: carries)
                path.start()
                path.search()
                let reachable = min(maximum, carries, 65_507)
                let found = path.discovery.currentSize
                #expect(found <= reachable)
                #expect(reachable - found < max(21, found / 50 + 1), "\(maximum) \(carries)")
                #expect(path.probes.count <= 45)
                #expect(path.probes.allSatisfy { $0 > 1400 && $0 <= maximum })
            }
        }
    }

    @Test func twoLossesOfAProbeAreNoVerdict() {
        let path = Path(maximum: 9000, carries: 9000)
        path.start()
        path.search { $0 < 3 }
        #expect(path.probes == [9000, 9000, 9000])
        #expect(path.discovery.currentSize == 9000)
    }

    @Test func looksAgainLater() {
        let path = Path(maximum: 9000, carries: 1472)
        path.start()
        path.search()
        #expect(path.discovery.currentSize == 1472)
        path.carries = 9000
        path.now = path.now + .seconds(599)
        #expect(path.probe() == nil)
        path.now = path.now + .seconds(1)
        path.search()
        #expect(path.discovery.currentSize == 9000)
    }

    private func pathOf9000() -> Path {
        let path = Path(maximum: 9000, carries: 9000)
        path.start()
        path.search()
        return path
    }

    @Test func aBlackHoleIsLeft() {
        let path = pathOf9000()
        path.acknowledge(size: 9000)
        path.carries = 1300
        for _ in 0..<5 {
            #expect(!path.lose(size: 9000))
            path.acknowledge(size: 60)
            path.acknowledge(size: 1250)
        }
        #expect(path.discovery.currentSize == 9000)
        #expect(path.lose(size: 9000))
        #expect(path.discovery.currentSize == 1200)
        #expect(!path.lose(size: 9000), "there is no smaller size")
        #expect(path.discovery.nextDeadline == path.now + .seconds(60))
        #expect(path.probe() == nil)
        path.now = path.now + .seconds(60)
        path.search()
        #expect((1280...1300).contains(path.discovery.currentSize))
    }

    @Test func aFullQueueIsNoBlackHole() {
        let path = pathOf9000()
        for _ in 0..<100 { path.acknowledge(size: 9000) }
        // A hundred lost in a row, but later ones of the same size have arrived.
        for before in (1...90).reversed() as [UInt64] {
            #expect(!path.lose(size: 9000, before: before))
        }
        // The same for an application whose packets are not full.
        for _ in 0..<100 { path.acknowledge(size: 1300) }
        for before in (1...90).reversed() as [UInt64] {
            #expect(!path.lose(size: 1300, before: before))
        }
        #expect(path.discovery.currentSize == 9000)
    }

    @Test func whatArrivesInBetweenClearsThePath() {
        let path = pathOf9000()
        for _ in 0..<20 {
            for _ in 0..<5 { #expect(!path.lose(size: 9000)) }
            path.acknowledge(size: 9000)
        }
        #expect(path.discovery.currentSize == 9000)
    }

    @Test func smallPacketsSayNothing() {
        let path = pathOf9000()
        for _ in 0..<100 { #expect(!path.lose(size: 1200)) }
        #expect(path.discovery.currentSize == 9000)
    }

    @Test func silenceIsABlackHole() {
        let path = pathOf9000()
        #expect(!path.timeout(1) && !path.timeout(2) && path.timeout(3))
        #expect(path.discovery.currentSize == 1200)
        #expect(!path.timeout(4))
    }

    @Test func deliveriesBeforeARaiseSayNothingAboutIt() {
        let path = Path(maximum: 9000, carries: 9000)
        path.start()
        path.acknowledge(size: 1400)
        path.search()
        for _ in 0..<100 { path.acknowledge(size: 1400) }
        for before in (1...5).reversed() as [UInt64] {
            #expect(!path.lose(size: 9000, before: before))
        }
        #expect(path.lose(size: 9000))
    }

    @Test func lateNewsOfAProbeAreIgnored() {
        let path = pathOf9000()
        _ = path.timeout(3)
        path.discovery.probeAcknowledged(size: 9000)
        path.discovery.probeLost()
        #expect(path.discovery.currentSize == 1200)
    }

    @Test func aNewPathStartsOver() {
        let path = pathOf9000()
        path.start()
        #expect(path.discovery.currentSize == 1400)
        #expect(path.probe() == 9000)
    }

    @Test func theBoundIsReasonable() {
        #expect(PathMTUDiscovery(maximum: 0).currentSize == 1200)
        let path = Path(maximum: 1300, carries: 9000)
        path.start()
        #expect(path.discovery.currentSize == 1300 && path.probe() == nil)
    }
}
