import HTTPServer
import HTTPTypes

/// `GET /v1/events`: what happens to the connections, by long-poll or as Server-Sent Events.
struct EventsResource: Sendable {
    let gateway: GatewayContext

    private static let json = "application/json"

    private struct Answer: Encodable {
        let events: [EventDocument]
        let nextAfter: String
    }

    func get(_ request: ServerRequest) async throws(GatewayError) -> ServerResponse {
        let query = try QueryParameters(request.query, allowed: ["after", "wait", "limit"])
        let type = try ContentNegotiation.choose(
            [Self.json, ServerSentEvents.mediaType], for: request.headers)
        let limits = gateway.limits
        let wait = try query.duration("wait", limit: limits.maximumWait)
        let limit = try query.integer(
            "limit", in: 1...limits.maximumEventPageSize, default: limits.defaultEventPageSize)
        let position = try position(query, request.headers)
        if type == ServerSentEvents.mediaType {
            for name in ["wait", "limit"] where query.string(name) != nil {
                throw .invalidParameter(name: name, detail: "not with \(type)")
            }
            return try stream(request, from: position)
        }
        let log = gateway.events
        var page = try log.page(from: position, limit: limit)
        if page.events.isEmpty, wait > .zero, request.method != .head {
            let deadline = gateway.deadline(after: wait)
            page = try await gateway.waiters.wait { () async throws(GatewayError) in
                try await log.waitForPage(from: position, limit: limit, deadline: deadline)
            }
            if page.events.isEmpty, Task.isCancelled { throw gateway.cancellation }
        }
        let next = log.cursor(page.next).description
        guard !page.events.isEmpty else {
            return ServerResponse(
                status: .noContent, headers: [.nextAfter: next, .cacheControl: "no-store"])
        }
        let documents = page.events.map { EventDocument($0.event, id: log.cursor($0.next)) }
        var response = ServerResponse.json(Answer(events: documents, nextAfter: next))
        response.headers[.nextAfter] = next
        return response
    }

    /// By default what comes next.
    private func position(
        _ query: QueryParameters, _ headers: HTTPFields
    ) throws(GatewayError) -> UInt64 {
        let log = gateway.events
        let after = try query.cursor("after")
        let last = try ServerSentEvents.lastEventID(headers, notWith: "after", after)
        guard let cursor = after ?? last else { return log.end }
        let field = last == nil ? "after" : HTTPField.Name.lastEventID.rawName
        return try log.position(of: cursor, field: field)
    }

    private func stream(
        _ request: ServerRequest, from position: UInt64
    ) throws(GatewayError) -> ServerResponse {
        guard request.method != .head else { return ServerSentEvents.response { nil } }
        let feed = EventFeed(
            gateway.events, from: position, limits: gateway.limits,
            ticket: try gateway.waiters.enter())
        return ServerSentEvents.response { try await feed.next() }
    }
}

/// Events for one client, as Server-Sent Events.
private actor EventFeed {
    private let log: EventLog
    private let limits: GatewayLimits
    private let ticket: WaitTicket
    private var position: UInt64

    init(_ log: EventLog, from position: UInt64, limits: GatewayLimits, ticket: WaitTicket) {
        self.log = log
        self.position = position
        self.limits = limits
        self.ticket = ticket
    }

    /// The next events; ends when the task is cancelled.
    ///
    /// - Throws: when the client was so slow that some are forgotten.
    func next() async throws(GatewayError) -> [UInt8]? {
        let page = try await log.waitForPage(
            from: position, limit: limits.defaultEventPageSize,
            deadline: .now + limits.keepAliveInterval)
        guard !page.events.isEmpty else {
            return Task.isCancelled ? nil : ServerSentEvents.keepAlive
        }
        position = page.next
        return page.events.reduce(into: []) { bytes, entry in
            let id = log.cursor(entry.next)
            let data = ServerResponse.jsonText(EventDocument(entry.event, id: id)) ?? []
            bytes += ServerSentEvents.event(entry.event.kind.rawValue, id: id, data: data)
        }
    }
}
