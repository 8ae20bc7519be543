import HTTPTypes
import LRP2P
import Testing

@testable import Gateway

/// Whatever stands in files and header fields, the answer is a value or an error that says where.
@Suite struct AccessMutationTests {
    private struct Mutations: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }

        mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
            var bytes = bytes
            for _ in 0..<Int.random(in: 1...6, using: &self) {
                let position = Int.random(in: 0...bytes.count, using: &self)
                switch Int.random(in: 0..<3, using: &self) {
                case 0: bytes.insert(.random(in: 0...255, using: &self), at: position)
                case 1 where position < bytes.count: bytes.remove(at: position)
                case 2 where position < bytes.count:
                    bytes[position] = Array(" \n\r\t#,=:/.%-0aL".utf8)
                        .randomElement(using: &self) ?? 0
                default: break
                }
            }
            return bytes
        }
    }

    @Test(arguments: 1...8) func filesAndFields(seed: UInt64) throws {
        var mutations = Mutations(state: seed)
        let tokens = Array(
            "# who\nadmin read,write abcdefghijklmnop==\nb metrics ~~~~~~~~~~~~~~~~\n".utf8)
        let peers = Array("\(Identity().peerID)\n\(Identity().peerID) # two\n".utf8)
        var outcomes: Set<Bool> = []
        for _ in 0..<500 {
            let bytes = mutations.mutate(tokens)
            do {
                let table = try TokenFile.parse(bytes, of: AccessFile(kind: .tokens, path: "t"))
                #expect((1...4).contains(table.count))
                outcomes.insert(true)
            } catch {
                let lines = bytes.split(separator: 10, omittingEmptySubsequences: false).count
                #expect(error.line.map { (1...lines).contains($0) } ?? true, "\(error)")
                #expect(!error.description.contains("\n"))
                outcomes.insert(false)
            }
            let list = mutations.mutate(peers)
            do {
                let found = try PeerFile.parse(list, of: AccessFile(kind: .peers, path: "p"))
                #expect(found.count <= 2)
            } catch {
                #expect(!error.description.contains("\n"))
            }
            let text = String(decoding: mutations.mutate(Array("2001:db8::/32".utf8)), as: UTF8.self)
            if let network = NetworkPrefix(text) {
                // What was understood says the same when it is read again.
                #expect(NetworkPrefix(network.description) == network, "\(text)")
            }
            let value = String(decoding: mutations.mutate(Array("Bearer abc=".utf8)), as: UTF8.self)
            if case .token(let token) = try BearerCredentials([.authorization: value]) {
                #expect(BearerCredentials.isToken(token))
            }
        }
        #expect(outcomes == [true, false])
    }
}
