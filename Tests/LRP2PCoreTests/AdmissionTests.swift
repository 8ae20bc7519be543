import Synchronization
import Testing

@testable import LRP2PCore

/// Which peers may connect is decided when they have shown who they are: at message 3.
struct AdmissionTests {
    /// What an endpoint was asked.
    private final class Door: Sendable {
        let asked = Mutex<[(publicKey: [UInt8], source: SocketAddress)]>([])
        let isOpen = Mutex(false)

        func configure(_ configuration: inout EndpointConfiguration) {
            configuration.admits = { publicKey, source in
                self.asked.withLock { $0.append((publicKey, source)) }
                return self.isOpen.withLock { $0 }
            }
        }
    }

    private func pair(_ door: Door, isExtended: Bool) -> Pair {
        var configuration = EndpointConfiguration.base
        configuration.isExtended = isExtended
        let a = configuration
        door.configure(&configuration)
        return Pair(a: a, b: configuration)
    }

    @Test(arguments: [false, true]) func whoMayNotGetsNoConnection(isExtended: Bool) throws {
        let door = Door()
        let pair = pair(door, isExtended: isExtended)
        _ = try pair.a.connect(to: Pair.addressB, now: pair.now)
        #expect(pair.run { pair.b.statistics.drops(.peerNotAllowed) > 0 })
        #expect(pair.accepted == nil)
        #expect(pair.b.connectionCount == 0)
        #expect(pair.b.statistics.handshakesInProgress == 0)
        let asked = door.asked.withLock { $0 }
        #expect(asked.map(\.publicKey) == [pair.a.staticPublicKey])
        #expect(asked.map(\.source) == [Pair.addressA])
        // Message 2 was all it ever said.
        #expect(pair.sent.filter { !$0.isFromA }.count == 1)
    }

    @Test(arguments: [false, true]) func repetitionsAreNotAnsweredEither(isExtended: Bool) throws {
        let door = Door()
        let pair = pair(door, isExtended: isExtended)
        _ = try pair.a.connect(to: Pair.addressB, now: pair.now)
        #expect(pair.run { pair.b.statistics.drops(.peerNotAllowed) > 0 })
        let third = try #require(pair.sent.last { $0.isFromA })
        for _ in 0..<50 { pair.deliver(third) }
        pair.run(for: .seconds(2))
        #expect(pair.b.connectionCount == 0)
        #expect(pair.b.statistics.drops(.peerNotAllowed) == 1)
        #expect(pair.sent.filter { !$0.isFromA }.count == 1)
        #expect(pair.a.statistics.packetsReceived == 1)
    }

    /// What it sends then is for a connection that is not there.
    @Test func aPeerOfTheExtendedProtocolIsToldByAReset() throws {
        let door = Door()
        let pair = pair(door, isExtended: true)
        let connection = try pair.a.connect(to: Pair.addressB, now: pair.now)
        #expect(pair.run { connection.isEstablished })
        _ = pair.write(pattern(0..<1000), to: connection, of: pair.a)
        #expect(pair.run { connection.closeReason != nil })
        #expect(connection.closeReason == .statelessReset)
        #expect(pair.b.statistics.receivedBytes == 0)
    }

    @Test func answersChangeWithTheList() throws {
        let door = Door()
        let pair = pair(door, isExtended: true)
        let first = try pair.a.connect(to: Pair.addressB, now: pair.now)
        #expect(pair.run { pair.b.statistics.drops(.peerNotAllowed) == 1 })
        pair.a.close(first, now: pair.now)
        door.isOpen.withLock { $0 = true }
        let (ours, theirs) = try pair.connect()
        _ = pair.write(pattern(0..<1000), to: ours, of: pair.a)
        #expect(pair.run { theirs.receiveRing.count == 1000 })
    }

    /// Bytes that overtook message 3 of a refused peer are never decrypted, let alone kept.
    @Test func earlyDataGoesWithTheHandshake() throws {
        let door = Door()
        let pair = pair(door, isExtended: true)
        let connection = try pair.a.connect(to: Pair.addressB, now: pair.now)
        var held: Pair.Flight?
        pair.wire = { flight in
            // Message 3 is the second thing the initiator says.
            if flight.isFromA, held == nil, connection.isEstablished {
                held = flight
                return []
            }
            return [flight]
        }
        #expect(pair.run { held != nil })
        _ = pair.write(pattern(0..<2000), to: connection, of: pair.a)
        pair.run(for: .milliseconds(15))
        pair.deliver(try #require(held))
        #expect(pair.b.statistics.drops(.peerNotAllowed) == 1)
        #expect(pair.b.connectionCount == 0)
        #expect(pair.b.statistics.receivedBytes == 0)
        #expect(pair.b.statistics.handshakesInProgress == 0)
    }
}
