import Sodium

@testable import LRP2PCore

/// What reads bytes of strangers, each with what must hold whatever the bytes are.
///
/// Shared by `MutationTests` and by the fuzzer in Tests/Fuzz. Bytes out of bounds are found by the
/// checks of a debug build in the one, by the address sanitizer in the other.
enum FuzzTarget: String, CaseIterable {
    case frames, payload, segment, recognisers, endpoint, packets

    /// What is wrong, if anything.
    func violation(_ bytes: UnsafeRawBufferPointer) -> String? {
        switch self {
        case .frames: Self.readFrames(bytes)
        case .payload: Self.readPayload(bytes)
        case .segment: Self.readSegment(bytes)
        case .recognisers: Self.recognise(bytes)
        case .endpoint: Self.handleDatagrams(bytes)
        case .packets: Self.handlePackets(bytes)
        }
    }

    /// Whether one buffer lies within another; an empty one may lie anywhere.
    private static func contains(
        _ whole: UnsafeRawBufferPointer, _ part: UnsafeRawBufferPointer
    ) -> Bool {
        guard let start = whole.baseAddress, let address = part.baseAddress, part.count > 0 else {
            return true
        }
        return address >= start && address + part.count <= start + whole.count
    }
}

// MARK: Frames

extension FuzzTarget {
    private static func readFrames(_ bytes: UnsafeRawBufferPointer) -> String? {
        var reader = FrameReader(bytes)
        var count = 0
        do {
            while let frame = try reader.next() {
                count += 1
                if let violation = violation(of: frame, in: bytes) { return violation }
            }
        } catch {
            if case .some = try? reader.next() { return "read on after \(error)" }
        }
        return count <= bytes.count ? nil : "frames without bytes"
    }

    private static func violation(
        of frame: Frame, in bytes: UnsafeRawBufferPointer
    ) -> String? {
        switch frame {
        case .padding, .ping, .pathChallenge, .pathResponse: return nil
        case .reset(let value), .window(let value), .delivered(let value):
            return value <= VariableLengthInteger.maximum ? nil : "value too large"
        case .datagram(let payload):
            return contains(bytes, payload) ? nil : "payload out of bounds"
        case .stream(let offset, let payload, _):
            guard contains(bytes, payload) else { return "payload out of bounds" }
            let end = offset + UInt64(payload.count)
            return end <= VariableLengthInteger.maximum ? nil : "stream too long"
        case .acknowledgement(let frame): return violation(of: frame)
        }
    }

    private static func violation(of frame: AcknowledgementFrame) -> String? {
        guard frame.delay >= .zero else { return "negative delay" }
        var set = OffsetRanges()
        var count = 0
        var below = frame.largest + 2
        for range in frame.ranges {
            if count == 0, range.upperBound != frame.largest { return "the largest is missing" }
            guard range.upperBound + 1 < below else { return "ranges overlap or touch" }
            below = range.lowerBound
            count += 1
            set.insert(range.lowerBound..<range.upperBound + 1)
        }
        guard count == frame.ranges.count, count == set.count,
            (1...AcknowledgedRanges.maximumCount).contains(count)
        else { return "wrong number of ranges" }
        return survivesTheWire(frame, set) ? nil : "written otherwise than read"
    }

    private static func survivesTheWire(
        _ frame: AcknowledgementFrame, _ set: OffsetRanges
    ) -> Bool {
        withUnsafeTemporaryAllocation(
            byteCount: Endpoint.maximumDatagramSize, alignment: 8
        ) { buffer in
            var writer = FrameWriter(buffer)
            guard writer.writeAcknowledgement(set, delay: frame.delay, ecn: frame.ecn) else {
                return false
            }
            var reader = FrameReader(UnsafeRawBufferPointer(rebasing: buffer[..<writer.count]))
            guard case .acknowledgement(let again)? = try? reader.next() else { return false }
            return again.delay == frame.delay && again.ecn == frame.ecn
                && again.ranges.elementsEqual(frame.ranges.prefix(FrameWriter.maximumRanges))
        }
    }
}

// MARK: Payloads, segments, recognisers

extension FuzzTarget {
    private static func readPayload(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let parameters = TransportParameters.parse(Array(bytes)) else { return nil }
        guard TransportParameters.maximumDatagramRange.contains(parameters.maximumDatagram),
            parameters.receiveLimit <= VariableLengthInteger.maximum,
            (1...255).contains(parameters.acknowledgementThreshold),
            parameters.maximumAcknowledgementDelay >= .zero,
            parameters.maximumAcknowledgementDelay
                <= TransportParameters.longestAcknowledgementDelay,
            parameters.idleTimeout ?? .seconds(1) >= TransportParameters.shortestIdleTimeout,
            parameters.applicationProtocols.count
                <= TransportParameters.maximumApplicationProtocols
        else { return "a value out of its range" }
        let written = parameters.encode(minimumLength: bytes.count)
        let isSame = TransportParameters.parse(written) == parameters
        return isSame ? nil : "written otherwise than read"
    }

