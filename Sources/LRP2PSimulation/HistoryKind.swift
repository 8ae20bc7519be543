/// The families of histories. Within a family, the seed decides everything.
public enum HistoryKind: String, CaseIterable, Sendable {
    /// Anything: see `Scenario.random`.
    case random
    /// A reader stops until the window is closed, then goes on.
    case zeroWindow = "zero-window"
    /// The same, and the word that the window is open again is lost.
    case lostWindowUpdate = "lost-window-update"
    /// Sequence numbers pass 2³².
    case sequenceWrap = "sequence-wrap"
    /// One direction goes dead for a while, or for good.
    case oneWayPartition = "one-way-partition"
    /// 30 % loss from the first datagram on.
    case lossyHandshake = "lossy-handshake"
    /// The first copies of each handshake message are damaged.
    case corruptedHandshake = "corrupted-handshake"
    /// The first copies of message 3 are lost.
    case lostMessage3 = "lost-message-3"
    /// As much as possible, both ways at the same time.
    case bulkBothWays = "bulk-both-ways"
    /// Fifty connections between the same two hosts.
    case manyConnections = "many-connections"
    /// Three hosts, each connecting to each other at the same time.
    case mesh
    /// Nothing to say for many idle timeouts, and keepalives that hold the connection.
    case keepAlive = "keep-alive"
    /// Hosts get other addresses in the middle of a transfer, once or several times.
    case addressChange = "address-change"
    /// The path shrinks to 1300 bytes in the middle of a transfer, without a word.
    case mtuBlackHole = "mtu-black-hole"
    /// Paths that take more than 1400 bytes, or just those.
    case mtuSearch = "mtu-search"
    /// Keys that are changed after few packets, or after little time.
    case rekey
    /// A peer disappears in the middle of a handshake.
    case halfOpen = "half-open"
    /// A host loses its connections and starts anew.
    case restart
    /// Datagrams that arrive a thousand datagrams late.
    case deepReordering = "deep-reordering"
    /// Half of the short datagrams of one direction are lost.
    case ackLoss = "ack-loss"
    /// Clocks that go forward by seconds or minutes at once.
    case clockJumps = "clock-jumps"
    /// A queue that marks instead of dropping, and routers that treat the ECN field badly.
    case ecn
    /// Each side ends its stream after its last byte.
    case finish
    /// One side, or both at once, close in whatever state the connection is.
    case closing
}
