import GatewayClient

/// Takes what one connection receives to an output, and acknowledges what is there for good.
struct Download {
    /// How long one request waits for bytes.
    static let wait: Duration = .seconds(55)
    /// How long the gateway may fail in a row.
    static let patience: Duration = .seconds(60)
    /// How long the gateway may take to close.
    static let drain: Duration = .seconds(5)

    private let client: GatewayClient
    private let id: String
    private var backoff = Backoff(patience: patience)
    private var cursor: String
    /// Bytes written so far by this run.
    private(set) var written: UInt64 = 0
    private(set) var note: String?
    var onProgress: (Download) -> Void = { _ in }

    init(_ client: GatewayClient, _ document: ConnectionDocument) {
        (self.client, id, cursor) = (client, document.id, document.receive.next.cursor)
    }

    /// Returns at the end of the stream, with everything written and acknowledged.
    ///
    /// - Returns: what the connection says then.
    mutating func run(into output: inout any Output) throws(Failure) -> ConnectionDocument {
        while true {
            let (cursor, id, client) = (cursor, id, client)
            let received = try retrying { () throws(GatewayClientError) in
                try client.receive(from: cursor, acknowledging: cursor, on: id, wait: Self.wait)
            }
            if !received.bytes.isEmpty {
                try write(received.bytes, to: &output)
                self.cursor = received.next
                written += UInt64(received.bytes.count)
            }
            onProgress(self)
            if received.isEnd { break }
        }
        let (cursor, id, client) = (cursor, id, client)
        try retrying { () throws(GatewayClientError) in try client.acknowledge(cursor, on: id) }
        return try retrying { () throws(GatewayClientError) in try client.connection(id).document }
    }

    /// Closes the connection when nothing is left to do on it, and makes its name free.
    ///
    /// All that was received is safe, so nothing is said when it does not succeed.
    func tidyUp(_ document: ConnectionDocument) {
        // Somebody may still send on it, or read it.
        guard document.state == .closed || document.send?.acceptedOffset == 0,
            document.receive.readers.allSatisfy({ $0.name == nil })
        else { return }
        _ = try? client.close(id, drain: Self.drain)
        // The first time it was closed, or removed if it was closed before.
        _ = try? client.close(id, drain: Self.drain)
    }

    private func write(_ bytes: [UInt8], to output: inout any Output) throws(Failure) {
        do throws(WriteFailure) {
            try output.write(bytes)
        } catch {
            if error.written > 0 { acknowledge(first: error.written) }
            throw Failure(
                error.failure.status,
                "\(error.failure.message); nothing is lost: the gateway keeps what is missing, and "
                    + output.advice)
        }
    }

    /// Part of an answer has been written, and must not come again: only the gateway knows the
    /// cursor that lies there.
    private func acknowledge(first count: Int) {
        guard let part = try? client.receive(from: cursor, on: id, atMost: count),
            part.bytes.count == count
        else { return }
        try? client.acknowledge(part.next, on: id)
    }

    private mutating func retrying<Value>(
        _ body: () throws(GatewayClientError) -> Value
    ) throws(Failure) -> Value {
        while true {
            do throws(GatewayClientError) {
                let value = try body()
                backoff.succeed()
                note = nil
                return value
            } catch {
                guard error.isTransient, let delay = backoff.delay() else {
                    throw failure(error)
                }
                note = "the gateway does not answer, trying again"
                onProgress(self)
                pause(delay)
            }
        }
    }

    private func failure(_ error: GatewayClientError) -> Failure {
        guard case .problem(let problem) = error else {
            return Failure(error, gateway: client.configuration.url)
        }
        switch problem.code {
        case "unknown_connection":
            return Failure(
                .data, "the gateway does not know the connection any more, as after a restart "
                    + "without --data-dir; what had not been written is lost")
        case "offset_trimmed", "cursor_expired":
            return Failure(
                .data, "somebody else has taken bytes of this stream: \(problem.detail)")
        default: return Failure(problem, gateway: client.configuration.url)
        }
    }
}
