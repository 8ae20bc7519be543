import FoundationEssentials

/// The names of the members of a JSON object, every one of them: `JSONDecoder` takes one of several
/// members with the same name without a word, and which one would be a matter of luck
/// (RFC 8259 §4).
enum JSONMemberNames {
    /// - Parameter json: a JSON object that a decoder has accepted; of anything else the result
    ///   means nothing.
    /// - Returns: the names in their order, without escapes.
    static func read(_ json: [UInt8]) -> [String] {
        var names: [String] = []
        var depth = 0
        var position = 0
        while position < json.count {
            switch json[position] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""):
                let end = endOfString(json, from: position)
                if depth == 1, isFollowedByColon(json, end), let name = text(json[position..<end]) {
                    names.append(name)
                }
                position = end
                continue
            default: break
            }
            position += 1
        }
        return names
    }

    /// After the closing quotation mark of the string that begins at `start`.
    private static func endOfString(_ json: [UInt8], from start: Int) -> Int {
        var position = start + 1
        while position < json.count, json[position] != UInt8(ascii: "\"") {
            position += json[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(position + 1, json.count)
    }

    private static func isFollowedByColon(_ json: [UInt8], _ position: Int) -> Bool {
        let whitespace: [UInt8] = [0x20, 0x09, 0x0a, 0x0d]
        return json[position...].first { !whitespace.contains($0) } == UInt8(ascii: ":")
    }

    private static func text(_ literal: ArraySlice<UInt8>) -> String? {
        guard literal.contains(UInt8(ascii: "\\")) else {
            return String(validating: literal.dropFirst().dropLast(), as: UTF8.self)
        }
        return try? JSONDecoder().decode(String.self, from: Data(literal))
    }
}
