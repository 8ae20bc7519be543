import Foundation
import HTTPTypes
import LRP2P

@testable import Gateway

/// What says who may use the gateway: files of the operator, one header field of the client.
extension FuzzTarget {
    static func readAccess(_ bytes: UnsafeRawBufferPointer) -> String? {
        let file = [UInt8](bytes), text = String(decoding: file, as: UTF8.self)
        return readTokens(file) ?? readPeers(file) ?? readNetwork(text) ?? readCredentials(text)
    }

    /// One line, of one that is there.
    private static func isTold(_ error: AccessFileError, in bytes: [UInt8]) -> Bool {
        let lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false).count
        return !error.description.contains("\n")
            && error.line.map { (1...lines).contains($0) } ?? true
    }

    private static func readTokens(_ bytes: [UInt8]) -> String? {
        let file = AccessFile(kind: .tokens, path: "tokens")
        do throws(AccessFileError) {
            let count = try TokenFile.parse(bytes, of: file).count
            guard (1...TokenTable.maximumTokens).contains(count) else { return "\(count) tokens" }
            // The same tokens once more are refused, whatever they are called.
            guard (try? TokenFile.parse(bytes + [0x0a] + bytes, of: file)) == nil else {
                return "a token taken twice"
            }
            return nil
        } catch {
            return isTold(error, in: bytes) ? nil : "not told: \(error)"
        }
    }

    private static func readPeers(_ bytes: [UInt8]) -> String? {
        let file = AccessFile(kind: .peers, path: "peers")
        do throws(AccessFileError) {
            let peers = try PeerFile.parse(bytes, of: file)
            let written = peers.map(\.description).joined(separator: "\n")
            let again = try PeerFile.parse([UInt8](written.utf8), of: file)
            return again == peers ? nil : "written otherwise than read"
        } catch {
            return isTold(error, in: bytes) ? nil : "not told: \(error)"
        }
    }

    private static func readNetwork(_ text: String) -> String? {
        guard let network = NetworkPrefix(text) else { return nil }
        return NetworkPrefix(network.description) == network ? nil : "another network"
    }

    private static func readCredentials(_ text: String) -> String? {
        guard HTTPField.isValidValue(text),
            case .token(let token)? = try? BearerCredentials([.authorization: text])
        else { return nil }
        let isWhole = text.lowercased().hasPrefix("bearer ") && text.utf8.count >= 7 + token.count
        return BearerCredentials.isToken(token) && isWhole ? nil : "no token"
    }
}
