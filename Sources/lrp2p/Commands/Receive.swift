import ArgumentParser
import GatewayClient
import Glibc

struct Receive: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Receive to a file or standard output.",
        discussion: """
            Without a connection NAME it waits for a peer to connect, and calls that connection \
            NAME. Only what has been written is acknowledged, so that a receive that was ended \
            goes on when it is started again. It ends with the stream.

            With --output the bytes are in FILE.*.part until all have come.
            """)

    @OptionGroup var target: NameArgument
    @Option(
        name: .shortAndLong, help: "The file; - or nothing is standard output.",
        completion: .file())
    var output: String?
    @Option(help: "Wait for a connection of this peer only.")
    var peer: String?
    @Option(help: "How long to wait for a connection (default: for ever).")
    var wait: Time?
    @Flag(help: "Do not close the connection when the stream has ended.")
    var keepOpen = false
    @OptionGroup var options: GlobalOptions

    private var path: String? { output == "-" ? nil : output }

    mutating func run() throws {
        let client = try options.client()
        let line = ProgressLine(options)
        let document = try connection(client, line)
        var destination: any Output =
            try path.map { path throws(Failure) in try OutputFile.open(path) }
            ?? StreamOutput(STDOUT_FILENO, name: "standard output")
        try destination.begin(document)
        var download = Download(client, document)
        let before = document.receive.next.offset
        var progress = TransferProgress("received")
        download.onProgress = { download in
            progress.advance(to: before + download.written)
            progress.note = download.note
            line.show { progress.text }
        }
        let end = try download.run(into: &destination)
        line.clear()
        guard end.receive.finished else { throw incomplete(end, destination) }
        try destination.finish()
        if !keepOpen { download.tidyUp(end) }
        report(end)
    }

    /// The connection that is meant, or the next one that comes.
    private func connection(
        _ client: GatewayClient, _ line: ProgressLine
    ) throws(Failure) -> ConnectionDocument {
        if let document = try client.find(target.name), !isUsedUp(document) {
            guard peer == nil || peer == document.peer else {
                throw Failure(
                    .unknownConnection, "\(target.name) is a connection with \(document.peer)")
            }
            return document
        }
        let deadline = wait.map { ContinuousClock.now + $0.duration }
        var backoff = Backoff(patience: Download.patience)
        while true {
            let left = deadline.map { $0 - .now } ?? Download.wait
            line.show { "waiting for a connection to be called \(SafeText.of(target.name))" }
            let time = max(.zero, min(left, Download.wait))
            do throws(GatewayClientError) {
                if let answer = try client.accept(name: target.name, peer: peer, wait: time) {
                    return answer.document
                }
                backoff.succeed()
            } catch {
                guard error.isTransient, let delay = backoff.delay() else {
                    throw Failure(error, gateway: client.configuration.url)
                }
                pause(delay)
            }
            if let deadline, deadline <= .now {
                throw Failure(.tryLater, "nobody has connected in time")
            }
        }
    }

    /// Closed, and nothing is left to do: its name stands for the next one.
    private func isUsedUp(_ document: ConnectionDocument) -> Bool {
        document.state == .closed && document.id != target.name
            && document.receive.next.offset == document.receive.receivedOffset
            && !(path.map { PartFile.exists(for: document, path: $0) } ?? false)
    }

    private func incomplete(_ document: ConnectionDocument, _ output: any Output) -> Failure {
        let base = document.protocol == "base" ? " (a base peer cannot say that it has ended)" : ""
        let part = (output as? PartFile).map { "; \($0.kept)" } ?? ""
        return Failure(
            .peer,
            "the connection was closed before the end of the stream: "
                + "\(CloseReason.text(document.closeReason))\(base); it had "
                + "\(document.receive.receivedOffset) bytes, from where the sender can go on with "
                + "a new connection and lrp2p send --offset\(part)")
    }

    private func report(_ document: ConnectionDocument) {
        // Standard output is for the bytes.
        guard options.json, path != nil else { return }
        Standard.print(
            #"{"connection":\#(JSONText.quoted(document.id)),"#
                + #""peer":\#(JSONText.quoted(document.peer)),"#
                + #""received_offset":\#(document.receive.receivedOffset),"finished":true}"#)
    }
}
