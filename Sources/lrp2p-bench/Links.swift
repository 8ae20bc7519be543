import ArgumentParser
import LRP2P
import LRP2PCore
import LRP2PSimulation

/// How much of a simulated link a transfer uses.
struct Links: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures transfers over simulated links.",
        discussion: """
            In virtual time: all but the cost per packet follows from the seed. The limit is the \
            payload that full datagrams carry at the rate of the link. The queue of each link \
            holds one bandwidth-delay product. The longest links need 4 GB of memory; at \
            100 Gbit/s, all is done but for the payload itself, which is neither stored nor \
            encrypted.
            """)

    @OptionGroup var options: RunOptions

    @Option(help: "Seed of loss and keys.")
    var seed: UInt64 = 1

    @Option(help: "Congestion control; both by default, and CUBIC on long fat links.")
    var congestionControl: CongestionControlAlgorithm?

    private var algorithms: [CongestionControlAlgorithm] {
        congestionControl.map { [$0] } ?? CongestionControlAlgorithm.allCases
    }

    @Flag(inversion: .prefixedNo, help: "Measure the long fat links too, which take minutes.")
    var longFat = true

    func run() async throws {
        let session = Session("links", options)
        for algorithm in algorithms {
            try measureLossFree(session, algorithm)
            try measureLossy(session, algorithm)
            try measureSharing(session, algorithm)
        }
        if longFat { try measureLongFat(session) }
    }

    private func measureLossFree(
        _ session: Session, _ algorithm: CongestionControlAlgorithm
    ) throws {
        try measure(
            session, "100 Mbit/s, 50 ms, \(algorithm.name)", algorithm,
            PipeConditions(megabits: 100, roundTrip: .milliseconds(50)), target: 0.95)
    }

    /// Random loss is for BBR to bear. CUBIC takes it for congestion; its figure is there to
    /// compare with.
    private func measureLossy(
        _ session: Session, _ algorithm: CongestionControlAlgorithm
    ) throws {
        var conditions = PipeConditions(megabits: 100, roundTrip: .milliseconds(100))
        conditions.loss = 0.01
        try measure(
            session, "100 Mbit/s, 100 ms, 1 % loss, \(algorithm.name)", algorithm, conditions,
            target: algorithm == .bbr ? 0.85 : nil)
    }

    /// Thirty seconds after the first five.
    private func measure(
        _ session: Session, _ name: String, _ algorithm: CongestionControlAlgorithm,
        _ conditions: PipeConditions, target: Double?
    ) throws {
        session.progress.show("links: \(name)")
        let transfer = makeTransfer(conditions, algorithm)
        try transfer.startFlow()
        transfer.run(for: .seconds(5))
        let result = PipeMeasurement.measure(transfer, parts: 1, of: .seconds(30))
        report(session, name, result, conditions, target: target)
    }

    /// The second flow joins ten seconds after the first; thirty more have passed when the share of
    /// each is measured.
    private func measureSharing(
        _ session: Session, _ algorithm: CongestionControlAlgorithm
    ) throws {
        let name = "100 Mbit/s, 50 ms, two flows, \(algorithm.name)"
        session.progress.show("links: \(name)")
        let conditions = PipeConditions(megabits: 100, roundTrip: .milliseconds(50))
        let transfer = makeTransfer(conditions, algorithm)
        try transfer.startFlow()
        transfer.run(for: .seconds(10))
        try transfer.startFlow()
        transfer.run(for: .seconds(30))
        let result = PipeMeasurement.measure(transfer, parts: 1, of: .seconds(20))
        report(session, name, result, conditions, target: nil)
        session.report(
            "\(name), Jain's index", jainIndex(result.bytesByFlow), .none, target: .atLeast(0.9))
    }

    /// A path of 600 ms, and one that holds a thousand packets, at the same rate: what a packet
    /// costs must not depend on how many are under way.
    private func measureLongFat(_ session: Session) throws {
        try measureLongFat(session, gigabits: 10, elidesPayload: false)
        // Nine gigabytes would be under way, and as many in each buffer.
        try measureLongFat(session, gigabits: 100, elidesPayload: true)
    }

    private func measureLongFat(_ session: Session, gigabits: Int, elidesPayload: Bool) throws {
        let name = "\(gigabits) Gbit/s" + (elidesPayload ? ", virtual payload" : "")
        session.progress.show("links: \(name), 1,000 packets in flight")
        let rate = PipeConditions(megabits: gigabits * 1000, roundTrip: .seconds(1)).bytesPerSecond
        let packet = Double(WireFormat.initialDatagram) / Double(rate)
        let short = PipeConditions(
            megabits: gigabits * 1000,
            roundTrip: Interval(nanoseconds: Int64(packet * 1000 * 1e9)))
        let few = try measureAfterStart(
            short, buffer: 2 * short.bandwidthDelayProduct, rounds: 5,
            elidesPayload: elidesPayload)
        report(session, "\(name), 1,000 packets long", few.steady, short, target: nil)
        session.report(
            "\(name), 1,000 packets long, cost", few.steady.nanosecondsPerPacket,
            .nanosecondsPerPacket)

        session.progress.show("links: \(name), 600 ms")
        let long = PipeConditions(megabits: gigabits * 1000, roundTrip: .milliseconds(600))
        // A window is told when a quarter of it is free, so it has to be a third larger than what
        // is under way. Rounded up to a power of two, the one with memory behind it is.
        let buffer = long.bandwidthDelayProduct * (elidesPayload ? 2 : 1)
        let many = try measureAfterStart(
            long, buffer: buffer, rounds: 3, elidesPayload: elidesPayload)
        report(session, "\(name), 600 ms", many.steady, long, target: 0.9)
        session.report("\(name), 600 ms, steady after", many.start.inSeconds, .seconds)
        session.report(
            "\(name), 600 ms, cost with \(many.steady.packetsInFlight) in flight",
            many.steady.nanosecondsPerPacket, .nanosecondsPerPacket,
            limit: .init(
                value: few.steady.nanosecondsPerPacket,
                name: "with \(few.steady.packetsInFlight) in flight"),
            target: .atMost(1.25))
    }

    private func measureAfterStart(
        _ conditions: PipeConditions, buffer: Int, rounds: Int, elidesPayload: Bool
    ) throws -> (start: Interval, steady: PipeMeasurement) {
        let transfer = makeTransfer(
            conditions, congestionControl ?? .cubic, buffer: buffer, elidesPayload: elidesPayload)
        try transfer.startFlow()
        // Over less than some milliseconds, what arrives depends on where trains begin.
        let round = max(conditions.roundTrip, .milliseconds(10))
        let start = PipeMeasurement.finishStart(of: transfer, round: round)
        return (start, PipeMeasurement.measure(transfer, parts: rounds, of: round))
    }

    private func makeTransfer(
        _ conditions: PipeConditions, _ congestionControl: CongestionControlAlgorithm,
        buffer: Int? = nil, elidesPayload: Bool = false
    ) -> PipeTransfer {
        var configuration = EndpointConfiguration()
        configuration.congestionControl = congestionControl
        configuration.memoryBudget = .unlimited
        // That of the Internet: a pipe would carry any.
        configuration.maximumDatagram = WireFormat.initialDatagram
        configuration.elidesPayload = elidesPayload
        if let buffer {
            configuration.sendBufferBytes = buffer
            configuration.receiveBufferBytes = buffer
        }
        // What a train of datagrams takes at this rate, at least.
        let train = Double(32 * WireFormat.initialDatagram) / Double(conditions.bytesPerSecond)
        return PipeTransfer(
            conditions, configuration: configuration, seed: seed,
            granularity: min(.microseconds(100), Interval(nanoseconds: Int64(train * 1e9))))
    }

    private func report(
        _ session: Session, _ name: String, _ result: PipeMeasurement,
        _ conditions: PipeConditions, target: Double?
    ) {
        let datagram = WireFormat.initialDatagram
        let payload = Double(DataDatagram.plaintextBytes(in: datagram)) / Double(datagram)
        session.report(
            name, result.bytesPerSecond * 8 / 1e6, .megabitsPerSecond,
            limit: .init(
                value: Double(conditions.bytesPerSecond) * payload * 8 / 1e6, name: "the link"),
            target: target.map { .atLeast($0) })
    }
}

extension CongestionControlAlgorithm {
    /// As people write it.
    var name: String { rawValue.uppercased() }
}
