/// The head of an answer.
struct HTTPHead {
    let status: Int
    /// Bytes of the body; `nil` when it is not told beforehand.
    let contentLength: Int?
    private let lines: [Substring]

    /// - Parameter bytes: all up to the empty line.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.starts(with: Self.version),
            let status = Self.number(bytes[Self.version.count...].prefix(3))
        else { return nil }
        self.status = status
        let text = String(decoding: bytes, as: UTF8.self)
        lines = text.split(separator: "\r\n").dropFirst().map { $0 }
        contentLength = HTTPHead.field("content-length", in: lines).flatMap { Int($0) }
            ?? (status == 204 ? 0 : nil)
    }

    private static let version = Array("HTTP/1.1 ".utf8)
    private static let emptyLine = Array("\r\n\r\n".utf8)
    private static let lengthField = Array("\r\ncontent-length: ".utf8)

    subscript(_ name: String) -> String? { Self.field(name, in: lines) }

    private static func field(_ name: String, in lines: [Substring]) -> String? {
        for line in lines {
            guard let colon = line.firstIndex(of: ":"),
                line[..<colon].lowercased() == name.lowercased()
            else { continue }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        return nil
    }

    // MARK: Without allocation

    /// Where the head ends, with its empty line; `nil` when there is not all of it yet.
    static func end(of bytes: UnsafeRawBufferPointer) -> Int? {
        find(emptyLine, in: bytes).map { $0 + emptyLine.count }
    }

    /// Status and length of the body, of a whole head.
    static func summary(_ head: UnsafeRawBufferPointer) -> (status: Int, length: Int)? {
        guard head.starts(with: version),
            let status = number(head[version.count...].prefix(3))
        else { return nil }
        guard let field = find(lengthField, in: head) else {
            return status == 204 ? (status, 0) : nil
        }
        let digits = head[(field + lengthField.count)...].prefix { $0 != 0x0d }
        return number(digits).map { (status, $0) }
    }

    /// - Parameter part: lowercase. What is looked through is compared as if it were.
    private static func find(_ part: [UInt8], in bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= part.count else { return nil }
        return part.withUnsafeBytes { part in
            search: for start in 0...(bytes.count - part.count) where bytes[start] == part[0] {
                for offset in 1..<part.count {
                    let byte = bytes[start + offset]
                    let isUppercase = byte >= 0x41 && byte <= 0x5a
                    guard (isUppercase ? byte | 0x20 : byte) == part[offset] else {
                        continue search
                    }
                }
                return start
            }
            return nil
        }
    }

    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> Int? {
        guard !digits.isEmpty, digits.count < 19 else { return nil }
        var value = 0
        for digit in digits {
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return value
    }
}

struct HTTPAnswer {
    let head: HTTPHead
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
}
