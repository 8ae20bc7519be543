import Testing

@testable import HTTPServer

@Suite struct ExchangeStateMachineTests {
    private func machine(
        length: UInt64?, expectsContinue: Bool = false
    ) -> ExchangeStateMachine {
        ExchangeStateMachine(
            declaredLength: length, expectsContinue: expectsContinue, bufferLimit: 8,
            drainLimit: 16)
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
        let second = machine.read()
        #expect(try second.delivery?.get() == Array("89abcdef".utf8))
        #expect(second.resumesConnection)
        #expect(machine.take("gh") == "proceed 2")
        #expect(machine.take("") == "suspend 0")
        #expect(try machine.read().delivery?.get() == Array("gh".utf8))
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
        #expect(machine.cancelRead().delivery == .failure(.aborted))
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
}
