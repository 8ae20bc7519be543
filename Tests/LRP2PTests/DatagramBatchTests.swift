import Testing

@testable import LRP2P

/// What a ``ReceiveBatch`` has taken from a socket.
struct ReceivedDatagrams {
    var datagrams: [[UInt8]] = []
    var sources: Set<SocketAddress> = []
    var codepoints: [ECNCodepoint] = []
    var dropped = 0
}

extension UDPSocket {
    /// Receives until `count` datagrams have come, or none has for longer than any machine takes.
    func receive(_ count: Int, capacity: Int = 32) async throws -> ReceivedDatagrams {
        let batch = try ReceiveBatch(capacity: capacity)
        var result = ReceivedDatagrams()
        let deadline = soon()
        while result.datagrams.count + result.dropped < count, ContinuousClock.now < deadline {
            for slot in 0..<batch.receive(from: self) {
                let isWhole = batch.forEachDatagram(in: slot) { datagram, source in
                    result.datagrams.append(Array(datagram))
                    result.sources.insert(source)
                    result.codepoints.append(batch.codepoint(in: slot))
                }
                if !isWhole { result.dropped += 1 }
            }
            await Task.yield()
        }
        return result
    }

    /// Sends all datagrams by a batch; how many the kernel refused.
    func send(
        _ datagrams: [[UInt8]], to address: SocketAddress, isECNCapable: Bool = false
    ) throws -> UInt64 {
        var batch = try SendBatch()
        var isDone = true
        for datagram in datagrams {
            batch.nextSlot.copyBytes(from: datagram)
            batch.append(
                length: datagram.count, to: address, from: self, isECNCapable: isECNCapable)
            if batch.isFull { isDone = batch.flush(to: self) && isDone }
        }
        isDone = batch.flush(to: self) && batch.isEmpty && isDone
        #expect(isDone, "loopback takes everything at once")
        return batch.failures
    }
}

/// ``SendBatch`` and ``ReceiveBatch`` against each other over real sockets.
@Suite struct DatagramBatchTests {
    @Test(arguments: [false, true], [SocketAddress.anyLoopbackPort, .anyIPv6LoopbackPort])
    func everyDatagramArrivesWithItsOwnLength(trains: Bool, address: SocketAddress) async throws {
        let sender = try UDPSocket(bindingTo: address)
        let receiver = try UDPSocket(bindingTo: address)
        if trains { receiver.enableReceiveTrains() }
        var random = SplitMix64(seed: 64)
        // Runs of one length with odd ones between: whole trains, broken ones, and single
        // datagrams.
        let lengths = [Int](repeating: 1400, count: 100) + [7, 1400, 1400, 100, 100, 99, 1400, 0, 1]
            + (0..<40).map { _ in Int(random.next() % 1400) } + [Int](repeating: 30, count: 70)
        let datagrams = lengths.map { random.bytes($0) }
        #expect(try sender.send(datagrams, to: receiver.localAddress) == 0)
        let result = try await receiver.receive(datagrams.count)
        #expect(result.datagrams == datagrams)
        #expect(result.sources == [sender.localAddress])
        #expect(result.dropped == 0)
    }

    @Test(arguments: [false, true], [SocketAddress.anyLoopbackPort, .anyIPv6LoopbackPort])
    func datagramsOfEveryLengthPass(trains: Bool, address: SocketAddress) async throws {
        let sender = try UDPSocket(bindingTo: address)
        let receiver = try UDPSocket(bindingTo: address)
        if trains { receiver.enableReceiveTrains() }
        var random = SplitMix64(seed: 65)
        let lengths = [2048, 2049, 9000, 9000, 9000, 32_753, 32_753, 32_754, 65_507, 65_507, 1]
        let datagrams = lengths.map { random.bytes($0) }
        #expect(try sender.send(datagrams, to: receiver.localAddress) == 0)
        let result = try await receiver.receive(datagrams.count)
        #expect(result.datagrams == datagrams)
    }

