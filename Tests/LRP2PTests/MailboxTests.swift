import CLinux
import Glibc
import Synchronization
import Testing

@testable import LRP2P

@Suite struct MailboxTests {
    private func isRinging(_ mailbox: Mailbox) -> Bool {
        var entry = pollfd(fd: mailbox.eventDescriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) == 1
    }

    @Test func ringsOnlyASleeper() throws {
        let mailbox = try makeMailbox()
        mailbox.post(.stop)
        #expect(!isRinging(mailbox))
        #expect(mailbox.prepareToSleep(until: .distantFuture) == nil, "a command waits")
        var commands: [Command] = []
        mailbox.take(&commands)
        #expect(commands.count == 1)
        #expect(mailbox.prepareToSleep(until: .distantFuture) == .distantFuture)
        mailbox.post(.stop)
        #expect(isRinging(mailbox))
        clinux_eventfd_clear(mailbox.eventDescriptor)
        mailbox.post(.stop)
        #expect(!isRinging(mailbox), "once is enough")
        mailbox.take(&commands)
        #expect(commands.count == 2)
    }

    @Test func onlyAnEarlierDeadlineRings() throws {
        let mailbox = try makeMailbox()
        let soon = Instant(nanoseconds: 1000)
        #expect(mailbox.prepareToSleep(until: soon) == soon)
        mailbox.schedule(Waiter(), at: soon + .seconds(1))
        #expect(!isRinging(mailbox))
        mailbox.schedule(Waiter(), at: Instant(nanoseconds: 999))
        #expect(isRinging(mailbox))
        #expect(mailbox.prepareToSleep(until: soon) == Instant(nanoseconds: 999))
    }

    @Test func connectsAreLimited() throws {
        let mailbox = try makeMailbox()
        let attempt = ConnectAttempt(
            address: .loopback(port: 1), expected: nil, mailbox: mailbox)
        for _ in 0..<Mailbox.maximumConnectCommands {
            #expect(mailbox.postConnect(attempt) == .posted)
        }
        #expect(mailbox.postConnect(attempt) == .full)
        var commands: [Command] = []
        mailbox.take(&commands)
        #expect(commands.count == Mailbox.maximumConnectCommands)
        #expect(mailbox.postConnect(attempt) == .posted)
    }

    @Test func closedItTakesNothingAndReturnsWhatWasLeft() throws {
        let mailbox = try makeMailbox()
        mailbox.post(.stop)
        #expect(mailbox.close().count == 1)
        #expect(mailbox.close().isEmpty)
        #expect(!mailbox.post(.stop))
        let attempt = ConnectAttempt(
            address: .loopback(port: 1), expected: nil, mailbox: mailbox)
        #expect(mailbox.postConnect(attempt) == .closed)
    }

    /// Many threads post while one sleeps and takes: the sleeper would hang on a lost wake-up.
    @Test func noWakeUpIsLost() async throws {
        let mailbox = try makeMailbox()
        let posters = 4, each = 5_000
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<posters {
                group.addTask { for _ in 0..<each { mailbox.post(.stop) } }
            }
            group.addTask {
                var commands: [Command] = []
                var taken = 0
                while taken < posters * each {
                    mailbox.take(&commands)
                    taken += commands.count
                    guard taken < posters * each,
                        mailbox.prepareToSleep(until: .distantFuture) != nil
                    else { continue }
                    var entry = pollfd(
                        fd: mailbox.eventDescriptor, events: Int16(POLLIN), revents: 0)
                    #expect(poll(&entry, 1, 60_000) == 1)
                    clinux_eventfd_clear(mailbox.eventDescriptor)
                }
                #expect(taken == posters * each)
            }
        }
    }
}
