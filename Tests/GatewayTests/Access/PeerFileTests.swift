import LRP2P
import Testing

@testable import Gateway

@Suite struct PeerFileTests {
    private func parse(_ text: String) throws -> Set<PeerID> {
        try PeerFile.parse(Array(text.utf8), of: AccessFile(kind: .peers, path: "/etc/peers"))
    }

    @Test func readsPeers() throws {
        let (one, other) = (Identity().peerID, Identity().peerID)
        #expect(try parse("# friends\n\(one)\n\n  \(other) # the other\n") == [one, other])
        // Nobody, and not everybody.
        #expect(try parse("# \(one)\n") == [])
    }

    @Test func saysWhatIsWrongAndWhere() throws {
        let peer = Identity().peerID.description
        let last: Character = peer.last == "z" ? "y" : "z"
        for (text, line, reason) in [
            ("\n\(peer.dropLast())\(last)", 2, "not a peer id"), ("L", 1, "not a peer id"),
            ("\(peer) \(peer)", 1, "2 fields"), ("\(peer)\n#\n\(peer)", 3, "again"),
        ] {
            let error = #expect(throws: AccessFileError.self) { try parse(text) }
            #expect(try #require(error).line == line)
            #expect(try #require(error).description.contains("the peer file /etc/peers, line"))
            #expect(try #require(error).description.contains(reason), "\(text)")
        }
    }

    @Test func hasToBeSafeFromOthers() throws {
        let peer = Identity().peerID
        for mode in [0o600, 0o644, 0o444] {
            let file = try TemporaryFile("\(peer)\n", mode: mode)
            #expect(try PeerFile.load(file.path) == [peer])
        }
        for mode in [0o664, 0o646, 0o666] {
            let file = try TemporaryFile("\(peer)\n", mode: mode)
            let error = #expect(throws: AccessFileError.self) { try PeerFile.load(file.path) }
            #expect(try #require(error).description.contains("others can change it"))
        }
    }
}
