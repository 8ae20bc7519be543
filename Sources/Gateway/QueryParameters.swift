import HTTPServer
import LRP2P

/// The query of a request, read strictly: a parameter that is unknown, repeated or senseless is an
/// error that names it, because a typing error must not silently mean something else.
struct QueryParameters {
    private var values: [String: String] = [:]

    init(
        _ query: [(name: String, value: String)], allowed: [String]
    ) throws(GatewayError) {
        for (name, value) in query {
            guard allowed.contains(name) else {
                let known = allowed.isEmpty ? "none" : allowed.joined(separator: ", ")
                throw .invalidParameter(name: name, detail: "unknown here; known: \(known)")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw .invalidParameter(name: name, detail: "given more than once")
            }
        }
    }

    func string(_ name: String) -> String? { values[name] }

    /// `true` or `false`.
    func bool(_ name: String) throws(GatewayError) -> Bool {
        switch values[name] {
        case nil, "false": return false
        case "true": return true
        default: throw .invalidParameter(name: name, detail: "has to be true or false")
        }
    }

    func integer(
        _ name: String, in range: ClosedRange<Int>, default fallback: Int
    ) throws(GatewayError) -> Int {
        guard let text = values[name] else { return fallback }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text),
            range.contains(number)
        else {
            throw .invalidParameter(
                name: name,
                detail: "has to be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A duration; one above `limit` counts as `limit`.
    func duration(
        _ name: String, limit: Duration, default fallback: Duration = .zero
    ) throws(GatewayError) -> Duration {
        guard let text = values[name] else { return fallback }
        guard let duration = DurationText.parse(text) else {
            throw .invalidParameter(name: name, detail: "has to be \(DurationText.allowed)")
        }
        return min(duration, limit)
    }

    func cursor(_ name: String) throws(GatewayError) -> Cursor? {
        guard let text = values[name] else { return nil }
        guard let cursor = Cursor(text) else {
            throw .invalidParameter(name: name, detail: "has to be a cursor as the gateway gave it")
        }
        return cursor
    }

    func peerID() throws(GatewayError) -> PeerID? {
        guard let text = values["peer"] else { return nil }
        guard let peer = PeerID(text) else {
            throw .invalidParameter(name: "peer", detail: "is not a peer id")
        }
        return peer
    }

    /// What this gateway calls a connection.
    func connectionName(limit: Int) throws(GatewayError) -> String? {
        guard let name = values["name"] else { return nil }
        guard ConnectionName.isUsable(name, limit: limit) else {
            throw .invalidParameter(name: "name", detail: ConnectionName.allowed(limit: limit))
        }
        return name
    }

    /// The name of a reader; without one, that of the reader without a name.
    func reader() throws(GatewayError) -> String {
        guard let name = values["reader"] else { return ReaderTable.unnamed }
        guard ReaderTable.isName(name) else {
            throw .invalidParameter(
                name: "reader",
                detail: "has to have 1 to \(ReaderTable.maximumNameLength) of A-Z a-z 0-9 . _ -")
        }
        return name
    }

    /// One of a few words.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String, of type: Choice.Type
    ) throws(GatewayError) -> Choice? {
        guard let text = values[name] else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let allowed = Choice.allCases.map(\.rawValue).joined(separator: " or ")
            throw .invalidParameter(name: name, detail: "has to be \(allowed)")
        }
        return choice
    }
}
