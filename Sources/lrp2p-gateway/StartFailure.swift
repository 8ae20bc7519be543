import Gateway
import Glibc
import HTTPServer
import LRP2P

/// Why the gateway did not start: one line that says what to do.
enum StartFailure: Error, CustomStringConvertible {
    case badOption(String, String, allowed: String)
    case openHTTP(HostPort)
    case keyFile(KeyFileError)
    case udp(ListenError)
    case http(HTTPServerError)

    /// 64 is EX_USAGE, 74 is EX_IOERR of sysexits.h.
    var exitCode: Int32 {
        switch self {
        case .badOption, .openHTTP: 64
        case .keyFile, .udp, .http: 74
        }
    }

    var description: String {
        switch self {
        case .badOption(let option, let value, let allowed):
            "\(option) \(value): has to be \(allowed)"
        case .openHTTP(let address):
            "--http \(address): anyone who reaches this address could use the gateway; use a "
                + "loopback address, or say --insecure-http if that is meant"
        case .keyFile(let error): error.description
        case .udp(let error): "--udp: \(Self.text(error))"
        case .http(let error): "--http: \(error)"
        }
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
