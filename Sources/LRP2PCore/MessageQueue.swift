/// Unreliable messages that wait for whoever takes them: the network thread or the application.
///
/// What waits is bounded in number and in bytes. A new message always finds a place; the oldest
/// ones give way, because of what may be lost the newest is worth the most.
package struct MessageQueue: Sendable {
    /// Messages that may wait.
    package static let maximumMessages = 256
    /// Bytes they may have together; several times what one datagram carries.
    package static let maximumBytes = 1 << 20

    private var messages: [[UInt8]] = []
    /// Those before it have been taken; removing each from the front would move all others.
    private var first = 0
    package private(set) var bytes = 0
    /// Messages that gave way.
    package private(set) var dropped: UInt64 = 0

    package init() {}

    package var count: Int { messages.count - first }
    package var isEmpty: Bool { count == 0 }
    /// The oldest one, which stays.
    package var oldest: [UInt8]? { isEmpty ? nil : messages[first] }

    /// - Parameter message: at most ``maximumBytes`` long.
    package mutating func append(_ message: [UInt8]) {
        precondition(message.count <= Self.maximumBytes)
        while count == Self.maximumMessages || bytes + message.count > Self.maximumBytes {
            _ = takeFirst()
            dropped += 1
        }
        messages.append(message)
        bytes += message.count
    }

    /// The oldest one.
    package mutating func takeFirst() -> [UInt8]? {
        guard count > 0 else { return nil }
        var message: [UInt8] = []
        swap(&message, &messages[first])
        first += 1
        bytes -= message.count
        if first >= Self.maximumMessages || first == messages.count {
            messages.removeFirst(first)
            first = 0
        }
        return message
    }

    /// All of them, oldest first.
    package mutating func takeAll() -> ArraySlice<[UInt8]> {
        let all = messages[first...]
        messages = []
        first = 0
        bytes = 0
        return all
    }

    /// One was lost on its way out of the queue.
    package mutating func countDrop() {
        dropped += 1
    }
}
