import CLinux
import Glibc
import Testing

@testable import LRP2P

@Suite struct HandoverTests {
    private func put(
        _ bytes: [UInt8], in queue: HandoverQueue, from source: SocketAddress = .loopback(port: 1),
        ecn: ECNCodepoint = .notECT
    ) -> Bool {
        bytes.withUnsafeBytes { queue.put($0, from: source, ecn: ecn) }
    }

    @Test func whatIsPutIsTakenOnceInOrder() {
        let queue = HandoverQueue()
        var contents = HandoverQueue.Contents()
        for round in UInt8(0)..<3 {
            #expect(put([round, 1], in: queue, ecn: .ce))
            #expect(put([], in: queue))
            #expect(put([round], in: queue, from: .loopback(port: 2)))
            queue.take(&contents)
            var seen: [[UInt8]] = [], ports: [UInt16] = [], codepoints: [ECNCodepoint] = []
            contents.forEach { datagram, source, ecn in
                seen.append(Array(datagram))
                ports.append(source.port)
                codepoints.append(ecn)
            }
            #expect(seen == [[round, 1], [], [round]])
            #expect(ports == [1, 1, 2])
            #expect(codepoints == [.ce, .notECT, .notECT])
        }
        queue.take(&contents)
        #expect(contents.count == 0)
    }

    @Test func theNumberIsLimited() {
        let queue = HandoverQueue()
        for _ in 0..<HandoverQueue.maximumDatagrams { #expect(put([1], in: queue)) }
        #expect(!put([1], in: queue))
        var contents = HandoverQueue.Contents()
        queue.take(&contents)
        #expect(contents.count == HandoverQueue.maximumDatagrams)
        #expect(put([1], in: queue), "there is room again")
    }

    @Test func theBytesAreLimited() {
        let queue = HandoverQueue()
        let large = [UInt8](repeating: 0, count: 60_000)
        let fitting = HandoverQueue.maximumBytes / large.count
        for _ in 0..<fitting { #expect(put(large, in: queue)) }
        #expect(!put(large, in: queue))
        let rest = HandoverQueue.maximumBytes - fitting * large.count
        #expect(put([UInt8](repeating: 0, count: rest), in: queue))
        #expect(!put([1], in: queue))
    }

    /// Two loops that no thread runs, one of which receives for the other.
    @Test func beyondTheLimitDatagramsAreDroppedAndCounted() throws {
        var configuration = PeerSocketConfiguration(identity: Identity())
        configuration.sockets = 2
        let shards = try [NetworkShard(), NetworkShard()]
        let inbound = InboundQueue(limit: 1, mailbox: shards[0].mailbox)
        let loops = try (0..<2).map { index in
            try NetworkLoop(
                socket: try UDPSocket(bindingTo: .anyLoopbackPort), configuration: configuration,
                shards: shards, index: index, inbound: inbound)
        }
        let now = MonotonicClock.now
        // Connection id 3, which is the second one's.
        var datagram: [UInt8] = [9, 9, 9, 9, 0, 0, 0, 3] + [UInt8](repeating: 0, count: 40)
        for _ in 0..<HandoverQueue.maximumDatagrams + 5 {
            datagram.withUnsafeMutableBytes {
                loops[0].take($0, from: .loopback(port: 1), ecn: .notECT, now: now)
            }
        }
        // Its own it takes in at once.
        datagram[7] = 2
        datagram.withUnsafeMutableBytes {
            loops[0].take($0, from: .loopback(port: 1), ecn: .notECT, now: now)
        }
        let limit = try #require(DropReason.allCases.firstIndex(of: .handoverLimit))
        #expect(loops[0].endpoint.statistics.dropsByReason[limit] == 5)
        #expect(loops[0].endpoint.statistics.packetsReceived == 1)
        let handedOver = shards[0].figures.handedOver.load(ordering: .relaxed)
        #expect(handedOver == UInt64(HandoverQueue.maximumDatagrams))
        var commands: [Command] = []
        #expect(!shards[1].mailbox.take(&commands), "told once, at the end")
        loops[0].ringShards()
        #expect(shards[1].mailbox.take(&commands))
        loops[1].takeHandedOver()
        #expect(
            loops[1].endpoint.statistics.packetsReceived == UInt64(HandoverQueue.maximumDatagrams))
    }

    @Test func anAnnouncementWakesASleeperAndKeepsTheOtherAwake() throws {
        let mailbox = try makeMailbox()
        var commands: [Command] = []
        #expect(mailbox.prepareToSleep(until: .distantFuture) == .distantFuture)
        mailbox.announceDatagrams()
        var entry = pollfd(fd: mailbox.eventDescriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, 0) == 1)
        #expect(mailbox.take(&commands))
        #expect(!mailbox.take(&commands))
        mailbox.announceDatagrams()
        #expect(mailbox.prepareToSleep(until: .distantFuture) == nil)
        _ = mailbox.close()
        mailbox.announceDatagrams()
    }
}
