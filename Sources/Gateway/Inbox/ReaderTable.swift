/// Who reads one stream, and how far each has come. A plain value without clocks or locks.
///
/// What every reader has acknowledged can be freed. A reader that is behind another one and
/// acknowledges nothing for too long holds it back: it is expired, and not waited for any more.
struct ReaderTable {
    /// The reader of requests that name none. It is waited for from its first acknowledgement on.
    static let unnamed = ""

    static let maximumNameLength = 64

    static func isName(_ text: String) -> Bool {
        (1...maximumNameLength).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
                    UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    private struct Reader {
        var acknowledged: UInt64
        /// Since when it has been behind another one without acknowledging anything.
        var behindSince: ContinuousClock.Instant?
    }

    enum Refusal: Error, Equatable {
        /// It was expired. It can begin again at a position of its choice.
        case expired
        case tooManyReaders(limit: Int)
    }

    private let limit: Int
    private let timeout: Duration
    private var readers: [String: Reader] = [:]
    /// Names of expired readers that have not come back. No more than there may be readers.
    private var expired: [String] = []

    init(limit: Int, timeout: Duration) {
        self.limit = limit
        self.timeout = timeout
    }

    /// As it was kept.
    init(limit: Int, timeout: Duration, positions: [String: UInt64]) {
        self.init(limit: limit, timeout: timeout)
        readers = positions.mapValues { Reader(acknowledged: $0) }
    }

    var positions: [String: UInt64] { readers.mapValues(\.acknowledged) }

    /// Everything before has been acknowledged by every reader; `nil` when there is none.
    var released: UInt64? { readers.values.map(\.acknowledged).min() }

    /// Everything before has been acknowledged by some reader; `nil` when there is none.
    var foremost: UInt64? { readers.values.map(\.acknowledged).max() }

    func position(of name: String) -> UInt64? { readers[name]?.acknowledged }

    /// From now on the reader is waited for. Does nothing when it is so already.
    ///
    /// - Parameter begins: it says itself where, which is what an expired one has to do.
    mutating func join(
        _ name: String, at position: UInt64, begins: Bool, now: ContinuousClock.Instant
    ) throws(Refusal) {
        guard readers[name] == nil else { return }
        guard begins || !expired.contains(name) else { throw .expired }
        guard readers.count < limit else { throw .tooManyReaders(limit: limit) }
        expired.removeAll { $0 == name }
        readers[name] = Reader(acknowledged: position)
        noteProgress(of: name, now: now)
    }

    /// The reader needs nothing before `position` any more. Going backwards changes nothing.
    mutating func acknowledge(
        _ name: String, upTo position: UInt64, now: ContinuousClock.Instant
    ) {
        guard let reader = readers[name], position > reader.acknowledged else { return }
        readers[name]?.acknowledged = position
        noteProgress(of: name, now: now)
    }

    /// False when there is no such reader.
    mutating func remove(_ name: String) -> Bool {
        readers.removeValue(forKey: name) != nil
    }

    /// Expires whoever has held others back for too long.
    mutating func expire(now: ContinuousClock.Instant) -> [String] {
        let late = readers.filter { $0.value.behindSince.map { now - $0 >= timeout } ?? false }
        for name in late.keys.sorted() {
            readers[name] = nil
            if expired.count == limit { expired.removeFirst() }
            expired.append(name)
        }
        return late.keys.sorted()
    }

    private mutating func noteProgress(of name: String, now: ContinuousClock.Instant) {
        readers[name]?.behindSince = nil
        let foremost = foremost ?? 0
        for (other, reader) in readers where reader.acknowledged < foremost {
            if reader.behindSince == nil { readers[other]?.behindSince = now }
        }
    }
}
