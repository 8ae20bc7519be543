import ArgumentParser
import FoundationEssentials
import Glibc
import HTTPServer

/// `lrp2p-gateway healthcheck`: asks a gateway on this machine whether it is ready, for container
/// engines and supervisors. It takes what the gateway was given, from the same places.
struct HealthcheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Ask the gateway on this machine whether it is ready.",
        usage: "lrp2p-gateway healthcheck [--timeout <duration>] [<options>]",
        discussion: """
            Takes the options, environment and file of the gateway, and asks for /readyz at its \
            --http address. Ends with status 0 if the answer is 200, else with 1, and says why on \
            standard error.
            """)

    @Option(
        help: ArgumentHelp("How long to wait for the answer.", valueName: "duration"),
        transform: Self.duration)
    var timeout: Duration = .seconds(3)
    @OptionGroup var gateway: GatewayCommand

    private static let form = SettingForm.duration(to: .seconds(60), zero: nil)

    private static func duration(_ text: String) throws -> Duration {
        guard let duration = form.parse(text) else {
            throw ValidationError("\"\(text)\" has to be \(form.allowed)")
        }
        return duration
    }
}

extension HealthcheckCommand {
    private static let path = "/readyz"

    func run() throws {
        guard let problem = problem() else { return }
        writeLine("lrp2p-gateway: \(problem)", to: STDERR_FILENO)
        throw ExitCode(1)
    }

    /// Why the gateway is not ready; `nil` when it is.
    func problem() -> String? {
        do throws(StartFailure) {
            let sources = try SettingSources(
                gateway, environment: ProcessInfo.processInfo.environment)
            return problem(of: try Settings(sources))
        } catch {
            return error.description
        }
    }

    private func problem(of settings: Settings) -> String? {
        let address = settings.http.address
        guard address.port != 0 else {
            return "--http \(address): which port was picked is not known here; name one"
        }
        let probe = HealthProbe(
            host: address.host, port: address.port, tls: Wiring.tls(settings), timeout: timeout)
        do {
            let answer = try probe.get(Self.path)
            return answer.status == 200 ? nil : "not ready: \(answer.status) \(answer.body)"
        } catch {
            return error.description
        }
    }
}
