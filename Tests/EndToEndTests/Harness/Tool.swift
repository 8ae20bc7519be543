import Foundation
import ProcessSupport
import Testing

/// The terminal tool, a process for each command.
enum Tool {
    /// - Parameter input: what standard input is, for the shell; nothing by default.
    static func start(
        _ gateway: GatewayProcess?, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> ChildProcess {
        try ChildProcess(
            Products.path("lrp2p"), arguments, environment: variables(gateway, environment))
    }

    /// A line for the shell, in which `lrp2p` is the tool and `$1` and so on are the arguments.
    static func shell(
        _ line: String, _ arguments: [String] = [], environment: [String: String] = [:]
    ) throws -> ChildProcess {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        var environment = environment
        environment["PATH"] = "\(Products.directory):\(path)"
        return try ChildProcess(
            "bash", ["-o", "pipefail", "-c", line, "bash"] + arguments,
            environment: variables(nil, environment))
    }

    /// Runs a command to its end.
    static func run(
        _ gateway: GatewayProcess?, _ arguments: String..., environment: [String: String] = [:],
        status: Int32 = 0
    ) async throws -> ChildProcess {
        let process = try start(gateway, arguments, environment: environment)
        process.closeInput()
        let exit = try await process.wait(within: .seconds(300))
        #expect(exit == .status(status), "\(arguments): \(exit) \(process.errorText)")
        return process
    }

    /// Settings of the person who runs the tests do not count.
    private static func variables(
        _ gateway: GatewayProcess?, _ environment: [String: String]
    ) -> [String: String?] {
        var changes: [String: String?] = [:]
        for name in ProcessInfo.processInfo.environment.keys where name.hasPrefix("LRP2P_") {
            changes.updateValue(nil, forKey: name)
        }
        if let gateway { changes["LRP2P_GATEWAY"] = gateway.base }
        for (name, value) in environment { changes[name] = value }
        return changes
    }
}
