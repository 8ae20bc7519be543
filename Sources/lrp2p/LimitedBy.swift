import GatewayClient

/// What holds a connection up, for people.
enum LimitedBy {
    static func text(_ word: String) -> String {
        switch word {
        case "network": "the network"
        case "peer_window": "the peer does not read"
        case "local_reader": "nobody reads here"
        case "application": "nothing to send"
        default: word
        }
    }

    /// Worth telling while something waits.
    static func note(_ document: ConnectionDocument) -> String? {
        document.transport?.limitedBy == "peer_window" ? "waiting: the peer does not read" : nil
    }
}
