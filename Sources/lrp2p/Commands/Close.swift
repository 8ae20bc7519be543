import ArgumentParser
import GatewayClient

struct Close: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Close a connection, or forget a closed one.",
        discussion: """
            An open one is closed when the peer has what was sent, or --drain has passed. One that \
            is closed already is forgotten, with what it received and nobody has read.
            """)

    @OptionGroup var target: NameArgument
    @Option(help: "How long the peer may take, 30s at most (default: 5s).")
    var drain: Time?
    @Flag(help: "Close at once, and drop what the peer does not have.")
    var abort = false
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if abort, drain != nil { throw ValidationError("--abort and --drain exclude each other") }
    }

    mutating func run() throws {
        let client = try options.client()
        let document = try client.require(target.name)
        try client.asking { () throws(GatewayClientError) in
            _ = try client.close(document.id, drain: drain?.duration, aborts: abort)
        }
        guard options.json else { return }
        Standard.print(
            #"{"connection":\#(JSONText.quoted(document.id)),"was":"\#(document.state.rawValue)"}"#)
    }
}
