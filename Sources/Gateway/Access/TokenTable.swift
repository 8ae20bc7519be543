import Sodium

/// The tokens that are known: names, scopes, and hashes. A plain value.
///
/// The tokens themselves are not kept. What is kept is a hash under a key that this process made at
/// random, and all of them are compared, each in constant time: how long a look-up takes tells
/// nothing about how near a guess was.
public struct TokenTable: Sendable {
    /// Tokens in one table.
    public static let maximumTokens = 1024

    struct Entry: Sendable {
        let name: String
        let scopes: Set<Scope>
        fileprivate let hash: [UInt8]
    }

    private(set) var entries: [Entry] = []

    public init() {}

    /// Tokens there are.
    public var count: Int { entries.count }

    /// Why an entry was not added.
    enum Conflict: Error, Equatable {
        case full
        case name
        case token(of: String)
    }

    mutating func add(
        name: String, scopes: Set<Scope>, digest: TokenDigest
    ) throws(Conflict) {
        guard count < Self.maximumTokens else { throw .full }
        guard !entries.contains(where: { $0.name == name }) else { throw .name }
        let hash = digest.keyed()
        if let other = entry(hash: hash) { throw .token(of: other.name) }
        entries.append(Entry(name: name, scopes: scopes, hash: hash))
    }

    /// The entry of a token, if it has one.
    func entry(for token: some Collection<UInt8>) -> Entry? {
        entry(hash: TokenDigest(of: token).keyed())
    }

    private func entry(hash: [UInt8]) -> Entry? {
        var found: Entry?
        for entry in entries where Sodium.areEqual(entry.hash, hash) { found = entry }
        return found
    }
}

/// BLAKE2b-256 of a token: what a token file can hold in its place.
struct TokenDigest: Sendable {
    static let length = 32
    /// Other processes hash otherwise, so nobody can prepare tokens whose hashes look alike.
    private static let key = SecretBytes(count: 32) { Sodium.fillWithRandomBytes($0) }

    private let bytes: [UInt8]

    init(of token: some Collection<UInt8>) {
        var token = Array(token)
        bytes = token.withUnsafeBytes { BLAKE2b.hash($0, length: Self.length) }
        Sodium.wipe(&token)
    }

    /// `nil` unless these are 64 hexadecimal digits.
    init?(hexadecimal digits: some Collection<UInt8>) {
        guard let bytes = Hex.decode(digits), bytes.count == Self.length else { return nil }
        self.bytes = bytes
    }

    fileprivate func keyed() -> [UInt8] {
        var hash = [UInt8](repeating: 0, count: Self.length)
        hash.withUnsafeMutableBytes { hash in
            bytes.withUnsafeBytes { BLAKE2b.keyedHash(key: Self.key, $0, into: hash) }
        }
        return hash
    }
}
