import ArgumentParser
import FoundationEssentials
import GatewayClient

/// The word that says which connection is meant.
struct NameArgument: ParsableArguments {
    @Argument(
        help: "The connection: its id, its name, or the id of its peer or the beginning of one.",
        completion: .custom { words, _, _ in NameCompletion.names(for: words) })
    var name: String
}

extension GatewayClient {
    /// The connection that a word means; `nil` when there is none.
    func find(_ word: String) throws(Failure) -> ConnectionDocument? {
        switch try asking({ () throws(GatewayClientError) in
            try NameResolution.resolve(word, with: self)
        }) {
        case .found(let document): return document
        case .none: return nil
        case .ambiguous(let candidates):
            let list = candidates.prefix(10).map { candidate in
                let name = candidate.name.map { " \($0)" } ?? ""
                return "\(candidate.id)\(name) (\(candidate.direction), \(candidate.peer))"
            }
            throw Failure(
                .unknownConnection,
                "\(word) means \(candidates.count) connections; say which by its id: "
                    + list.joined(separator: ", "))
        }
    }

    func require(_ word: String) throws(Failure) -> ConnectionDocument {
        if let document = try find(word) { return document }
        throw Failure(
            .unknownConnection,
            "there is no connection \(word); lrp2p connections lists those there are, and lrp2p "
                + "connect ADDRESS --name \(word) makes one")
    }

    /// How long a gateway is asked again that says it is asked too often.
    private static var patience: Duration { .seconds(30) }

    /// Runs requests whose failure ends the command.
    func asking<Value>(
        _ body: () throws(GatewayClientError) -> Value
    ) throws(Failure) -> Value {
        var backoff = Backoff(patience: Self.patience)
        while true {
            do throws(GatewayClientError) {
                return try body()
            } catch {
                guard case .problem(let problem) = error, problem.status == 429,
                    problem.retryable, let delay = backoff.delay()
                else { throw Failure(error, gateway: configuration.url) }
                pause(delay)
            }
        }
    }
}

/// What the shell offers for NAME. It has nothing to say when the gateway does not answer.
enum NameCompletion {
    /// Nobody waits longer for a key that was pressed.
    private static let time: Duration = .seconds(2)

    static func names(for words: [String]) -> [String] {
        var options = GlobalOptions()
        options.gateway = value(of: "--gateway", in: words)
        options.tokenFile = value(of: "--token-file", in: words)
        options.ca = value(of: "--ca", in: words)
        options.certificate = value(of: "--certificate", in: words)
        options.key = value(of: "--key", in: words)
        let environment = ProcessInfo.processInfo.environment
        guard var configuration = try? options.configuration(environment: { environment[$0] })
        else { return [] }
        (configuration.connectTime, configuration.silence) = (time, time)
        var documents: [ConnectionDocument] = []
        guard let client = try? GatewayClient(configuration),
            (try? client.connections(state: "open", each: { documents += $0.document })) != nil
        else { return [] }
        // What a shell would have to quote is not offered.
        return documents.map { $0.name ?? $0.id }.filter { $0.allSatisfy(isPlain) }
    }

    static func value(of option: String, in words: [String]) -> String? {
        for (word, next) in zip(words, words.dropFirst() + [""]) {
            if word == option { return next }
            if word.hasPrefix("\(option)=") { return String(word.dropFirst(option.count + 1)) }
        }
        return nil
    }

    private static func isPlain(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-._".contains(character))
    }
}