    @Test func twoDestinationsDoNotMix() async throws {
        let sender = try UDPSocket(bindingTo: .anyLoopbackPort)
        let receivers = try (0..<2).map { _ in try UDPSocket(bindingTo: .anyLoopbackPort) }
        var batch = try SendBatch()
        for n in 0..<60 {
            batch.nextSlot.copyBytes(from: [UInt8(n), 1, 2])
            // Three to the one, then one to the other.
            let address = receivers[n % 4 == 3 ? 1 : 0].localAddress
            batch.append(length: 3, to: address, from: sender)
        }
        let isDone = batch.flush(to: sender)
        #expect(isDone)
        #expect(try await receivers[0].receive(45).datagrams.map { $0[0] % 4 == 3 }
            == [Bool](repeating: false, count: 45))
        #expect(try await receivers[1].receive(15).datagrams.map { Int($0[0]) }
            == Array(stride(from: 3, to: 60, by: 4)))
    }

    @Test func whatTheKernelRefusesIsDroppedAndTheRestSent() async throws {
        let sender = try UDPSocket(bindingTo: .anyLoopbackPort)
        let receiver = try UDPSocket(bindingTo: .anyLoopbackPort)
        var batch = try SendBatch()
        // Broadcast is not permitted, port 0 is not an address.
        for address in [
            receiver.localAddress, SocketAddress(ipv4: 0xffff_ffff, port: 9),
            SocketAddress(ipv4: 0xffff_ffff, port: 9), receiver.localAddress,
            SocketAddress.loopback(port: 0), receiver.localAddress,
        ] {
            batch.nextSlot.copyBytes(from: [1, 2, 3])
            batch.append(length: 3, to: address, from: sender)
        }
        let isDone = batch.flush(to: sender), failures = batch.failures
        #expect(isDone && failures == 3, "each datagram counts, two of them a train")
        #expect(try await receiver.receive(3).datagrams == [[1, 2, 3], [1, 2, 3], [1, 2, 3]])
    }

    @Test func giveUpTellsWhatWasSent() throws {
        let sender = try UDPSocket(bindingTo: .anyLoopbackPort)
        let receiver = try UDPSocket(bindingTo: .anyLoopbackPort)
        var batch = try SendBatch()
        for (address, length) in [
            (receiver.localAddress, 9), (receiver.localAddress, 9), (receiver.localAddress, 5),
            (SocketAddress.loopback(port: 0), 9), (SocketAddress.loopback(port: 0), 1),
        ] {
            batch.append(length: length, to: address, from: sender)
        }
        let (sent, failed) = batch.flushOrDiscard(to: sender)
        #expect(sent == 3 && failed == 2)
        let isEmpty = batch.isEmpty
        #expect(isEmpty)
    }

    @Test func aDualStackSocketReachesBothFamilies() async throws {
        let both = try UDPSocket(bindingTo: SocketAddress(ipv6High: 0, low: 0, port: 0))
        for address in [SocketAddress.anyLoopbackPort, .anyIPv6LoopbackPort] {
            let other = try UDPSocket(bindingTo: address)
            #expect(both.reach.includes(other.localAddress))
            #expect(try both.send([[9]], to: other.localAddress) == 0)
            let there = try await other.receive(1)
            #expect(there.datagrams == [[9]])
            let source = try #require(there.sources.first)
            #expect(source == other.localAddress.with(port: both.localAddress.port))
            #expect(try other.send([[8]], to: source) == 0)
            let back = try await both.receive(1)
            #expect(back.datagrams == [[8]])
            #expect(back.sources == [other.localAddress], "an IPv4 peer keeps its IPv4 address")
        }
    }

    @Test func reachFollowsTheBoundAddress() throws {
        let four = try #require(SocketAddress("127.0.0.1:9"))
        let six = try #require(SocketAddress("[::1]:9"))
        let any4 = try UDPSocket(bindingTo: SocketAddress(ipv4: 0, port: 0))
        let only6 = try UDPSocket(bindingTo: .anyIPv6LoopbackPort)
        #expect(any4.reach.includes(four) && !any4.reach.includes(six))
        #expect(!only6.reach.includes(four) && only6.reach.includes(six))
    }

    @Test func bindErrorsSayWhy() throws {
        let first = try UDPSocket(bindingTo: .anyLoopbackPort)
        #expect(throws: ListenError.addressInUse(first.localAddress)) {
            try UDPSocket(bindingTo: first.localAddress)
        }
        // A documentation address (RFC 5737), which no interface has.
        let foreign = SocketAddress(ipv4: 0xc000_0201, port: 0)
        #expect(throws: ListenError.addressNotAvailable(foreign)) {
            try UDPSocket(bindingTo: foreign)
        }
    }
}
