import LRP2PCore

/// What the hosts of one history share.
final class HistoryContext {
    let scenario: Scenario
    let network: VirtualNetwork
    var trace: Trace
    /// Who opened which connection on the wire: so the responder knows what it has accepted.
    var initiators: [UInt64: SimulatedConnection] = [:]
    /// The connection id of the datagram being handled.
    var currentWireID: UInt64?
    let datagramBuffer: UnsafeMutableRawBufferPointer
    let scratch: UnsafeMutableRawBufferPointer

    init(scenario: Scenario, trace: Trace) {
        self.scenario = scenario
        self.trace = trace
        network = VirtualNetwork(seed: scenario.seed, start: scenario.clockStart)
        datagramBuffer = .allocate(byteCount: 2048, alignment: 16)
        scratch = .allocate(byteCount: 65_536, alignment: 16)
    }

    deinit {
        datagramBuffer.deallocate()
        scratch.deallocate()
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
