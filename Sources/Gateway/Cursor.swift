/// A position in a sequence that exists only as long as this process: `<epoch>-<n>`.
///
/// Clients hand cursors back as they got them. The epoch is random for each sequence, so that a
/// cursor from before a restart, or of another connection, is refused and never silently means
/// other bytes.
public struct Cursor: Hashable, Sendable, CustomStringConvertible {
    /// The sequence that the position is in.
    public let epoch: Epoch
    /// Counts from 0.
    public let position: UInt64

    public init(epoch: Epoch, position: UInt64) {
        self.epoch = epoch
        self.position = position
    }

    /// Parses exactly what `description` writes: eight lowercase hexadecimal digits, a hyphen, and
    /// a decimal number below 2⁶⁴ without leading zeros.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let epoch = Epoch(parts[0]) else { return nil }
        let digits = parts[1].utf8
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            digits.count == 1 || digits.first != 0x30, let position = UInt64(parts[1])
        else { return nil }
        self.init(epoch: epoch, position: position)
    }

    public var description: String { "\(epoch)-\(position)" }
}

/// Names one life of a sequence.
public struct Epoch: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Written as eight hexadecimal digits.
    public let value: UInt32

    public init(value: UInt32) {
        self.value = value
    }

    /// One that the last life of the sequence almost certainly did not have.
    public static func random() -> Epoch {
        Epoch(value: .random(in: .min ... .max))
    }

    init?(_ text: some StringProtocol) {
        let isHex = text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
        }
        guard text.utf8.count == 8, isHex, let value = UInt32(text, radix: 16) else { return nil }
        self.value = value
    }

    public var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
