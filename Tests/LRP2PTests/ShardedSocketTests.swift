import TestSupport
import Testing

@testable import LRP2P

/// Sockets with several network threads.
@Suite struct ShardedSocketTests {
    /// - Parameter selectsInKernel: without, the kernel gives all datagrams of a sender to one
    ///   thread, and most of them have to be handed over.
    private func listen(
        sockets: Int, selectsInKernel: Bool = true, on address: SocketAddress = .anyLoopbackPort,
        configure: (inout PeerSocketConfiguration) -> Void = { _ in }
    ) throws -> PeerSocket {
        var configuration = PeerSocketConfiguration(identity: Identity())
        configuration.sockets = sockets
        configure(&configuration)
        return try PeerSocket(address, configuration, selectsInKernel: selectsInKernel)
    }

    /// Opens `count` connections and moves bytes both ways over each, all at once.
    ///
    /// - Returns: the local ids of both sides.
    private func exchange(
        _ count: Int, from client: PeerSocket, to server: PeerSocket, bytes: Int
    ) async throws -> (outbound: [UInt64], inbound: [UInt64]) {
        struct Result { let id: UInt64, isOutbound: Bool, wrongOffset: Int? }
        var ids: (outbound: [UInt64], inbound: [UInt64]) = ([], [])
        try await withThrowingTaskGroup(of: Result.self) { group in
            for n in 0..<UInt64(count) {
                group.addTask {
                    let connection = try await client.connect(
                        to: server.localAddress, deadline: soon())
                    try await connection.write([UInt8(n)])
                    async let wrong = connection.readAndCompare(seed: 1000 + n, count: bytes)
                    try await connection.write(seed: n, count: bytes)
                    return Result(
                        id: connection.id, isOutbound: true, wrongOffset: try await wrong)
                }
                group.addTask {
                    let connection = try await server.accept(deadline: soon())
                    let n = UInt64(try await connection.read(exactly: 1)[0])
                    async let wrong = connection.readAndCompare(seed: n, count: bytes)
                    try await connection.write(seed: 1000 + n, count: bytes)
                    return Result(
                        id: connection.id, isOutbound: false, wrongOffset: try await wrong)
                }
            }
            for try await result in group {
                #expect(result.wrongOffset == nil)
                if result.isOutbound {
                    ids.outbound.append(result.id)
                } else {
                    ids.inbound.append(result.id)
                }
            }
        }
        return ids
    }

    @Test(arguments: [true, false], [(1, 4), (4, 1), (3, 4), (2, 2)])
    func bytesPassBothWays(selectsInKernel: Bool, sockets: (Int, Int)) async throws {
        let a = try listen(sockets: sockets.0, selectsInKernel: selectsInKernel)
        let b = try listen(sockets: sockets.1, selectsInKernel: selectsInKernel)
        async let first = exchange(12, from: a, to: b, bytes: 40_000)
        async let second = exchange(12, from: b, to: a, bytes: 40_000)
        let (there, back) = try await (first, second)
        let idsOfA = there.outbound + back.inbound, idsOfB = there.inbound + back.outbound
        #expect(Set(idsOfA).count == 24 && Set(idsOfB).count == 24, "no id twice in a socket")
        await a.close()
        await b.close()
        let sums = (a.statistics, b.statistics)
        #expect(sums.0.sentBytes >= 24 * 40_000 && sums.0.receivedBytes >= 24 * 40_000)
        #expect(sums.1.handshakeDurations.counts.reduce(0, +) == 24)
    }

    @Test func withoutTheKernelsHelpDatagramsAreHandedOver() async throws {
        let client = try listen(sockets: 1)
        let server = try listen(sockets: 8, selectsInKernel: false)
        _ = try await exchange(16, from: client, to: server, bytes: 10_000)
        // One sender is one choice of the kernel: were none handed over, all sixteen random ids
        // would have had the same remainder.
        #expect(server.handedOver > 0)
        await client.close()
        await server.close()
    }

    @Test func theKernelFindsTheRightThread() async throws {
        let server = try listen(sockets: 4)
        // One connection each: what the kernel joins is then of one connection.
        for _ in 0..<8 {
            let client = try listen(sockets: 1)
            _ = try await exchange(1, from: client, to: server, bytes: 40_000)
            await client.close()
        }
        #expect(server.handedOver == 0)
        await server.close()
    }

