import Glibc

/// Why something could not be kept, or read back.
public enum SpoolError: Error, Equatable, CustomStringConvertible {
    /// The directory could not be made or is not one.
    case directory(path: String, errno: Int32)
    /// The directory or the file in it can be used by other users.
    case openPermissions(path: String, mode: UInt32)
    /// Another process has it open.
    case inUse(path: String)
    /// A later version of this program has written it.
    case newerVersion(path: String, version: Int)
    /// The file is damaged, or none of ours.
    case damaged(path: String, detail: String)
    /// The file system has no room left. What was asked for was not done and can be tried again.
    case diskFull(path: String)
    /// Another failure of the system or of SQLite. What was asked for was not done.
    case failed(path: String, detail: String)
    /// The spool has been closed.
    case closed

    public var description: String {
        switch self {
        case .directory(let path, let number):
            "cannot use the directory \(path): \(String(cString: strerror(number)))"
        case .openPermissions(let path, let mode):
            "\(path) has mode 0\(String(mode, radix: 8)), so others can read what peers have "
                + "sent; run: chmod go= \(path)"
        case .inUse(let path):
            "\(path) is in use by another process; each gateway needs a directory of its own"
        case .newerVersion(let path, let version):
            "\(path) was written by a later version (format \(version)); use that, or another "
                + "directory"
        case .damaged(let path, let detail):
            "\(path) is damaged: \(detail); restore it, or move it away to begin anew"
        case .diskFull(let path): "no space is left for \(path)"
        case .failed(let path, let detail): "\(path): \(detail)"
        case .closed: "the spool is closed"
        }
    }
}
