/// A request target (RFC 9112 §3.2), taken apart and decoded.
struct RequestTarget {
    /// See `ServerRequest.segments`.
    let segments: [String]
    let query: [(name: String, value: String)]

    /// `nil` for a target that is not origin-form, absolute-form or `*`, and for one whose percent
    /// encoding is broken or does not encode UTF-8: what it means would be a guess.
    init?(_ raw: String) {
        guard let origin = Self.originForm(of: raw) else { return nil }
        let end = origin.firstIndex(of: "#") ?? origin.endIndex
        let mark = origin[..<end].firstIndex(of: "?") ?? end
        var segments: [String] = []
        for segment in splitPath(origin[..<mark]) {
            guard let decoded = percentDecoded(segment.utf8) else { return nil }
            segments.append(decoded)
        }
        self.segments = segments

        var query: [(name: String, value: String)] = []
        for pair in origin[mark..<end].dropFirst().utf8.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard let name = percentDecoded(pair[..<equals]),
                let value = percentDecoded(pair[equals...].dropFirst())
            else { return nil }
            query.append((name, value))
        }
        self.query = query
    }

    private static func originForm(of raw: String) -> Substring? {
        if raw.hasPrefix("/") { return raw[...] }
        if raw == "*" { return raw[...] }
        // A server must accept the absolute form, and the authority in it is not ours to route by.
        for scheme in ["http://", "https://"] where raw.lowercased().hasPrefix(scheme) {
            let rest = raw.dropFirst(scheme.count)
            guard let start = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) else { return "/" }
            return rest[start...]
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
func percentDecoded(_ text: some Sequence<UInt8>) -> String? {
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
