import LRP2PCore

/// What the hosts of one history share.
final class HistoryContext {
    let scenario: Scenario
    let network: VirtualNetwork
    var trace: Trace
    /// Who opened which connection on the wire: so the responder knows what it has accepted.
    var initiators: [UInt64: SimulatedConnection] = [:]
    /// Both sides, by plan.
    var sides: [(initiator: SimulatedConnection?, responder: SimulatedConnection?)]
    var responders: [UInt64: SimulatedConnection] = [:]
    var monitor: WireMonitor
    /// The connection id of the datagram being handled.
    var currentWireID: UInt64?
    let datagramBuffer: UnsafeMutableRawBufferPointer
    let scratch: UnsafeMutableRawBufferPointer

    /// What UDP over IPv4 carries.
    static let maximumDatagram = 65_507

    init(scenario: Scenario, trace: Trace) {
        self.scenario = scenario
        self.trace = trace
        network = VirtualNetwork(seed: scenario.seed, start: scenario.clockStart)
        sides = Array(repeating: (nil, nil), count: scenario.connections.count)
        monitor = WireMonitor(hosts: scenario.hosts)
        datagramBuffer = .allocate(
            byteCount: max(Endpoint.maximumDatagramSize, Self.maximumDatagram), alignment: 16)
        scratch = .allocate(byteCount: 65_536, alignment: 16)
    }

    deinit {
        datagramBuffer.deallocate()
        scratch.deallocate()
    }

    /// The other side of a connection, once there is one.
    func twin(of side: SimulatedConnection) -> SimulatedConnection? {
        side.role == .initiator ? responders[side.wireID] : initiators[side.wireID]
    }

    func pattern(plan: Int, writer: String) -> StreamPattern {
        var hash = StableHash()
        hash.combine("content \(plan) \(writer)")
        return StreamPattern(key: hash.value ^ scenario.seed)
    }

    func record(_ event: @autoclosure () -> TraceEvent, words: UInt64...) {
        trace.record(event(), elapsed: network.elapsed, words: words)
    }
}
