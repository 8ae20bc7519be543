import Synchronization

/// Why a request body ended before its end.
public enum RequestBodyError: Error, Equatable {
    /// The body is longer than the caller of `collect(limit:)` wants. Answer 413.
    case tooLong(limit: Int)
    /// The caller's deadline passed before the end. Answer 408; the connection closes.
    case timedOut
    /// The client left in the middle, or the task that reads was cancelled.
    case aborted
    /// The server is stopping.
    case serverStopping
}

/// The body of a request, arriving piece by piece, with backpressure: while nobody asks for the
/// next piece, at most `HTTPServerConfiguration.bodyBufferBytes` are held, the TCP socket is not
/// read and the client is slowed down.
///
/// One task reads at a time. A client that asked with `Expect: 100-continue` is told to go on by
/// the first call, so a handler that answers without asking never makes it send.
public final class RequestBody: Sendable {
    private enum Source: Sendable {
        case exchange(Exchange)
        case memory
    }

    /// `Content-Length`, where the client told one; `nil` for a chunked body.
    public let declaredLength: UInt64?
    private let source: Source
    private let remainder: Mutex<[UInt8]>

    /// A body that is already there, for tests.
    public init(_ bytes: [UInt8] = []) {
        declaredLength = UInt64(bytes.count)
        source = .memory
        remainder = Mutex(bytes)
    }

    init(of exchange: Exchange, declaredLength: UInt64?) {
        self.declaredLength = declaredLength
        source = .exchange(exchange)
        remainder = Mutex([])
    }

    /// The next piece, never empty; `nil` at the end. Waits until there is one.
    ///
    /// - Parameter deadline: when to throw `timedOut` instead of waiting on: for bodies that must be
    ///   complete to be of use. `nil` leaves it to the idle timeout of the connection.
    public func next(
        deadline: ContinuousClock.Instant? = nil
    ) async throws(RequestBodyError) -> [UInt8]? {
        if case .exchange(let exchange) = source {
            return try await exchange.nextPiece(deadline: deadline)
        }
        return remainder.withLock { bytes in
            defer { bytes = [] }
            return bytes.isEmpty ? nil : bytes
        }
    }

    /// The whole body.
    ///
    /// - Parameters:
    ///   - limit: bytes; a body that is declared or turns out to be longer throws `tooLong`, as
    ///     early as that is known.
    ///   - deadline: for the last byte, however steadily they come; `timedOut` beyond it.
    public func collect(
        limit: Int, deadline: ContinuousClock.Instant? = nil
    ) async throws(RequestBodyError) -> [UInt8] {
        if let declaredLength, declaredLength > UInt64(limit) { throw .tooLong(limit: limit) }
        var bytes: [UInt8] = []
        while let piece = try await next(deadline: deadline) {
            guard bytes.count + piece.count <= limit else { throw .tooLong(limit: limit) }
            bytes += piece
        }
        return bytes
    }
}
