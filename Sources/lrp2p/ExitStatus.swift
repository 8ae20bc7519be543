/// With what the tool ends; the numbers are those of sysexits.h.
enum ExitStatus: Int32, CaseIterable {
    case ok = 0
    /// EX_USAGE: the command line, or what the gateway says of it.
    case usage = 64
    /// EX_DATAERR: bytes are missing, or would be doubled.
    case data = 65
    /// EX_NOINPUT: the file to send cannot be read.
    case noInput = 66
    /// EX_NOUSER: NAME is no connection, or several.
    case unknownConnection = 67
    /// EX_NOHOST: the host name of a peer has no address.
    case unknownHost = 68
    /// EX_UNAVAILABLE: no gateway answers.
    case noGateway = 69
    /// EX_SOFTWARE: a defect of the gateway.
    case software = 70
    /// EX_CANTCREAT: the output cannot be opened.
    case cannotCreate = 73
    /// EX_IOERR: the output cannot be written; its disk is full.
    case output = 74
    /// EX_TEMPFAIL: a limit, the end of the gateway, a time that has passed.
    case tryLater = 75
    /// EX_PROTOCOL: the peer does not answer, is another one, or has gone.
    case peer = 76
    /// EX_NOPERM: the token is missing, wrong, or not for this; something is not allowed.
    case notAllowed = 77
    /// EX_CONFIG: the gateway's URL, certificates and token file.
    case configuration = 78
}

/// Why a command did not do what it should: the cause, and what to do.
struct Failure: Error, Equatable {
    let status: ExitStatus
    let message: String

    init(_ status: ExitStatus, _ message: String) {
        (self.status, self.message) = (status, message)
    }

    /// As one line on standard error, for programs.
    var json: String {
        let text = JSONText.quoted(message)
        return #"{"error":\#(text),"exit_status":\#(status.rawValue)}"#
    }
}
