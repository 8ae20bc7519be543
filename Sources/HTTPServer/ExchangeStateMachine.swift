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
        /// So many bytes were taken: start the handler without the lock, then call again with the
        /// rest, unless that was all of a piece.
        case start(taken: Int)
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
        /// For the producer of a streamed answer that waits: whether to make the next piece.
        var demand: Bool?
        /// To be sent past libmicrohttpd, which waits for a body that does not come.
        var lastAnswer: ServerResponse?
    }

    enum Phase {
        /// The header has arrived; whether the body is wanted is not known yet.
        case head
        /// The body is arriving.
        case upload
        /// The request is complete.
        case complete
        /// The answer was handed over; of a streamed one, its start.
        case answered
        /// libmicrohttpd has forgotten the request.
        case over
    }

    private(set) var phase: Phase
    private(set) var isSuspended = false
    private let declaredLength: UInt64?
    private let expectsContinue: Bool
    private let isHead: Bool
    private let bufferLimit: Int
    private let drainLimit: Int

    private var handlerIsStarted = false
    private var received: UInt64 = 0
    private var buffer: [UInt8] = []
    private var readerWaits = false
    private var bodyIsWanted = false
    private var failure: RequestBodyError?
    private var answer: ServerResponse?
    private var isAnswered = false
    private var outgoing: AnswerStream?
    private var drained = 0

    /// - Parameters:
    ///   - declaredLength: of the body; `nil` when it is chunked.
    ///   - expectsContinue: the client sends the body only when told to (RFC 9110 §10.1.1).
    ///   - isHead: the body of the answer is not sent.
    init(
        declaredLength: UInt64?, expectsContinue: Bool, isHead: Bool = false, bufferLimit: Int,
        drainLimit: Int
    ) {
        phase = .head
        self.declaredLength = declaredLength
        self.expectsContinue = expectsContinue
        self.isHead = isHead
        self.bufferLimit = bufferLimit
        self.drainLimit = drainLimit
    }

    /// A client that closes its sending side before the request is complete may be gone or may have
    /// sent all of it: what is still unread will tell. Afterwards it is as good as gone.
    var halfCloseMeansGone: Bool { phase == .complete || phase == .answered }

    /// Whether the handler or the stream it has answered with may still have something to say.
    private var isAtWork: Bool { isAnswered ? outgoing?.isOpen == true : phase != .over }

    private var bodyHasArrived: Bool {
        (phase != .head && phase != .upload) || received == declaredLength
    }

    /// The start of a body that fits the buffer is on its way with the header: a handler that is
    /// started when it is here need not be suspended to wait for it.
    private var startsWithBody: Bool {
        guard let declaredLength, !expectsContinue else { return false }
        return declaredLength > 0 && declaredLength <= UInt64(bufferLimit)
    }

    // MARK: libmicrohttpd

    /// libmicrohttpd calls the access handler: once after the header, again after each resumption
    /// until the answer is given or the body wanted; then for each piece of the body; then, with
    /// an empty piece, at the end of the request.
    mutating func call(with piece: UnsafeRawBufferPointer) -> (Directive, Effects) {
        switch phase {
        case .head:
            if !startsWithBody, startsHandler() { return (.start(taken: 0), Effects()) }
            return (headDirective(), Effects())
        case .upload where !piece.isEmpty:
            if startsHandler() { return (.start(taken: take(from: piece)), Effects()) }
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

    private mutating func startsHandler() -> Bool {
        guard !handlerIsStarted, !isAnswered else { return false }
        handlerIsStarted = true
        return true
    }

    private mutating func headDirective() -> Directive {
        // Without a body the request is complete in a moment, and only a complete request survives
        // that the client closes its sending side: so it is not suspended before.
        if declaredLength == 0 || !handlerIsStarted && !isAnswered {
            phase = .upload
            return .proceed(taken: 0)
        }
        if !drainsBeforeAnswer, let answer = takeAnswer() {
            return .answer(answer, early: true)
        }
        guard isAnswered || bodyIsWanted else {
            isSuspended = true
            return .suspend(taken: 0)
        }
        phase = .upload
        return .proceed(taken: 0)
    }

    /// libmicrohttpd closes the connection after an answer that is queued before the body. A short
    /// body is worth less than a connection, unless the client is still holding it back.
    private var drainsBeforeAnswer: Bool {
        guard let declaredLength, !expectsContinue, failure != .timedOut else { return false }
        return declaredLength <= UInt64(drainLimit)
    }

    private mutating func completeDirective() -> Directive {
        if let answer = takeAnswer() { return .answer(answer, early: false) }
        isSuspended = true
        return .suspend(taken: 0)
    }

    private mutating func takeAnswer() -> ServerResponse? {
        guard let taken = answer.take() else { return nil }
        phase = .answered
        return taken
    }

    private mutating func upload(_ piece: UnsafeRawBufferPointer) -> (Directive, Effects) {
        if isAnswered {
            drained += piece.count
            guard drained > drainLimit, let answer = takeAnswer() else {
                return (.proceed(taken: piece.count), Effects())
            }
            // Nothing streams past libmicrohttpd, and half an answer is none.
            return (outgoing == nil ? .closeAnswering(answer) : .close, Effects())
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
        received += UInt64(count)
        return count
    }

    /// libmicrohttpd is done with the request, answered or not.
    mutating func finish() -> Effects {
        if !bodyHasArrived { failure = failure ?? .aborted }
        let cancelsHandler = isAtWork
        phase = .over
        isSuspended = false
        var effects = deliver()
        effects.cancelsHandler = cancelsHandler
        if outgoing?.close(failed: true) == true { effects.demand = false }
        return effects
    }

    // MARK: The handler

    /// What the handler can have of the body without waiting.
    mutating func readWhatIsThere() -> Effects {
        let isThere = !buffer.isEmpty || failure != nil || bodyHasArrived
        return isThere && !readerWaits ? read() : Effects()
    }

    /// The handler asks for the next piece. Without a delivery in the effects, it waits.
    mutating func read() -> Effects {
        precondition(!readerWaits, "a request body is read by one task at a time")
        readerWaits = true
        bodyIsWanted = true
        var effects = deliver()
        if phase == .head || phase == .upload { effects.resumesConnection = resume() }
        return effects
    }

    /// The task that waits for a piece was cancelled, or its time is over.
    mutating func failRead(_ error: RequestBodyError) -> Effects {
        if !bodyHasArrived { failure = failure ?? error }
        return deliver()
    }

    /// The handler has answered. Only the first answer counts.
    mutating func respond(_ response: ServerResponse) -> Effects {
        guard !isAnswered, phase != .over else { return Effects() }
        isAnswered = true
        answer = response
        if response.stream != nil, !isHead {
            outgoing = AnswerStream(startingWith: response.body)
            answer?.body = []
        }
        // Nobody is to take what is left of the body for all of it.
        if !bodyHasArrived || !buffer.isEmpty { failure = failure ?? .aborted }
        buffer = []
        var effects = deliver()
        if failure == .timedOut, phase == .upload, outgoing == nil {
            effects.lastAnswer = takeAnswer()
        }
        effects.resumesConnection = resume()
        return effects
    }

    // MARK: The outside

    /// The connection is dead, or the client closed its side of it after a complete request.
    mutating func clientLeft() -> Effects {
        guard isAtWork else { return Effects() }
        if !bodyHasArrived { failure = failure ?? .aborted }
        var effects = deliver()
        effects.cancelsHandler = true
        return effects
    }

    /// The server stops: the handler is asked to answer now.
    mutating func stop() -> Effects {
        guard isAtWork else { return Effects() }
        if !bodyHasArrived { failure = failure ?? .serverStopping }
        var effects = deliver()
        effects.cancelsHandler = true
        return effects
    }

    // MARK: Streamed answers

    /// libmicrohttpd asks for more of a streamed answer.
    mutating func pull(
        into buffer: UnsafeMutableRawBufferPointer
    ) -> (AnswerStream.Pull, Effects) {
        guard phase == .answered, var stream = outgoing.take() else { return (.abort, Effects()) }
        var effects = Effects()
        let (pull, wakes) = stream.pull(into: buffer)
        outgoing = stream
        if wakes { effects.demand = true }
        if pull == .suspend { isSuspended = true }
        return (pull, effects)
    }

    /// Whether the producer is to make the next piece. Without an answer in the effects, it waits.
    mutating func demand() -> Effects {
        var effects = Effects()
        if outgoing == nil { effects.demand = false } else { effects.demand = outgoing?.demand() }
        return effects
    }

    /// The producer has made a piece.
    mutating func offer(_ piece: [UInt8]) -> Effects {
        var effects = Effects()
        if outgoing?.offer(piece) == true { effects.resumesConnection = resume() }
        return effects
    }

    /// The producer has come to the end, or is given up: then the connection breaks off.
    mutating func endStream(failed: Bool) -> Effects {
        guard outgoing?.isOpen == true else { return Effects() }
        var effects = Effects()
        if outgoing?.close(failed: failed) == true { effects.demand = false }
        if phase == .answered { effects.resumesConnection = resume() }
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
        } else if !bodyHasArrived {
            return Effects()
        } else {
            delivery = .success(nil)
        }
        readerWaits = false
        return Effects(delivery: delivery)
    }
}
