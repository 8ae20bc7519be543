import ArgumentParser
import FoundationEssentials
import Glibc
import Logging

/// Reads the settings, starts the parts, and does what signals ask for.
@main
enum Main {
    static func main() {
        let command = parseCommandLine()
        let signals = Signals()
        let environment = ProcessInfo.processInfo.environment
        var warnings: [String] = []
        do throws(StartFailure) {
            let sources = try SettingSources(command, environment: environment)
            warnings = sources.unknownVariables.map {
                "there is no setting \($0); is it \(Nearest.setting(to: $0))?"
            }
            let settings = try Settings(sources)
            if command.general.printConfig {
                for warning in warnings { complain(warning) }
                writeLines(PrintedConfiguration.text(sources))
                exit(0)
            }
            try run(settings, sources, warnings, signals)
        } catch {
            for warning in warnings { complain(warning) }
            complain(error.description)
            exit(error.exitCode)
        }
    }

    private static func run(
        _ settings: Settings, _ sources: SettingSources, _ warnings: [String], _ signals: Signals
    ) throws(StartFailure) {
        let level = LogLevel(settings.logLevel)
        let format = settings.logFormat
        let writer = try LogWriter(to: STDERR_FILENO) { dropped in
            format.line(
                .warning, "log lines were dropped, as nobody read them",
                ["lines": "\(dropped)"], label: label)
        }
        let makeHandler: @Sendable (String) -> GatewayLogHandler = {
            GatewayLogHandler(label: $0, writer: writer, format: format, level: level)
        }
        let log = Logger(label: label, factory: makeHandler)
        let audit = Logger(label: "\(label).audit", factory: makeHandler)
        for warning in warnings { log.warning("\(warning)") }
        let running: Running
        do throws(StartFailure) {
            running = try Running(settings, log: log, audit: audit, level: level)
        } catch {
            writer.flushLast()
            throw error
        }
        running.announce()
        var reloader = Reloader(sources)
        while signals.wait() == .reload { reloader.reload(running) }
        Shutdown(running: running, writer: writer).run(signals)
    }

    private static let label = "lrp2p-gateway"

    private static func complain(_ text: String) {
        writeLine("\(label): \(text)", to: STDERR_FILENO)
    }

    /// Returns when a gateway is wanted.
    private static func parseCommandLine() -> GatewayCommand {
        do {
            var command = try GatewayCommand.parseAsRoot()
            if let gateway = command as? GatewayCommand { return gateway }
            // The health check, or a wish for help.
            try command.run()
            exit(0)
        } catch {
            // Help and version are errors to the parser; real ones are one line here.
            let code = GatewayCommand.exitCode(for: error)
            if code.isSuccess { GatewayCommand.exit(withError: error) }
            let message = GatewayCommand.message(for: error)
            // The health check has said why.
            if !message.isEmpty { complain("\(message); see --help") }
            exit(code.rawValue)
        }
    }

    private static func writeLines(_ text: String) {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            writeLine(String(line), to: STDOUT_FILENO)
        }
    }
}
