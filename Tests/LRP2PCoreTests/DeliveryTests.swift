import Testing

@testable import LRP2PCore

/// An application that confirms what it has taken charge of, as one with a disk does.
struct DeliveryTests {
    private static func confirming(_ base: EndpointConfiguration) -> EndpointConfiguration {
        var configuration = base
        configuration.confirmsDelivery = true
        return configuration
    }

    private static let protocols: [EndpointConfiguration] = [.base, EndpointConfiguration()]

    @Test(arguments: [0, 1])
    func nothingIsDeliveredBeforeItIsConfirmed(protocol index: Int) throws {
        let configuration = Self.protocols[index]
        let pair = Pair(a: configuration, b: Self.confirming(configuration))
        let (ours, theirs) = try pair.connect()
        #expect(pair.write(pattern(0..<13_000), to: ours, of: pair.a) == 13_000)
        pair.run(for: .seconds(3))
        #expect(theirs.receiveRing.endPosition == 13_000)
        #expect(ours.sendRing.startPosition == 0)
        pair.b.confirmDelivery(on: theirs, upTo: 7000, now: pair.now)
        pair.run(for: .seconds(3))
        #expect(ours.sendRing.startPosition > 0 && ours.sendRing.startPosition <= 7000)
        pair.b.confirmDelivery(on: theirs, upTo: 13_000, now: pair.now)
        pair.run(for: .seconds(3))
        #expect(ours.sendRing.startPosition == 13_000)
        #expect(!ours.isClosed && !theirs.isClosed)
        // Reading is another matter.
        #expect(pair.read(theirs, of: pair.b) == pattern(0..<13_000))
    }

    /// Acknowledgements wait, so the sender sends again what has arrived: nothing may come of that.
    @Test(arguments: [0, 1], [3, 7, 20])
    func theSenderNeverKnowsMoreThanWasConfirmed(protocol index: Int, lossOneIn: UInt64) throws {
        let configuration = Self.protocols[index]
        let pair = Pair(a: configuration, b: Self.confirming(configuration))
        let (ours, theirs) = try pair.connect()
        var random = SplitMix64(seed: lossOneIn)
        pair.wire = { random.next() % lossOneIn == 0 ? [] : [$0, $0] }
        let bytes = pattern(0..<60_000)
        var written = 0, confirmed: UInt64 = 0
        var knewTooMuch = false
        var read: [UInt8] = []
        let isDone = pair.run(within: .seconds(3000)) {
            written += pair.write(Array(bytes[written...]), to: ours, of: pair.a)
            knewTooMuch = knewTooMuch || ours.sendRing.startPosition > confirmed
            let received = theirs.receiveRing.endPosition
            if random.next() % 3 == 0, received > confirmed {
                confirmed += 1 + random.next() % (received - confirmed)
                pair.b.confirmDelivery(on: theirs, upTo: confirmed, now: pair.now)
            }
            if confirmed == received { read += pair.read(theirs, of: pair.b) }
            return ours.sendRing.startPosition == UInt64(bytes.count)
        }
        #expect(isDone && !knewTooMuch)
        #expect(confirmed == UInt64(bytes.count))
        read += pair.read(theirs, of: pair.b)
        #expect(read == bytes)
    }

    @Test func theEndIsDeliveredWhenItIsConfirmed() throws {
        let pair = Pair(
            a: EndpointConfiguration(), b: Self.confirming(EndpointConfiguration()))
        let (ours, theirs) = try pair.connect()
        #expect(pair.write(pattern(0..<1000), to: ours, of: pair.a) == 1000)
        pair.a.finishWriting(ours, now: pair.now)
        pair.b.finishWriting(theirs, now: pair.now)
        pair.run(for: .seconds(3))
        #expect(theirs.isRemoteStreamComplete && !ours.isSendStreamComplete)
        pair.b.confirmDelivery(on: theirs, upTo: 1000, now: pair.now)
        pair.run(for: .seconds(3))
        #expect(ours.sendRing.startPosition == 1000 && !ours.isSendStreamComplete)
        #expect(!theirs.isClosed)
        pair.b.confirmDelivery(on: theirs, upTo: 1001, now: pair.now)
        #expect(pair.run { ours.isClosed && theirs.isClosed })
        #expect(ours.closeReason == .finished && theirs.closeReason == .finished)
    }

    @Test func aLostReportIsRepeated() throws {
        let pair = Pair(
            a: EndpointConfiguration(), b: Self.confirming(EndpointConfiguration()))
        let (ours, theirs) = try pair.connect()
        _ = pair.write([1, 2, 3], to: ours, of: pair.a)
        pair.run(for: .seconds(3))
        var lost = 0
        pair.wire = { flight in
            guard !flight.isFromA, lost < 3 else { return [flight] }
            lost += 1
            return []
        }
        pair.b.confirmDelivery(on: theirs, upTo: 3, now: pair.now)
        #expect(pair.run { ours.sendRing.startPosition == 3 })
        #expect(lost == 3)
    }

    /// Longer than the idle timeout, as with a full disk.
    @Test func aPeerMayTakeItsTimeToDeliver() throws {
        let pair = Pair(
            a: EndpointConfiguration(), b: Self.confirming(EndpointConfiguration()))
        let (ours, theirs) = try pair.connect()
        _ = pair.write([1, 2, 3], to: ours, of: pair.a)
        pair.run(for: .seconds(1000))
        #expect(!ours.isClosed && !theirs.isClosed)
        pair.b.confirmDelivery(on: theirs, upTo: 3, now: pair.now)
        #expect(pair.run { ours.sendRing.startPosition == 3 })
        // Then nothing is waited for, and silence is the end.
        #expect(pair.run(within: .seconds(1000)) { ours.isClosed && theirs.isClosed })
    }

    @Test func whatWasNeverSentCannotBeDelivered() {
        var stream = SendStream(limit: 1000, awaitsDelivery: true)
        let early = stream.didReport(delivered: 11, next: 10)
        let all = stream.didReport(delivered: 10, next: 10)
        #expect(!early && all)
        stream.finish(at: 20)
        let endBeforeItsTime = stream.didReport(delivered: 11, next: 10)
        let beyondTheEnd = stream.didReport(delivered: 22, next: 20)
        let end = stream.didReport(delivered: 21, next: 20)
        #expect(!endBeforeItsTime && !beyondTheEnd && end)
        // The packets may still be on their way.
        #expect(stream.settledUpTo == 0 && !stream.isComplete)
    }

    /// A sender whose peer takes long to confirm needs a buffer for that time.
    @Test func theSendBufferGrowsWithWhatIsNotConfirmed() throws {
        let pair = Pair(
            a: EndpointConfiguration(), b: Self.confirming(EndpointConfiguration()))
        pair.delay = .microseconds(10)
        let (ours, theirs) = try pair.connect()
        let initial = ours.sendRing.limit
        let bytes = pattern(0..<64 << 10)
        var due: [(at: Instant, upTo: UInt64)] = []
        let hasGrown = pair.run(within: .milliseconds(200)) {
            _ = pair.write(bytes, to: ours, of: pair.a)
            _ = pair.read(theirs, of: pair.b)
            let received = theirs.receiveRing.endPosition
            if received > due.last?.upTo ?? 0 {
                due.append((pair.now + .milliseconds(5), received))
            }
            while let first = due.first, first.at <= pair.now {
                pair.b.confirmDelivery(on: theirs, upTo: first.upTo, now: pair.now)
                due.removeFirst()
            }
            return ours.sendRing.limit >= 4 * initial
        }
        #expect(hasGrown)
    }
}
