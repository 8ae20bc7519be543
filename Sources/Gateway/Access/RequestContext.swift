import HTTPServer
import HTTPTypes
import Logging
import Synchronization

/// What is known of the request that the current task serves, for answers, limits and logs.
final class RequestContext: Sendable {
    @TaskLocal static var current: RequestContext?

    /// In the answer, in problem details, and in the log.
    let id: String
    let address: ClientAddress
    private let state = Mutex(Facts())

    /// What is found out on the way.
    struct Facts: Sendable {
        /// `nil` before access has decided.
        var principal: Principal?
        var allowance: ClientAllowance?
        /// A handler was asked.
        var hasReachedHandler = false
        /// Access was refused, and not because of a limit.
        var isRefused = false
        /// The `code` of the answer, when it is a problem.
        var code: String?
        var connection: String?
        var peer: String?
        /// What was to be dialled.
        var target: String?
    }

    init(id: String, address: ClientAddress) {
        self.id = id
        self.address = address
    }

    convenience init(_ request: ServerRequest) {
        self.init(
            id: RequestID.from(request.headers) ?? RequestID.next(),
            address: ClientAddress(request.remoteAddress))
    }

    var facts: Facts { state.withLock { $0 } }

    func note(_ change: (inout Facts) -> Void) {
        state.withLock { change(&$0) }
    }

    func note(_ connection: RegisteredConnection) {
        note {
            $0.connection = connection.id
            $0.peer = connection.peer
        }
    }
}

/// The name of a request.
enum RequestID {
    /// Characters of one that is taken from a client.
    static let lengths = 1...64

    /// The client's own, so that it finds its request in our log: `Request-Id`, else
    /// `X-Request-Id`. `nil` when there is none that can go into a header field and a log as it is.
    static func from(_ headers: HTTPFields) -> String? {
        for name in [HTTPField.Name.requestID, .xRequestID] {
            let values = headers[values: name]
            guard let value = values.first else { continue }
            return values.count == 1 && isValid(value) ? value : nil
        }
        return nil
    }

    /// A token of RFC 9110 §5.6.2.
    static func isValid(_ text: String) -> Bool {
        lengths.contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// Random bits of this process, and a count: 32 hexadecimal digits. Ids have to differ, not to
    /// be secret, and random bits for each would be a system call for each request.
    static func next() -> String {
        let count = counter.add(1, ordering: .relaxed).newValue
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        for word in [process, count.bigEndian] { withUnsafeBytes(of: word) { bytes += $0 } }
        return Hex.encode(bytes)
    }

    private static let process = UInt64.random(in: .min ... .max)
    private static let counter = Atomic<UInt64>(0)
}

extension Logger {
    /// The same, with the id of the current request in every line.
    var ofRequest: Logger {
        guard let id = RequestContext.current?.id else { return self }
        var log = self
        log[metadataKey: "request_id"] = "\(id)"
        return log
    }
}
