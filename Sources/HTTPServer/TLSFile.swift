import CGnuTLS
import Glibc

/// Gives `body` what a file holds, and wipes its memory afterwards.
///
/// - Parameter isSecret: the file must be closed to "others".
func withTLSFile<Value>(
    _ path: String, isSecret: Bool,
    _ body: (UnsafePointer<gnutls_datum_t>) throws(TLSFileProblem) -> Value
) throws(HTTPServerError) -> Value {
    do throws(TLSFileProblem) {
        // Not to hang on a FIFO; what was opened is what is checked.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .cannotRead(errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .cannotRead(errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
        guard !isSecret || status.st_mode & 0o007 == 0 else {
            throw .openToOthers(mode: status.st_mode & 0o7777)
        }
        let limit = TLSConfiguration.maximumFileBytes
        guard status.st_size <= limit else { throw .tooLong(limit: limit) }
        // One byte more, to see a file that has grown; never reallocated, so that nothing is left
        // behind.
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Int(status.st_size) + 1, alignment: 1)
        defer {
            if let base = buffer.baseAddress { explicit_bzero(base, buffer.count) }
            buffer.deallocate()
        }
        let count = try readAll(descriptor, into: buffer)
        var datum = gnutls_datum_t(
            data: buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), size: UInt32(count))
        return try body(&datum)
    } catch {
        throw .tlsFile(path: path, error)
    }
}

private func readAll(
    _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer
) throws(TLSFileProblem) -> Int {
    var count = 0
    while count < buffer.count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
        let step = read(descriptor, rest.baseAddress, rest.count)
        if step < 0, errno == EINTR { continue }
        guard step >= 0 else { throw .cannotRead(errno: errno) }
        if step == 0 { return count }
        count += step
    }
    // Somebody is writing it: half a file is none.
    throw .cannotRead(errno: EAGAIN)
}

/// What GnuTLS says about a return value.
func tlsMessage(_ code: Int32) -> String {
    gnutls_strerror(code).map { String(cString: $0) } ?? "GnuTLS error \(code)"
}
