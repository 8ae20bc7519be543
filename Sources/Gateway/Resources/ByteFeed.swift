import FoundationEssentials
import HTTPServer

/// What a peer sends, piece by piece for one client.
actor ByteFeed {
    enum Form: String {
        case bytes = "application/octet-stream"
        case events = "text/event-stream"
    }

    private let connection: RegisteredConnection
    private let reader: InboxReader
    private let form: Form
    private let acknowledges: Bool
    private let gateway: GatewayContext
    /// Until the end was told.
    private var ticket: WaitTicket?
    private let start: UInt64
    /// Everything before has been handed out.
    private var position: UInt64
    /// What had arrived when the server stopped.
    private var stop: UInt64?

    /// - Parameter acknowledges: a piece when the next one is asked for.
    init(
        _ connection: RegisteredConnection, _ reader: InboxReader, _ form: Form,
        from start: UInt64, acknowledges: Bool, _ gateway: GatewayContext, _ ticket: WaitTicket
    ) {
        self.connection = connection
        self.reader = reader
        self.form = form
        self.acknowledges = acknowledges
        self.gateway = gateway
        self.ticket = ticket
        self.start = start
        position = start
    }

    /// The next piece, as soon as there is one; to be asked for when TCP has taken the last.
    /// `nil` when nothing will follow, or when the task is cancelled and everything that had
    /// arrived until then was handed out.
    ///
    /// - Throws: when the next byte has been freed, because other readers have acknowledged it.
    func next() async throws(GatewayError) -> [UInt8]? {
        guard ticket != nil else { return nil }
        if acknowledges, position > start {
            try reader.acknowledge(connection.cursor(position), field: "offset")
        }
        if connection.inbox.isEnd(position) { return end() }
        if Task.isCancelled {
            let last = stop ?? connection.inbox.range.upperBound
            stop = last
            guard position < last else { return nil }
        }
        // Bytes alone cannot say that there are none.
        let deadline: ContinuousClock.Instant? =
            form == .events ? .now + gateway.limits.keepAliveInterval : nil
        if let piece = try await piece(by: deadline) { return piece }
        if connection.inbox.isEnd(position) { return end() }
        if Task.isCancelled { return nil }
        guard connection.inbox.range.upperBound == position else {
            // They have come just now.
            return try await piece(by: .now)
        }
        return ServerSentEvents.keepAlive
    }

    private func piece(
        by deadline: ContinuousClock.Instant?
    ) async throws(GatewayError) -> [UInt8]? {
        let bytes = try await reader.read(
            at: position, maximum: gateway.limits.maximumStreamPieceBytes, deadline: deadline)
        guard let bytes, !bytes.isEmpty else { return nil }
        let first = connection.cursor(position)
        position += UInt64(bytes.count)
        guard form == .events else { return bytes }
        let next = connection.cursor(position)
        // Nothing in it that JSON would have to escape.
        let data =
            #"{"offset":"\#(first)","next_offset":"\#(next)","base64":""#
            + Data(bytes).base64EncodedString() + #""}"#
        return ServerSentEvents.event("data", id: next, data: data.utf8)
    }

    private struct EndDocument: Encodable {
        let offset: String
        let closeReason: String?
    }

    /// What to say last, if anything.
    private func end() -> [UInt8]? {
        ticket = nil
        guard form == .events else { return nil }
        let cursor = connection.cursor(position)
        let document = EndDocument(
            offset: cursor.description, closeReason: connection.closeReason)
        let data = ServerResponse.jsonText(document) ?? []
        return ServerSentEvents.event("end", id: cursor, data: data)
    }
}
