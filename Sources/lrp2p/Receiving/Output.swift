import GatewayClient
import Glibc

/// Where received bytes go.
protocol Output {
    /// Begins or goes on with the stream of a connection; called before anything else.
    mutating func begin(_ document: ConnectionDocument) throws(Failure)
    /// Writes bytes so that they may be acknowledged.
    mutating func write(_ bytes: [UInt8]) throws(WriteFailure)
    /// The stream has ended and nothing is missing.
    mutating func finish() throws(Failure)
    /// What to do when it has ended too early, or nothing can be written.
    var advice: String { get }
}

struct WriteFailure: Error {
    /// Bytes of the piece that are in the output for good.
    let written: Int
    let errno: Int32
    let name: String

    var failure: Failure {
        let text = switch errno {
        case ENOSPC: "the disk is full: \(name)"
        case EDQUOT: "the disk quota is used up: \(name)"
        default: "cannot write \(name): \(SystemError.text(errno))"
        }
        return Failure(.output, text)
    }
}

/// Writes all, or says how far it came.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> (written: Int, errno: Int32) {
    var position = 0
    while position < bytes.count {
        let count = bytes.withUnsafeBytes {
            Glibc.write(descriptor, $0.baseAddress?.advanced(by: position), $0.count - position)
        }
        if count >= 0 {
            position += count
        } else if errno == EAGAIN {
            // Somebody who shares this output made it non-blocking.
            var events = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            poll(&events, 1, -1)
        } else if errno != EINTR {
            return (position, errno)
        }
    }
    return (position, 0)
}

/// Standard output, a pipe, a device: what is written is gone from here.
struct StreamOutput: Output {
    private let descriptor: Int32
    private let name: String

    init(_ descriptor: Int32, name: String) {
        (self.descriptor, self.name) = (descriptor, name)
    }

    mutating func begin(_ document: ConnectionDocument) {}

    mutating func write(_ bytes: [UInt8]) throws(WriteFailure) {
        let (written, number) = writeAll(bytes, to: descriptor)
        guard number == 0 else {
            throw WriteFailure(written: written, errno: number, name: name)
        }
    }

    mutating func finish() {}

    var advice: String { "the same command goes on where this one ended" }
}
