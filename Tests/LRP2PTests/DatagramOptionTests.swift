import Glibc
import Testing

@testable import LRP2P

/// Trains the kernel refuses, path probes and ECN codepoints: what a datagram asks of the kernel
/// beside its bytes.
@Suite struct DatagramOptionTests {
    private func set(_ option: Int32, level: Int32, _ value: Int32, on socket: UDPSocket) {
        var value = value
        let status = setsockopt(
            socket.descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        #expect(status == 0)
    }

    private func get(_ option: Int32, level: Int32, of socket: UDPSocket) -> Int32? {
        var value: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(socket.descriptor, level, option, &value, &length) == 0 ? value : nil
    }

    /// Fills the batch with `count` datagrams of one length.
    private func fill(
        _ batch: inout SendBatch, _ count: Int, to address: SocketAddress, from socket: UDPSocket
    ) {
        for n in 0..<count {
            batch.nextSlot.copyBytes(from: [UInt8(n), 7, 7, 7])
            batch.append(length: 4, to: address, from: socket)
        }
    }

    // MARK: Trains

    /// The kernel cuts nothing up for a socket without checksums (SO_NO_CHECK): EINVAL.
    @Test func aRefusedTrainLeavesOneByOne() async throws {
        let sender = try UDPSocket(bindingTo: .anyLoopbackPort)
        let receiver = try UDPSocket(bindingTo: .anyLoopbackPort)
        set(SO_NO_CHECK, level: SOL_SOCKET, 1, on: sender)
        var batch = try SendBatch()
        for _ in 0..<2 {
            fill(&batch, 50, to: receiver.localAddress, from: sender)
            let isDone = batch.flush(to: sender), failures = batch.failures
            #expect(isDone && failures == 0)
            let arrived = try await receiver.receive(50).datagrams.map { $0[0] }
            #expect(arrived == Array(0..<50), "each, once, in order")
        }
        #expect(sender.takesTrains, "one path says little of others")
    }

    @Test func aSocketThatTakesNoTrainIsRemembered() async throws {
        let sender = try UDPSocket(bindingTo: .anyLoopbackPort)
        set(SO_NO_CHECK, level: SOL_SOCKET, 1, on: sender)
        var batch = try SendBatch()
        let receivers = try (0...SendBatch.refusedPathLimit).map { _ in
            try UDPSocket(bindingTo: .anyLoopbackPort)
        }
        for receiver in receivers {
            #expect(sender.takesTrains)
            fill(&batch, 3, to: receiver.localAddress, from: sender)
            _ = batch.flush(to: sender)
        }
        #expect(!sender.takesTrains)
        fill(&batch, 3, to: receivers[0].localAddress, from: sender)
        let isDone = batch.flush(to: sender), failures = batch.failures
        #expect(isDone && failures == 0)
        #expect(try await receivers[0].receive(6).datagrams.count == 6)
    }

    @Test func onePathWithoutTrainsDoesNotSlowTheOthers() async throws {
        let sender = try UDPSocket(bindingTo: .anyLoopbackPort)
        let receivers = try (0...SendBatch.refusedPathLimit).map { _ in
            try UDPSocket(bindingTo: .anyLoopbackPort)
        }
        var batch = try SendBatch()
        fill(&batch, 3, to: receivers[0].localAddress, from: sender)
        _ = batch.flush(to: sender)
        set(SO_NO_CHECK, level: SOL_SOCKET, 1, on: sender)
        for receiver in receivers {
            fill(&batch, 3, to: receiver.localAddress, from: sender)
            _ = batch.flush(to: sender)
        }
        #expect(sender.takesTrains, "it has taken one before")
    }

    // MARK: Path probes

    /// The loopback's MTU is 65,536: over IPv6 the longest datagram does not fit with its headers,
    /// and only the one that may be fragmented arrives.
    @Test func aProbeIsNotFragmented() async throws {
        let sender = try UDPSocket(bindingTo: .anyIPv6LoopbackPort)
        let receiver = try UDPSocket(bindingTo: .anyIPv6LoopbackPort)
        let modes = [
            get(IP_MTU_DISCOVER, level: Int32(IPPROTO_IP), of: sender),
            get(IPV6_MTU_DISCOVER, level: Int32(IPPROTO_IPV6), of: sender),
        ]
        var batch = try SendBatch()
        for (length, isProbe) in [(65_507, true), (9000, true), (65_507, false), (10, false)] {
            batch.append(
                length: length, to: receiver.localAddress, from: sender, isPathProbe: isProbe)
            if batch.isFull { _ = batch.flush(to: sender) }
        }
        let isDone = batch.flush(to: sender), failures = batch.failures
        #expect(isDone)
        #expect(failures == 0, "a probe that does not fit is no failure")
        #expect(try await receiver.receive(3).datagrams.map(\.count) == [9000, 65_507, 10])
        #expect(modes == [
            get(IP_MTU_DISCOVER, level: Int32(IPPROTO_IP), of: sender),
            get(IPV6_MTU_DISCOVER, level: Int32(IPPROTO_IPV6), of: sender),
        ])
    }

    @Test func aProbeAmongOthersKeepsTheOrder() async throws {
        let sender = try UDPSocket(bindingTo: .anyLoopbackPort)
        let receiver = try UDPSocket(bindingTo: .anyLoopbackPort)
        let mode = get(IP_MTU_DISCOVER, level: Int32(IPPROTO_IP), of: sender)
        var batch = try SendBatch()
        for n in 0..<30 {
            batch.nextSlot.copyBytes(from: [UInt8(n)])
            batch.append(
                length: 1, to: receiver.localAddress, from: sender, isPathProbe: n % 10 == 5)
        }
        let isDone = batch.flush(to: sender)
        #expect(isDone)
        #expect(try await receiver.receive(30).datagrams.map { Int($0[0]) } == Array(0..<30))
        #expect(get(IP_MTU_DISCOVER, level: Int32(IPPROTO_IP), of: sender) == mode)
    }

    // MARK: ECN

    @Test(arguments: [SocketAddress.anyLoopbackPort, .anyIPv6LoopbackPort])
    func onlyWhatAsksForItIsMarked(address: SocketAddress) async throws {
        let sender = try UDPSocket(bindingTo: address)
        let receiver = try UDPSocket(bindingTo: address)
        receiver.enableReceiveTrains()
        receiver.enableReceiveCodepoints()
        var batch = try SendBatch()
        for n in 0..<30 {
            batch.nextSlot.copyBytes(from: [UInt8(n), 0])
            batch.append(
                length: 2, to: receiver.localAddress, from: sender, isPathProbe: n == 7,
                isECNCapable: n < 10 || n == 20)
        }
        let isDone = batch.flush(to: sender)
        #expect(isDone)
        let result = try await receiver.receive(30)
        #expect(result.datagrams.map { Int($0[0]) } == Array(0..<30))
        #expect(result.codepoints == (0..<30).map { $0 < 10 || $0 == 20 ? .ect0 : .notECT })
        #expect(sender.takesCodepoints)
    }

    @Test func aDualStackSocketMarksAndReadsBothFamilies() async throws {
        let both = try UDPSocket(bindingTo: SocketAddress(ipv6High: 0, low: 0, port: 0))
        both.enableReceiveCodepoints()
        for address in [SocketAddress.anyLoopbackPort, .anyIPv6LoopbackPort] {
            let other = try UDPSocket(bindingTo: address)
            other.enableReceiveCodepoints()
            _ = try both.send([[1], [2]], to: other.localAddress, isECNCapable: true)
            let there = try await other.receive(2)
            #expect(there.codepoints == [.ect0, .ect0])
            let source = try #require(there.sources.first)
            _ = try other.send([[3]], to: source, isECNCapable: true)
            #expect(try await both.receive(1).codepoints == [.ect0])
        }
    }

    @Test(arguments: [ECNCodepoint.notECT, .ect1, .ect0, .ce])
    func everyCodepointIsRead(codepoint: ECNCodepoint) async throws {
        for address in [SocketAddress.anyLoopbackPort, .anyIPv6LoopbackPort] {
            let sender = try UDPSocket(bindingTo: address)
            let receiver = try UDPSocket(bindingTo: address)
            receiver.enableReceiveCodepoints()
            // The upper six bits are another field (RFC 2474), and not to be taken for this one.
            let trafficClass = 0xb8 | Int32(codepoint.rawValue)
            if sender.isIPv6 {
                set(IPV6_TCLASS, level: Int32(IPPROTO_IPV6), trafficClass, on: sender)
            } else {
                set(IP_TOS, level: Int32(IPPROTO_IP), trafficClass, on: sender)
            }
            _ = try sender.send([[1]], to: receiver.localAddress)
            #expect(try await receiver.receive(1).codepoints == [codepoint])
        }
    }
}
