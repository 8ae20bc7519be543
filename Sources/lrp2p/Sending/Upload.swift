import GatewayClient

/// Carries bytes to one connection, whatever happens to the requests: each says where its bytes
/// begin, so that what the gateway has is asked for and the rest sent again.
///
/// Something else that sends on the same connection at the same time is noticed by the numbers, and
/// ends this.
struct Upload {
    /// How long a request may stand still before it is asked why: the peer may just not read.
    static let silence: Duration = .seconds(5)
    /// How long the gateway may fail in a row.
    static let patience: Duration = .seconds(60)
    /// How often to look how far the peer is.
    static let acknowledgementWait: Duration = .seconds(2)
    /// The longest that the gateway grants the peer to take note of the end.
    static let drain: Duration = .seconds(30)

    private let client: GatewayClient
    private let id: String
    /// How long the peer may take nothing.
    private let timeout: Duration?
    private var backoff = Backoff(patience: patience)
    private var movedAt = ContinuousClock.now
    /// Everything before is with the gateway; with the peer.
    private(set) var accepted: UInt64
    private(set) var acknowledged: UInt64
    /// What is waited for, if it is known.
    private(set) var note: String?
    /// Called when one of these has changed.
    var onProgress: (Upload) -> Void = { _ in }

    /// - Parameter document: of the connection, which has to be open.
    init(
        _ client: GatewayClient, _ document: ConnectionDocument, timeout: Duration?
    ) throws(Failure) {
        guard document.state == .open, let send = document.send else {
            let reason = CloseReason.text(document.closeReason)
            throw Failure(.peer, "the connection \(document.id) is closed: \(reason)")
        }
        guard !send.finished else {
            throw Failure(
                .peer, "what is sent on \(document.id) has been ended already; connect again")
        }
        (self.client, id, self.timeout) = (client, document.id, timeout)
        (accepted, acknowledged) = (send.acceptedOffset, send.acknowledgedOffset)
    }

    /// Returns when the gateway has accepted all.
    mutating func send(_ bytes: ArraySlice<UInt8>) throws(Failure) {
        let end = accepted + UInt64(bytes.count)
        while accepted < end {
            let rest = bytes.suffix(Int(end - accepted))
            let result = Result { () throws(GatewayClientError) in
                try client.send(rest, at: accepted, on: id, silence: silence)
            }
            switch result {
            case .success(let receipt):
                try advance(receipt.acceptedOffset, receipt.acknowledgedOffset, upTo: end)
                note = nil
            case .failure(let error):
                let document = try document(after: error)
                guard document.state == .open, let send = document.send else {
                    throw closed(document.closeReason)
                }
                try advance(send.acceptedOffset, send.acknowledgedOffset, upTo: end)
                note = LimitedBy.note(document)
                try checkTime()
            }
            onProgress(self)
        }
    }

    /// Returns when the peer has all.
    mutating func waitAcknowledged() throws(Failure) {
        while acknowledged < accepted {
            let result = Result { () throws(GatewayClientError) in
                try client.send(
                    [], at: accepted, on: id, acknowledgedWithin: Self.acknowledgementWait)
            }
            switch result {
            case .success(let receipt):
                try advance(accepted, receipt.acknowledgedOffset, upTo: accepted)
            case .failure(.problem(let problem)) where problem.acknowledgedOffset != nil:
                try advance(accepted, problem.acknowledgedOffset ?? 0, upTo: accepted)
                // The peer may close as soon as it has all.
                if acknowledged >= accepted { break }
                guard problem.code == "acknowledgement_timeout" else {
                    throw failure(.problem(problem))
                }
                note = "waiting for the peer to acknowledge"
                try checkTime()
            case .failure(let error):
                let document = try document(after: error)
                try advance(
                    accepted, document.send?.acknowledgedOffset ?? acknowledged, upTo: accepted)
                guard document.state == .open || acknowledged >= accepted else {
                    throw closed(document.closeReason)
                }
            }
            onProgress(self)
        }
    }

    /// Ends what is sent, which the peer is told, and with it the connection.
    ///
    /// - Precondition: the peer has acknowledged all bytes.
    mutating func end() throws(Failure) {
        while true {
            let begin = ContinuousClock.now
            do throws(GatewayClientError) {
                try client.close(id, drain: Self.drain)
            } catch {
                // Asking a closed connection to close would remove it.
                if try document(after: error).state == .closed { return }
                continue
            }
            // Otherwise it was answered because the peer knew.
            if ContinuousClock.now - begin < Self.drain { return }
            throw Failure(
                .peer, "the peer has every byte, but has not said within "
                    + "\(Self.drain.components.seconds) s that it knows of the end")
        }
    }

    // MARK: What the gateway says

    private mutating func advance(
        _ accepted: UInt64, _ acknowledged: UInt64, upTo end: UInt64
    ) throws(Failure) {
        guard (self.accepted...end).contains(accepted) else {
            throw Failure(
                .data, "something else sends on \(id) too, and what arrives is mixed: the gateway "
                    + "has \(accepted) bytes where \(end) were expected")
        }
        if accepted > self.accepted || acknowledged > self.acknowledged {
            movedAt = .now
            backoff.succeed()
        }
        self.accepted = accepted
        self.acknowledged = max(self.acknowledged, acknowledged)
    }

    /// Nobody who gives up soon waits longer to be asked.
    private var silence: Duration { min(Self.silence, timeout ?? Self.silence) }

    private func checkTime() throws(Failure) {
        guard let timeout, ContinuousClock.now - movedAt > timeout else { return }
        throw Failure(
            .tryLater, "the peer has taken nothing for \(timeout.components.seconds) s; "
                + "\(acknowledged) bytes of the stream are acknowledged")
    }

    /// Asks how the connection is, after a pause, and again while that is worth it.
    private mutating func document(
        after first: GatewayClientError
    ) throws(Failure) -> ConnectionDocument {
        var error = first
        // That a request stands still says nothing against the gateway.
        var pauses = first != .silent
        while true {
            guard error.isTransient else { throw failure(error) }
            if pauses {
                guard let delay = backoff.delay() else { throw failure(error) }
                note = "the gateway does not answer, trying again"
                onProgress(self)
                pause(delay)
            }
            let result = Result { () throws(GatewayClientError) in try client.connection(id) }
            switch result {
            case .success(let answer): return answer.document
            case .failure(let next): (error, pauses) = (next, true)
            }
        }
    }

    private func failure(_ error: GatewayClientError) -> Failure {
        guard case .problem(let problem) = error else {
            return Failure(error, gateway: client.configuration.url)
        }
        switch problem.code {
        case "connection_closed": return closed(problem.closeReason)
        case "unknown_connection":
            return Failure(
                .data, "the gateway does not know the connection any more, as after a restart; "
                    + "\(acknowledged) bytes of the stream were acknowledged; connect again")
        default: return Failure(problem, gateway: client.configuration.url)
        }
    }

    private func closed(_ reason: String?) -> Failure {
        Failure(
            .peer,
            "the connection was closed before the peer had all: \(CloseReason.text(reason)); "
                + "\(acknowledged) bytes of the stream are acknowledged")
    }
}
