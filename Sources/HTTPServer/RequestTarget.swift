/// A request target (RFC 9112 §3.2), taken apart and decoded.
struct RequestTarget {
    /// See `ServerRequest.segments`.
    let segments: [String]
    let query: [(name: String, value: String)]

    /// `nil` for a target that is not origin-form, absolute-form or `*`, and for one whose percent
    /// encoding is broken or does not encode UTF-8: what it means would be a guess.
    init?(_ raw: String) {
        var raw = raw
        // Bytes, because this is done for every request and characters are slow to find.
        guard let target = raw.withUTF8({ Self($0) }) else { return nil }
        self = target
    }

    private init?(_ raw: UnsafeBufferPointer<UInt8>) {
        guard let origin = Self.originForm(of: raw[...]) else { return nil }
        let end = origin.firstIndex(of: UInt8(ascii: "#")) ?? origin.endIndex
        let mark = origin[..<end].firstIndex(of: UInt8(ascii: "?")) ?? end
        var path = origin[..<mark]
        if path.first == UInt8(ascii: "/") { path = path.dropFirst() }
        var segments: [String] = []
        for segment in path.split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        {
            guard let decoded = percentDecoded(segment) else { return nil }
            segments.append(decoded)
        }
        self.segments = segments

        var query: [(name: String, value: String)] = []
        for pair in origin[mark..<end].dropFirst().split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard let name = percentDecoded(pair[..<equals]),
                let value = percentDecoded(pair[equals...].dropFirst())
            else { return nil }
            query.append((name, value))
        }
        self.query = query
    }

    private typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

    private static func originForm(of raw: Bytes) -> Bytes? {
        if raw.first == UInt8(ascii: "/") || raw.elementsEqual("*".utf8) { return raw }
        // A server must accept the absolute form, and the authority in it is not ours to route by.
        for scheme in ["http://", "https://"] {
            let start = raw.prefix(scheme.utf8.count)
            guard String(decoding: start, as: UTF8.self).lowercased() == scheme else { continue }
            let rest = raw[start.endIndex...]
            let path = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
            return path.map { rest[$0...] } ?? rest[rest.endIndex...]
        }
        return nil
    }
}

/// The segments of a path, undecoded.
func splitPath(_ path: some StringProtocol) -> [String] {
    let segments = path.split(separator: "/", omittingEmptySubsequences: false)
    return (path.hasPrefix("/") ? segments.dropFirst() : segments[...]).map { String($0) }
}

/// `nil` when an escape is incomplete or the bytes are not UTF-8, or hold a NUL.
private func percentDecoded(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> String? {
    guard text.contains(UInt8(ascii: "%")) else {
        return text.contains(0) ? nil : String(validating: text, as: UTF8.self)
    }
    var bytes: [UInt8] = []
    var iterator = text.makeIterator()
    while let byte = iterator.next() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard let high = iterator.next().flatMap(hexDigit),
            let low = iterator.next().flatMap(hexDigit)
        else { return nil }
        bytes.append(high << 4 | low)
    }
    return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
