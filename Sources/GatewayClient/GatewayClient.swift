import FoundationEssentials

/// A gateway's HTTP API, as calls. Each waits for its answer on the calling thread; one client is
/// for one thread at a time.
public final class GatewayClient {
    /// As it was given; it does not change any more.
    public let configuration: GatewayClientConfiguration
    private let http: HTTPConnection
    /// Asked at least about once a second while a request is under way; `false` ends it with
    /// ``GatewayClientError/cancelled``.
    public var keepsGoing: () -> Bool = { true }

    /// Longest `wait` that the gateway takes by its word.
    public static let maximumWait: Duration = .seconds(60)
    /// Most bytes of one `receive`.
    public static let maximumReceiveBytes = 4 << 20
    static let pageSize = 1000

    /// Connects at the first request.
    public init(_ configuration: GatewayClientConfiguration) throws(GatewayClientError) {
        self.configuration = configuration
        http = try HTTPConnection(configuration)
    }

    // MARK: Connections

    /// What the gateway tells of itself.
    public func node() throws(GatewayClientError) -> Answered<NodeDocument> {
        try document(.get, "/v1/node")
    }

    /// Shakes hands with the peer at an address; the answer comes when that is done or has failed.
    ///
    /// - Parameters:
    ///   - address: `HOST:PORT`, an IPv6 address in brackets.
    ///   - peer: the id of who has to answer; another peer is refused.
    ///   - name: what the gateway is to call the connection: 1 to 64 bytes, no control character.
    ///   - congestionControl: `cubic` or `bbr`, instead of what the gateway uses.
    public func connect(
        to address: String, peer: String? = nil, name: String? = nil,
        congestionControl: String? = nil
    ) throws(GatewayClientError) -> Answered<ConnectionDocument> {
        var members = ["address": address]
        members["peer"] = peer
        members["name"] = name
        members["congestion_control"] = congestionControl
        return try document(.post, "/v1/connections", body: JSON.encode(members)[...])
    }

    /// One connection. Without such a one, or when it is there no more, that is a
    /// ``GatewayClientError/problem(_:)`` with the code `unknown_connection`.
    ///
    /// - Parameter id: its ``ConnectionDocument/id``.
    public func connection(_ id: String) throws(GatewayClientError) -> Answered<ConnectionDocument>
    {
        try document(.get, Self.path(id))
    }

    /// All connections in the order they came, page by page.
    ///
    /// - Parameters:
    ///   - name: only those of this name, if given.
    ///   - state: only those that are `open`, or `closed`, if given.
    ///   - direction: only those that are `inbound`, or `outbound`, if given.
    ///   - peer: only those with the peer of this id, if given.
    ///   - each: called with each page of at most 1000, and its bytes.
    public func connections(
        name: String? = nil, state: String? = nil, direction: String? = nil, peer: String? = nil,
        each: (Answered<[ConnectionDocument]>) -> Void
    ) throws(GatewayClientError) {
        var after: String?
        repeat {
            let query = Self.query([
                "limit": "\(Self.pageSize)", "after": after, "name": name, "state": state,
                "direction": direction, "peer": peer,
            ])
            let page: Answered<Page> = try document(.get, "/v1/connections\(query)")
            each(Answered(document: page.document.connections, bytes: page.bytes))
            after = page.document.nextAfter
        } while after != nil
    }

    private struct Page: Decodable {
        let connections: [ConnectionDocument]
        let nextAfter: String?
    }

    /// The next inbound connection, which is called `name` here from now on; `nil` when none came.
    ///
    /// - Parameters:
    ///   - name: 1 to 64 bytes without a control character; without it the connection gets none.
    ///   - peer: only from the peer of this id, if given.
    ///   - wait: how long to wait for one, at most ``maximumWait``.
    public func accept(
        name: String?, peer: String? = nil, wait: Duration
    ) throws(GatewayClientError) -> Answered<ConnectionDocument>? {
        let query = Self.query(["name": name, "peer": peer, "wait": Self.text(wait)])
        let answer = try answer(
            request(.get, "/v1/accept\(query)", silence: wait + configuration.silence))
        return answer.status == 204 ? nil : try decode(answer)
    }

    /// Ends what is sent, waits until the peer has it, and closes; removes one that is closed.
    ///
    /// - Parameters:
    ///   - id: its ``ConnectionDocument/id``.
    ///   - drain: how long the peer may take to acknowledge all, at most 30 s; 5 s unless given.
    ///   - aborts: closes at once, whatever is under way; not together with `drain`.
    /// - Returns: whether it was there.
    @discardableResult
    public func close(
        _ id: String, drain: Duration? = nil, aborts: Bool = false
    ) throws(GatewayClientError) -> Bool {
        let query = Self.query([
            "drain": drain.map(Self.text), "abort": aborts ? "true" : nil,
        ])
        let silence = (drain ?? .zero) + configuration.silence
        do throws(GatewayClientError) {
            _ = try answer(request(.delete, Self.path(id) + query, silence: silence))
            return true
        } catch .problem(let problem) where problem.code == "unknown_connection" {
            return false
        }
    }

    // MARK: Bytes

