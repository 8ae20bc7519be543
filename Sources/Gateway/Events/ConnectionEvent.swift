import FoundationEssentials

/// Something that happened to a connection.
struct ConnectionEvent: Sendable {
    enum Kind: String, Encodable {
        case connected
        /// There is something to read, where there was nothing before or all was acknowledged.
        case data
        /// The peer has ended its stream, and all of it can be read.
        case finished
        case addressChanged = "address_changed"
        case closed
    }

    let kind: Kind
    let time: Date
    let connection: String
    let name: String?
    let peer: String
    let direction: ConnectionDirection
    /// The end of what can be read.
    var received: Cursor?
    var remoteAddress: String?
    var closeReason: String?
    var resetCode: UInt64?

    init(_ kind: Kind, of connection: RegisteredConnection) {
        self.kind = kind
        time = Date()
        self.connection = connection.id
        name = connection.name
        peer = connection.peer
        direction = connection.direction
    }
}

/// An event as clients see it.
struct EventDocument: Encodable {
    /// The `after` that asks for what follows it.
    let id: String
    let type: ConnectionEvent.Kind
    let time: Date
    let connection: String
    let name: String?
    let peer: String
    let direction: ConnectionDirection
    let received: String?
    let remoteAddress: String?
    let closeReason: String?
    let resetCode: UInt64?

    init(_ event: ConnectionEvent, id: Cursor) {
        self.id = id.description
        type = event.kind
        time = event.time
        connection = event.connection
        name = event.name
        peer = event.peer
        direction = event.direction
        received = event.received?.description
        remoteAddress = event.remoteAddress
        closeReason = event.closeReason
        resetCode = event.resetCode
    }
}
