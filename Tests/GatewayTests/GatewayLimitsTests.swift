import Testing

@testable import Gateway

@Suite struct GatewayLimitsTests {
    @Test(arguments: [(16, 14), (4096, 3584), (12_288, 10_752), (1, 1)])
    func waitersStayBelowTheConnections(connections: Int, waiters: Int) {
        #expect(GatewayLimits(maximumHTTPConnections: connections).maximumWaiters == waiters)
    }

    @Test func theDefaultFitsTheDefaultServer() {
        let limits = GatewayLimits(maximumHTTPConnections: 4096)
        #expect(limits.maximumWaiters == GatewayLimits().maximumWaiters)
    }
}
