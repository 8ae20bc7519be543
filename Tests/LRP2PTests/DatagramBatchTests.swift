import Testing

@testable import LRP2P

/// ``SendBatch`` and ``ReceiveBatch`` against each other over real sockets.
@Suite struct DatagramBatchTests {
    /// Receives until `count` datagrams have come or nothing has for long.
    private func receive(
        _ count: Int, on socket: UDPSocket, capacity: Int = 32
    ) async throws -> (datagrams: [[UInt8]], sources: Set<SocketAddress>, dropped: Int) {
        let batch = try ReceiveBatch(capacity: capacity)
        var datagrams: [[UInt8]] = []
        var sources: Set<SocketAddress> = []
        var dropped = 0
        let deadline = soon()
        while datagrams.count + dropped < count, ContinuousClock.now < deadline {
            for slot in 0..<batch.receive(from: socket) {
                dropped += batch.forEachDatagram(in: slot) { datagram, source in
                    datagrams.append(Array(datagram))
                    sources.insert(source)
                }
            }
            await Task.yield()
        }
        return (datagrams, sources, dropped)
    }

    private func send(
        _ datagrams: [[UInt8]], from socket: UDPSocket, to address: SocketAddress
    ) throws -> UInt64 {
        var batch = try SendBatch(capacity: 64)
        var isDone = true
        for datagram in datagrams {
            batch.nextSlot.copyBytes(from: datagram)
            batch.append(length: datagram.count, to: address, from: socket)
            if batch.isFull { isDone = batch.flush(to: socket) && isDone }
        }
        isDone = batch.flush(to: socket) && batch.isEmpty && isDone
        #expect(isDone, "loopback takes everything at once")
        return batch.failures
    }

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
        #expect(try send(datagrams, from: sender, to: receiver.localAddress) == 0)
        let result = try await receive(datagrams.count, on: receiver)
        #expect(result.datagrams == datagrams)
        #expect(result.sources == [sender.localAddress])
        #expect(result.dropped == 0)
    }

    @Test func aTooLongDatagramIsCountedAndNothingElse() async throws {
        let sender = try UDPSocket(bindingTo: .anyLoopbackPort)
        let receiver = try UDPSocket(bindingTo: .anyLoopbackPort)
        for length in [2048, 2049, 9000, 65_000] {
            var bytes = [UInt8](repeating: 1, count: length)
            let sent = bytes.withUnsafeMutableBytes {
                sendRaw($0, from: sender, to: receiver.localAddress)
            }
            #expect(sent == length)
        }
        let result = try await receive(4, on: receiver, capacity: 1)
        #expect(result.datagrams.map(\.count) == [2048])
        #expect(result.dropped == 3)
    }

    @Test func whatTheKernelRefusesIsDroppedAndTheRestSent() async throws {
        let sender = try UDPSocket(bindingTo: .anyLoopbackPort)
        let receiver = try UDPSocket(bindingTo: .anyLoopbackPort)
        var batch = try SendBatch(capacity: 8)
        // Broadcast is not permitted, port 0 is not an address.
        for address in [
            receiver.localAddress, SocketAddress(ipv4: 0xffff_ffff, port: 9),
            receiver.localAddress, SocketAddress.loopback(port: 0), receiver.localAddress,
        ] {
            batch.nextSlot.copyBytes(from: [1, 2, 3])
            batch.append(length: 3, to: address, from: sender)
        }
        let isDone = batch.flush(to: sender), failures = batch.failures
        #expect(isDone && failures == 2)
        #expect(try await receive(3, on: receiver).datagrams == [[1, 2, 3], [1, 2, 3], [1, 2, 3]])
    }

    @Test func aDualStackSocketReachesBothFamilies() async throws {
        let both = try UDPSocket(bindingTo: SocketAddress(ipv6High: 0, low: 0, port: 0))
        for address in [SocketAddress.anyLoopbackPort, .anyIPv6LoopbackPort] {
            let other = try UDPSocket(bindingTo: address)
            #expect(both.reach.includes(other.localAddress))
            #expect(try send([[9]], from: both, to: other.localAddress) == 0)
            let there = try await receive(1, on: other)
            #expect(there.datagrams == [[9]])
            let source = try #require(there.sources.first)
            #expect(source == other.localAddress.with(port: both.localAddress.port))
            #expect(try send([[8]], from: other, to: source) == 0)
            let back = try await receive(1, on: both)
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
