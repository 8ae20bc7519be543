import LRP2PCore
import Testing

@testable import LRP2PSimulation

@Suite struct WireMonitorTests {
    private static let initiator = 0
    private static let responder = 1

    private func datagram(
        id: UInt8 = 1, header: UInt64 = 0x77_0000_0000_0000_77, length: Int
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: id, count: length)
        for index in 8..<min(16, length) {
            bytes[index] = UInt8(truncatingIfNeeded: header >> UInt64(8 * (15 - index)))
        }
        return bytes
    }

    private func check(
        _ monitor: inout WireMonitor, _ bytes: [UInt8], from host: Int = Self.initiator,
        isOwn: Bool = true, answers: Int = 0
    ) throws -> WireKind {
        try bytes.withUnsafeBytes { raw throws(InvariantViolation) in
            try monitor.check(
                WireMonitor.Outgoing(
                    bytes: raw, host: host, peer: 1 - host, isOwn: isOwn, answers: answers))
        }
    }

    private func makeMonitor(_ isExtended: [Bool]) -> WireMonitor {
        WireMonitor(hosts: isExtended.map {
            var configuration = EndpointConfiguration()
            configuration.isExtended = $0
            configuration.maximumDatagram = 9000
            return configuration
        })
    }

    /// A monitor that has seen messages 1 and 2 of connection 1.
    private func answered(_ isExtended: [Bool]) throws -> WireMonitor {
        var monitor = makeMonitor(isExtended)
        #expect(try check(&monitor, datagram(length: 40)) == .handshake(1))
        #expect(try check(
            &monitor, datagram(length: 104), from: Self.responder, isOwn: false, answers: 40)
            == .handshake(2))
        return monitor
    }

    private static let extended: UInt64 = 1 << 63
    private static let keyPhase: UInt64 = 1 << 62

    @Test(arguments: [0, 7, 8, 12, 15, 16, 31, 1401])
    func refusesLengthsThatNobodyMaySend(length: Int) {
        var monitor = makeMonitor([true, true])
        #expect(throws: InvariantViolation.self) {
            try check(&monitor, [UInt8](repeating: 1, count: length))
        }
    }

    @Test func refusesDataBeforeAHandshake() throws {
        var monitor = makeMonitor([false, false])
        #expect(throws: InvariantViolation.self) {
            try check(&monitor, datagram(header: 0, length: 50))
        }
        _ = try check(&monitor, datagram(length: 40))
        #expect(throws: InvariantViolation.self) {
            try check(&monitor, datagram(header: 0, length: 50))
        }
    }

    @Test(arguments: [[false, false], [true, false], [false, true], [true, true]])
    func followsTheNumbersOfEachDirection(isExtended: [Bool]) throws {
        var monitor = try answered(isExtended)
        let mark = isExtended == [true, true] ? Self.extended : 0
        for number: UInt64 in 0..<3 {
            for host in [Self.initiator, Self.responder] {
                let bytes = datagram(header: mark | number, length: 1400)
                #expect(try check(&monitor, bytes, from: host) == .data(number: number))
            }
        }
        for (number, name) in [(4, "left out"), (2, "used twice")] as [(UInt64, Comment)] {
            #expect(throws: InvariantViolation.self, name) {
                try check(&monitor, datagram(header: mark | number, length: 100))
            }
        }
        #expect(throws: InvariantViolation.self, "the header of the other protocol") {
            try check(&monitor, datagram(header: mark ^ Self.extended | 3, length: 100))
        }
    }

    @Test func aBaseConnectionShowsNothingElse() throws {
        for isExtended in [[false, false], [true, false], [false, true]] {
            var monitor = try answered(isExtended)
            #expect(throws: InvariantViolation.self, "above 1400 bytes") {
                try check(&monitor, datagram(header: 0, length: 1401))
            }
            #expect(throws: InvariantViolation.self, "message 3 with a payload") {
                try check(&monitor, datagram(length: 80))
            }
            var other = makeMonitor(isExtended)
            _ = try check(&other, datagram(length: 40))
            #expect(throws: InvariantViolation.self, "message 2 with a payload") {
                try check(
                    &other, datagram(length: 105), from: Self.responder, isOwn: false,
                    answers: 40)
            }
        }
        var monitor = makeMonitor([false, true])
        #expect(throws: InvariantViolation.self, "an offer of one that has no extensions") {
            try check(&monitor, datagram(length: 41))
        }
    }

    @Test func readsKeyPhasesAndLongDatagrams() throws {
        var monitor = try answered([true, true])
        let phases: [UInt64] = [0, 0, Self.keyPhase, Self.keyPhase, 0]
        for (number, phase) in phases.enumerated() {
            let header = Self.extended | phase | UInt64(number)
            _ = try check(&monitor, datagram(header: header, length: 1000))
        }
        #expect(monitor.keyPhaseChanges == 2)
        #expect(throws: InvariantViolation.self, "more than the peer takes") {
            try check(&monitor, datagram(header: Self.extended | 5, length: 9001))
        }
        _ = try check(&monitor, datagram(header: Self.extended | 5, length: 9000))
        #expect(throws: InvariantViolation.self, "a reserved bit") {
            try check(&monitor, datagram(header: Self.extended | 1 << 56 | 6, length: 1000))
        }
    }

    @Test func anAnswerIsAtMostThreeTimesAsLong() throws {
        var monitor = makeMonitor([true, true])
        _ = try check(&monitor, datagram(length: 100))
        #expect(throws: InvariantViolation.self) {
            try check(
                &monitor, datagram(length: 301), from: Self.responder, isOwn: false, answers: 100)
        }
        #expect(try check(
            &monitor, datagram(length: 300), from: Self.responder, isOwn: false, answers: 100)
            == .handshake(2))
    }

    @Test func aRetryAllowsOneMoreMessage1() throws {
        var monitor = makeMonitor([true, true])
        _ = try check(&monitor, datagram(length: 200))
        #expect(throws: InvariantViolation.self) {
            try check(&monitor, datagram(length: 220))
        }
        #expect(try check(
            &monitor, datagram(length: 80), from: Self.responder, isOwn: false, answers: 200)
            == .retry)
        #expect(try check(&monitor, datagram(length: 220)) == .handshake(1))
        #expect(throws: InvariantViolation.self) {
            try check(&monitor, datagram(length: 240))
        }
    }

    @Test func aResetComesFromWhoHasNoConnection() throws {
        var monitor = try answered([true, true])
        let reset = datagram(header: 0x1234_5678, length: 60)
        #expect(try check(&monitor, reset, from: Self.responder, isOwn: false, answers: 61)
            == .statelessReset)
        #expect(try check(&monitor, reset, from: Self.initiator, isOwn: false, answers: 61)
            == .statelessReset)
        #expect(throws: InvariantViolation.self, "it has the connection") {
            try check(&monitor, reset, from: Self.initiator, isOwn: true, answers: 61)
        }
        #expect(throws: InvariantViolation.self, "not shorter than what it answers") {
            try check(&monitor, reset, from: Self.initiator, isOwn: false, answers: 60)
        }
        let unknown = datagram(id: 9, header: 0x1234_5678, length: 60)
        #expect(try check(&monitor, unknown, from: Self.responder, isOwn: false, answers: 90)
            == .statelessReset)
    }

    @Test func refusesARepeatedMessageWithOtherContent() throws {
        var monitor = makeMonitor([true, true])
        _ = try check(&monitor, datagram(length: 60))
        _ = try check(&monitor, datagram(length: 60))
        #expect(throws: InvariantViolation.self) {
            try check(&monitor, datagram(header: 78 << 50, length: 60))
        }
        for (isExtended, length) in [(false, 72), (true, 94)] {
            monitor = try answered([isExtended, isExtended])
            let third = datagram(header: 79 << 50, length: length)
            #expect(try check(&monitor, third) == .handshake(3))
            #expect(try check(&monitor, third) == .handshake(3))
            #expect(throws: InvariantViolation.self) {
                try check(&monitor, datagram(header: 80 << 50, length: length))
            }
            #expect(throws: InvariantViolation.self) {
                try check(&monitor, datagram(header: 79 << 50, length: 166 - length))
            }
        }
    }
}
