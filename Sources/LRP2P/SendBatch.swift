import CLinux
import Glibc

/// Datagrams on their way into one system call. Bounded: when it is full it must be flushed first.
///
/// They lie back to back, as they were written. Neighbours with one destination and one length are
/// a *run*, which leaves as one message that the kernel cuts up again (UDP_SEGMENT): a train.
package struct SendBatch: ~Copyable {
    /// Room for datagrams. Small enough to stay in a core's second-level cache from the encryption
    /// to the kernel's copy, large enough for a system call's cost not to show.
    static let arenaBytes = 256 << 10
    /// The longest datagram: the largest UDP payload over IPv4. A train is no longer either.
    package static let maximumDatagramBytes = 65_507
    /// Datagrams in a train: the kernel's UDP_MAX_SEGMENTS was 64 before Linux 6.9.
    static let trainDatagrams = 64
    /// Messages per batch.
    package static let maximumRuns = 64
    /// Paths that are remembered for having refused a train.
    static let refusedPathLimit = 16

    private let arena: UnsafeMutablePointer<clinux_arena>
    private let runLimit: Int
    private var usedBytes = 0
    private var firstUnsent = 0
    private var count = 0
    /// The destination of the last run, to which the next datagram may be added.
    private var openDestination: SocketAddress?
    private var openDatagrams = 0
    /// How much of the first unsent run has left one by one; `nil` when it is to leave as a whole.
    private var bytesSentSingly: Int?
    private var hasSentOneSingly = false
    private var probes = RunSet()
    private var refusedPaths: [SocketAddress] = []
    private var hasSentTrain = false
    /// Datagrams the kernel would not take: no route, a firewall's veto, larger than the path.
    package private(set) var failures: UInt64 = 0

    /// - Parameter runs: messages per system call, `1...64`.
    package init(runs: Int = SendBatch.maximumRuns) throws(ListenError) {
        precondition((1...SendBatch.maximumRuns).contains(runs))
        guard let arena = clinux_arena_create(SendBatch.arenaBytes, UInt32(runs)) else {
            throw .system(operation: "malloc", errno: ENOMEM)
        }
        self.arena = arena
        runLimit = runs
        refusedPaths.reserveCapacity(SendBatch.refusedPathLimit)
    }

    deinit {
        clinux_arena_free(arena)
    }

    package var isEmpty: Bool { firstUnsent == count }

    /// Whether there may be no room for one more datagram of any length and destination.
    package var isFull: Bool {
        count == runLimit || SendBatch.arenaBytes - usedBytes < SendBatch.maximumDatagramBytes
    }

    /// Where the next datagram is to be written: at least ``maximumDatagramBytes``. Only while the
    /// batch is not full.
    package var nextSlot: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(
            start: arena.pointee.bytes + usedBytes, count: SendBatch.arenaBytes - usedBytes)
    }

    /// Takes in the datagram that was written to ``nextSlot``.
    ///
    /// - Parameters:
    ///   - isPathProbe: it leaves whole or not at all, and is no failure if not.
    ///   - isECNCapable: it leaves with ECT(0), where the kernel lets it.
    @inline(__always)
    package mutating func append(
        length: Int, to destination: SocketAddress, from socket: UDPSocket,
        isPathProbe: Bool = false, isECNCapable: Bool = false
    ) {
        if !isPathProbe, openDestination == destination, extendRun(by: length, isECNCapable) {
            return
        }
        beginRun(length, destination, socket, isPathProbe, isECNCapable)
    }

    @inline(__always)
    private mutating func extendRun(by length: Int, _ isECNCapable: Bool) -> Bool {
        let run = arena.pointee.runs + (count - 1)
        let size = Int(run.pointee.segment_length), total = Int(run.pointee.length) + length
        guard length > 0, length <= size, openDatagrams < SendBatch.trainDatagrams,
            total <= SendBatch.maximumDatagramBytes, run.pointee.marked == isECNCapable
        else { return false }
        run.pointee.length = UInt32(truncatingIfNeeded: total)
        usedBytes += length
        openDatagrams += 1
        // A shorter one can only be the last.
        if length < size { openDestination = nil }
        return true
    }

    private mutating func beginRun(
        _ length: Int, _ destination: SocketAddress, _ socket: UDPSocket, _ isPathProbe: Bool,
        _ isECNCapable: Bool
    ) {
        arena.pointee.runs[count] = clinux_run(
            offset: UInt32(usedBytes), length: UInt32(length), segment_length: UInt32(length),
            address_length: destination.store(
                into: arena.addresses + count, mapped: socket.isIPv6),
            marked: isECNCapable)
        if isPathProbe { probes.insert(count) }
        openDestination = isPathProbe || length == 0 ? nil : destination
        openDatagrams = 1
        usedBytes += length
        count += 1
    }

    private mutating func reset() {
        usedBytes = 0
        firstUnsent = 0
        count = 0
        openDestination = nil
        bytesSentSingly = nil
        probes = RunSet()
    }

    /// Sends everything, without blocking. A datagram the kernel refuses is dropped and counted: to
    /// the protocol it is lost like any other.
    ///
    /// - Returns: false when the socket buffer is full; what is left stays for the next call.
    package mutating func flush(to socket: UDPSocket) -> Bool {
        while firstUnsent < count {
            let isDone =
                if bytesSentSingly != nil || !mayLeaveWhole(firstUnsent, socket) {
                    sendSingly(to: socket)
                } else if probes.contains(firstUnsent) {
                    sendProbe(to: socket)
                } else {
                    sendRuns(to: socket)
                }
            guard isDone else { return false }
        }
        reset()
        return true
    }

    /// Sends everything, and gives up what the socket does not take at once.
    package mutating func flushOrDiscard(to socket: UDPSocket) -> (sent: Int, failed: Int) {
        let total = unsentDatagrams, failuresBefore = failures
        let unsent = flush(to: socket) ? 0 : unsentDatagrams
        reset()
        let failed = unsent + Int(failures - failuresBefore)
        return (total - failed, failed)
    }

    // MARK: Ways out; each returns false when the socket buffer is full

    /// Sends the first unsent run and those after it that may leave in the same way.
    private mutating func sendRuns(to socket: UDPSocket) -> Bool {
        var end = firstUnsent + 1
        while end < count, !probes.contains(end), mayLeaveWhole(end, socket) { end += 1 }
        let sent = clinux_arena_send_runs(
            arena, socket.descriptor, UInt32(firstUnsent), UInt32(end), socket.takesCodepoints)
        if sent > 0 {
            let next = firstUnsent + Int(sent)
            if !hasSentTrain { hasSentTrain = (firstUnsent..<next).contains { isTrain($0) } }
            firstUnsent = next
            return true
        }
        switch -sent {
        case EAGAIN: return false
        case EINVAL, EMSGSIZE, EIO:
            // The error may be about the train (no offload, a smaller path) or about the mark,
            // not about the datagrams.
            if isTrain(firstUnsent) && -sent == EIO { socket.giveUpTrains() }
            bytesSentSingly = 0
        default:
            failures += UInt64(datagrams(in: firstUnsent))
            firstUnsent += 1
        }
        return true
    }

    /// Sends the first unsent run datagram by datagram.
    private mutating func sendSingly(to socket: UDPSocket) -> Bool {
        let run = arena.pointee.runs[firstUnsent]
        var offset = bytesSentSingly ?? 0
        var hasTriedUnmarked = false
        repeat {
            let isMarked = socket.takesCodepoints && !hasTriedUnmarked
            let sent = clinux_arena_send_pieces(
                arena, socket.descriptor, UInt32(firstUnsent), UInt32(offset), isMarked)
            bytesSentSingly = offset
            if sent == -EAGAIN { return false }
            if sent == -EINVAL, isMarked, run.marked {
                hasTriedUnmarked = true
                continue
            }
            if sent > 0 {
                hasSentOneSingly = true
                // It went without the mark that it did not go with.
                if hasTriedUnmarked { socket.giveUpCodepoints() }
            } else {
                failures += 1
            }
            hasTriedUnmarked = false
            offset += max(1, Int(sent)) * Int(run.segment_length)
        } while offset < Int(run.length)
        if isTrain(firstUnsent), hasSentOneSingly { noteRefusal(socket) }
        hasSentOneSingly = false
        bytesSentSingly = nil
        firstUnsent += 1
        return true
    }

    /// Sends the first unsent run, a path probe. If the kernel knows that the path is too small,
    /// the probe is lost like one that a router dropped.
    private mutating func sendProbe(to socket: UDPSocket) -> Bool {
        var modes = clinux_path_modes()
        // Without the option the probe could be fragmented and prove nothing: better none.
        guard clinux_begin_path_probe(socket.descriptor, socket.isIPv6, &modes) == 0 else {
            firstUnsent += 1
            return true
        }
        let sent = clinux_arena_send_pieces(
            arena, socket.descriptor, UInt32(firstUnsent), 0, socket.takesCodepoints)
        clinux_end_path_probe(socket.descriptor, &modes)
        if sent == -EAGAIN { return false }
        if sent < 0, sent != -EMSGSIZE { failures += 1 }
        firstUnsent += 1
        return true
    }

    // MARK: What the kernel takes

    private func isTrain(_ run: Int) -> Bool {
        arena.pointee.runs[run].length > arena.pointee.runs[run].segment_length
    }

    private func datagrams(in run: Int) -> Int {
        let length = Int(arena.pointee.runs[run].length)
        let size = Int(arena.pointee.runs[run].segment_length)
        return size == 0 ? 1 : (length + size - 1) / size
    }

    private var unsentDatagrams: Int {
        guard firstUnsent < count else { return 0 }
        let total = (firstUnsent..<count).reduce(0) { $0 + datagrams(in: $1) }
        let size = max(1, Int(arena.pointee.runs[firstUnsent].segment_length))
        return total - (bytesSentSingly ?? 0) / size
    }

    private func mayLeaveWhole(_ run: Int, _ socket: UDPSocket) -> Bool {
        guard isTrain(run) else { return true }
        guard socket.takesTrains else { return false }
        guard !refusedPaths.isEmpty else { return true }
        return destination(of: run).map { !refusedPaths.contains($0) } ?? true
    }

    private func destination(of run: Int) -> SocketAddress? {
        SocketAddress(
            arena.addresses + run, length: arena.pointee.runs[run].address_length)
    }

    /// A train was refused whose datagrams went one by one. That may be the path, which is then
    /// smaller than the datagrams; when it is every path, it is the socket.
    private mutating func noteRefusal(_ socket: UDPSocket) {
        guard socket.takesTrains,
            let path = destination(of: firstUnsent), !refusedPaths.contains(path)
        else { return }
        if refusedPaths.count == SendBatch.refusedPathLimit {
            if !hasSentTrain { socket.giveUpTrains() }
            refusedPaths.removeFirst()
        }
        refusedPaths.append(path)
    }
}

/// A set of run numbers.
private struct RunSet {
    private var bits: UInt64 = 0

    func contains(_ run: Int) -> Bool { bits >> UInt64(run) & 1 != 0 }
    mutating func insert(_ run: Int) { bits |= 1 << UInt64(run) }
}

extension UnsafeMutablePointer<clinux_arena> {
    /// The destination of each run.
    @inline(__always)
    fileprivate var addresses: UnsafeMutablePointer<sockaddr_storage> {
        pointee.addresses.assumingMemoryBound(to: sockaddr_storage.self)
    }
}
