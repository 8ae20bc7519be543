import ArgumentParser
import GatewayClient

struct Identity: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell who the gateway is, and where peers reach it.")

    @OptionGroup var options: GlobalOptions

    mutating func run() throws {
        let client = try options.client()
        let answer = try client.asking { () throws(GatewayClientError) in try client.node() }
        if options.json { return Documents.print(answer.bytes) }
        let node = answer.document
        var table = Table(["peer id", node.peerId])
        table.add(["public key", node.publicKey])
        for address in node.udpAddresses { table.add(["address", address]) }
        table.add(["gateway", "\(node.version), up \(Quantity.clock(node.uptimeSeconds))"])
        table.add(["lrp2p", ToolVersion.current])
        Standard.print(table.lines.joined(separator: "\n"))
    }
}
