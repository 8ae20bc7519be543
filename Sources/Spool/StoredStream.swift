/// A stream as it was found when the spool was opened.
public struct StoredStream: Sendable, Equatable {
    /// As given to ``Spool/begin(_:details:)``.
    public let name: String
    /// The owner's, as given to ``Spool/begin(_:details:)`` or ``Spool/update(_:details:)`` last.
    public let details: [UInt8]
    /// The bytes that can be read.
    public let range: Range<UInt64>
    /// The stream had ended, and all of it was kept.
    public let isComplete: Bool
    /// The positions of readers.
    public let readers: [String: UInt64]
}
