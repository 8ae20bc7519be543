import Foundation
import HTTPServer
import HTTPTypes
import LRP2P
import Logging
import Spool
import Testing

@testable import Gateway

/// A gateway with a real UDP socket on loopback; requests go straight to its handler.
struct TestNode {
    let gateway: Gateway
    let socket: PeerSocket

    init(
        limits: GatewayLimits = GatewayLimits(), endpoint: EndpointConfiguration = .init(),
        access: AccessConfiguration = .init(), log: RecordedLog? = nil,
        httpHost: String = "127.0.0.1", spool: Spool? = nil
    ) throws {
        var configuration = PeerSocketConfiguration(identity: Identity())
        configuration.endpoint = endpoint
        configuration.endpoint.confirmsDelivery = spool != nil
        socket = try PeerSocket.listen(on: .loopback(port: 0), configuration: configuration)
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        logger = log?.logger ?? logger
        var gatewayConfiguration = GatewayConfiguration(httpHost: httpHost, logger: logger)
        gatewayConfiguration.limits = limits
        gatewayConfiguration.access = access
        gatewayConfiguration.spool = spool
        gatewayConfiguration.auditLogger = log?.auditLogger ?? logger
        gateway = Gateway(configuration: gatewayConfiguration, socket: socket)
    }

    var address: String { socket.localAddress.description }
    var peer: String { socket.identity.peerID.description }

    /// - Parameter target: a path with an optional query, nothing percent-encoded.
    func request(
        _ method: HTTPRequest.Method, _ target: String, body: [UInt8] = [],
        headers: HTTPFields = [:], from remoteAddress: String = "127.0.0.1:49152",
        certificate: ClientCertificate? = nil
    ) async -> ServerResponse {
        let parts = target.split(separator: "?", maxSplits: 1)
        let query = parts.dropFirst().flatMap { $0.split(separator: "&") }.map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (name: String(sides[0]), value: sides.count == 2 ? String(sides[1]) : "")
        }
        var headers = headers
        if headers[.host] == nil { headers[.host] = "localhost" }
        let request = ServerRequest(
            method: method, path: String(parts[0]), query: query, headers: headers,
            remoteAddress: remoteAddress, clientCertificate: certificate,
            body: RequestBody(body))
        return await gateway.handle(request)
    }

    func get(_ target: String) async -> ServerResponse { await request(.get, target) }

    func post(_ target: String, _ text: String) async -> ServerResponse {
        await request(.post, target, body: [UInt8](text.utf8))
    }

    /// Connects to another node; returns the ids both have given the connection.
    func connect(to other: TestNode) async throws -> (here: String, there: String) {
        let response = await post("/v1/connections", #"{"address":"\#(other.address)"}"#)
        #expect(response.status == .created)
        let here = try #require(try response.object()["id"] as? String)
        #expect(response.headers[.location] == "/v1/connections/\(here)")
        let accepted = await other.get("/v1/accept?wait=60s")
        #expect(accepted.status == .ok)
        return (here, try #require(try accepted.object()["id"] as? String))
    }

    /// Reads `count` bytes, acknowledging as it goes.
    func read(_ count: Int, from id: String) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        var query = ""
        while bytes.count < count {
            let response = await get("/v1/connections/\(id)/data?wait=60s" + query)
            try #require(response.status == .ok)
            bytes += response.body
            let next = try #require(response.headers[.nextOffset])
            query = "&offset=\(next)&ack=\(next)"
        }
        return bytes
    }

    func document(_ id: String) async throws -> [String: Any] {
        try await get("/v1/connections/\(id)").object()
    }

    /// One sample of the metrics, by its name and labels as they are written.
    func metric(_ sample: String) async -> Double? {
        let text = String(decoding: await get("/metrics").body, as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }
        return line.flatMap { Double($0.dropFirst(sample.count + 1)) }
    }
}

extension ServerResponse {
    /// The `code` of a problem document.
    var code: String? {
        guard headers[.contentType] == "application/problem+json" else { return nil }
        return try? object()["code"] as? String
    }
}
