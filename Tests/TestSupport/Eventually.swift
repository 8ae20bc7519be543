/// A condition did not come to hold within the time that any machine needs.
public struct NotInTime: Error, CustomStringConvertible {
    public let description: String
}

/// Waits for a condition that something else will bring about, by looking again and again.
///
/// The limit is for tests that are broken, not for slow machines: nothing waits for it otherwise.
public func eventually(
    _ what: String = "the condition", file: StaticString = #fileID, line: UInt = #line,
    _ isTrue: () async throws -> Bool
) async throws {
    let limit = ContinuousClock.now + .seconds(120)
    while try await !isTrue() {
        guard ContinuousClock.now < limit else {
            throw NotInTime(description: "not in time: \(what) (\(file):\(line))")
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}
