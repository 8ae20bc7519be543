import Glibc
import Synchronization

/// Streams of bytes that survive the end of this process, in an SQLite database of a directory.
///
/// What waits to be written is committed together: one synchronisation of the disk serves all
/// streams that wait for it, and while it lasts the next group forms. Safe to use from any task; one
/// thread of its own does the work, so that no other blocks on the disk. One process at a time
/// can have a directory.
public final class Spool: Sendable {
    /// Bytes that streams may hold together. What is appended beyond it waits for something to
    /// be released.
    public let limit: Int
    /// What was there when it was opened.
    public let found: [StoredStream]
    private let worker: SpoolWorker

    /// Opens the database of a directory, and makes both if need be, for this user only.
    public convenience init(directory: String, limit: Int) throws(SpoolError) {
        try self.init(directory: directory, limit: limit, maximumPages: nil)
    }

    /// - Parameter maximumPages: of the database, for tests of a full disk.
    init(directory: String, limit: Int, maximumPages: Int?) throws(SpoolError) {
        self.limit = limit
        let path = try Self.prepare(directory)
        let database = try Database(path: path)
        try Schema.prepare(database)
        if let maximumPages { try database.run("PRAGMA max_page_count = \(maximumPages)") }
        let store = SpoolStore(database)
        found = try store.load()
        worker = try SpoolWorker(
            store, limit: limit, stored: found.reduce(0) { $0 + $1.range.count })
    }

    /// Bytes that are kept and not released.
    public var storedBytes: Int { worker.figures.withLock { $0.storedBytes } }
    /// Appends that wait for others to be released.
    public var waitingAppends: Int { worker.figures.withLock { $0.waitingAppends } }
    /// Commits so far, and failures.
    public var commits: (succeeded: UInt64, failed: UInt64) {
        worker.figures.withLock { ($0.commits, $0.failures) }
    }
    /// Why the last commit failed; `nil` once one succeeds again.
    public var failure: SpoolError? { worker.figures.withLock { $0.failure } }

    // MARK: Streams

    /// Begins a stream. Returns when that is durable.
    ///
    /// - Parameters:
    ///   - name: no other stream has it.
    ///   - details: of the owner, found again in ``StoredStream/details``.
    public func begin(_ name: String, details: [UInt8]) async throws(SpoolError) {
        try await worker.perform(.begin(name, details: details))
    }

    /// Replaces the details. Returns when that is durable.
    public func update(_ name: String, details: [UInt8]) async throws(SpoolError) {
        try await worker.perform(.update(name, details: details))
    }

    /// Appends bytes at the end of a stream, which is at `position`. Returns when they are durable,
    /// which may take until others are released.
    public func append(
        _ bytes: [UInt8], to name: String, at position: UInt64
    ) async throws(SpoolError) {
        try await worker.perform(.append(name, position: position, bytes))
    }

    /// Notes that nothing will be appended any more, because the stream has ended. Returns when that
    /// is durable.
    public func complete(_ name: String) async throws(SpoolError) {
        try await worker.perform(.complete(name))
    }

    /// Everything before `position` is needed no more, and readers are where they are. Does not
    /// wait: after a crash soon afterwards it may not have happened.
    public func release(_ name: String, upTo position: UInt64, readers: [String: UInt64]) {
        worker.enqueue(.release(name, upTo: position, readers: readers), nil)
    }

    /// Forgets a stream. Does not wait.
    public func remove(_ name: String) {
        worker.enqueue(.remove(name), nil)
    }

    /// The bytes from `position` on, `maximum` at most.
    public func read(
        _ name: String, from position: UInt64, maximum: Int
    ) async throws(SpoolError) -> [UInt8] {
        try await worker.perform(.read(name, from: position, maximum: maximum))
    }

    /// Finishes what was asked for, and closes the database. Afterwards everything throws
    /// ``SpoolError/closed``.
    public func close() async {
        _ = try? await worker.perform(.close)
    }

    // MARK: -

    private static func prepare(_ directory: String) throws(SpoolError) -> String {
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            throw .directory(path: directory, errno: errno)
        }
        try checkPermissions(directory, isDirectory: true)
        let path = directory + "/spool.sqlite"
        // Made here, for the mode: SQLite gives its other files that of this one.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .directory(path: path, errno: errno) }
        Glibc.close(descriptor)
        try checkPermissions(path, isDirectory: false)
        return path
    }

    private static func checkPermissions(
        _ path: String, isDirectory: Bool
    ) throws(SpoolError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .directory(path: path, errno: errno) }
        let isRight = status.st_mode & S_IFMT == (isDirectory ? S_IFDIR : S_IFREG)
        guard isRight else { throw .directory(path: path, errno: isDirectory ? ENOTDIR : EINVAL) }
        let mode = status.st_mode & 0o7777
        guard mode & 0o077 == 0 else { throw .openPermissions(path: path, mode: UInt32(mode)) }
    }
}
