import Glibc
import LRP2P

/// Why the identity of this gateway could not be read or made. Each says the path and what to do.
public enum KeyFileError: Error, CustomStringConvertible {
    /// The system does not let this process read it.
    case cannotRead(path: String, errno: Int32)
    /// It is a directory, a FIFO or the like.
    case notAFile(path: String)
    /// Its group or others have a right to it.
    case openPermissions(path: String, mode: mode_t)
    /// Another user owns it.
    case foreignOwner(path: String)
    /// It is something else than a seed in hexadecimal digits.
    case wrongContent(path: String)
    /// There is none, and none can be made.
    case cannotCreate(path: String, errno: Int32)
    /// No path was given, and there is no home directory for the usual one.
    case noDefaultPath

    public var description: String {
        switch self {
        case .cannotRead(let path, let errno):
            "cannot read the key file \(path): \(errorText(errno)); make it readable for this "
                + "user, or name another one with --key-file"
        case .notAFile(let path):
            "the key file \(path) is not a regular file; name another one with --key-file"
        case .openPermissions(let path, let mode):
            "the key file \(path) has mode 0\(String(mode, radix: 8)), so others can use it; "
                + "run: chmod 600 \(path)"
        case .foreignOwner(let path):
            "the key file \(path) belongs to another user; run: chown \(geteuid()) \(path)"
        case .wrongContent(let path):
            "the key file \(path) does not hold 64 hexadecimal digits; restore it, or move it "
                + "away to get a new identity"
        case .cannotCreate(let path, let errno):
            "cannot create the key file \(path): \(errorText(errno)); make its directory "
                + "writable, or name another one with --key-file"
        case .noDefaultPath:
            "there is no place for the key file, as HOME is not set; name one with --key-file"
        }
    }
}

/// The file with the secret that is this gateway's identity: the 32-byte seed as 64 hexadecimal
/// digits and a newline, for the owner only.
public enum KeyFile {
    static let permissions: mode_t = 0o600
    private static let directoryPermissions: mode_t = 0o700

    /// `$XDG_STATE_HOME`, else `~/.local/state`, then `lrp2p-gateway/identity.key`.
    public static func defaultPath(
        environment: (String) -> String?
    ) throws(KeyFileError) -> String {
        // A relative one has to be ignored, says the XDG Base Directory Specification.
        if let state = environment("XDG_STATE_HOME"), state.hasPrefix("/") {
            return "\(state)/lrp2p-gateway/identity.key"
        }
        guard let home = environment("HOME"), !home.isEmpty else { throw .noDefaultPath }
        return "\(home)/.local/state/lrp2p-gateway/identity.key"
    }

    /// Reads the file, and makes it first if there is none. When two processes do so at the same
    /// time, both get the identity of the one that was first.
    public static func loadOrCreate(at path: String) throws(KeyFileError) -> Identity {
        if let identity = try load(path) { return identity }
        try create(path)
        guard let identity = try load(path) else {
            throw .cannotRead(path: path, errno: ENOENT)
        }
        return identity
    }

    /// `nil` when there is no file.
    private static func load(_ path: String) throws(KeyFileError) -> Identity? {
        var text: [UInt8]
        do {
            text = try GuardedFile.read(path, forbidding: 0o077, limit: 65)
        } catch {
            switch error {
            case .cannotRead(ENOENT): return nil
            case .cannotRead(let number): throw .cannotRead(path: path, errno: number)
            case .notAFile: throw .notAFile(path: path)
            case .openPermissions(let mode): throw .openPermissions(path: path, mode: mode)
            case .foreignOwner: throw .foreignOwner(path: path)
            case .tooLong: throw .wrongContent(path: path)
            }
        }
        defer { wipe(&text) }
        if text.last == 0x0a { text.removeLast() }
        guard text.count == 64, var seed = Hex.decode(text) else {
            throw .wrongContent(path: path)
        }
        defer { wipe(&seed) }
        guard let identity = try? Identity(seed: seed) else { throw .wrongContent(path: path) }
        return identity
    }

    /// Writes a new identity beside the path and links it there: the file appears complete or not
    /// at all, and never in place of another one.
    private static func create(_ path: String) throws(KeyFileError) {
        let directory = PathText.directory(of: path)
        try makeDirectory(directory, for: path)
        let temporary = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 16))"
        let descriptor = open(
            temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, permissions)
        guard descriptor >= 0 else { throw .cannotCreate(path: path, errno: errno) }
        defer { unlink(temporary) }
        var seed = Identity().seed
        var text = Hex.digits(of: seed)
        text.append(0x0a)
        defer {
            wipe(&seed)
            wipe(&text)
        }
        var failure: Int32 = 0
        let written = write(descriptor, text, text.count)
        if written != text.count {
            failure = written < 0 ? errno : ENOSPC
        } else if fsync(descriptor) != 0 {
            failure = errno
        }
        close(descriptor)
        guard failure == 0 else { throw .cannotCreate(path: path, errno: failure) }
        guard link(temporary, path) == 0 || errno == EEXIST else {
            throw .cannotCreate(path: path, errno: errno)
        }
        // The name has to survive a crash, too.
        let parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if parent >= 0 {
            fsync(parent)
            close(parent)
        }
    }

    private static func makeDirectory(
        _ directory: String, for path: String
    ) throws(KeyFileError) {
        var prefix = ""
        for part in directory.split(separator: "/", omittingEmptySubsequences: false) {
            prefix += part
            if !prefix.isEmpty, mkdir(prefix, directoryPermissions) != 0 {
                let failure = errno
                // Some systems say EROFS or EACCES of a directory that is there.
                var status = stat()
                guard stat(prefix, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                    throw .cannotCreate(path: path, errno: failure)
                }
            }
            prefix += "/"
        }
    }
}

/// Overwrites a secret in a way the compiler does not leave out.
func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { buffer in
        if let base = buffer.baseAddress { explicit_bzero(base, buffer.count) }
    }
}

/// The system's words for an error number.
func errorText(_ number: Int32) -> String {
    String(cString: strerror(number))
}
