import ArgumentParser
import FoundationEssentials
import GatewayClient
import Glibc

enum ToolVersion {
    static let current = ClientVersion.current
}

/// What every command takes.
struct GlobalOptions: ParsableArguments {
    @Option(help: "Where the gateway is (default: LRP2P_GATEWAY, or http://127.0.0.1:8080).")
    var gateway: String?
    @Option(
        help: "A file that holds the token, for its owner only (default: LRP2P_TOKEN).",
        completion: .file())
    var tokenFile: String?
    @Option(
        help: "A PEM file of the authorities that sign the gateway's certificate.",
        completion: .file())
    var ca: String?
    @Option(
        help: "A PEM file with the certificate that shows who you are.", completion: .file())
    var certificate: String?
    @Option(help: "A PEM file with the key of that certificate.", completion: .file())
    var key: String?
    @Flag(help: "Write JSON, one document a line; errors too.")
    var json = false
    @Flag(name: .shortAndLong, help: "Do not show progress.")
    var quiet = false

    /// A client for the gateway that is meant.
    func client() throws(Failure) -> GatewayClient {
        let environment = ProcessInfo.processInfo.environment
        let configuration = try configuration { environment[$0].flatMap { $0.isEmpty ? nil : $0 } }
        do throws(GatewayClientError) {
            return try GatewayClient(configuration)
        } catch {
            throw Failure(error, gateway: configuration.url)
        }
    }

    func configuration(
        environment: (String) -> String?
    ) throws(Failure) -> GatewayClientConfiguration {
        var result = GatewayClientConfiguration(
            url: gateway ?? environment("LRP2P_GATEWAY") ?? GatewayClientConfiguration.defaultURL)
        result.token = try tokenFile.map(TokenFile.read) ?? environment("LRP2P_TOKEN")
        result.authorityFile = ca
        result.certificateFile = certificate
        result.keyFile = key
        for (option, file) in [("--ca", ca), ("--certificate", certificate), ("--key", key)] {
            guard let file, access(file, R_OK) != 0 else { continue }
            throw Failure(.configuration, "\(option) \(file): \(SystemError.text(errno))")
        }
        return result
    }
}
