import LRP2PCore

/// A datagram that has arrived at a host.
public struct VirtualDatagram: Sendable {
    public let bytes: [UInt8]
    /// As the receiver sees it, after address translation.
    public let source: SocketAddress
    /// The host it has reached.
    public let destination: SocketAddress
    /// The network changed its content.
    public let isDamaged: Bool
    /// The copy of a datagram that arrives second.
    public let isDuplicate: Bool
}

/// Hosts, directed links between them, and a virtual clock.
///
/// Everything random comes from the seed. Each link draws from streams named after its two ends,
/// so that a further link, or more traffic on another one, leaves the history of a link as it
/// was.
///
/// Not for concurrent use: one history, one network, one thread.
public final class VirtualNetwork {
    /// Datagrams in the air at most, on all links; further ones are dropped and counted.
    public static let maximumDatagramsInFlight = 200_000

    private struct Path: Hashable {
        let source: SocketAddress
        let destination: SocketAddress
    }

    private struct InFlight {
        let link: Int
        let datagram: VirtualDatagram
    }

    public let seed: UInt64
    public let start: Instant
    public private(set) var now: Instant
    /// Datagrams to addresses that no link leads to, or that a NAT has given up.
    public private(set) var unreachable = 0
    private var links: [Link] = []
    private var linkIndices: [Path: Int] = [:]
    private var arrivals = EventQueue<InFlight>()
    private var publicAddresses: [SocketAddress: SocketAddress] = [:]
    private var hostsBehind: [SocketAddress: SocketAddress] = [:]

    public init(seed: UInt64, start: Instant = Instant(nanoseconds: 0)) {
        self.seed = seed
        self.start = start
        now = start
    }

    public var elapsed: Interval { now - start }
    public var datagramsInFlight: Int { arrivals.count }
    /// When the next datagram arrives; `nil` when the air is empty.
    public var nextArrival: Instant? { arrivals.nextTime }

    /// Opens, or replaces, the direction from one host to another.
    public func addLink(
        from source: SocketAddress, to destination: SocketAddress, conditions: LinkConditions
    ) {
        let link = Link(
            conditions: conditions, seed: seed,
            name: Self.name(source) + ">" + Self.name(destination))
        let path = Path(source: source, destination: destination)
        if let index = linkIndices[path] {
            links[index] = link
        } else {
            linkIndices[path] = links.count
            links.append(link)
        }
    }

    /// The counters of one direction; all zero where there is no link.
    public func counters(
        from source: SocketAddress, to destination: SocketAddress
    ) -> LinkCounters {
        guard let index = linkIndices[Path(source: source, destination: destination)] else {
            return LinkCounters()
        }
        return links[index].counters
    }

    /// From now on others see `host` under another address, as after a NAT has forgotten a
    /// binding: what is sent to the former one goes nowhere.
    public func rebind(_ host: SocketAddress, to visible: SocketAddress) {
        if let former = publicAddresses[host] { hostsBehind[former] = nil }
        publicAddresses[host] = visible
        hostsBehind[visible] = host
    }

    /// Gives a datagram to the network at the present moment.
    @discardableResult
    public func send(
        _ bytes: UnsafeRawBufferPointer, from source: SocketAddress, to destination: SocketAddress
    ) -> DatagramFate {
        guard let host = resolve(destination),
              let index = linkIndices[Path(source: source, destination: host)]
        else {
            unreachable += 1
            return .dropped(.unreachable)
        }
        guard arrivals.count < Self.maximumDatagramsInFlight else {
            return links[index].drop(.inFlightLimit)
        }
        let visibleSource = publicAddresses[source] ?? source
        return links[index].send(bytes, now: now, elapsed: elapsed) { copy, arrival in
            arrivals.insert(
                InFlight(
                    link: index,
                    datagram: VirtualDatagram(
                        bytes: Array(copy), source: visibleSource, destination: host,
                        isDamaged: arrival.isDamaged, isDuplicate: arrival.isDuplicate)),
                at: arrival.time)
        }
    }

    /// Moves the clock. It never goes back.
    public func advance(to time: Instant) {
        now = max(now, time)
    }

    /// The next datagram that has arrived by now, in order of arrival.
    public func receive() -> VirtualDatagram? {
        guard let arrived = arrivals.popFirst(upTo: now) else { return nil }
        links[arrived.link].countDelivery(bytes: arrived.datagram.bytes.count)
        return arrived.datagram
    }

    private func resolve(_ address: SocketAddress) -> SocketAddress? {
        if let host = hostsBehind[address] { return host }
        return publicAddresses[address] == nil ? address : nil
    }

    private static func name(_ address: SocketAddress) -> String {
        "\(address.family) \(address.high) \(address.low) \(address.scopeID) \(address.port)"
    }
}
