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
    /// The ECN field as it arrives.
    public let ecn: ECNCodepoint
    /// What the sender called it; the network does not look at it.
    public let label: UInt64
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

    /// A link of its own for each pair of hosts, behind a shared one, if any.
    private struct Route {
        let link: Int
        let bottleneck: Int?
    }

    private struct Binding {
        let host: SocketAddress
        /// When the NAT forgets it.
        let expiry: Instant
    }

    public let seed: UInt64
    public let start: Instant
    public private(set) var now: Instant
    /// Datagrams to addresses that no link leads to, or that a NAT has given up.
    public private(set) var unreachable = 0
    private var links: [Link] = []
    private var bottlenecks: [Link] = []
    private var routes: [Path: Route] = [:]
    private var arrivals = EventQueue<InFlight>()
    private var publicAddresses: [SocketAddress: SocketAddress] = [:]
    private var bindings: [SocketAddress: Binding] = [:]

    public init(seed: UInt64, start: Instant = Instant(nanoseconds: 0)) {
        self.seed = seed
        self.start = start
        now = start
    }

    public var elapsed: Interval { now - start }
    public var datagramsInFlight: Int { arrivals.count }
    /// When the next datagram arrives; `nil` when the air is empty.
    public var nextArrival: Instant? { arrivals.nextTime }

    /// Adds a link that several pairs of hosts share, and returns its index.
    ///
    /// What it does comes before what the link of the pair does: the delays of the pairs are best
    /// put into theirs.
    ///
    /// - Precondition: it neither damages nor duplicates, which are the link's of the pair to do.
    public func addBottleneck(conditions: LinkConditions) -> Int {
        precondition(conditions.corruption == 0 && conditions.duplication == 0)
        bottlenecks.append(
            Link(conditions: conditions, seed: seed, name: "bottleneck \(bottlenecks.count)"))
        return bottlenecks.count - 1
    }

    /// Opens, or replaces, the direction from one host to another.
    ///
    /// - Parameters:
    ///   - source: the sending host, by its own address.
    ///   - destination: the receiving host, by its own address.
    ///   - conditions: what the link does to datagrams.
    ///   - bottleneck: the index of a shared link that comes first; `nil` for none.
    public func addLink(
        from source: SocketAddress, to destination: SocketAddress, conditions: LinkConditions,
        bottleneck: Int? = nil
    ) {
        precondition(bottleneck.map(bottlenecks.indices.contains) ?? true, "no such bottleneck")
        let link = Link(
            conditions: conditions, seed: seed,
            name: Self.name(source) + ">" + Self.name(destination))
        let path = Path(source: source, destination: destination)
        let index = routes[path]?.link ?? links.count
        if index == links.count { links.append(link) } else { links[index] = link }
        routes[path] = Route(link: index, bottleneck: bottleneck)
    }

    /// The counters of one direction; all zero where there is no link.
    public func counters(
        from source: SocketAddress, to destination: SocketAddress
    ) -> LinkCounters {
        guard let route = routes[Path(source: source, destination: destination)] else {
            return LinkCounters()
        }
        return links[route.link].counters
    }

    public func counters(ofBottleneck index: Int) -> LinkCounters {
        bottlenecks[index].counters
    }

    /// Bytes that have left a shared link, which is not what still waits for it.
    func departedBytes(ofBottleneck index: Int) -> Double {
        Double(bottlenecks[index].counters.queuedBytes)
            - bottlenecks[index].backlogBytes(now: now, elapsed: elapsed)
    }

    /// From now on its longest queueing time is that of what comes.
    func forgetLongestQueueingTime(ofBottleneck index: Int) {
        bottlenecks[index].forgetLongestQueueingTime()
    }

    /// The address under which others see and reach a host.
    public func visibleAddress(of host: SocketAddress) -> SocketAddress {
        publicAddresses[host] ?? host
    }

    /// From now on others see `host` under another address, as after a NAT has forgotten a
    /// binding.
    ///
    /// - Parameters:
    ///   - host: by its own address.
    ///   - visible: the address that others see from now on.
    ///   - grace: so long datagrams to the former address still reach the host; after it they go
    ///     nowhere.
    public func rebind(
        _ host: SocketAddress, to visible: SocketAddress, grace: Interval = .zero
    ) {
        bindings[visibleAddress(of: host)] = Binding(host: host, expiry: now + grace)
        publicAddresses[host] = visible
        bindings[visible] = Binding(host: host, expiry: .distantFuture)
    }

    /// Gives a datagram to the network at the present moment.
    ///
    /// - Parameters:
    ///   - bytes: are copied.
    ///   - source: the sending host, by its own address.
    ///   - destination: as the sender sees it, which may be an address of a NAT.
    ///   - ecn: the ECN field it is sent with.
    ///   - label: arrives with every copy of it.
    @discardableResult
    public func send(
        _ bytes: UnsafeRawBufferPointer, from source: SocketAddress,
        to destination: SocketAddress, ecn: ECNCodepoint = .notECT, label: UInt64 = 0
    ) -> DatagramFate {
        guard let host = host(behind: destination),
              let route = routes[Path(source: source, destination: host)]
        else {
            unreachable += 1
            return .dropped(.unreachable)
        }
        guard arrivals.count < Self.maximumDatagramsInFlight else {
            return links[route.link].drop(.inFlightLimit)
        }
        let visibleSource = visibleAddress(of: source)
        func land(_ copy: UnsafeRawBufferPointer, _ arrival: LinkArrival) {
            arrivals.insert(
                InFlight(
                    link: route.link,
                    datagram: VirtualDatagram(
                        bytes: Array(copy), source: visibleSource, destination: host,
                        isDamaged: arrival.isDamaged, isDuplicate: arrival.isDuplicate,
                        ecn: arrival.ecn, label: label)),
                at: arrival.time)
        }
        guard let bottleneck = route.bottleneck else {
            return links[route.link].send(
                bytes, ecn: ecn, now: now, elapsed: elapsed, deliver: land)
        }
        var fate: DatagramFate?
        let shared = bottlenecks[bottleneck].send(bytes, ecn: ecn, now: now, elapsed: elapsed) {
            copy, exit in
            fate = links[route.link].send(
                copy, ecn: exit.ecn, now: exit.time, elapsed: exit.time - start, deliver: land)
        }
        return fate ?? shared
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

    /// The host that a datagram to this address reaches now; `nil` where a NAT has forgotten it.
    func host(behind address: SocketAddress) -> SocketAddress? {
        guard let binding = bindings[address] else {
            return publicAddresses[address] == nil ? address : nil
        }
        return binding.expiry > now ? binding.host : nil
    }

    private static func name(_ address: SocketAddress) -> String {
        "\(address.family) \(address.high) \(address.low) \(address.scopeID) \(address.port)"
    }
}
