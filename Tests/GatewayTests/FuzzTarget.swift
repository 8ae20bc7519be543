import Foundation
import HTTPTypes
import LRP2P

@testable import Gateway
@testable import HTTPServer

/// What reads texts of strangers, each with what must hold whatever the texts are.
///
/// Shared by `FuzzTargetTests` and by the fuzzer in Tests/Fuzz.
enum FuzzTarget: String, CaseIterable {
    case query, json, texts, access

    /// What is wrong, if anything.
    func violation(_ bytes: UnsafeRawBufferPointer) -> String? {
        switch self {
        case .query: Self.readTarget(String(decoding: bytes, as: UTF8.self))
        case .json: Self.readJSON([UInt8](bytes))
        case .texts: Self.readTexts(String(decoding: bytes, as: UTF8.self))
        case .access: Self.readAccess(bytes)
        }
    }

    /// An error is told as 400, and names what is to blame.
    private static func isTold(_ error: GatewayError) -> Bool {
        let problem = ProblemDetails(error)
        return problem.status == 400 && problem.response.body.last == 0x0a
            && (problem.field != nil || problem.code == "malformed_json")
    }
}

// MARK: The request line

extension FuzzTarget {
    private static func readTarget(_ raw: String) -> String? {
        guard let target = RequestTarget(raw) else {
            let isPlain = raw.hasPrefix("/") && !raw.utf8.contains { [0, 0x25].contains($0) }
            return isPlain ? "a plain target refused" : nil
        }
        let names = target.query.flatMap { [$0.name, $0.value] }
        guard !target.segments.isEmpty, (target.segments + names).allSatisfy({ !$0.contains("\0") })
        else { return "a NUL, or no segment" }

        let path = target.segments.map(encoded).joined(separator: "/")
        let query = target.query.map { "\(encoded($0.name))=\(encoded($0.value))" }
        let again = RequestTarget("/\(path)?\(query.joined(separator: "&"))")
        guard let again, again.segments == target.segments,
            again.query.elementsEqual(target.query, by: ==)
        else { return "written otherwise than read" }
        return readParameters(target.query)
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let digits = String(byte, radix: 16)
            return "%" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
    }

    private static let allowed = ["wait", "max_bytes", "offset", "auto_ack", "state"]

    private static func readParameters(_ pairs: [(name: String, value: String)]) -> String? {
        let names = pairs.map(\.name)
        let isStrict = Set(names).count == names.count && Set(names).isSubset(of: allowed)
        do throws(GatewayError) {
            let query = try QueryParameters(pairs, allowed: allowed)
            guard isStrict, pairs.allSatisfy({ query.string($0.name) == $0.value }) else {
                return "an unknown or repeated parameter taken, or another value"
            }
            return try readValues(query)
        } catch {
            return isTold(error) ? nil : "not told: \(error)"
        }
    }

    private static func readValues(_ query: QueryParameters) throws(GatewayError) -> String? {
        if let text = query.string("offset"), try query.cursor("offset")?.description != text {
            return "another cursor than the text says"
        }
        let limit = Duration.seconds(60)
        guard (.zero...limit).contains(try query.duration("wait", limit: limit)) else {
            return "a duration beyond its limit"
        }
        guard (1...4096).contains(try query.integer("max_bytes", in: 1...4096, default: 1)) else {
            return "a number out of its range"
        }
        guard try query.bool("auto_ack") == (query.string("auto_ack") == "true") else {
            return "another truth than the text says"
        }
        let state = try query.choice("state", of: ConnectionState.self)
        return state?.rawValue == query.string("state") ? nil : "another word than the text says"
    }
}

// MARK: Bodies

extension FuzzTarget {
    /// The members of every JSON body there is.
    private static let bodies = [
        ["address", "peer", "name", "congestion_control"], ["offset"],
    ]

    private static func readJSON(_ bytes: [UInt8]) -> String? {
        for allowed in bodies {
            if let violation = readBody(bytes, allowed: allowed) { return violation }
        }
        return nil
    }

    private static func readBody(_ bytes: [UInt8], allowed: [String]) -> String? {
        do throws(GatewayError) {
            let body = try JSONBody(bytes, allowed: allowed)
            let members = members(of: body, allowed)
            // By another reader.
            let object = try? JSONSerialization.jsonObject(with: Data(bytes))
            guard object as? [String: String] == members else { return "other members" }
            guard let written = try? JSONEncoder().encode(members) else { return "not writable" }
            let again = try JSONBody([UInt8](written), allowed: allowed)
            guard self.members(of: again, allowed) == members else {
                return "written otherwise than read"
            }
            // A second member with the name of the first.
            let names = JSONMemberNames.read(bytes)
            guard Set(names).count == names.count, names.count == members.count else {
                return "a member taken that is there twice"
            }
            return nil
        } catch {
            return isTold(error) ? nil : "not told: \(error)"
        }
    }

    private static func members(of body: JSONBody, _ allowed: [String]) -> [String: String] {
        var members: [String: String] = [:]
        for name in allowed { members[name] = body.string(name) }
        return members
    }
}

// MARK: Texts

extension FuzzTarget {
    private static func readTexts(_ text: String) -> String? {
        if let duration = DurationText.parse(text) {
            guard duration >= .zero, duration <= .seconds(100 * 365 * 86_400),
                DurationText.parse(DurationText.format(duration)) == duration,
                text.wholeMatch(of: /0|[0-9]+(ms|s|m|h)/) != nil
            else { return "no duration" }
        }
        if let count = ByteCountText.parse(text) {
            guard count >= 0, ByteCountText.parse(ByteCountText.format(count)) == count,
                text.wholeMatch(of: /[0-9]+([KMG]iB)?/) != nil
            else { return "no byte count" }
        }
        if let cursor = Cursor(text), cursor.description != text { return "another cursor" }
        if let peer = PeerID(text), peer.description != text { return "another peer id" }
        if let address = HostPort(text) {
            guard HostPort(address.description) == address, !address.host.isEmpty else {
                return "no address"
            }
        }
        return readHost(text)
    }

    /// A page that was made to believe that it is at this machine sends its own name as `Host`.
    private static func readHost(_ text: String) -> String? {
        guard let host = HTTPField.Name("Host"), HTTPField.isValidValue(text) else { return nil }
        let policy = AccessPolicy(host: "127.0.0.1")
        do throws(GatewayError) {
            try policy.check([host: text])
        } catch {
            return [400, 403].contains(ProblemDetails(error).status) ? nil : "not told: \(error)"
        }
        let isLocal = text.lowercased().wholeMatch(
            of: /(localhost|127\.[0-9.]+|\[[0-9a-f:.%]+.*\])(:.*)?/)
        return isLocal == nil ? "a name of somebody else taken" : nil
    }
}
