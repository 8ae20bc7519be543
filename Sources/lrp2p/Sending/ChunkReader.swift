import Glibc

/// Reads what is to be sent as it comes: it waits for a first byte, and takes what else is there.
struct ChunkReader {
    /// Bytes of one request. One that fails is sent again from memory, so this is what can be under
    /// way.
    static let chunkBytes = 4 << 20
    /// F_SETPIPE_SZ of Linux, and the largest pipe that everybody may have: with the usual 64 KiB a
    /// request would carry no more than that.
    private static let setPipeSize: Int32 = 1031
    private static let pipeBytes: Int32 = 1 << 20

    private let descriptor: Int32
    /// For messages.
    private let name: String
    private(set) var buffer: [UInt8]
    private var isAtEnd = false

    init(_ descriptor: Int32, name: String, chunkBytes: Int = chunkBytes) {
        (self.descriptor, self.name) = (descriptor, name)
        buffer = [UInt8](repeating: 0, count: chunkBytes)
        // Of no effect on what is no pipe.
        _ = fcntl(descriptor, Self.setPipeSize, Self.pipeBytes)
    }

    /// Fills the beginning of `buffer`.
    ///
    /// - Returns: how many bytes; 0 at the end.
    mutating func next() throws(Failure) -> Int {
        var count = 0
        while !isAtEnd, count < buffer.count, count == 0 || isReadable(waiting: false) {
            let more = buffer.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress?.advanced(by: count), $0.count - count)
            }
            if more > 0 {
                count += more
            } else if more == 0 {
                isAtEnd = true
            } else if errno == EAGAIN {
                // Somebody who shares this input made it non-blocking.
                _ = isReadable(waiting: true)
            } else if errno != EINTR {
                // What has been read is sent first; the error comes again.
                if count > 0 { return count }
                throw Failure(.noInput, "cannot read \(name): \(SystemError.text(errno))")
            }
        }
        return count
    }

    private func isReadable(waiting: Bool) -> Bool {
        var events = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&events, 1, waiting ? -1 : 0) > 0
    }
}

/// Where the bytes to send come from.
enum Input {
    /// - Returns: the descriptor, and the length if it is known.
    static func open(_ path: String) throws(Failure) -> (descriptor: Int32, length: UInt64?) {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(.noInput, "cannot read \(path): \(SystemError.text(errno))")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw Failure(.noInput, "cannot read \(path): \(SystemError.text(errno))")
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return (descriptor, UInt64(status.st_size))
        case S_IFDIR:
            throw Failure(
                .noInput, "\(path) is a directory; send it with tar c \(path) | lrp2p send NAME")
        default: return (descriptor, nil)
        }
    }

    /// Goes to a position of a file.
    static func skip(_ descriptor: Int32, to position: UInt64, of path: String) throws(Failure) {
        guard position > 0 else { return }
        guard let offset = Int(exactly: position), lseek(descriptor, offset, SEEK_SET) >= 0 else {
            throw Failure(.noInput, "cannot skip \(position) bytes of \(path)")
        }
    }
}
