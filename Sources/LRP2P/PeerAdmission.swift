import Synchronization

/// Which peers a socket has connections with. Everybody, until a list is set.
///
/// A peer is known by the key that it proves to have during the handshake, so the list is asked
/// then: one that is not on it gets no connection in either direction, whatever address it has. The
/// list can be exchanged at any time and holds for handshakes that end from then on; connections
/// there are stay open until their owner closes them.
///
/// Safe to use from any thread. Copies of a ``PeerSocketConfiguration`` share one.
public final class PeerAdmission: Sendable {
    private struct State {
        var allowed: Set<PeerID>?
        var onRefusal: (@Sendable (PeerID, SocketAddress) -> Void)?
    }

    private let state = Mutex(State())

    public init() {}

    /// The peers there may be connections with; `nil` for all.
    public var allowed: Set<PeerID>? {
        get { state.withLock { $0.allowed } }
        set { state.withLock { $0.allowed = newValue } }
    }

    /// Whether there may be connections with this peer now.
    public func allows(_ peer: PeerID) -> Bool {
        state.withLock { $0.allowed?.contains(peer) ?? true }
    }

    /// Calls `handler` for every peer that wanted to connect and may not, with where it was.
    /// Everybody can make that happen as often as they like. Called on the network threads: it must
    /// be quick and must not wait.
    public func onRefusal(_ handler: @escaping @Sendable (PeerID, SocketAddress) -> Void) {
        state.withLock { $0.onRefusal = handler }
    }

    /// Network thread: a peer's handshake is about to end.
    func admits(publicKey: [UInt8], at source: SocketAddress) -> Bool {
        // Without a list there is no need for the peer's id, which takes a hash.
        guard state.withLock({ $0.allowed != nil }) else { return true }
        let peer = PeerID(publicKey: publicKey)
        guard !allows(peer) else { return true }
        state.withLock { $0.onRefusal }?(peer, source)
        return false
    }
}