    /// Sends bytes that begin at `offset` of the stream; what was accepted before is skipped, so
    /// that a request that failed can be repeated.
    ///
    /// - Parameters:
    ///   - bytes: what to send; as many as there are.
    ///   - offset: the position in the stream of the first of them, in bytes.
    ///   - id: the ``ConnectionDocument/id`` of the connection.
    ///   - wait: how long to wait until the peer has it all, at most ``maximumWait``; without it
    ///     the answer comes as soon as the gateway has accepted all.
    ///   - silence: how long nothing may move, which is also while the peer does not read; that of
    ///     the configuration unless given.
    /// - Returns: how far the connection has come.
    public func send(
        _ bytes: ArraySlice<UInt8>, at offset: UInt64, on id: String,
        acknowledgedWithin wait: Duration? = nil, silence: Duration? = nil
    ) throws(GatewayClientError) -> UploadReceipt {
        let query = Self.query([
            "until": wait == nil ? nil : "acknowledged", "wait": wait.map(Self.text),
        ])
        var request = request(
            .post, "\(Self.path(id))/data\(query)",
            silence: (wait ?? .zero) + (silence ?? configuration.silence))
        request.headers = [
            ("Content-Type", "application/octet-stream"), ("Send-Offset", "\(offset)"),
        ]
        request.body = bytes
        let answer: Answered<UploadReceipt> = try decode(answer(request))
        return answer.document
    }

    /// What comes from a cursor on; nothing when no byte came in time.
    ///
    /// - Parameters:
    ///   - cursor: where to begin, as a document or an earlier answer gave it.
    ///   - acknowledged: a cursor; frees what lies before.
    ///   - id: the ``ConnectionDocument/id`` of the connection.
    ///   - wait: how long to wait for the first byte, at most ``maximumWait``.
    ///   - maximum: bytes of the answer, from 1 to ``maximumReceiveBytes``.
    public func receive(
        from cursor: String, acknowledging acknowledged: String? = nil, on id: String,
        wait: Duration = .zero, atMost maximum: Int = maximumReceiveBytes
    ) throws(GatewayClientError) -> ReceivedBytes {
        let query = Self.query([
            "offset": cursor, "ack": acknowledged, "wait": Self.text(wait),
            "max_bytes": "\(maximum)",
        ])
        let answer = try answer(
            request(
                .get, "\(Self.path(id))/data\(query)", limit: maximum,
                silence: wait + configuration.silence))
        guard let next = answer.headers["next-offset"] else {
            throw .notAGateway(status: answer.status)
        }
        return ReceivedBytes(
            bytes: answer.body, next: next, isEnd: answer.headers["stream-closed"] == "true")
    }

    /// Frees what lies before the cursor. One that lies before an earlier one changes nothing, so
    /// that a request that failed can be repeated.
    ///
    /// - Parameters:
    ///   - cursor: as a document or an answer gave it.
    ///   - id: the ``ConnectionDocument/id`` of the connection.
    public func acknowledge(_ cursor: String, on id: String) throws(GatewayClientError) {
        var request = request(.post, "\(Self.path(id))/ack")
        request.headers = [("Content-Type", "application/json")]
        request.body = JSON.encode(["offset": cursor])[...]
        _ = try answer(request)
    }

    // MARK: Requests

    private func request(
        _ method: HTTPRequest.Method, _ target: String, limit: Int? = nil,
        silence: Duration? = nil
    ) -> HTTPRequest {
        HTTPRequest(
            method: method, target: target,
            answerLimit: limit ?? configuration.maximumDocumentBytes,
            silence: silence ?? configuration.silence)
    }

    private func document<Document: Decodable>(
        _ method: HTTPRequest.Method, _ target: String, body: ArraySlice<UInt8>? = nil
    ) throws(GatewayClientError) -> Answered<Document> {
        var request = request(method, target)
        request.body = body
        if body != nil { request.headers = [("Content-Type", "application/json")] }
        return try decode(answer(request))
    }

    /// An answer that is no error.
    private func answer(_ request: HTTPRequest) throws(GatewayClientError) -> HTTPAnswer {
        let answer = try http.perform(request, keepsGoing: keepsGoing)
        if (200..<300).contains(answer.status) { return answer }
        guard let problem = JSON.decode(Problem.self, from: answer.body) else {
            throw .notAGateway(status: answer.status)
        }
        throw .problem(problem)
    }

    private func decode<Document: Decodable>(
        _ answer: HTTPAnswer
    ) throws(GatewayClientError) -> Answered<Document> {
        guard let document = JSON.decode(Document.self, from: answer.body) else {
            throw .notAGateway(status: answer.status)
        }
        return Answered(document: document, bytes: answer.body)
    }

    private static func path(_ id: String) -> String { "/v1/connections/\(PercentEncoding.of(id))" }

    private static func query(_ parameters: KeyValuePairs<String, String?>) -> String {
        let given = parameters.compactMap { name, value in
            value.map { "\(name)=\(PercentEncoding.of($0))" }
        }
        return given.isEmpty ? "" : "?" + given.joined(separator: "&")
    }

    private static func text(_ duration: Duration) -> String {
        "\(Int64(max(.zero, duration) / .milliseconds(1)))ms"
    }
}

/// RFC 3986 §2.
enum PercentEncoding {
    /// Everything but the unreserved characters as the octets of its UTF-8.
    static func of(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            let character = Character(Unicode.Scalar(byte))
            if byte < 0x80, character.isLetter || character.isNumber || "-._~".contains(character) {
                result.append(character)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += byte < 0x10 ? "%0\(digits)" : "%\(digits)"
            }
        }
    }
}
