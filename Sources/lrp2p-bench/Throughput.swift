import ArgumentParser
import LRP2P

/// Bytes per second between two processes on loopback.
struct Throughput: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures one connection, and many at once, between two processes.",
        discussion: """
            Counts what the application of the other process has read in a stretch of time in \
            the middle of a transfer. Beside it stands the rate at which one core encrypts \
            datagrams of 1400 bytes with libsodium. `blast` encrypts, sends, receives and decrypts \
            trains of datagrams without making them reliable: what a protocol in this place could \
            reach.
            """)

    @OptionGroup var options: RunOptions
    @OptionGroup(title: "Endpoints") var endpoint: EndpointOptions

    @Option(help: "Connections of the case with many.")
    var connections = 64

    @Flag(help: "Measure one connection through a relay with the conditions below, only.")
    var throughLink = false

    @OptionGroup(title: "Link") var link: LinkOptions

    /// An application that reads into arrays and waits in between takes a few blocks per train of
    /// datagrams. What takes one per packet is far above this.
    private static let allocationTarget = 0.1

    func validate() throws {
        guard (2...1024).contains(connections) else {
            throw ValidationError("--connections: 2 … 1024")
        }
    }

    func run() async throws {
        let session = Session("throughput", options)
        if throughLink { return try await measureThroughLink(session) }
        try await measureYardsticks(session)
        let fixed = DatagramSize.atMost(WireFormat.initialDatagram)
        _ = try await measureOne(session, "one connection, 1400 B", fixed, target: 0.55)
        let name = "one connection, \(endpoint.datagram)"
        let one = try await measureOne(session, name, endpoint.datagram, target: 0.9)
        try await measureMany(session, one: one)
        try await measureMemory(session)
    }

    private static let aead = "AEAD, \(WireFormat.initialDatagram) B"

    private func measureYardsticks(_ session: Session) async throws {
        let datagramBytes = WireFormat.initialDatagram
        let rates = try await session.medians("yardsticks") {
            [
                AEADYardstick.bytesPerSecond(datagramBytes: datagramBytes, for: session.span / 4),
                try RawUDPYardstick.bytesPerSecond(
                    datagramBytes: datagramBytes, for: session.span / 4),
                try BlastYardstick.bytesPerSecond(
                    datagramBytes: datagramBytes, for: session.span / 4),
            ].map { $0 / 1e6 }
        }
        session.report("yardstick: AEAD, encryption on one core", rates[0], .megabytesPerSecond)
        session.report("yardstick: UDP with GSO and GRO", rates[1], .megabytesPerSecond)
        session.report(
            "yardstick: blast", rates[2], .megabytesPerSecond,
            limit: .init(value: rates[0], name: Self.aead))
    }

    /// Returns its rate, in MB/s.
    private func measureOne(
        _ session: Session, _ name: String, _ datagram: DatagramSize, target: Double
    ) async throws -> Double {
        var endpoint = endpoint
        endpoint.datagram = datagram
        let figures = try await session.medians(name) {
            let transfer = try await BulkTransfer.measure(
                connections: 1, endpoint, for: session.span)
            // Again beside each run: the clock of the processor may change between them.
            let aead = AEADYardstick.bytesPerSecond(
                datagramBytes: WireFormat.initialDatagram, for: session.span / 8)
            return [
                transfer.bytesPerSecond / 1e6, aead / 1e6, transfer.sender.allocationsPerPacket,
                transfer.receiver.allocationsPerPacket,
                transfer.sender.processorNanosecondsPerPacket,
                transfer.receiver.processorNanosecondsPerPacket,
            ]
        }
        session.report(
            name, figures[0], .megabytesPerSecond,
            limit: .init(value: figures[1], name: Self.aead), target: .atLeast(target))
        session.report("\(name), processor of sender", figures[4], .nanosecondsPerPacket)
        session.report("\(name), processor of receiver", figures[5], .nanosecondsPerPacket)
        if AllocationCounts.areAvailable {
            for (side, count) in [("sender", figures[2]), ("receiver", figures[3])] {
                session.report(
                    "\(name), heap of \(side)", count, .allocationsPerPacket,
                    target: datagram == .discovered ? nil : .atMost(Self.allocationTarget))
            }
        }
        return figures[0]
    }

    private func measureMany(_ session: Session, one: Double) async throws {
        let name = "\(connections) connections"
        let figures = try await session.medians(name) {
            let transfer = try await BulkTransfer.measure(
                connections: connections, endpoint, for: session.span)
            return [transfer.bytesPerSecond / 1e6, jainIndex(transfer.bytesByConnection)]
        }
        session.report(
            "\(name), in total", figures[0], .megabytesPerSecond,
            limit: .init(value: one, name: "one connection"), target: .atLeast(0.9))
        session.report("\(name), Jain's index", figures[1], .none, target: .atLeast(0.95))
    }

    private func measureMemory(_ session: Session) async throws {
        let configuration = endpoint.configuration
        let budget = BenchmarkCase.Limit(
            value: Double(configuration.sendBufferBytes + configuration.receiveBufferBytes),
            name: "its two buffers")
        let figures = try await session.medians("memory of one connection") {
            [
                try await BulkTransfer.memoryGrowth(of: .discard, endpoint, for: session.span / 2),
                try await BulkTransfer.memoryGrowth(of: .source, endpoint, for: session.span / 2),
            ]
        }
        for (side, bytes) in [("receiver", figures[0]), ("sender", figures[1])] {
            session.report(
                "memory of one bulk connection, \(side)", bytes, .bytes, limit: budget,
                target: .atMost(1))
        }
    }

    private func measureThroughLink(_ session: Session) async throws {
        let rates = try await session.medians("through the link") {
            [
                try await BulkTransfer.measure(
                    connections: 1, endpoint, through: link, for: session.span
                ).bytesPerSecond / 1e6
            ]
        }
        let limit = link.conditions.bytesPerSecond.map {
            BenchmarkCase.Limit(value: Double($0) / 1e6, name: "the link")
        }
        session.report("through the link", rates[0], .megabytesPerSecond, limit: limit)
    }
}
