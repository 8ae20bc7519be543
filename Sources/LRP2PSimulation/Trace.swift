import LRP2PCore

/// Something that happened in a history. Hosts are numbered from 0.
public enum TraceEvent: Sendable {
    /// `what` is `h1` ... `h3` for a handshake message, `d` with the packet number for data.
    case sent(host: Int, what: String, length: Int, fate: DatagramFate)
    case arrived(host: Int, length: Int, isDamaged: Bool, isDuplicate: Bool)
    case wrote(host: Int, connection: Int, bytes: Int)
    case read(host: Int, connection: Int, bytes: Int)
    case connected(host: Int, connection: Int)
    case accepted(host: Int, connection: Int)
    case closing(host: Int, connection: Int)
    case finishing(host: Int, connection: Int)
    case remoteFinished(host: Int, connection: Int)
    case closed(host: Int, connection: Int, CloseReason)
    case disturbed(host: Int, Disturbance.Effect)
}

extension TraceEvent: CustomStringConvertible {
    public var description: String {
        switch self {
        case .sent(let host, let what, let length, .carried(copies: 1, damaged: 0)):
            "\(host) sends \(what) \(length) B"
        case .sent(let host, let what, let length, .carried(let copies, let damaged)):
            "\(host) sends \(what) \(length) B (copies \(copies), damaged \(damaged))"
        case .sent(let host, let what, let length, .dropped(let cause)):
            "\(host) sends \(what) \(length) B DROPPED \(cause.rawValue)"
        case .arrived(let host, let length, let isDamaged, let isDuplicate):
            "\(host) gets \(length) B"
                + (isDamaged ? " DAMAGED" : "") + (isDuplicate ? " DUPLICATE" : "")
        case .wrote(let host, let connection, let bytes):
            "\(host) connection \(connection): writes \(bytes) B"
        case .read(let host, let connection, let bytes):
            "\(host) connection \(connection): reads \(bytes) B"
        case .connected(let host, let connection):
            "\(host) connection \(connection): connected"
        case .accepted(let host, let connection):
            "\(host) connection \(connection): accepted"
        case .closing(let host, let connection):
            "\(host) connection \(connection): closes"
        case .finishing(let host, let connection):
            "\(host) connection \(connection): has written all"
        case .remoteFinished(let host, let connection):
            "\(host) connection \(connection): has received all"
        case .disturbed(let host, let effect):
            "\(host) DISTURBED: \(effect)"
        case .closed(let host, let connection, let reason):
            "\(host) connection \(connection): closed, \(reason.rawValue)"
        }
    }
}

/// Where a history writes down what happens: always a hash, by which two runs compare, and lines
/// for whoever wants to read them.
public struct Trace {
    private let output: ((String) -> Void)?
    private var hash = StableHash()

    /// - Parameter output: gets one line per event, for example to print it; `nil` for the hash
    ///   alone, which is many times faster.
    public init(output: ((String) -> Void)? = nil) {
        self.output = output
    }

    /// Equal for two runs that did the same at the same times.
    public var digest: UInt64 { hash.value }

    mutating func record(
        _ event: @autoclosure () -> TraceEvent, elapsed: Interval, words: [UInt64]
    ) {
        hash.combine(UInt64(bitPattern: elapsed.nanoseconds))
        for word in words { hash.combine(word) }
        guard let output else { return }
        output(Decimal.milliseconds(elapsed) + " " + event().description)
    }
}

/// Numbers as people read them, without Foundation.
enum Decimal {
    static func format(_ value: Double, places: Int) -> String {
        guard value.isFinite else { return "-" }
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = Int64((value.magnitude * scale).rounded())
        let whole = scaled / Int64(scale)
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard places > 0 else { return sign + String(whole) }
        let fraction = String(scaled % Int64(scale))
        let padding = String(repeating: "0", count: places - fraction.count)
        return sign + String(whole) + "." + padding + fraction
    }

    static func milliseconds(_ interval: Interval) -> String {
        let text = format(interval.inSeconds * 1000, places: 3)
        return String(repeating: " ", count: max(0, 12 - text.count)) + text
    }
}
