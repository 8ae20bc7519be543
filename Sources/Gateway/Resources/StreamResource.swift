import HTTPServer
import HTTPTypes

/// `GET …/stream`: what the peer sends in one answer that ends when that does, as it is or as
/// Server-Sent Events.
///
/// A piece is taken out of the inbox when TCP has taken the last one: a client that reads slowly
/// costs one piece of memory, and slows the peer down once the inbox is full.
struct StreamResource: Sendable {
    let gateway: GatewayContext

    func get(_ request: ServerRequest) throws(GatewayError) -> ServerResponse {
        let query = try QueryParameters(
            request.query, allowed: ["offset", "reader", "auto_ack"])
        let type = try ContentNegotiation.choose(
            [ByteFeed.Form.bytes.rawValue, ByteFeed.Form.events.rawValue], for: request.headers)
        let form = ByteFeed.Form(rawValue: type) ?? .bytes
        let acknowledges = try query.bool("auto_ack")
        let offset = try query.cursor("offset")
        let last = try ServerSentEvents.lastEventID(request.headers, notWith: "offset", offset)
        let name = try query.reader()
        let connection = try gateway.connection(request.parameters)
        let isHead = request.method == .head
        // Before the reader joins: one that is refused must not be waited for.
        let ticket = isHead ? nil : try gateway.waiters.enter()
        let reader = InboxReader(inbox: connection.inbox, name: name)
        let position = try reader.position(
            of: offset ?? last,
            field: last == nil ? "offset" : HTTPField.Name.lastEventID.rawName)
        let stream: ServerResponse.BodyStream
        if let ticket {
            let feed = ByteFeed(
                connection, reader, form, from: position, acknowledges: acknowledges, gateway,
                ticket)
            stream = { try await feed.next() }
        } else {
            stream = { nil }
        }
        var response =
            form == .events
            ? ServerSentEvents.response(stream) : .endless(form.rawValue, stream)
        response.headers[.offset] = connection.cursor(position).description
        return response
    }
}
