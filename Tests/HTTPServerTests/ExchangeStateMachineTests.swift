import Testing

@testable import HTTPServer

@Suite struct ExchangeStateMachineTests {
    private func machine(
        length: UInt64?, expectsContinue: Bool = false, isHead: Bool = false,
        handlerIsStarted: Bool = true
    ) -> ExchangeStateMachine {
        var machine = ExchangeStateMachine(
            declaredLength: length, expectsContinue: expectsContinue, isHead: isHead,
            bufferLimit: 8, drainLimit: 16)
        if handlerIsStarted { #expect(machine.take("") == "start 0") }
        return machine
    }

    /// The handler sees a body that fits from its first bytes on, any other one from the header on.
    @Test(arguments: [
        (0, false, "start 0"), (8, false, "proceed 0"), (9, false, "start 0"),
        (8, true, "start 0"), (nil, false, "start 0"),
    ] as [(UInt64?, Bool, String)])
    func handlerStarts(length: UInt64?, expectsContinue: Bool, first: String) {
        var machine = machine(
            length: length, expectsContinue: expectsContinue, handlerIsStarted: false)
        #expect(machine.take("") == first)
    }

    @Test func shortBodyIsThereWhenTheHandlerStarts() throws {
        var machine = machine(length: 8, handlerIsStarted: false)
        #expect(machine.take("") == "proceed 0")
        #expect(machine.take("01234567") == "start 8")
        let body = machine.readWhatIsThere().delivery
        #expect(try body?.get() == Array("01234567".utf8))
        let end = machine.readWhatIsThere().delivery
        #expect(try end?.get() == .some(nil))
        #expect(!machine.respond(.text("a")).resumesConnection)
        #expect(machine.take("") == "answer a")
    }

    @Test func handlerOfAShortBodyStartsWithItsFirstBytes() throws {
        var machine = machine(length: 8, handlerIsStarted: false)
        #expect(machine.take("") == "proceed 0")
        #expect(machine.take("0123") == "start 4")
        let start = machine.readWhatIsThere().delivery
        #expect(try start?.get() == Array("0123".utf8))
        #expect(machine.readWhatIsThere().delivery == nil)
        #expect(machine.read().delivery == nil)
        let (directive, effects) = machine.call("4567")
        #expect(directive == "proceed 4")
        #expect(try effects.delivery?.get() == Array("4567".utf8))
    }

    @Test func answerBeforeTheHandlerIsStartedKeepsItFromStarting() {
        var machine = machine(length: 8, handlerIsStarted: false)
        #expect(machine.take("") == "proceed 0")
        _ = machine.respond(.text("a"))
        #expect(machine.take("01234567") == "proceed 8")
        #expect(machine.take("") == "answer a")
    }

    @Test func bytesThatNobodyTookAreNotTheEndOfTheBody() {
        var machine = machine(length: 8, handlerIsStarted: false)
        _ = machine.take("")
        _ = machine.take("01234567")
        _ = machine.respond(.text("a"))
        #expect(machine.read().delivery == .failure(.aborted))
    }

    @Test func streamedAnswerIsPulledFromItsProducer() {
        var machine = machine(length: 0)
        _ = machine.take("")
        #expect(machine.take("") == "suspend 0")
        let streaming = ServerResponse(status: .ok, body: [1, 2], stream: { nil })
        #expect(machine.respond(streaming).resumesConnection)
        #expect(machine.demand().demand == nil)
        #expect(machine.take("") == "answer ")
        #expect(machine.pull().0 == .bytes(2))
        let (pull, effects) = machine.pull()
        #expect(pull == .suspend)
        #expect(effects.demand == true)
        #expect(machine.isSuspended && machine.halfCloseMeansGone)
        #expect(machine.offer([3]).resumesConnection)
        #expect(machine.demand().demand == nil)
        #expect(machine.pull().0 == .bytes(1))
        #expect(machine.pull().1.demand == true)
        #expect(machine.endStream(failed: false).resumesConnection)
        #expect(machine.pull().0 == .end)
        #expect(!machine.finish().cancelsHandler)
    }

    @Test func whatEndsAStreamCancelsIt() {
        var machine = machine(length: 0)
        _ = machine.take("")
        _ = machine.respond(ServerResponse(status: .ok, stream: { nil }))
        _ = machine.take("")
        #expect(machine.demand().demand == nil)
        #expect(machine.clientLeft().cancelsHandler)
        #expect(machine.stop().cancelsHandler)
        var other = machine
        let effects = machine.finish()
        #expect(effects.cancelsHandler)
        #expect(effects.demand == false)
        #expect(machine.demand().demand == false)
        #expect(other.endStream(failed: true).demand == false)
        #expect(other.pull().0 == .abort)
    }

    @Test func noStreamToHead() {
        var machine = machine(length: 0, isHead: true)
        _ = machine.take("")
        _ = machine.respond(ServerResponse(status: .ok, stream: { nil }))
        #expect(machine.demand().demand == false)
        #expect(machine.take("") == "answer ")
        #expect(!machine.finish().cancelsHandler)
    }

    @Test func withoutBodyItIsSuspendedOnceComplete() {
        var machine = machine(length: 0)
        #expect(machine.take("") == "proceed 0")
        #expect(!machine.isSuspended)
        #expect(machine.take("") == "suspend 0")
        #expect(machine.halfCloseMeansGone)
        #expect(machine.respond(.text("a")).resumesConnection)
        #expect(machine.take("") == "answer a")
    }

    @Test func answerBeforeTheSuspensionResumesNothing() {
        var machine = machine(length: 0)
        #expect(machine.take("") == "proceed 0")
        #expect(!machine.respond(.text("a")).resumesConnection)
        #expect(machine.take("") == "answer a")
    }

    @Test func eachSuspensionIsResumedOnce() {
        var machine = machine(length: nil)
        #expect(machine.take("") == "suspend 0")
        #expect(machine.read().resumesConnection)
        #expect(!machine.respond(.text("a")).resumesConnection)
        #expect(!machine.respond(.text("b")).resumesConnection)
    }

    @Test func bodyFillsTheBufferAndThenWaits() throws {
        var machine = machine(length: 20)
        #expect(machine.take("") == "suspend 0")
        #expect(machine.read().resumesConnection)
        #expect(machine.take("") == "proceed 0")
        // The waiting reader takes the buffer; what does not fit fills it again.
        let (directive, effects) = machine.call("0123456789")
        #expect(directive == "proceed 10")
        #expect(try effects.delivery?.get() == Array("01234567".utf8))
        #expect(machine.take("abcdefgh") == "suspend 6")
        #expect(!machine.halfCloseMeansGone)
        let second = machine.readWhatIsThere()
        #expect(try second.delivery?.get() == Array("89abcdef".utf8))
        #expect(second.resumesConnection)
        #expect(machine.take("gh") == "proceed 2")
        #expect(machine.take("") == "suspend 0")
        let last = machine.readWhatIsThere()
        #expect(try last.delivery?.get() == Array("gh".utf8))
        #expect(machine.isSuspended, "the end of the body is already here")
        let end = try #require(machine.read().delivery)
        #expect(try end.get() == nil)
    }

    @Test func waitingReaderLearnsOfTheEnd() throws {
        var machine = machine(length: nil)
        #expect(machine.read().delivery == nil)
        #expect(machine.take("") == "proceed 0")
        let (directive, effects) = machine.call("")
        #expect(directive == "suspend 0")
        let end = try #require(effects.delivery)
        #expect(try end.get() == nil)
    }

    @Test(arguments: [
        (16, false, "proceed 0"), (17, false, "early a"), (16, true, "early a"),
        (nil, false, "early a"),
    ] as [(UInt64?, Bool, String)])
    func earlyAnswer(length: UInt64?, expectsContinue: Bool, directive: String) {
        var machine = machine(length: length, expectsContinue: expectsContinue)
        _ = machine.respond(.text("a"))
        #expect(machine.take("") == directive)
    }

    @Test func answerInMidUploadDrainsToTheLimit() {
        var machine = machine(length: nil)
        _ = machine.read()
        #expect(machine.take("") == "proceed 0")
        _ = machine.respond(.text("a"))
        #expect(machine.take("0123456789abcdef") == "proceed 16")
        var other = machine
        #expect(machine.take("") == "answer a")
        #expect(other.take("x") == "last a")
        #expect(other.take("x") == "close")
    }

    @Test func clientLeavingFailsTheReaderAfterTheLastBytes() throws {
        var machine = machine(length: 20)
        _ = machine.read()
        #expect(machine.take("") == "proceed 0")
        _ = machine.call("0123")
        #expect(machine.take("4567") == "proceed 4")
        let effects = machine.finish()
        #expect(effects.cancelsHandler)
        #expect(try machine.read().delivery?.get() == Array("4567".utf8))
        #expect(machine.read().delivery == .failure(.aborted))
        #expect(!machine.respond(.text("a")).resumesConnection)
    }

    @Test func clientLeavingAfterTheRequestOnlyCancels() {
        var machine = machine(length: 0)
        _ = machine.take("")
        _ = machine.take("")
        let effects = machine.clientLeft()
        #expect(effects.cancelsHandler)
        #expect(!effects.resumesConnection)
        #expect(machine.respond(.text("a")).resumesConnection)
        #expect(machine.take("") == "answer a")
    }

    @Test func stopFailsTheReader() {
        var machine = machine(length: 20)
        _ = machine.take("")
        #expect(machine.read().resumesConnection)
        let effects = machine.stop()
        #expect(effects.cancelsHandler)
        #expect(effects.delivery == .failure(.serverStopping))
    }

    @Test func cancelledReaderIsFreed() {
        var machine = machine(length: 20)
        _ = machine.read()
        #expect(machine.failRead(.aborted).delivery == .failure(.aborted))
        #expect(machine.read().delivery == .failure(.aborted))
    }

    @Test func nothingIsResumedOrCancelledAfterTheAnswer() {
        var machine = machine(length: 0)
        _ = machine.take("")
        _ = machine.respond(.text("a"))
        #expect(machine.take("") == "answer a")
        #expect(!machine.clientLeft().cancelsHandler)
        #expect(!machine.stop().cancelsHandler)
        #expect(!machine.finish().cancelsHandler)
    }
}

extension ExchangeStateMachine {
    fileprivate mutating func call(_ piece: String) -> (String, Effects) {
        let (directive, effects) = Array(piece.utf8).withUnsafeBytes { call(with: $0) }
        let text =
            switch directive {
            case .start(let taken): "start \(taken)"
            case .proceed(let taken): "proceed \(taken)"
            case .suspend(let taken): "suspend \(taken)"
            case .answer(let response, let early):
                (early ? "early " : "answer ") + String(decoding: response.body, as: UTF8.self)
            case .closeAnswering(let response):
                "last " + String(decoding: response.body, as: UTF8.self)
            case .close: "close"
            }
        return (text, effects)
    }

    fileprivate mutating func take(_ piece: String) -> String { call(piece).0 }

    fileprivate mutating func pull() -> (AnswerStream.Pull, Effects) {
        withUnsafeTemporaryAllocation(byteCount: 8, alignment: 1) { pull(into: $0) }
    }
}
