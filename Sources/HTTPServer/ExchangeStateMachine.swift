/// Where one request and its answer stand: the rules by which libmicrohttpd, the handler and the
/// client are brought together, without any of them.
///
/// Inputs are methods; each returns what must be done about it, and no input blocks. The caller
/// holds one lock around every call and around what it does about a suspension, so that a
/// connection is resumed exactly as often as it was suspended.
struct ExchangeStateMachine {
    typealias Delivery = Result<[UInt8]?, RequestBodyError>

    /// What libmicrohttpd's access handler must return.
    enum Directive {
        /// So many bytes were taken: go on.
        case proceed(taken: Int)
        /// So many bytes were taken: suspend the connection.
        case suspend(taken: Int)
        /// Queue this answer. `early`: the client may still be sending the body.
        case answer(ServerResponse, early: Bool)
        /// Give the connection up in the middle of the body, with this answer.
        case closeAnswering(ServerResponse)
        /// Give the connection up.
        case close
    }

    /// What an input causes elsewhere.
    struct Effects {
        var resumesConnection = false
        var cancelsHandler = false
        /// For the reader that waits, or for the one that just asked.
        var delivery: Delivery?
    }

    enum Phase {
        /// The header has arrived; whether the body is wanted is not known yet.
        case head
        /// The body is arriving.
        case upload
        /// The request is complete.
        case complete
        /// The answer was handed over.
        case answered
        /// libmicrohttpd has forgotten the request.
        case over
    }

    private(set) var phase: Phase
    private(set) var isSuspended = false
    private let declaredLength: UInt64?
    private let expectsContinue: Bool
    private let bufferLimit: Int
    private let drainLimit: Int

    private var buffer: [UInt8] = []
    private var readerWaits = false
    private var bodyIsWanted = false
    private var failure: RequestBodyError?
    private var answer: ServerResponse?
    private var drained = 0

    /// - Parameters:
    ///   - declaredLength: of the body; `nil` when it is chunked.
    ///   - expectsContinue: the client sends the body only when told to (RFC 9110 §10.1.1).
    init(declaredLength: UInt64?, expectsContinue: Bool, bufferLimit: Int, drainLimit: Int) {
        phase = .head
        self.declaredLength = declaredLength
        self.expectsContinue = expectsContinue
        self.bufferLimit = bufferLimit
        self.drainLimit = drainLimit
    }

    /// A client that closes its sending side before the request is complete may be gone or may have
    /// sent all of it: what is still unread will tell. Afterwards it is as good as gone.
    var halfCloseMeansGone: Bool { phase == .complete }

    // MARK: libmicrohttpd

    /// libmicrohttpd calls the access handler: once after the header, again after each resumption
    /// until the answer is given or the body wanted; then for each piece of the body; then, with
    /// an empty piece, at the end of the request.
    mutating func call(with piece: UnsafeRawBufferPointer) -> (Directive, Effects) {
        switch phase {
        case .head:
            return (headDirective(), Effects())
        case .upload where !piece.isEmpty:
            return upload(piece)
        case .upload:
            phase = .complete
            let effects = deliver()
            return (completeDirective(), effects)
        case .complete:
            return (completeDirective(), Effects())
        case .answered, .over:
            return (.close, Effects())
        }
    }

    private mutating func headDirective() -> Directive {
        // Without a body the request is complete in a moment, and only a complete request survives
        // that the client closes its sending side: so it is not suspended before.
        if declaredLength == 0 {
            phase = .upload
            return .proceed(taken: 0)
        }
        if let answer, !drainsBeforeAnswer {
            phase = .answered
            return .answer(answer, early: true)
        }
        guard answer != nil || bodyIsWanted else {
            isSuspended = true
            return .suspend(taken: 0)
        }
        phase = .upload
        return .proceed(taken: 0)
    }

