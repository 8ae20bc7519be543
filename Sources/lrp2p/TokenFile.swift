import Glibc

/// The file that a token is kept in, as nobody should see it in the list of processes.
enum TokenFile {
    /// Characters of the longest token that a gateway takes, and a line end.
    private static let maximumTokenFileBytes = 1024
    /// The same that a gateway asks of its own file.
    private static let forbiddenPermissions: mode_t = 0o037

    static func read(_ path: String) throws(Failure) -> String {
        func failure(_ reason: String) -> Failure {
            Failure(.configuration, "--token-file \(path): \(reason)")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(SystemError.text(errno)) }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(SystemError.text(errno)) }
        let isFile = status.st_mode & S_IFMT == S_IFREG
        guard !isFile || status.st_mode & forbiddenPermissions == 0 else {
            throw failure("others can read it; run: chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: maximumTokenFileBytes + 1)
        var count = 0
        while count < bytes.count {
            let more = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress?.advanced(by: count), $0.count - count)
            }
            if more < 0, errno == EINTR { continue }
            guard more >= 0 else { throw failure(SystemError.text(errno)) }
            guard more > 0 else { break }
            count += more
        }
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        let words = text.split(whereSeparator: \.isWhitespace)
        guard count <= maximumTokenFileBytes, words.count == 1, let token = words.first else {
            throw failure("has to hold one token and nothing else")
        }
        return String(token)
    }
}
