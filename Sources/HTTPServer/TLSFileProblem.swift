/// What is wrong with a file that TLS needs.
public enum TLSFileProblem: Error, Equatable, Sendable {
    /// It does not exist, or this process has no right to it.
    case cannotRead(errno: Int32)
    /// It is a directory, a FIFO or the like.
    case notAFile
    /// It has more bytes than such a file may have.
    case tooLong(limit: Int)
    /// "Others" have access to the private key.
    case openToOthers(mode: UInt32)
    /// There is no certificate in PEM in it, or a damaged one.
    case noCertificate(reason: String)
    /// There is no private key in PEM in it, or a damaged one.
    case noKey(reason: String)
    /// The private key can only be used with a password.
    case encryptedKey
    /// The private key belongs to another certificate than the first one in this file.
    case keyMismatch(certificateFile: String)
}

extension TLSFileProblem: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cannotRead(let errno):
            "cannot be read: \(systemMessage(errno))"
        case .notAFile:
            "is not a regular file"
        case .tooLong(let limit):
            "is longer than \(limit) bytes"
        case .openToOthers(let mode):
            "has mode 0\(String(mode, radix: 8)), so others can use the private key; leave it "
                + "to its owner and group (chmod o=)"
        case .noCertificate(let reason):
            "holds no certificate in PEM: \(reason)"
        case .noKey(let reason):
            "holds no private key in PEM: \(reason)"
        case .encryptedKey:
            "holds a private key with a password; write it without one"
        case .keyMismatch(let certificateFile):
            "does not hold the private key of the first certificate in \(certificateFile)"
        }
    }
}
