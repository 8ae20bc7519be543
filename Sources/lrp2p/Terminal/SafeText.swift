/// Text that comes from elsewhere, for a terminal: what would move the cursor, change colours or
/// turn the direction of writing is shown as its code.
enum SafeText {
    static func of(_ text: String) -> String {
        escaped(text) { "\\u{\(String($0.value, radix: 16))}" }
    }

    /// JSON as it came; such characters can only be in its strings, where they have another form.
    static func json(_ bytes: [UInt8]) -> String {
        escaped(String(decoding: bytes, as: UTF8.self)) { scalar in
            if scalar == "\n" { return "\n" }
            return scalar.value > 0xffff ? "\\ufffd" : JSONText.escape(scalar)
        }
    }

    private static func escaped(
        _ text: String, _ code: (Unicode.Scalar) -> String
    ) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        return text.unicodeScalars.reduce(into: "") { result, scalar in
            result += isUnsafe(scalar) ? code(scalar) : String(Character(scalar))
        }
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: true
        default: false
        }
    }
}

/// RFC 8259 §7.
enum JSONText {
    static func quoted(_ text: String) -> String {
        let inside = text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case _ where scalar.properties.generalCategory == .control: result += escape(scalar)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return "\"\(inside)\""
    }

    /// Of one in the Basic Multilingual Plane.
    static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
