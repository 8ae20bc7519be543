import ArgumentParser
import Glibc
import LRP2P
import LRP2PSimulation
import Synchronization

/// Gateways at work for a long time, while things go wrong.
struct Soak: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs gateways for long, with faults, and sees whether they stay as they are.",
        discussion: """
            Connections come and go between three gateways, each carrying some bytes that the \
            other end checks. Some pass a link that loses and delays. HTTP clients are cut off in \
            the middle, and one of the gateways is killed, or ended, and started again. Once a \
            minute all stop for a moment, and what the other two gateways hold is looked at. In \
            the end their memory and their open files must not have grown.
            """)

    @Option(help: "How long, in minutes.")
    var minutes = 30

    @Option(help: "Transfers at the same time.")
    var workers = 8

    @Option(help: "Seed of lengths and faults.")
    var seed: UInt64 = 1

    @Option(help: "A further option for the gateways, such as --gateway-option=--keepalive=1s.")
    var gatewayOption: [String] = []

    func validate() throws {
        guard (1...10_000).contains(minutes) else { throw ValidationError("--minutes: 1 … 10000") }
        guard (1...64).contains(workers) else { throw ValidationError("--workers: 1 … 64") }
    }

    func run() async throws {
        raiseOpenFileLimit()
        let options = gatewayOption.flatMap { option in
            option.split(separator: "=", maxSplits: 1).map(String.init)
        }
        let field = try SoakField(options, seed: seed)
        var report = SoakReport()
        print(SoakReport.heading)
        for minute in 1...minutes {
            await runMinute(minute, field)
            report.add(await field.takeStock(minute: minute))
            print(report.line)
            fflush(nil)
        }
        await field.end()
        for line in report.verdict { print(line) }
        if !report.isGood { throw ExitCode.failure }
    }

    /// Work and faults; returns when all of it has come to an end.
    private func runMinute(_ minute: Int, _ field: SoakField) async {
        let end = ContinuousClock.now + .seconds(60)
        let senders = SoakSenders(count: workers)
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<workers {
                group.addTask {
                    let stream = "minute \(minute), worker \(worker)"
                    var random = SeededRandom(seed: self.seed, stream: stream)
                    while ContinuousClock.now < end {
                        await SoakTransfer(field, &random).run()
                    }
                    senders.leave()
                }
                for node in field.receivers {
                    group.addTask {
                        var random = SeededRandom(
                            seed: self.seed, stream: "minute \(minute), receiver \(worker)")
                        while !senders.areGone {
                            await SoakReceiver(field, node, &random).run()
                        }
                    }
                }
            }
            group.addTask {
                var random = SeededRandom(seed: self.seed, stream: "minute \(minute), restarts")
                // Somewhere in the middle, so that most transfers are let alone.
                try? await Task.sleep(for: .seconds(10 + random.integer(in: 0...30)))
                await field.restart(byKilling: random.chance(0.5))
            }
        }
    }
}

/// Those who still begin transfers.
private final class SoakSenders: Sendable {
    private let left: Atomic<Int>

    init(count: Int) { left = Atomic(count) }

    func leave() { left.subtract(1, ordering: .relaxed) }
    var areGone: Bool { left.load(ordering: .relaxed) == 0 }
}
