import GatewayClient
import Testing

@testable import lrp2p

@Suite struct UploadTests {
    @Test func whateverHappensEachByteComesOnce() async throws {
        let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
        let gateway = FailingGateway([.refused, .half, .unanswered, .half, .refused, .silent])
        try await gateway.run { client, document in
            var upload = try Upload(client, document, timeout: .seconds(1))
            for start in stride(from: 0, to: content.count, by: 10_000) {
                try upload.send(content[start..<(start + 10_000)])
            }
            try upload.waitAcknowledged()
            #expect(upload.accepted == 100_000 && upload.acknowledged == 100_000)
        }
        #expect(gateway.bytes == content)
        #expect(gateway.leftOfPlan == 0)
    }

    @Test func aConnectionThatClosesEndsIt() async throws {
        let gateway = FailingGateway([.half, .closed])
        try await gateway.run { client, document in
            var upload = try Upload(client, document, timeout: nil)
            do throws(Failure) {
                try upload.send([1, 2, 3, 4][...])
                Issue.record("nothing was thrown")
            } catch {
                #expect(error.status == .peer)
                #expect(error.message.contains("the peer closed it"))
                #expect(error.message.contains("2 bytes of the stream are acknowledged"))
            }
            // Nor is it used again.
            let closed = try client.connection("c1").document
            #expect(throws: Failure.self) { try Upload(client, closed, timeout: nil) }
        }
    }

    @Test func anotherSenderIsNoticed() async throws {
        let gateway = FailingGateway([])
        try await gateway.run { client, document in
            var upload = try Upload(client, document, timeout: nil)
            gateway.add([9, 9, 9])
            do throws(Failure) {
                try upload.send([1, 2][...])
                Issue.record("nothing was thrown")
            } catch {
                #expect(error.status == .data)
            }
        }
    }
}
