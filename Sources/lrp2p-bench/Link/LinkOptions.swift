import ArgumentParser
import LRP2PSimulation

/// The conditions of a link, the same in both directions, as command-line options.
struct LinkOptions: ParsableArguments {
    @Option(help: "Share of datagrams that are lost, such as 5%.")
    var loss = Share.none

    @Option(help: "Share of datagrams that arrive twice.")
    var duplicate = Share.none

    @Option(help: "Share of datagrams that are held back beyond the others.")
    var reorder = Share.none

    @Option(help: "How much longer those take.")
    var reorderDelay = Span(.milliseconds(10))

    @Option(help: "Share of datagrams that arrive with flipped bits or a cut-off end.")
    var corrupt = Share.none

    @Option(help: "Delay in each direction, such as 20ms.")
    var delay = Span(.zero)

    @Option(help: "The delay varies by up to this much, both ways.")
    var jitter = Span(.zero)

    @Option(help: "Rate of each direction, such as 100mbit; unlimited by default.")
    var bandwidth: BitRate?

    @Option(help: "Bytes that may wait when the rate is limited.")
    var queue = 256 * 1024

    @Option(help: "Seed of all decisions.")
    var seed: UInt64 = 1

    var conditions: LinkConditions {
        var conditions = LinkConditions()
        conditions.loss = .independent(loss.value)
        conditions.duplication = duplicate.value
        conditions.reordering = reorder.value
        conditions.reorderingDelay = reorderDelay.interval
        conditions.corruption = corrupt.value
        conditions.delay = delay.interval
        conditions.jitter = jitter.interval
        conditions.bytesPerSecond = bandwidth?.bytesPerSecond
        conditions.queueBytes = queue
        return conditions
    }

    func validate() throws {
        guard queue > 0 else { throw ValidationError("--queue: at least 1 byte") }
    }
}