    private static func readSegment(_ bytes: UnsafeRawBufferPointer) -> String? {
        switch Segment.parse(bytes) {
        case nil: return nil
        case .keepAlive: return bytes.isEmpty ? nil : "bytes without meaning"
        case .data(_, let payload):
            return contains(bytes, payload) && payload.count <= bytes.count - 6
                ? nil : "payload out of bounds"
        case .acknowledgement(let value):
            return value.hasFourByteWindow || value.window <= WireFormat.maximumWindow
                ? nil : "window too large"
        }
    }

    private static let token = (0..<16).map { UInt8($0) }

    private static func recognise(_ bytes: UnsafeRawBufferPointer) -> String? {
        if StatelessReset.isReset(bytes, token: token), !bytes.suffix(16).elementsEqual(token) {
            return "a reset without its token"
        }
        if let cookie = AddressValidation.cookie(ofRetry: bytes),
            !TransportParameters.addressCookieLength.contains(cookie.count)
        {
            return "a cookie that cannot be given back"
        }
        let reset = StatelessReset(staticKey: SecretBytes(copying: token + token))
        let answer = reset.answer(to: bytes) { $0.initializeMemory(as: UInt8.self, repeating: 9) }
        guard let answer else { return nil }
        guard answer.count < bytes.count else { return "an answer that is no shorter" }
        return answer.withUnsafeBytes { answer in
            let token = reset.token(for: ConnectionID(startOf: bytes))
            guard StatelessReset.isReset(answer, token: token) else { return "no reset" }
            return reset.answer(to: answer) { _ in } == nil ? nil : "an answer to an answer"
        }
    }
}

// MARK: Endpoint

extension FuzzTarget {
    /// The input is a series of datagrams: how to send it (1), its length (1), its bytes. A high
    /// bit puts the id of a live connection in front; the low bits let milliseconds pass.
    private static func handleDatagrams(_ bytes: UnsafeRawBufferPointer) -> String? {
        let endpoint = Endpoint(
            configuration: EndpointConfiguration(),
            staticPrivateKey: SecretBytes(copying: token + token),
            random: { buffer in buffer.indices.forEach { buffer[$0] = UInt8($0 & 0xff) } })
        let peer = SocketAddress(ipv4: 0x0a00_0001, port: 1000)
        let stranger = SocketAddress(ipv4: 0x0a00_0002, port: 2000)
        var now = Instant(nanoseconds: 1_000_000_000)
        guard (try? endpoint.connect(to: peer, now: now)) != nil else {
            return "no connection"
        }
        let output = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Endpoint.maximumDatagramSize, alignment: 8)
        defer { output.deallocate() }
        guard let first = endpoint.pollTransmit(into: output, now: now) else {
            return "no first message"
        }
        let id = Array(output[..<min(first.length, WireFormat.connectionIDLength)])
        var position = 0
        while bytes.count - position >= 2 {
            let mode = bytes[position]
            let length = min(Int(bytes[position + 1]), bytes.count - position - 2)
            var datagram = mode & 0x80 == 0 ? [] : id
            datagram.append(contentsOf: bytes[(position + 2)..<(position + 2 + length)])
            position += 2 + length
            now = now + .milliseconds(Int64(mode & 0x3f))
            let source = mode & 0x40 == 0 ? stranger : peer
            datagram.withUnsafeMutableBytes { endpoint.handleDatagram($0, from: source, now: now) }
            if let violation = drain(endpoint, into: output, now: now) { return violation }
        }
        return nil
    }

    /// Takes what the endpoint has to say. It must come to an end.
    private static func drain(
        _ endpoint: Endpoint, into output: UnsafeMutableRawBufferPointer, now: Instant
    ) -> String? {
        var sent = 0
        while let transmit = endpoint.pollTransmit(into: output, now: now) {
            guard (8...output.count).contains(transmit.length) else { return "wrong length" }
            sent += 1
            guard sent < 1000 else { return "it does not stop sending" }
        }
        var events = 0
        while endpoint.pollEvent() != nil {
            events += 1
            guard events < 1000 else { return "events without end" }
        }
        if let deadline = endpoint.nextDeadline(now: now), deadline <= now {
            endpoint.handleDeadline(now: now)
        }
        return nil
    }
}
