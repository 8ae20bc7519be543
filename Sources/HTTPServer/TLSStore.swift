import Glibc
import Synchronization

/// The credentials for new connections, which are exchanged while the server runs.
final class TLSStore: Sendable {
    private let configuration: TLSConfiguration
    private let warn: @Sendable (String) -> Void
    private let credentials: Mutex<TLSCredentials>
    /// Held while files are read, which may block: new connections must not wait for that.
    private let reloads = Mutex(())

    init(
        _ configuration: TLSConfiguration, warn: @escaping @Sendable (String) -> Void
    ) throws(HTTPServerError) {
        self.configuration = configuration
        self.warn = warn
        credentials = Mutex(try TLSCredentials(configuration))
        warnOfValidity()
    }

    var current: TLSCredentials { credentials.withLock { $0 } }

    /// Reads all files anew. On an error, what was in force stays so.
    func reload() throws(HTTPServerError) {
        try reloads.withLock { _ throws(HTTPServerError) in
            let new = try TLSCredentials(configuration)
            credentials.withLock { $0 = new }
        }
        warnOfValidity()
    }

    private func warnOfValidity() {
        let current = current
        let text = TLSCredentials.warning(
            activation: current.activation, expiry: current.expiry, now: Int64(time(nil)),
            file: configuration.certificateFile)
        if let text { warn(text) }
    }
}
