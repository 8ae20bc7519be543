import GatewayClient
import Glibc

/// A file that appears when it is complete. Until then its bytes are in `FILE.EPOCH.part`, where
/// EPOCH is that of the connection's cursors: what is left of one stream is never continued with
/// another.
///
/// Byte n of the file is byte n of the stream. What the connection says is acknowledged is in the
/// file for good, because nothing is acknowledged before it is on the disk; what follows in the
/// file comes again.
struct PartFile: Output {
    let path: String
    private var part: String?
    private var descriptor: Int32 = -1

    init(_ path: String) { self.path = path }

    var advice: String { "the same command goes on where this one ended" }

    /// Where it is what has come so far.
    var kept: String { "what has come is in \(part ?? path)" }

    /// Whether there is something to go on with.
    static func exists(for document: ConnectionDocument, path: String) -> Bool {
        partPath(document, path).map { access($0, F_OK) == 0 } ?? false
    }

    static func partPath(_ document: ConnectionDocument, _ path: String) -> String? {
        let epoch = document.receive.next.cursor.prefix { $0 != "-" }
        // Ours to use as part of a name only if it is what cursors are made of.
        guard !epoch.isEmpty, epoch.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
        else { return nil }
        return "\(path).\(epoch).part"
    }

    mutating func begin(_ document: ConnectionDocument) throws(Failure) {
        guard let part = Self.partPath(document, path) else {
            throw Failure(.software, "the gateway's cursors are not understood")
        }
        let start = document.receive.next.offset
        let isThere = access(part, F_OK) == 0
        guard start == 0 || isThere else {
            throw Failure(
                .data, "\(start) bytes of this stream were taken by somebody else and cannot be in "
                    + "\(path); what is left comes with: lrp2p receive \(document.id) > FILE")
        }
        let opened = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
        guard opened >= 0 else {
            throw Failure(.cannotCreate, "cannot create \(part): \(SystemError.text(errno))")
        }
        (self.part, descriptor) = (part, opened)
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            throw Failure(.tryLater, "another lrp2p receive is writing \(part)")
        }
        var status = stat()
        guard fstat(opened, &status) == 0, UInt64(status.st_size) >= start else {
            throw Failure(
                .data, "\(part) has lost bytes: it has \(status.st_size), and \(start) were "
                    + "acknowledged; those cannot be had again")
        }
        guard ftruncate(opened, Int(start)) == 0, lseek(opened, 0, SEEK_END) >= 0 else {
            throw Failure(.output, "cannot go on with \(part): \(SystemError.text(errno))")
        }
    }

    mutating func write(_ bytes: [UInt8]) throws(WriteFailure) {
        let (_, number) = writeAll(bytes, to: descriptor)
        // Each answer of the gateway for itself: while the disk works the next one grows.
        guard number == 0, fdatasync(descriptor) == 0 else {
            throw WriteFailure(
                written: 0, errno: number == 0 ? errno : number, name: part ?? path)
        }
    }

    mutating func finish() throws(Failure) {
        guard let part else { return }
        guard rename(part, path) == 0, syncDirectory() else {
            throw Failure(
                .cannotCreate, "cannot rename \(part) to \(path): \(SystemError.text(errno))")
        }
        close(descriptor)
        self.part = nil
    }

    /// The new name is on the disk only then.
    private func syncDirectory() -> Bool {
        let end = path.lastIndex(of: "/")
        let directory = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let opened = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { return false }
        defer { close(opened) }
        return fsync(opened) == 0
    }
}

enum OutputFile {
    /// A file that appears when it is complete, or a stream for what is no regular file.
    static func open(_ path: String) throws(Failure) -> any Output {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG else {
            return PartFile(path)
        }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw Failure(.cannotCreate, "\(path) is a directory; name a file in it")
        }
        let descriptor = Glibc.open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(.cannotCreate, "cannot write \(path): \(SystemError.text(errno))")
        }
        return StreamOutput(descriptor, name: path)
    }
}
