import ArgumentParser
import GatewayClient

struct Connections: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the connections.", discussion: "With --json, one page of 1000 a line.")

    @Option(help: "Only those that are open, or closed.", completion: .list(["open", "closed"]))
    var state: String?
    @Option(help: "Only those that are inbound, or outbound.",
        completion: .list(["inbound", "outbound"]))
    var direction: String?
    @Option(help: "Only those with this peer.")
    var peer: String?
    @Option(help: "Only those of this name.")
    var name: String?
    @OptionGroup var options: GlobalOptions

    mutating func run() throws {
        let client = try options.client()
        var table = Table([
            "ID", "NAME", "STATE", "DIRECTION", "PEER", "ADDRESS", "SENT", "ACKNOWLEDGED",
            "RECEIVED", "UNREAD",
        ])
        let isJSON = options.json
        try client.asking { () throws(GatewayClientError) in
            try client.connections(name: name, state: state, direction: direction, peer: peer) {
                page in
                if isJSON { return Documents.print(page.bytes) }
                for document in page.document { table.add(Self.cells(document)) }
            }
        }
        if !isJSON { Standard.print(table.lines.joined(separator: "\n")) }
    }

    static func cells(_ document: ConnectionDocument) -> [String] {
        let received = document.receive
        return [
            document.id, document.name ?? "-", document.closeReason ?? document.state.rawValue,
            document.direction, document.peer, document.remoteAddress,
            document.send.map { Quantity.bytes($0.acceptedOffset) } ?? "-",
            document.send.map { Quantity.bytes($0.acknowledgedOffset) } ?? "-",
            Quantity.bytes(received.receivedOffset),
            Quantity.bytes(received.receivedOffset - min(
                received.receivedOffset, received.next.offset)),
        ]
    }
}
