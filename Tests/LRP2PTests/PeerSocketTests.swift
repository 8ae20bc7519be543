import TestSupport
import Testing

@testable import LRP2P

@Suite struct PeerSocketTests {
    @Test func bothSidesKnowEachOther() async throws {
        let pair = try await ConnectedPair()
        #expect(pair.outbound.role == .initiator)
        #expect(pair.inbound.role == .responder)
        #expect(pair.outbound.remoteAddress == pair.server.localAddress)
        #expect(pair.inbound.remoteAddress == pair.client.localAddress)
        #expect(pair.outbound.remotePublicKey == pair.server.identity.publicKey)
        #expect(pair.inbound.remotePeerID == pair.client.identity.peerID)
        #expect(pair.outbound.closeReason == nil)
        await pair.close()
    }

    @Test func thePortInUseIsTold() async throws {
        let socket = try PeerSocket.onLoopback()
        #expect(socket.localAddress.port != 0)
        #expect(throws: ListenError.addressInUse(socket.localAddress)) {
            try PeerSocket.onLoopback(socket.localAddress)
        }
        let address = socket.localAddress
        await socket.close()
        let again = try PeerSocket.onLoopback(address)
        #expect(again.localAddress == address, "the port is free after closing")
        await again.close()
    }

    @Test func aSocketOnEveryAddressTellsWhereItCanBeReached() async throws {
        let one = try PeerSocket.onLoopback()
        #expect(one.reachableAddresses == [one.localAddress])
        await one.close()
        let every = try PeerSocket.onLoopback(SocketAddress(ipv4: 0, port: 0))
        let addresses = every.reachableAddresses
        #expect(addresses.last == .loopback(port: every.localAddress.port))
        #expect(addresses.allSatisfy { $0.family == .ipv4 && $0.isUnicast })
        let client = try PeerSocket.onLoopback()
        let reached = try await client.connect(to: try #require(addresses.last))
        #expect(reached.remotePeerID == every.identity.peerID)
        await client.close()
        await every.close()
    }

    @Test func worksOverIPv6() async throws {
        let pair = try await ConnectedPair(.anyIPv6LoopbackPort)
        try await pair.outbound.write([1, 2, 3])
        #expect(try await pair.inbound.read(exactly: 3) == [1, 2, 3])
        #expect(pair.inbound.remoteAddress.family == .ipv6)
        await pair.close()
    }

    @Test func aDualStackSocketTakesBothFamilies() async throws {
        let hub = try PeerSocket.onLoopback(SocketAddress(ipv6High: 0, low: 0, port: 0))
        let port = hub.localAddress.port
        for address in [SocketAddress.anyLoopbackPort, .anyIPv6LoopbackPort] {
            let peer = try PeerSocket.onLoopback(address)
            let there = try await peer.connect(to: address.with(port: port), deadline: soon())
            try await there.write([4])
            let here = try await hub.accept(deadline: soon())
            #expect(here.remoteAddress == peer.localAddress)
            #expect(try await here.read(exactly: 1) == [4])
            let back = try await hub.connect(to: peer.localAddress, deadline: soon())
            #expect(back.remotePeerID == peer.identity.peerID)
            await peer.close()
        }
        await hub.close()
    }

    @Test(arguments: ["[::1]:9", "127.0.0.1:0", "0.0.0.0:9", "224.0.0.1:9", "255.255.255.255:9"])
    func refusesAddressesNothingCanBeSentTo(text: String) async throws {
        let socket = try PeerSocket.onLoopback(SocketAddress(ipv4: 0, port: 0))
        let address = try #require(SocketAddress(text))
        await #expect(throws: ConnectError.unusableAddress(address)) {
            try await socket.connect(to: address, deadline: soon())
        }
        await socket.close()
    }

    @Test func aConnectionToItselfIsNoticed() async throws {
        let socket = try PeerSocket.onLoopback()
        await #expect(throws: ConnectError.connectedToSelf) {
            try await socket.connect(to: socket.localAddress, deadline: soon())
        }
        await socket.close()
    }

    @Test func anUnexpectedPeerGetsNoByte() async throws {
        let server = try PeerSocket.onLoopback(), client = try PeerSocket.onLoopback()
        let other = Identity().peerID
        await #expect(
            throws: ConnectError.peerMismatch(expected: other, found: server.identity.peerID)
        ) {
            try await client.connect(
                to: server.localAddress, expecting: other, deadline: soon())
        }
        let right = try await client.connect(
            to: server.localAddress, expecting: server.identity.peerID, deadline: soon())
        #expect(right.remotePeerID == server.identity.peerID)
        await client.close()
        await server.close()
    }

    /// The kernel does not let a socket broadcast unless it asked to, which ours never does.
    @Test func whatTheKernelRefusesIsCountedAndHarmless() async throws {
        let pair = try await ConnectedPair()
        let broadcast = try #require(SocketAddress("127.255.255.255:9"))
        await #expect(throws: ConnectError.timedOut) {
            try await pair.client.connect(to: broadcast, deadline: .now + .milliseconds(20))
        }
        try await eventually("it is counted") {
            if pair.client.sendFailures > 0 { return true }
            _ = try? await pair.client.connect(to: broadcast, deadline: .now + .milliseconds(50))
            return false
        }
        try await pair.outbound.write([1])
        #expect(try await pair.inbound.read(exactly: 1) == [1])
        await pair.close()
    }

    // MARK: Deadlines, cancellation, closing

    /// An address where nothing answers: a bound socket that no one reads.
    private func silence() throws -> UDPSocket { try UDPSocket(bindingTo: .anyLoopbackPort) }

    @Test func connectObeysItsDeadline() async throws {
        let silent = try silence(), socket = try PeerSocket.onLoopback()
        await #expect(throws: ConnectError.timedOut) {
            try await socket.connect(
                to: silent.localAddress, deadline: .now + .milliseconds(20))
        }
        await socket.close()
    }

    @Test func connectObeysTheHandshakeTimeout() async throws {
        let silent = try silence()
        let socket = try PeerSocket.onLoopback {
            $0.endpoint.handshakeTimeout = .milliseconds(20)
        }
        await #expect(throws: ConnectError.timedOut) {
            try await socket.connect(to: silent.localAddress)
        }
        await socket.close()
    }

    @Test func connectCanBeCancelledAndLeavesNothing() async throws {
        let silent = try silence()
        let socket = try PeerSocket.onLoopback { $0.endpoint.maximumConnections = 1 }
        for _ in 0..<3 {
            let task = Task { try await socket.connect(to: silent.localAddress) }
            try await Task.sleep(for: .milliseconds(5))
            task.cancel()
            // With room for one connection, what a cancelled attempt left would refuse the next.
            await #expect(throws: ConnectError.cancelled) { try await task.value }
        }
        await socket.close()
    }

    @Test func theConnectionLimitIsAnAnswer() async throws {
        let silent = try silence()
        let socket = try PeerSocket.onLoopback { $0.endpoint.maximumConnections = 0 }
        await #expect(throws: ConnectError.connectionLimit) {
            try await socket.connect(to: silent.localAddress, deadline: soon())
        }
        await socket.close()
    }

    @Test func acceptObeysDeadlineAndCancellation() async throws {
        let socket = try PeerSocket.onLoopback()
        await #expect(throws: AcceptError.timedOut) {
            try await socket.accept(deadline: .now + .milliseconds(10))
        }
        await #expect(throws: AcceptError.timedOut) { try await socket.accept(deadline: .now) }
        let task = Task { try await socket.accept() }
        task.cancel()
        await #expect(throws: AcceptError.cancelled) { try await task.value }
        await socket.close()
    }

    @Test func closingAnswersEveryWaiter() async throws {
        let silent = try silence()
        let pair = try await ConnectedPair()
        let socket = pair.client, connection = pair.outbound
        let accepting = Task { try await socket.accept() }
        let connecting = Task { try await socket.connect(to: silent.localAddress) }
        let reading = Task { try await connection.read(maxBytes: 1) }
        let waiting = Task { await connection.waitUntilClosed() }
        try await Task.sleep(for: .milliseconds(5))
        await socket.close()
        await #expect(throws: AcceptError.socketClosed) { try await accepting.value }
        await #expect(throws: ConnectError.socketClosed) { try await connecting.value }
        await #expect(throws: ReadError.closed(.local)) { try await reading.value }
        #expect(await waiting.value == .local)
        await #expect(throws: WriteError.closed(.local)) { try await connection.write([1]) }
        await #expect(throws: AcceptError.socketClosed) { try await socket.accept() }
        await #expect(throws: ConnectError.socketClosed) {
            try await socket.connect(to: silent.localAddress)
        }
        await socket.close()
        await pair.server.close()
    }

    @Test func lettingGoOfASocketClosesIt() async throws {
        var socket: PeerSocket? = try .onLoopback()
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

    // MARK: Many and foreign

    @Test func fiftyConnectionsOnOnePortDoNotMix() async throws {
        let count = 50, bytes = 100_000
        let server = try PeerSocket.onLoopback(), client = try PeerSocket.onLoopback()
        try await withThrowingTaskGroup(of: Int?.self) { group in
            for n in 0..<count {
                group.addTask {
                    let connection = try await client.connect(
                        to: server.localAddress, deadline: soon())
                    try await connection.write([UInt8(n)])
                    try await connection.write(seed: UInt64(n), count: bytes)
                    return try await connection.readAndCompare(
                        seed: UInt64(1000 + n), count: bytes)
                }
                group.addTask {
                    let connection = try await server.accept(deadline: soon())
                    let n = UInt64(try await connection.read(exactly: 1)[0])
                    async let wrong = connection.readAndCompare(seed: n, count: bytes)
                    try await connection.write(seed: 1000 + n, count: bytes)
                    return try await wrong
                }
            }
            for try await wrongOffset in group { #expect(wrongOffset == nil) }
        }
        await client.close()
        await server.close()
    }

    @Test func garbageAtThePortIsCountedAndHarmless() async throws {
        let pair = try await ConnectedPair()
        let noise = try UDPSocket(bindingTo: .anyLoopbackPort)
        let server = pair.server.localAddress
        let throwing = Task {
            var random = SplitMix64(seed: 666)
            while !Task.isCancelled {
                for length in [0, 1, 7, 8, 15, 16, 31, 40, 72, 104, 1400, 1401, 3000, 60_000] {
                    var bytes = random.bytes(length)
                    _ = bytes.withUnsafeMutableBytes { sendRaw($0, from: noise, to: server) }
                }
                await Task.yield()
            }
        }
        async let sent: Void = pair.outbound.write(seed: 8, count: 4 << 20)
        #expect(try await pair.inbound.readAndCompare(seed: 8, count: 4 << 20) == nil)
        try await sent
        // It goes on until then: how much of it there was meanwhile is up to the machine.
        try await eventually("the noise is counted") {
            let drops = pair.server.statistics.dropsByReason
            // Random bytes may look like the start of a handshake, of which there can be so many.
            return drops[index(of: .tooShort)] > 0 && drops[index(of: .handshakeLimit)] > 0
        }
        throwing.cancel()
        await throwing.value
        await pair.close()
    }

    private func index(of reason: DropReason) -> Int {
        DropReason.allCases.firstIndex(of: reason) ?? 0
    }
}
