import ArgumentParser
import GatewayClient

struct Connect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Connect to a peer.",
        discussion: "Prints the connection's id, its name if it has one, and the peer's id.")

    @Argument(help: "Where the peer is: HOST:PORT, the port being that of its UDP socket.")
    var address: String
    @Option(help: "The id that the peer has to have; without it anybody may answer.")
    var peer: String?
    @Option(help: "What the connection is called on this side.")
    var name: String?
    @Option(
        help: "cubic or bbr (default: what the gateway is set to).",
        completion: .list(["cubic", "bbr"]))
    var congestionControl: String?
    @OptionGroup var options: GlobalOptions

    mutating func run() throws {
        let client = try options.client()
        let answer = try client.asking { () throws(GatewayClientError) in
            try client.connect(
                to: address, peer: peer, name: name, congestionControl: congestionControl)
        }
        if options.json { return Documents.print(answer.bytes) }
        let document = answer.document
        let words = [document.id, document.name, document.peer].compactMap { $0 }
        Standard.print(words.map(SafeText.of).joined(separator: " "))
    }
}

enum Documents {
    /// As the gateway wrote it, in one line.
    static func print(_ bytes: [UInt8]) {
        let text = SafeText.json(bytes)
        Standard.print(text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }
}