    @Test(arguments: [SocketAddress.anyLoopbackPort, .anyIPv6LoopbackPort])
    func theKernelComputesWhatTheEndpointDoes(address: SocketAddress) async throws {
        let count = 7
        let sockets = try UDPSocket.bind(count, to: address, selectsInKernel: true)
        #expect(Set(sockets.map(\.localAddress)).count == 1)
        let sender = try UDPSocket(bindingTo: address)
        var random = SplitMix64(seed: 7)
        var expected = [[[UInt8]]](repeating: [], count: count)
        for _ in 0..<100 {
            let datagram = random.bytes(40)
            let index = datagram.withUnsafeBytes { Shard.index(of: $0, count: count) }
            expected[try #require(index)].append(datagram)
            // One at a time: the kernel chooses for what it has joined as a whole.
            #expect(try sender.send([datagram], to: sockets[0].localAddress) == 0)
        }
        for (socket, datagrams) in zip(sockets, expected) {
            #expect(try await socket.receive(datagrams.count).datagrams == datagrams)
        }
        // Too short for an id: someone has to count it.
        #expect(try sender.send([[1, 2, 3]], to: sockets[0].localAddress) == 0)
        #expect(try await sockets[0].receive(1).datagrams == [[1, 2, 3]])
    }

    @Test func thePortInUseIsTold() async throws {
        let socket = try listen(sockets: 3)
        let address = socket.localAddress
        for sockets in [1, 3] {
            #expect(throws: ListenError.addressInUse(address)) {
                try listen(sockets: sockets, on: address)
            }
        }
        await socket.close()
        let alone = try listen(sockets: 1, on: address)
        #expect(throws: ListenError.addressInUse(address)) {
            try listen(sockets: 3, on: address)
        }
        await alone.close()
        let again = try listen(sockets: 2, on: address)
        #expect(again.localAddress == address, "the port is free after closing")
        await again.close()
    }

    @Test func everyInboundConnectionReachesTheHandler() async throws {
        let server = try listen(sockets: 4), client = try listen(sockets: 4)
        let (inbound, continuation) = AsyncStream<PeerConnection>.makeStream()
        server.onInbound { continuation.yield($0) }
        for n in UInt8(0)..<20 {
            let connection = try await client.connect(to: server.localAddress, deadline: soon())
            try await connection.write([n])
        }
        var seen: Set<UInt8> = []
        for await connection in inbound {
            seen.insert(try await connection.read(exactly: 1)[0])
            if seen.count == 20 { break }
        }
        #expect(seen == Set(0..<20))
        await client.close()
        await server.close()
    }

    @Test func aConnectionToItselfIsNoticed() async throws {
        let socket = try listen(sockets: 3)
        for _ in 0..<3 {
            await #expect(throws: ConnectError.connectedToSelf) {
                try await socket.connect(to: socket.localAddress, deadline: soon())
            }
        }
        await socket.close()
    }

    @Test func closingEndsManyConnectionsOfAllThreads() async throws {
        let count = 100
        let server = try listen(sockets: 4), client = try listen(sockets: 3)
        var outbound: [PeerConnection] = []
        for _ in 0..<count {
            outbound.append(
                try await client.connect(to: server.localAddress, deadline: soon()))
        }
        let accepting = Task { try await server.acceptAll(count) }
        let inbound = try await accepting.value
        let reading = (outbound + inbound).map { connection in
            Task { try await connection.read(maxBytes: 1) }
        }
        await client.close()
        for connection in inbound {
            #expect(await connection.waitUntilClosed(deadline: soon()) == .reset)
        }
        await server.close()
        for (task, reason) in zip(
            reading,
            [CloseReason](repeating: .local, count: count)
                + [CloseReason](repeating: .reset, count: count))
        {
            await #expect(throws: ReadError.closed(reason)) { try await task.value }
        }
        #expect(outbound.allSatisfy { $0.closeReason == .local })
        await #expect(throws: AcceptError.socketClosed) { try await server.accept() }
        await #expect(throws: ConnectError.socketClosed) {
            try await client.connect(to: server.localAddress)
        }
        let again = try UDPSocket(bindingTo: server.localAddress)
        #expect(again.localAddress == server.localAddress)
    }

    @Test func lettingGoOfASocketEndsAllThreads() async throws {
        var socket: PeerSocket? = try listen(sockets: 4)
        let address = try #require(socket?.localAddress)
        socket = nil
        try await eventually("its port is free again") {
            do {
                _ = try UDPSocket(bindingTo: address)
                return true
            } catch ListenError.addressInUse {
                return false
            }
        }
    }

    @Test func limitsAreDividedAmongTheThreads() {
        var configuration = PeerSocketConfiguration(identity: Identity())
        configuration.sockets = 3
        configuration.endpoint.maximumConnections = 10
        configuration.endpoint.maximumHandshakes = 3
        configuration.endpoint.maximumHandshakesPerHost = 1
        let part = configuration.endpoint(ofShard: 2)
        #expect(part.shard == Shard(index: 2, count: 3))
        #expect(part.maximumConnections == 4)
        #expect(part.maximumHandshakes == 1 && part.maximumHandshakesPerHost == 1)
        configuration.endpoint.maximumConnections = 0
        #expect(configuration.endpoint(ofShard: 0).maximumConnections == 0)
    }
}

extension PeerSocket {
    fileprivate func acceptAll(_ count: Int) async throws -> [PeerConnection] {
        var connections: [PeerConnection] = []
        while connections.count < count {
            connections.append(try await accept(deadline: soon()))
        }
        return connections
    }
}
