import Sodium

/// The file with the tokens, one a line: `NAME SCOPE[,SCOPE] TOKEN`. A `#` begins a comment; empty
/// lines mean nothing.
///
/// `TOKEN` is the token itself, or `blake2b:` and the 64 hexadecimal digits of its BLAKE2b-256, so
/// that the file need not hold secrets: `printf %s "$TOKEN" | b2sum -l 256` makes them.
public enum TokenFile {
    /// Bytes of a file.
    public static let maximumBytes = 1 << 20
    /// Shorter ones could be guessed; longer ones serve nothing.
    public static let tokenBytes = 16...512
    /// Characters of a token's name.
    public static let nameBytes = 1...64
    static let hashPrefix = "blake2b:"
    /// The owner may do as it likes, and its group may read: services are often given files of
    /// root's that way. Others may nothing.
    static let forbiddenPermissions: UInt32 = 0o037

    /// Reads the file. One that holds no token is refused: it would lock everybody out.
    public static func load(_ path: String) throws(AccessFileError) -> TokenTable {
        let file = AccessFile(kind: .tokens, path: path)
        var bytes = try file.read(forbidding: forbiddenPermissions, limit: maximumBytes)
        defer { Sodium.wipe(&bytes) }
        return try parse(bytes, of: file)
    }

    static func parse(_ bytes: [UInt8], of file: AccessFile) throws(AccessFileError) -> TokenTable {
        var table = TokenTable()
        for (number, fields) in file.lines(of: bytes) {
            do throws(Fault) {
                try add(fields, to: &table)
            } catch {
                throw file.error(line: number, error.reason)
            }
        }
        guard table.count > 0 else { throw file.error("holds no token; write NAME SCOPES TOKEN") }
        return table
    }

    private struct Fault: Error {
        let reason: String
    }

    /// No reason repeats what stands in the line: fields may have changed places, and a token is
    /// nothing for a log.
    private static func add(
        _ fields: [ArraySlice<UInt8>], to table: inout TokenTable
    ) throws(Fault) {
        guard fields.count == 3 else {
            throw Fault(reason: "has \(fields.count) fields; write NAME SCOPES TOKEN")
        }
        guard nameBytes.contains(fields[0].count), fields[0].allSatisfy(isNameByte) else {
            throw Fault(
                reason: "the name has to be 1 to 64 letters, digits, dots, hyphens or underscores")
        }
        let name = String(decoding: fields[0], as: UTF8.self)
        let scopes = try scopes(fields[1])
        let digest = try digest(fields[2])
        do throws(TokenTable.Conflict) {
            try table.add(name: name, scopes: scopes, digest: digest)
        } catch {
            switch error {
            case .full: throw Fault(reason: "is beyond the \(TokenTable.maximumTokens) tokens")
            case .name: throw Fault(reason: "another token has the name \(name)")
            case .token(let other): throw Fault(reason: "has the same token as \(other)")
            }
        }
    }

    private static func scopes(_ field: ArraySlice<UInt8>) throws(Fault) -> Set<Scope> {
        var scopes: Set<Scope> = []
        for word in field.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard let scope = Scope(rawValue: String(decoding: word, as: UTF8.self)) else {
                let allowed = Scope.allCases.map(\.rawValue).joined(separator: ", ")
                throw Fault(
                    reason: "scope \(scopes.count + 1) is unknown; allowed, with commas and no "
                        + "spaces between: \(allowed)")
            }
            guard scopes.insert(scope).inserted else {
                throw Fault(reason: "has the scope \(scope.rawValue) twice")
            }
        }
        return scopes
    }

    private static func digest(_ field: ArraySlice<UInt8>) throws(Fault) -> TokenDigest {
        // No token has a colon in it.
        if field.starts(with: hashPrefix.utf8) {
            let digits = field.dropFirst(hashPrefix.utf8.count)
            guard let digest = TokenDigest(hexadecimal: digits) else {
                throw Fault(reason: "\(hashPrefix) needs 64 hexadecimal digits")
            }
            return digest
        }
        guard tokenBytes.contains(field.count) else {
            throw Fault(
                reason: "the token has \(field.count) characters; allowed are "
                    + "\(tokenBytes.lowerBound) to \(tokenBytes.upperBound)")
        }
        guard BearerCredentials.isToken(field) else {
            throw Fault(
                reason: "the token may have letters, digits and -._~+/ only, and = at its end "
                    + "(RFC 6750)")
        }
        return TokenDigest(of: field)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
