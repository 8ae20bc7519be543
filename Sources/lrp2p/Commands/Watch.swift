import ArgumentParser
import GatewayClient
import Glibc

struct Watch: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the open connections, or one, live.",
        discussion: "Ctrl-C ends it. Elsewhere than on a terminal each look is a block of lines.")

    @Argument(
        help: "Only this connection.",
        completion: .custom { words, _, _ in NameCompletion.names(for: words) })
    var name: String?
    @Option(help: "How often to look.")
    var interval = Time(.seconds(1))
    @Option(help: "End after so many looks.")
    var count: UInt64?
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if interval.duration < .milliseconds(100) {
            throw ValidationError("--interval has to be 100ms or more")
        }
    }

    mutating func run() throws {
        let client = try options.client()
        let only = try name.map { name throws(Failure) in try client.require(name).id }
        let signals = DisplaySignals()
        client.keepsGoing = { !DisplaySignals.isEndPending }
        let display = Display(isLive: !options.json && isatty(STDOUT_FILENO) != 0)
        defer { display.end() }
        var table = WatchTable()
        var looks: UInt64 = 0
        var failing = false
        while true {
            do throws(GatewayClientError) {
                try look(client, only, &table, display)
                failing = false
            } catch .cancelled {
                return
            } catch {
                // It may be back soon; but somebody has to have seen it.
                let failure = Failure(error, gateway: client.configuration.url)
                guard looks > 0, error.isTransient else { throw failure }
                if !failing || display.isLive { display.complain(failure.message) }
                failing = true
            }
            looks += 1
            if looks == count { return }
            guard signals.wait(interval.duration, onResize: display.draw) else { return }
        }
    }

    private func look(
        _ client: GatewayClient, _ only: String?, _ table: inout WatchTable, _ display: Display
    ) throws(GatewayClientError) {
        var documents: [ConnectionDocument] = []
        let isJSON = options.json
        if let only {
            let answer = try client.connection(only)
            if isJSON { Documents.print(answer.bytes) }
            documents = [answer.document]
        } else {
            try client.connections(state: "open") { page in
                if isJSON { Documents.print(page.bytes) }
                documents += page.document
            }
        }
        if isJSON { return }
        display.show(table.lines(documents, now: .now))
    }
}

/// Lines that replace each other on a terminal, and follow each other elsewhere.
final class Display {
    let isLive: Bool
    private var lines: [String] = []

    init(isLive: Bool) {
        self.isLive = isLive
        if isLive { Standard.write(Screen.enter) }
    }

    func end() {
        if isLive { Standard.write(Screen.leave) }
    }

    func show(_ lines: [String]) {
        self.lines = lines
        guard !isLive else { return draw() }
        Standard.print(lines.joined(separator: "\n") + "\n")
    }

    /// Below what was seen last, which stays.
    func complain(_ text: String) {
        guard isLive else { return Standard.complain("lrp2p: \(SafeText.of(text))") }
        Standard.write(frame(["lrp2p: \(SafeText.of(text))", ""] + lines))
    }

    func draw() {
        guard isLive else { return }
        Standard.write(frame(lines))
    }

    private func frame(_ lines: [String]) -> String {
        let size = Screen.size(STDOUT_FILENO) ?? (columns: 80, rows: 24)
        return Screen.frame(lines, columns: size.columns, rows: size.rows)
    }
}
