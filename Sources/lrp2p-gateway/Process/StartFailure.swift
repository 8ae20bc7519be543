import Gateway
import Glibc
import HTTPServer
import LRP2P
import Spool

/// Why the gateway did not start, or did not take over what changed: one line that says what to do.
enum StartFailure: Error, CustomStringConvertible {
    /// - Parameter problem: what is wrong with the value, as in "has to be …".
    case badValue(String, Origin, String, problem: String)
    /// Two settings do not go together.
    case combination(String, Origin, String)
    case openHTTP(HostPort, Origin)
    case configurationFile(ConfigurationFileError)
    case keyFile(KeyFileError)
    /// A file of tokens or peers.
    case accessFile(String, AccessFileError)
    case spool(SpoolError, directory: String)
    case udp(ListenError)
    case http(HTTPServerError)
    case thread(errno: Int32)

    /// 64 is EX_USAGE, 71 EX_OSERR, 74 EX_IOERR of sysexits.h.
    var exitCode: Int32 {
        switch self {
        case .badValue, .combination, .openHTTP, .configurationFile: 64
        case .keyFile(.noDefaultPath): 64
        case .thread: 71
        case .keyFile, .accessFile, .spool, .udp, .http: 74
        }
    }

    var description: String {
        switch self {
        case .badValue(let flag, let origin, let value, let problem):
            "\(flag)\(Self.from(origin)): \"\(value)\" \(problem)"
        case .combination(let flag, let origin, let problem):
            "\(flag)\(Self.from(origin)) \(problem)"
        case .openHTTP(let address, let origin):
            "--http\(Self.from(origin)): anyone who reaches \(address) could use the gateway; use "
                + "a loopback address, protect it with --token-file or --tls-client-ca, or say "
                + "--insecure-http if that is meant"
        case .configurationFile(let error): error.description
        case .keyFile(let error): "\(error)\(Self.advice(error))"
        case .accessFile(let flag, let error): "\(flag): \(error)"
        case .spool(let error, let directory):
            "--data-dir: \(error)\(Self.advice(error, directory))"
        case .udp(let error): "--udp: \(Self.text(error))"
        case .http(let error): "--http: \(error)"
        case .thread(let errno): "cannot start a thread: \(String(cString: strerror(errno)))"
        }
    }

    /// What was typed needs no explanation.
    private static func from(_ origin: Origin) -> String {
        if case .flag = origin { "" } else { " (from \(origin))" }
    }

    private static func advice(_ error: KeyFileError) -> String {
        guard case .cannotCreate(let path, let errno) = error else { return "" }
        return advice(writing: PathText.directory(of: path), errno)
    }

    private static func advice(_ error: SpoolError, _ directory: String) -> String {
        guard case .directory(_, let errno) = error else { return "" }
        return advice(writing: directory, errno)
    }

    /// In a container what cannot be written has mostly not been mounted.
    private static func advice(writing directory: String, _ errno: Int32) -> String {
        guard [EROFS, EACCES, EPERM].contains(errno) else { return "" }
        return "; in a container, mount a volume there that user \(geteuid()) may write: "
            + "docker run -v lrp2p:\(directory) ..."
    }

    private static func text(_ error: ListenError) -> String {
        switch error {
        case .addressInUse(let address): "\(address) is in use by another program"
        case .permissionDenied(let address): "permission to use \(address) denied"
        case .addressNotAvailable(let address): "\(address) is not an address of this machine"
        case .system(let operation, let errno):
            "\(operation) failed: \(String(cString: strerror(errno)))"
        }
    }
}
