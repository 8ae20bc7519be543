import LRP2P

/// What the second process tells about itself, in one line of numbers.
struct PeerReport: Sendable, Equatable {
    var process = ProcessFigures()
    /// Application bytes received.
    var bytes: UInt64 = 0
    /// Connections that are open.
    var connections: UInt64 = 0
    /// Datagrams, of all connections.
    var packetsSent: UInt64 = 0
    var packetsReceived: UInt64 = 0

    init() {}

    private static let members: [WritableKeyPath<PeerReport, UInt64> & Sendable] = [
        \.process.processorNanoseconds, \.process.residentBytes, \.process.peakResidentBytes,
        \.process.allocations, \.bytes, \.connections, \.packetsSent, \.packetsReceived,
    ]

    var line: String {
        ([String(process.time.nanoseconds)] + Self.members.map { String(self[keyPath: $0]) })
            .joined(separator: " ")
    }

    init?(line: String) {
        let words = line.split(separator: " ")
        guard words.count == Self.members.count + 1, let time = Int64(words[0]) else { return nil }
        process.time = Instant(nanoseconds: time)
        for (member, word) in zip(Self.members, words.dropFirst()) {
            guard let value = UInt64(word) else { return nil }
            self[keyPath: member] = value
        }
    }

    /// Bytes received per second since an earlier report.
    func bytesPerSecond(since earlier: PeerReport) -> Double {
        let seconds = (process.time - earlier.process.time).inSeconds
        return seconds > 0 ? Double(bytes - earlier.bytes) / seconds : 0
    }
}
