import Noise
import Sodium

@testable import LRP2PCore

/// A peer that behaves as PROTOCOL.md says the reference does: it acknowledges every segment with
/// a four-byte window of 65535, repeats nothing, and dies when data overtakes message 3.
final class ReferenceLikePeer {
    enum Kind { case first, third, data, acknowledgement, keepAlive, undecryptable }

    private var state: HandshakeState
    private var keys: TransportKeys?
    private let isInitiator: Bool
    private var connectionID: [UInt8] = [9, 8, 7, 6, 5, 4, 3, 2]
    private var nonce: UInt64 = 0
    private var third: [UInt8] = []
    let firstDatagram: [UInt8]

    var firstSequenceNumber: UInt64 = 0
    /// Segments that are treated as if they had been lost.
    var refuses: (UInt64) -> Bool = { _ in false }
    private(set) var log: [Kind] = []
    private(set) var isDead = false
    private var segments: [UInt64: [UInt8]] = [:]
    private var nextInOrder: UInt64?
    private(set) var received: [UInt8] = []
    private(set) var furthestPosition: UInt64 = 0

    /// The widest distance from the first missing to the newest segment.
    private(set) var furthest: UInt64 = 0

    init(role: Role, payload: [UInt8] = []) {
        isInitiator = role == .initiator
        state = HandshakeState(
            isInitiator: role == .initiator,
            staticKey: SecretBytes(copying: [UInt8](repeating: 3, count: 32)),
            ephemeralKey: SecretBytes(copying: [UInt8](repeating: 4, count: 32)))
        firstDatagram = isInitiator ? connectionID + ((try? state.writeMessage(payload: payload)) ?? []) : []
    }

    // MARK: As initiator, towards endpoint A of a pair

    func thirdDatagram(answering second: [UInt8], payload: [UInt8] = []) throws -> [UInt8] {
        _ = try second.dropFirst(8).withUnsafeBytes { try state.readMessage($0) }
        let message = connectionID + (try state.writeMessage(payload: payload))
        keys = state.split()
        return message
    }

    func establish(with pair: Pair, payload: [UInt8] = []) throws {
        pair.deliver(.init(isFromA: false, bytes: firstDatagram))
        pair.flush()
        guard let answer = pair.sent.last else { throw Pair.HandshakeDidNotFinish() }
        let third = try thirdDatagram(answering: answer.bytes, payload: payload)
        pair.deliver(.init(isFromA: false, bytes: third))
        pair.flush()
    }

    func connection(of pair: Pair) -> Connection? {
        for case .accepted(let connection) in pair.eventsA { return connection }
        pair.flush()
        for case .accepted(let connection) in pair.eventsA { return connection }
        return nil
    }

    func seal(_ plaintext: [UInt8]) -> [UInt8] {
        var bytes = plaintext + [UInt8](repeating: 0, count: 16)
        let nonce = nonce
        self.nonce += 1
        _ = bytes.withUnsafeMutableBytes {
            keys?.sending.encrypt($0, plaintextLength: plaintext.count, nonce: nonce)
        }
        return connectionID + withUnsafeBytes(of: nonce.bigEndian) { Array($0) } + bytes
    }

    func data(_ sequenceNumber: UInt32, _ payload: [UInt8], flags: UInt8 = 0) -> [UInt8] {
        let number = withUnsafeBytes(of: sequenceNumber.bigEndian) { Array($0) }
        return seal([6, flags | (sequenceNumber == 0 ? 2 : 0)] + number + payload)
    }

    // MARK: As responder, in place of endpoint B of a pair

    /// Takes a datagram from A and returns the answers.
    func receive(_ datagram: [UInt8]) -> [Pair.Flight] {
        connectionID = Array(datagram.prefix(8))
        guard !isDead else { return [] }
        guard keys != nil else { return receiveHandshake(datagram) }
        if datagram == third {
            log.append(.third)
            return []
        }
        let nonce = datagram[8..<16].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        var body = Array(datagram.dropFirst(16))
        let length = body.withUnsafeMutableBytes { keys?.receiving.decrypt($0, nonce: nonce) }
        guard let length = length ?? nil else {
            log.append(.undecryptable)
            return []
        }
        return body.prefix(length).withUnsafeBytes { receiveSegment($0) }
    }

    private func receiveHandshake(_ datagram: [UInt8]) -> [Pair.Flight] {
        do {
            _ = try datagram.dropFirst(8).withUnsafeBytes { try state.readMessage($0) }
        } catch {
            isDead = true
            return [Pair.Flight(isFromA: false, bytes: connectionID)]
        }
        if state.isFinished {
            log.append(.third)
            third = datagram
            keys = state.split()
            return []
        }
        log.append(.first)
        let answer = (try? state.writeMessage()) ?? []
        return [Pair.Flight(isFromA: false, bytes: connectionID + answer)]
    }

    private func receiveSegment(_ plaintext: UnsafeRawBufferPointer) -> [Pair.Flight] {
        switch Segment.parse(plaintext) {
        case .keepAlive:
            log.append(.keepAlive)
            return []
        case .acknowledgement, nil:
            log.append(.acknowledgement)
            return []
        case .data(let wire, let payload):
            log.append(.data)
            let next = nextInOrder ?? firstSequenceNumber
            let position = SequenceNumber.position(of: wire, near: next) ?? 0
            if refuses(position) { return [] }
            furthestPosition = max(furthestPosition, position)
            furthest = max(furthest, position > next ? position - next : 0)
            // Its "last in order" is from before this segment.
            let lastInOrder = UInt32(truncatingIfNeeded: next > firstSequenceNumber ? next - 1 : 0)
            if position >= next { segments[position] = Array(payload) }
            var advanced = next
            while let bytes = segments.removeValue(forKey: advanced) {
                received += bytes
                advanced += 1
            }
            nextInOrder = advanced
            let header = withUnsafeBytes(of: lastInOrder.bigEndian) { Array($0) }
            let number = withUnsafeBytes(of: wire.bigEndian) { Array($0) }
            let acknowledgement = seal([10, 1] + header + [0, 0, 255, 255] + number)
            return [Pair.Flight(isFromA: false, bytes: acknowledgement)]
        }
    }
}
