/// Base58, the encoding of binary identifiers that leaves out characters easily mistaken for others
/// (draft-msporny-base58-03).
///
/// Quadratic in the length, so for short values only.
enum Base58 {
    private static let alphabet = Array(
        "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        // Base-58 digits, least significant first.
        var digits: [UInt8] = []
        for byte in bytes {
            var carry = Int(byte)
            for i in digits.indices {
                carry += Int(digits[i]) << 8
                digits[i] = UInt8(carry % 58)
                carry /= 58
            }
            while carry > 0 {
                digits.append(UInt8(carry % 58))
                carry /= 58
            }
        }
        let zeros = bytes.prefix { $0 == 0 }.map { _ in alphabet[0] }
        return String(decoding: zeros + digits.reversed().map { alphabet[Int($0)] }, as: UTF8.self)
    }

    /// `nil` when a character is not of the alphabet.
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        // Base-256 digits, least significant first.
        var digits: [UInt8] = []
        for character in text.utf8 {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            var carry = value
            for i in digits.indices {
                carry += Int(digits[i]) * 58
                digits[i] = UInt8(carry & 0xff)
                carry >>= 8
            }
            while carry > 0 {
                digits.append(UInt8(carry & 0xff))
                carry >>= 8
            }
        }
        let zeros = text.utf8.prefix { $0 == alphabet[0] }.map { _ in UInt8(0) }
        return zeros + digits.reversed()
    }
}
