import LRP2P

/// Small requests per second, of the gateway and of a bare libmicrohttpd.
struct HTTPRequests: Sendable {
    static let bodyBytes = 64
    static let connectionCounts = [1, 32]

    enum Kind: String, CaseIterable {
        case post = "POST of 64 B"
        case get = "GET of 64 B"
        case health = "GET /healthz"
    }

    struct Rates {
        /// Of the bare server for the same method, and of the gateway.
        let bare: Double
        let gateway: Double
    }

    private let hello: PeerProcess
    private let gateway: GatewayProcess
    /// Reads and drops what is posted: the other end of connections, in a process without HTTP.
    private let sink: PeerProcess
    /// The other end of the connection that is read from.
    private let source: PeerSocket
    /// One for each connection: uploads to one peer follow one another.
    private let requests: [Kind: [[UInt8]]]
    private let helloRequests: [Kind: [UInt8]]

    /// Opens what the requests need: connections whose other end reads everything, and one with
    /// 64 bytes that have arrived and stay unacknowledged.
    init() async throws {
        hello = try PeerProcess(.httpHello)
        gateway = try GatewayProcess()
        sink = try PeerProcess(.serve)
        source = try PeerSocket.listen(
            on: .loopback(port: 0), configuration: PeerSocketConfiguration(identity: Identity()))
        let client = try HTTPClient(port: gateway.httpPort)
        let most = Self.connectionCounts.max() ?? 1
        // The first byte says what the sink is to do with the rest.
        let body = [UInt8](repeating: Service.discard.rawValue, count: Self.bodyBytes)
        let posts = try (0..<most).map { [gateway, sink] _ in
            let id = try gateway.connect(to: sink.address, over: client)
            return HTTPClient.request("POST", GatewayProcess.data(id), host: Self.host, body: body)
        }
        let connection = try await source.connect(to: gateway.udp)
        try await connection.write(body)
        let path = GatewayProcess.data(try gateway.accept(over: client))
        let first = try client.request("GET", "\(path)?wait=30s")
        guard first.body == body else { throw BenchError.gatewaySaid(first.text) }
        requests = [
            .post: posts, .get: Array(repeating: Self.get(path), count: most),
            .health: Array(repeating: Self.get("/healthz"), count: most),
        ]
        helloRequests = [
            .post: HTTPClient.request("POST", "/", host: Self.host, body: body),
            .get: Self.get("/"), .health: Self.get("/"),
        ]
    }

    private static let host = "127.0.0.1"

    private static func get(_ target: String) -> [UInt8] {
        HTTPClient.request("GET", target, host: host)
    }

    func end() async {
        await source.close()
        gateway.end()
        sink.end()
        hello.end()
    }

    /// Both one after the other, so that the machine is the same for them.
    func measure(_ kind: Kind, connections: Int, for span: Duration) throws -> Rates {
        guard let requests = requests[kind], let helloRequest = helloRequests[kind] else {
            throw BenchError.notHTTP
        }
        return Rates(
            bare: try HTTPLoad.answersPerSecond(
                port: hello.address.port, for: span,
                requests: Array(repeating: helloRequest, count: connections)),
            gateway: try HTTPLoad.answersPerSecond(
                port: gateway.httpPort, for: span, requests: Array(requests.prefix(connections))))
    }
}
