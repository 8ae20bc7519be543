import Gateway
import LRP2P

/// What the text of a setting has to look like, and what it means.
struct SettingForm<Value: Sendable>: Sendable {
    /// The placeholder in the help.
    let valueName: String
    /// For people, after "has to be".
    let allowed: String
    /// `nil` when the text is not allowed.
    let parse: @Sendable (String) -> Value?
}

extension SettingForm where Value == HostPort {
    static func hostPort(such example: String) -> Self {
        Self(valueName: "host:port", allowed: "HOST:PORT, such as \(example)") { HostPort($0) }
    }
}

extension SettingForm where Value == SocketAddress {
    static func socketAddress(such example: String) -> Self {
        Self(valueName: "address:port", allowed: "ADDRESS:PORT, such as \(example)") {
            HostPort($0)?.socketAddress
        }
    }
}

extension SettingForm where Value == Int {
    static func count(_ range: ClosedRange<Int>, of unit: String = "number") -> Self {
        let article = unit == "number" ? "a number" : "a number of \(unit)"
        return Self(
            valueName: unit, allowed: "\(article) from \(range.lowerBound) to \(range.upperBound)"
        ) { text in
            // `Int` would take a sign.
            guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            return Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    static func bytes(_ range: ClosedRange<Int>) -> Self {
        let lower = ByteCountText.format(range.lowerBound)
        let upper = ByteCountText.format(range.upperBound)
        return Self(
            valueName: "bytes", allowed: "\(ByteCountText.allowed), from \(lower) to \(upper)"
        ) { text in
            ByteCountText.parse(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension SettingForm where Value == Duration {
    /// - Parameter zero: what 0 means, for people; `nil` when 0 is not allowed.
    static func duration(
        from lower: Duration = .milliseconds(1), to upper: Duration, zero: String?
    ) -> Self {
        let range = "from \(DurationText.format(lower)) to \(DurationText.format(upper))"
        return Self(
            valueName: "duration",
            allowed: "a whole number with a unit, such as 500ms, 30s or 5m, \(range)"
                + (zero.map { ", or 0 for \($0)" } ?? "")
        ) { text in
            guard let duration = DurationText.parse(text) else { return nil }
            if duration == .zero { return zero == nil ? nil : .zero }
            return lower <= duration && duration <= upper ? duration : nil
        }
    }
}

extension SettingForm where Value == Duration? {
    static let durationOrNever = Self(
        valueName: "duration",
        allowed: "a whole number above 0 with a unit, such as 500ms, 30s or 5m, or never"
    ) { text in
        if text == "never" { return .some(nil) }
        guard let duration = DurationText.parse(text), duration > .zero else { return nil }
        return duration
    }
}

extension SettingForm where Value == Bool {
    static let boolean = Self(valueName: "boolean", allowed: "true or false") { Bool($0) }
}

extension SettingForm where Value == String {
    /// Relative ones are relative to the working directory.
    static let path = Self(valueName: "path", allowed: "a path") { $0.isEmpty ? nil : $0 }

    static func text(_ allowed: String, bytes: ClosedRange<Int>) -> Self {
        Self(valueName: "name", allowed: allowed) { text in
            // A comma separates the names in the environment and in the file.
            bytes.contains(text.utf8.count) && !text.contains(",") ? text : nil
        }
    }

    /// A name as in the `Host` header field of a request, without a port (RFC 9110 §7.2).
    static let hostName = Self(
        valueName: "host", allowed: "a host name or address without a port, such as example.org"
    ) { text in
        let isName = text.utf8.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
        let isIPv6 = text.contains(":") && SocketAddress("[\(text)]:0") != nil
        guard !text.isEmpty, text.utf8.count <= 253, isName || isIPv6 else { return nil }
        return text.lowercased()
    }
}

extension SettingForm where Value == NetworkPrefix {
    static let network = Self(
        valueName: "network", allowed: NetworkPrefix.allowed
    ) { NetworkPrefix($0) }
}

extension SettingForm
where Value: CaseIterable & RawRepresentable<String>, Value.AllCases: Sendable {
    static func choice(_ valueName: String) -> Self {
        let names = Value.allCases.map(\.rawValue)
        let allowed = names.count == 2 ? names.joined(separator: " or ")
            : "one of \(names.joined(separator: ", "))"
        return Self(valueName: valueName, allowed: allowed) { Value(rawValue: $0) }
    }
}
