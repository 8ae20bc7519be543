/// Which connection a word means that a person has typed.
public enum NameResolution {
    /// What came of looking for a word.
    public enum Result: Sendable {
        /// It means this one.
        case found(ConnectionDocument)
        /// It means no connection of this gateway.
        case none
        /// It means several equally; none of them is taken.
        case ambiguous([ConnectionDocument])
    }

    /// Characters of a peer id's beginning that are taken for one.
    public static let minimumPrefix = 6

    /// An id, else a name, else a peer id or the beginning of one.
    ///
    /// The client is asked for one connection, then for those of that name, and only then for all.
    ///
    /// - Parameters:
    ///   - word: as it was typed; as the beginning of a peer id it has ``minimumPrefix`` characters
    ///     at least.
    ///   - client: asks the gateway whose connections are meant.
    public static func resolve(
        _ word: String, with client: GatewayClient
    ) throws(GatewayClientError) -> Result {
        if looksLikeID(word) {
            do throws(GatewayClientError) {
                return .found(try client.connection(word).document)
            } catch .problem(let problem) where problem.code == "unknown_connection" {}
        }
        var named: [ConnectionDocument] = []
        do throws(GatewayClientError) {
            try client.connections(name: word) { named += $0.document }
        } catch .problem(let problem) where problem.code == "invalid_parameter" {
            // It can be no name.
        }
        if !named.isEmpty { return choose(among: named) }
        guard word.utf8.count >= minimumPrefix else { return .none }
        var ofPeer: [ConnectionDocument] = []
        try client.connections { page in
            ofPeer += page.document.filter { $0.peer.hasPrefix(word) }
        }
        return choose(among: ofPeer)
    }

    /// Open ones before closed ones. Of closed ones those with something left to read, else the
    /// last one; of one peer only.
    static func choose(among candidates: [ConnectionDocument]) -> Result {
        let open = candidates.filter { $0.state == .open }
        if let only = open.first, open.count == 1 { return .found(only) }
        if open.count > 1 { return .ambiguous(open) }
        if Set(candidates.map(\.peer)).count > 1 { return .ambiguous(candidates) }
        let unread = candidates.filter {
            $0.receive.next.offset < $0.receive.receivedOffset
        }
        if unread.count > 1 { return .ambiguous(unread) }
        return (unread.first ?? candidates.last).map(Result.found) ?? .none
    }

    /// Whether it is worth asking for: other words need no request.
    static func looksLikeID(_ word: String) -> Bool {
        word.utf8.count == 13 && word.hasPrefix("c")
            && word.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
    }
}
