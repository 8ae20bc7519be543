import Testing

@testable import Gateway

@Suite struct WaitGateTests {
    @Test func countsAndRefuses() async throws {
        let gate = WaitGate(limit: 1)
        let inside = try await gate.wait { () async throws(GatewayError) in
            do throws(GatewayError) {
                try await gate.wait { () async throws(GatewayError) in }
                Issue.record("a second one got in")
            } catch {
                let problem = ProblemDetails(error)
                #expect(problem.status == 429)
                #expect(problem.retryAfterSeconds != nil)
                #expect(problem.retryable)
            }
            return gate.waiting
        }
        #expect(inside == 1)
        #expect(gate.waiting == 0)
    }

    @Test func measuresWaits() async throws {
        let meter = WaitMeter()
        let gate = WaitGate(limit: 1)
        try await WaitMeter.$current.withValue(meter) {
            try await gate.wait { () async throws(GatewayError) in
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
        #expect(meter.total >= .milliseconds(20))
    }
}
