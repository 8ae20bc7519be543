import LRP2P

/// The file with the peers there may be connections with, one peer id a line. A `#` begins a
/// comment; empty lines mean nothing. A file without a peer is a list of nobody.
public enum PeerFile {
    /// Bytes of a file, and peers in it.
    public static let maximumBytes = 4 << 20
    /// Peers in a file.
    public static let maximumPeers = 65_536
    /// Peer ids are no secret. Who can write the file decides who gets in.
    static let forbiddenPermissions: UInt32 = 0o022

    /// Reads the file.
    public static func load(_ path: String) throws(AccessFileError) -> Set<PeerID> {
        let file = AccessFile(kind: .peers, path: path)
        return try parse(
            file.read(forbidding: forbiddenPermissions, limit: maximumBytes), of: file)
    }

    static func parse(
        _ bytes: [UInt8], of file: AccessFile
    ) throws(AccessFileError) -> Set<PeerID> {
        var peers: Set<PeerID> = []
        for (number, fields) in file.lines(of: bytes) {
            guard fields.count == 1 else {
                throw file.error(
                    line: number, "has \(fields.count) fields; write one peer id a line")
            }
            guard let peer = PeerID(String(decoding: fields[0], as: UTF8.self)) else {
                throw file.error(
                    line: number, "is not a peer id, which has 34 characters and begins with L")
            }
            guard peers.insert(peer).inserted else {
                throw file.error(line: number, "has the peer \(peer) again")
            }
            guard peers.count <= maximumPeers else {
                throw file.error(line: number, "is beyond the \(maximumPeers) peers")
            }
        }
        return peers
    }
}
