import Testing

@testable import LRP2PSimulation

@Suite struct WireMonitorTests {
    private func datagram(id: UInt8 = 1, nonce: UInt64, length: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: id, count: length)
        for index in 8..<16 {
            bytes[index] = UInt8(truncatingIfNeeded: nonce >> UInt64(8 * (15 - index)))
        }
        return bytes
    }

    private func check(_ monitor: inout WireMonitor, _ bytes: [UInt8]) throws -> WireKind {
        try bytes.withUnsafeBytes { raw throws(InvariantViolation) in try monitor.check(raw) }
    }

    @Test(arguments: [0, 7, 8, 12, 15, 16, 31, 1401])
    func refusesLengthsThatNobodyMaySend(length: Int) {
        var monitor = WireMonitor()
        #expect(throws: InvariantViolation.self) {
            try check(&monitor, [UInt8](repeating: 1, count: length))
        }
    }

    @Test func refusesDataBeforeAHandshake() {
        var monitor = WireMonitor()
        #expect(throws: InvariantViolation.self) {
            try check(&monitor, datagram(nonce: 0, length: 50))
        }
    }

    @Test func followsTheNoncesOfEachConnection() throws {
        var monitor = WireMonitor()
        for id: UInt8 in [1, 2] {
            let message = try check(&monitor, [UInt8](repeating: id, count: 40))
            guard case .handshake(1) = message else {
                Issue.record("not message 1")
                return
            }
        }
        for nonce: UInt64 in 0..<3 {
            for id: UInt8 in [1, 2] {
                let kind = try check(&monitor, datagram(id: id, nonce: nonce, length: 1400))
                guard case .data(nonce) = kind else {
                    Issue.record("not data \(nonce)")
                    return
                }
            }
        }
        #expect(throws: InvariantViolation.self, "a nonce left out") {
            try check(&monitor, datagram(nonce: 4, length: 100))
        }
        #expect(throws: InvariantViolation.self, "a nonce used twice") {
            try check(&monitor, datagram(nonce: 2, length: 100))
        }
    }

    @Test(arguments: [40, 72])
    func refusesARepeatedMessageWithOtherContent(length: Int) throws {
        var monitor = WireMonitor()
        _ = try check(&monitor, datagram(nonce: 77, length: length))
        _ = try check(&monitor, datagram(nonce: 77, length: length))
        #expect(throws: InvariantViolation.self) {
            try check(&monitor, datagram(nonce: 78, length: length))
        }
    }
}
