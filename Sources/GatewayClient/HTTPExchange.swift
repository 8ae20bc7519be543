/// One request.
struct HTTPRequest {
    enum Method: String {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case delete = "DELETE"
    }

    let method: Method
    /// With its query, percent-encoded.
    let target: String
    var headers: [(name: String, value: String)] = []
    /// Sent as it is; `nil` for a request without a body.
    var body: ArraySlice<UInt8>?
    /// Bytes of the longest answer that is taken.
    let answerLimit: Int
    /// How long nothing may move in either direction.
    let silence: Duration
}

/// What came back, whatever its status.
struct HTTPAnswer {
    var status = 0
    /// Names in lower case; of repeated fields the last one.
    var headers: [String: String] = [:]
    var body: [UInt8] = []
}

/// An answer while it arrives.
final class HTTPExchange {
    private(set) var answer = HTTPAnswer()
    private let limit: Int
    private let silence: Duration
    private let keepsGoing: () -> Bool
    private var moved: Int64 = 0
    private var movedAt = ContinuousClock.now
    /// Why this side ended it.
    private(set) var failure: GatewayClientError?

    init(_ request: HTTPRequest, keepsGoing: @escaping () -> Bool) {
        (limit, silence) = (request.answerLimit, request.silence)
        self.keepsGoing = keepsGoing
    }

    /// A line of the head, with its end. Each status line begins a new head: 100 Continue has one.
    func take(headLine line: UnsafeRawBufferPointer) {
        let text = String(decoding: line, as: UTF8.self)
        if text.hasPrefix("HTTP/") {
            let code = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            answer = HTTPAnswer(status: code ?? 0)
            return
        }
        guard let colon = text.firstIndex(of: ":") else { return }
        let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
        let end = value.lastIndex { !$0.isWhitespace }.map { value.index(after: $0) }
        answer.headers[text[..<colon].lowercased()] = String(value[..<(end ?? value.startIndex)])
    }

    /// Returns whether there is room for it.
    func take(body piece: UnsafeRawBufferPointer) -> Bool {
        guard piece.count <= limit - answer.body.count else {
            failure = .notAGateway(status: answer.status)
            return false
        }
        if answer.body.isEmpty {
            let announced = answer.headers["content-length"].flatMap { Int($0) }
            answer.body.reserveCapacity(min(limit, announced ?? 0))
        }
        answer.body.append(contentsOf: piece)
        return true
    }

    /// Called again and again; returns whether to go on.
    func watch(moved bytes: Int64) -> Bool {
        let now = ContinuousClock.now
        if bytes != moved {
            (moved, movedAt) = (bytes, now)
        } else if now - movedAt > silence {
            failure = .silent
            return false
        }
        guard keepsGoing() else {
            failure = .cancelled
            return false
        }
        return true
    }
}
