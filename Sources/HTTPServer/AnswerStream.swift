/// A streamed answer between the task that makes its pieces and libmicrohttpd, which takes them:
/// at most one piece is held, and the next one is made only when TCP has taken it. A plain value.
struct AnswerStream {
    /// What libmicrohttpd's reader callback must return.
    enum Pull: Equatable {
        /// So many bytes were written to its buffer.
        case bytes(Int)
        /// There are none yet: suspend the connection.
        case suspend
        case end
        /// Break the connection off.
        case abort
    }

    private enum Source { case open, ended, failed }

    private var piece: [UInt8]
    private var sent = 0
    private var source = Source.open
    private var isWanted = false
    private var producerWaits = false

    init(startingWith piece: [UInt8]) { self.piece = piece }

    /// Whether more pieces may come.
    var isOpen: Bool { source == .open }

    /// libmicrohttpd asks for bytes, all earlier ones having been taken.
    /// `wakes`: the producer that waits is to go on.
    mutating func pull(into buffer: UnsafeMutableRawBufferPointer) -> (Pull, wakes: Bool) {
        if sent < piece.count {
            let count = min(buffer.count, piece.count - sent)
            piece.withUnsafeBytes { bytes in
                buffer.copyMemory(from: .init(rebasing: bytes[sent..<sent + count]))
            }
            sent += count
            return (.bytes(count), false)
        }
        piece = []
        sent = 0
        switch source {
        case .open:
            isWanted = true
            return (.suspend, takeWaiter())
        case .ended: return (.end, false)
        case .failed: return (.abort, false)
        }
    }

    /// The producer asks whether to make a piece: `nil` when it has to wait.
    mutating func demand() -> Bool? {
        guard isOpen else { return false }
        producerWaits = !isWanted
        return isWanted ? true : nil
    }

    /// The producer has made a piece. True when there is something to take now.
    mutating func offer(_ next: [UInt8]) -> Bool {
        guard isOpen, isWanted, !next.isEmpty else { return false }
        piece = next
        isWanted = false
        return true
    }

    /// No more pieces. True when a producer that waits is to be told so.
    mutating func close(failed: Bool) -> Bool {
        guard isOpen else { return false }
        source = failed ? .failed : .ended
        return takeWaiter()
    }

    private mutating func takeWaiter() -> Bool {
        defer { producerWaits = false }
        return producerWaits
    }
}
