/// Remembers which nonces were received, so that no datagram counts twice (RFC 6479).
///
/// The window slides: a nonce more than `size` below the highest is taken for a replay. Ask it
/// only after authentication, or a forger could move it.
public struct ReplayWindow {
    /// How far a datagram may fall behind the newest one: reordering by more than this is loss.
    public static let size = 8192 - 64

    private static let wordCount = 128
    private var words = [UInt64](repeating: 0, count: wordCount)
    private var highest: UInt64?

    public init() {}

    /// Whether this nonce is new; if so it is not the next time.
    public mutating func insert(_ nonce: UInt64) -> Bool {
        let word = nonce / 64
        if let highest {
            if nonce > highest {
                // The words in between were last used for nonces that are now out of the window.
                let steps = min(word - highest / 64, UInt64(Self.wordCount))
                for step in 0..<steps { words[Int((word - step) % UInt64(Self.wordCount))] = 0 }
                self.highest = nonce
            } else if highest - nonce >= UInt64(Self.size) {
                return false
            }
        } else {
            highest = nonce
        }
        let index = Int(word % UInt64(Self.wordCount))
        let bit = UInt64(1) << (nonce % 64)
        if words[index] & bit != 0 { return false }
        words[index] |= bit
        return true
    }
}
