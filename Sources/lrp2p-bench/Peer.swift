import ArgumentParser
import Glibc
import LRP2P

/// The other process of a measurement. Started by the measuring one.
struct Peer: AsyncParsableCommand {
    enum Mode: String, ExpressibleByArgument {
        /// Reads everything and throws it away.
        case discard
        /// Sends back what it reads.
        case echo
    }

    static let configuration = CommandConfiguration(
        abstract: "The other side of a measurement.", shouldDisplay: false)

    @Argument var mode: Mode

    func run() async throws {
        let socket = try PeerSocket.listen(
            on: .loopback(port: 0), configuration: PeerSocketConfiguration(identity: Identity()))
        print(socket.localAddress)
        fflush(nil)
        let mode = mode
        let serving = Task {
            while let connection = try? await socket.accept() {
                Task { await Peer.serve(connection, mode) }
            }
        }
        // A thread of its own may block: it has nothing else to do.
        await withCheckedContinuation { continuation in
            BackgroundReader.waitForEndOfInput { continuation.resume() }
        }
        serving.cancel()
        await socket.close()
    }

    private static func serve(_ connection: PeerConnection, _ mode: Mode) async {
        while let bytes = try? await connection.read(maxBytes: 256 * 1024) {
            if mode == .echo, (try? await connection.write(bytes)) == nil { return }
        }
    }
}

enum BackgroundReader {
    /// Calls `body` on a thread of its own when standard input ends.
    static func waitForEndOfInput(_ body: @escaping @Sendable () -> Void) {
        let status = BackgroundThread.start(name: "stdin") {
            var byte: UInt8 = 0
            while read(STDIN_FILENO, &byte, 1) > 0 {}
            body()
        }
        if status != 0 { body() }
    }
}