    /// libmicrohttpd closes the connection after an answer that is queued before the body. A short
    /// body is worth less than a connection, unless the client is still holding it back.
    private var drainsBeforeAnswer: Bool {
        guard let declaredLength, !expectsContinue else { return false }
        return declaredLength <= UInt64(drainLimit)
    }

    private mutating func completeDirective() -> Directive {
        if let answer {
            phase = .answered
            return .answer(answer, early: false)
        }
        isSuspended = true
        return .suspend(taken: 0)
    }

    private mutating func upload(_ piece: UnsafeRawBufferPointer) -> (Directive, Effects) {
        if let answer {
            drained += piece.count
            guard drained > drainLimit else { return (.proceed(taken: piece.count), Effects()) }
            phase = .answered
            return (.closeAnswering(answer), Effects())
        }
        var taken = take(from: piece)
        let effects = deliver()
        // A reader that was waiting has the buffer now: there is room for the rest.
        if effects.delivery != nil {
            taken += take(from: UnsafeRawBufferPointer(rebasing: piece[taken...]))
        }
        if taken == piece.count { return (.proceed(taken: taken), effects) }
        isSuspended = true
        return (.suspend(taken: taken), effects)
    }

    private mutating func take(from piece: UnsafeRawBufferPointer) -> Int {
        let count = min(piece.count, bufferLimit - buffer.count)
        buffer.append(contentsOf: piece.prefix(count))
        return count
    }

    /// libmicrohttpd is done with the request, answered or not.
    mutating func finish() -> Effects {
        if phase == .head || phase == .upload { failure = failure ?? .aborted }
        let cancelsHandler = answer == nil
        phase = .over
        isSuspended = false
        var effects = deliver()
        effects.cancelsHandler = cancelsHandler
        return effects
    }

    // MARK: The handler

    /// The handler asks for the next piece. Without a delivery in the effects, it waits.
    mutating func read() -> Effects {
        precondition(!readerWaits, "a request body is read by one task at a time")
        readerWaits = true
        bodyIsWanted = true
        var effects = deliver()
        if phase == .head || phase == .upload { effects.resumesConnection = resume() }
        return effects
    }

    /// The task that waits for a piece was cancelled.
    mutating func cancelRead() -> Effects {
        if phase == .head || phase == .upload { failure = failure ?? .aborted }
        return deliver()
    }

    /// The handler has answered. Only the first answer counts.
    mutating func respond(_ response: ServerResponse) -> Effects {
        guard answer == nil, phase != .over else { return Effects() }
        answer = response
        // Nobody reads the rest of the body.
        if phase != .complete { failure = failure ?? .aborted }
        buffer = []
        var effects = deliver()
        effects.resumesConnection = resume()
        return effects
    }

    // MARK: The outside

    /// The connection is dead, or the client closed its side of it after a complete request.
    mutating func clientLeft() -> Effects {
        guard answer == nil, phase != .over else { return Effects() }
        if phase != .complete { failure = failure ?? .aborted }
        var effects = deliver()
        effects.cancelsHandler = true
        return effects
    }

    /// The server stops: the handler is asked to answer now.
    mutating func stop() -> Effects {
        guard answer == nil, phase != .over else { return Effects() }
        if phase != .complete { failure = failure ?? .serverStopping }
        var effects = deliver()
        effects.cancelsHandler = true
        return effects
    }

    // MARK: -

    private mutating func resume() -> Bool {
        defer { isSuspended = false }
        return isSuspended
    }

    /// Gives the reader that waits what there is: bytes before the end, bytes before the failure.
    private mutating func deliver() -> Effects {
        guard readerWaits else { return Effects() }
        let delivery: Delivery
        if !buffer.isEmpty {
            delivery = .success(buffer)
            buffer = []
        } else if let failure {
            delivery = .failure(failure)
        } else if phase == .head || phase == .upload {
            return Effects()
        } else {
            delivery = .success(nil)
        }
        readerWaits = false
        return Effects(delivery: delivery)
    }
}
