import Foundation
import GatewayClient
import HTTPServer
import HTTPTypes
import Synchronization

/// A gateway with one connection, whose uploads fail as they are told to.
final class FailingGateway: Sendable {
    enum Fate {
        /// Refused before anything was taken.
        case refused
        /// Half of it was taken.
        case half
        /// All of it was taken, but the answer does not say so.
        case unanswered
        /// All of it was taken, and no answer comes.
        case silent
        /// The connection closes.
        case closed
    }

    private struct State {
        var bytes: [UInt8] = []
        var isOpen = true
        /// What happens to the next uploads, one after the other.
        var plan: [Fate]
    }

    private let state: Mutex<State>

    init(_ plan: [Fate]) { state = Mutex(State(plan: plan)) }

    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var leftOfPlan: Int { state.withLock { $0.plan.count } }

    /// Somebody else sends.
    func add(_ bytes: [UInt8]) { state.withLock { $0.bytes += bytes } }

    /// Runs it, and a client of it on a thread of its own.
    func run(
        _ body: @escaping @Sendable (GatewayClient, ConnectionDocument) throws -> Void
    ) async throws {
        var configuration = HTTPServerConfiguration()
        configuration.port = 0
        let server = HTTPServer(configuration: configuration) { await self.answer($0) }
        try server.start()
        let url = "http://\(server.host):\(server.port)"
        let result = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    returning: Result {
                        let client = try GatewayClient(GatewayClientConfiguration(url: url))
                        try body(client, client.connection("c1").document)
                    })
            }
        }
        await server.stop(grace: .zero)
        try result.get()
    }

    private func answer(_ request: ServerRequest) async -> ServerResponse {
        guard request.method == .post else { return json(document) }
        let limit = ContinuousClock.now + .seconds(60)
        let body = (try? await request.body.collect(limit: 1 << 24, deadline: limit)) ?? []
        let offset = HTTPField.Name("Send-Offset").flatMap { request.headers[$0] }
            .flatMap { Int($0) } ?? 0
        let fate = state.withLock { state -> Fate? in
            let fate = state.plan.isEmpty ? nil : state.plan.removeFirst()
            let skipped = body.dropFirst(state.bytes.count - offset)
            switch fate {
            case .refused: break
            case .half: state.bytes += skipped.prefix(body.count / 2)
            case .closed: state.isOpen = false
            case .unanswered, .silent, nil: state.bytes += skipped
            }
            return fate
        }
        switch fate {
        case nil: return json(receipt)
        case .closed:
            return problem("connection_closed", .conflict, isRetryable: false)
        case .silent:
            // Until the client leaves.
            try? await Task.sleep(for: .seconds(600))
            return json(receipt)
        case .refused: return problem("too_many_uploads", .tooManyRequests)
        case .half, .unanswered: return problem("shutting_down", .serviceUnavailable)
        }
    }

    private func json(_ text: String) -> ServerResponse {
        ServerResponse(status: .ok, body: Array(text.utf8))
    }

    private func problem(
        _ code: String, _ status: HTTPResponse.Status, isRetryable: Bool = true
    ) -> ServerResponse {
        let text = """
            {"status":\(status.code),"detail":"","code":"\(code)","retryable":\(isRetryable),\
            "close_reason":"reset"}
            """
        return ServerResponse(status: status, body: Array(text.utf8))
    }

    private var receipt: String {
        let count = bytes.count
        return #"{"accepted_offset":\#(count),"acknowledged_offset":\#(count)}"#
    }

    private var document: String {
        let (count, isOpen) = state.withLock { ($0.bytes.count, $0.isOpen) }
        return """
            {"id":"c1","state":"\(isOpen ? "open" : "closed")","direction":"outbound","peer":"LT",\
            "remote_address":"127.0.0.1:1","protocol":"extended","receive":{"acknowledged":"e-0",\
            "acknowledged_offset":0,"received_offset":0,"finished":false,"readers":[]},\
            "send":{"accepted_offset":\(count),"acknowledged_offset":\(count),\
            "buffer_bytes":65536,"finished":false}}
            """
    }
}
