import HTTPTypes
import LRP2P
import Spool

/// Everything that can go wrong with a request. `ErrorMapping.swift` says what the client is told.
enum GatewayError: Error {
    // The request is malformed.
    /// A query parameter is unknown, repeated, or not what it may be.
    case invalidParameter(name: String, detail: String)
    /// A header field is missing, repeated, or not what it may be.
    case invalidHeader(name: String, detail: String)
    /// The body is no JSON object.
    case malformedJSON
    /// A member of the JSON body is unknown, missing, repeated, or not what it may be.
    case invalidMember(name: String, detail: String)
    case bodyTooLong(limit: Int)
    case unsupportedMediaType(String)
    /// `Accept` has none of what there is.
    case notAcceptable(offers: [String])
    /// The body ended before it was complete; the client has left.
    case bodyAborted
    /// The body was not complete in time.
    case bodyTimedOut

    case access(AccessError)
    case missing(MissingError)
    case state(StateError)

    // A connection could not be made.
    case connectFailed(ConnectError, address: String)
    case resolveFailed(ResolveError, host: String)
    case resolveTimeout(host: String)

    // The gateway cannot, at the moment.
    case tooManyWaiters(limit: Int)
    case tooManyReaders(limit: Int)
    case connectionLimit
    /// The disk does not take what arrives.
    case spoolFailing(SpoolError)
    /// A body was taken in part.
    indirect case upload(GatewayError, send: Range<UInt64>)
    case shuttingDown
    /// Nobody is there to read the answer; it serves the metrics and the log.
    case clientLeft
}

/// The client may not do this.
enum AccessError: Error {
    case hostNotAllowed(String)
    case crossOrigin(String)
    /// It does not say who it is.
    case tokenRequired
    case certificateRequired
    case invalidToken
    /// Wrong tokens came from its address, too many to go on looking at them.
    case tooManyFailures(wait: Duration)
    case insufficientScope(Scope)
    /// Its address or its token has asked for too much.
    case rateLimited(wait: Duration)
    case tooManyWaiters(limit: Int)
    case tooManyUploads(limit: Int)
    case dialNotAllowed(SocketAddress, DialPolicy.Refusal)
    case peerNotAllowed(PeerID)
}

/// There is no such thing.
enum MissingError: Error {
    case path(String)
    case method(String, allowed: [HTTPRequest.Method])
    case connection(id: String)
    case reader(String)
}

/// The request does not fit the state of the connection.
enum StateError: Error {
    case cursorExpired(field: String, earliest: Cursor)
    case offsetTrimmed(field: String, earliest: Cursor)
    case offsetBeyondEnd(field: String, end: Cursor)
    case uploadInProgress
    case uploadSuperseded
    case sendOffsetGap(expected: UInt64)
    case connectionClosed(String?, send: Range<UInt64>)
    case readerExpired(String, earliest: Cursor)
    case eventsMissed(field: String, earliest: Cursor)
    case acknowledgementTimeout(send: Range<UInt64>)
}
