import Testing

@testable import LRP2P

@Suite struct PeerIDTests {
    /// Expected values computed with Python's hashlib.
    static let vectors: [(publicKey: [UInt8], text: String)] = [
        ([UInt8](repeating: 0, count: 32), "LKQsg3KtogXXzT6PWU73ztJNe3SThzGtKu"),
        ([UInt8](0..<32), "LbRW9P58zDNj3qLS9VL79cgTKemLhp7XrG"),
        ([UInt8](repeating: 0xff, count: 32), "LWafdkfkHCdX5ovHQFXzbUMHqjccmCGF11"),
    ]

    @Test(arguments: vectors)
    func vector(publicKey: [UInt8], text: String) {
        let id = PeerID(publicKey: publicKey)
        #expect(id.description == text)
        #expect(PeerID(text) == id)
    }

    @Test func everySingleWrongCharacterIsNoticed() {
        let text = Array(PeerIDTests.vectors[1].text)
        for i in text.indices {
            var wrong = text
            wrong[i] = text[i] == "2" ? "3" : "2"
            #expect(PeerID(String(wrong)) == nil, "position \(i)")
        }
    }

    @Test func refusesOtherLengthsAndVersions() {
        let text = PeerIDTests.vectors[0].text
        #expect(PeerID("") == nil)
        #expect(PeerID(String(text.dropLast())) == nil)
        #expect(PeerID(text + "1") == nil)
        #expect(PeerID(" " + text) == nil)
        #expect(PeerID(String(repeating: "L", count: 1_000_000)) == nil)
        // A well-formed Base58Check of another version.
        #expect(PeerID("1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L") == nil)
    }

    @Test func startsWithL() {
        for _ in 0..<200 { #expect(Identity().peerID.description.hasPrefix("L")) }
    }
}
