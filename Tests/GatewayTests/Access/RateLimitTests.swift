import HTTPServer
import HTTPTypes
import LRP2P
import TestSupport
import Testing

@testable import Gateway

@Suite struct RateLimitTests {
    private let remote = "192.0.2.7:1000"
    private let start = ContinuousClock.now

    private func control(_ access: AccessConfiguration) -> AccessControl {
        AccessControl(access, httpHost: "0.0.0.0", maximumWaiters: 80)
    }

    /// What a request is answered; `nil` when it is let through.
    private func refusal(
        _ control: AccessControl, token: String? = nil, from address: String,
        at now: ContinuousClock.Instant, to access: RouteAccess = .scope(.read)
    ) -> ProblemDetails? {
        var headers: HTTPFields = token.map { .bearer($0) } ?? [:]
        headers[.host] = "gateway"
        let request = ServerRequest(
            method: .get, path: "/v1/node", headers: headers, remoteAddress: address)
        do throws(GatewayError) {
            try control.admit(request, to: access, RequestContext(request), now: now)
            return nil
        } catch {
            return ProblemDetails(error)
        }
    }

    @Test func anAddressHasItsRate() {
        var access = AccessConfiguration()
        access.rates.requestsPerSecond = 2
        access.rates.burst = 4
        let control = control(access)
        for _ in 0..<4 { #expect(refusal(control, from: remote, at: start) == nil) }
        let problem = refusal(control, from: "192.0.2.7:2000", at: start)
        #expect(problem?.code == "rate_limited" && problem?.status == 429)
        #expect(problem?.retryAfterSeconds == 1 && problem?.retryable == true)
        #expect(refusal(control, from: "192.0.2.8:1000", at: start) == nil)
        #expect(refusal(control, from: remote, at: start + .seconds(1)) == nil)
        // Health is no exception: it is the cheapest thing to ask for.
        for _ in 0..<9 { _ = refusal(control, from: remote, at: start, to: .open) }
        #expect(refusal(control, from: remote, at: start, to: .open)?.code == "rate_limited")
    }

    @Test func anIPv6NetworkIsOneClient() {
        var access = AccessConfiguration()
        access.rates.requestsPerSecond = 1
        access.rates.burst = 1
        let control = control(access)
        #expect(refusal(control, from: "[2001:db8::1]:1", at: start) == nil)
        #expect(refusal(control, from: "[2001:db8::2]:1", at: start) != nil)
        #expect(refusal(control, from: "[2001:db8:0:1::1]:1", at: start) == nil)
    }

    @Test func aTokenHasItsRateFromWhereverItComes() throws {
        let control = control(
            try TestTokens.configuration {
                $0.rates.requestsPerSecond = 1
                $0.rates.burst = 3
            })
        let ask = { (token: String, host: Int) in
            refusal(control, token: token, from: "192.0.2.\(host):1", at: start)?.code
        }
        for host in 0..<3 { #expect(ask(TestTokens.read, host) == nil) }
        #expect(ask(TestTokens.read, 3) == "rate_limited")
        #expect(ask(TestTokens.all, 4) == nil)
        // What comes through a proxy on this machine has one address and many tokens.
        let local = { (token: String) in
            refusal(control, token: token, from: "127.0.0.1:1", at: start)?.code
        }
        for _ in 0..<2 { #expect(local(TestTokens.all) == nil) }
        #expect(local(TestTokens.all) == "rate_limited")
        for _ in 0..<9 { #expect(local("nobody-0123456789") == "invalid_token") }
    }

    @Test func loopbackHasNoneUnlessItIsSet() {
        let open = control(AccessConfiguration())
        for _ in 0..<5000 { #expect(refusal(open, from: "127.0.0.1:1", at: start) == nil) }
        var access = AccessConfiguration()
        access.rates.requestsPerSecond = 1
        access.rates.burst = 1
        let limited = control(access)
        #expect(refusal(limited, from: "[::1]:1", at: start) == nil)
        #expect(refusal(limited, from: "[::1]:1", at: start)?.code == "rate_limited")
    }

    /// Ten wrong tokens a minute are answered; a right one always is.
    @Test func guessingIsSlowAndLocksNobodyOut() throws {
        let control = control(try TestTokens.configuration())
        let guess = { (address: String, now: ContinuousClock.Instant) in
            refusal(control, token: "wrong-0123456789", from: address, at: now)
        }
        for _ in 0..<10 { #expect(guess(remote, start)?.code == "invalid_token") }
        let problem = guess(remote, start)
        #expect(problem?.code == "rate_limited" && problem?.retryAfterSeconds == 6)
        #expect(refusal(control, token: TestTokens.read, from: remote, at: start) == nil)
        #expect(guess("192.0.2.8:1", start)?.code == "invalid_token")
        // No token is no guess.
        #expect(refusal(control, from: remote, at: start)?.code == "token_required")
        #expect(guess(remote, start + .seconds(6))?.code == "invalid_token")
        #expect(guess(remote, start + .seconds(6))?.code == "rate_limited")
        let minute = start + .seconds(70)
        for _ in 0..<10 { #expect(guess(remote, minute)?.code == "invalid_token") }
    }

    /// Who is served under no name of this gateway uses up nobody's rate.
    @Test func theHostIsLookedAtFirst() {
        var access = AccessConfiguration()
        access.allowedHosts = ["other"]
        access.rates.requestsPerSecond = 1
        access.rates.burst = 1
        let control = control(access)
        for _ in 0..<3 {
            #expect(refusal(control, from: remote, at: start)?.code == "host_not_allowed")
        }
        access.allowedHosts = []
        control.replace(access)
        #expect(refusal(control, from: remote, at: start) == nil)
    }
}

@Suite struct ClientLimitTests {
    private let remote = "192.0.2.7:1000"

    private func allowance(
        _ access: AccessConfiguration, token: String? = nil, from address: String
    ) throws -> ClientAllowance? {
        let control = AccessControl(access, httpHost: "0.0.0.0", maximumWaiters: 80)
        var headers: HTTPFields = token.map { .bearer($0) } ?? [:]
        headers[.host] = "gateway"
        let request = ServerRequest(
            method: .get, path: "/v1/node", headers: headers, remoteAddress: address)
        let context = RequestContext(request)
        try control.admit(request, to: .scope(.read), context)
        return context.facts.allowance
    }

    @Test func whatEachMayTake() throws {
        let open = AccessConfiguration(), tokens = try TestTokens.configuration()
        let local = "127.0.0.1:1"
        let loopback = ClientKey.ipv4(0x7f00_0001), far = ClientKey.ipv4(0xc000_0207)
        let reader = ClientKey.token("reader")
        #expect(
            try allowance(open, from: local)
                == ClientAllowance(keys: [loopback], maximumWaiters: .max, maximumUploads: .max))
        #expect(
            try allowance(open, from: remote)
                == ClientAllowance(keys: [far], maximumWaiters: 10, maximumUploads: 10))
        #expect(
            try allowance(tokens, token: TestTokens.read, from: local)
                == ClientAllowance(keys: [reader], maximumWaiters: 10, maximumUploads: 10))
        #expect(
            try allowance(tokens, token: TestTokens.read, from: remote)
                == ClientAllowance(keys: [reader, far], maximumWaiters: 10, maximumUploads: 10))
        var set = open
        set.rates.maximumWaitersPerClient = 3
        #expect(
            try allowance(set, from: local)
                == ClientAllowance(keys: [loopback], maximumWaiters: 3, maximumUploads: .max))
    }

    @Test func waitersOfOneTokenLeaveRoomForOthers() async throws {
        let node = try TestNode(
            access: TestTokens.configuration { $0.rates.maximumWaitersPerClient = 2 })
        let wait = { @Sendable (token: String) in
            await node.request(.get, "/v1/accept?wait=60s", headers: .bearer(token))
        }
        let waiting = [Task { await wait(TestTokens.read) }, Task { await wait(TestTokens.read) }]
        try await eventually("two wait") {
            let headers = HTTPFields.bearer(TestTokens.metrics)
            let metrics = await node.request(.get, "/metrics", headers: headers)
            return String(decoding: metrics.body, as: UTF8.self)
                .contains("lrp2p_polls_waiting 2\n")
        }
        let refused = await wait(TestTokens.read)
        #expect(refused.status == .tooManyRequests)
        #expect(refused.code == "too_many_waiters")
        #expect(refused.headers[.retryAfter] == "1")
        let other = Task { await wait(TestTokens.all) }
        for task in waiting + [other] { task.cancel() }
        // The other one waited: it was ended, and not refused.
        #expect(await other.value.code == "client_left")
        for task in waiting { _ = await task.value }
        // What they held is free again.
        let again = Task { await wait(TestTokens.read) }
        again.cancel()
        #expect(await again.value.code == "client_left")
    }

    @Test func uploadsAreCounted() async throws {
        let counts = ClientCounts()
        let keys = [ClientKey.token("a"), .ipv4(1)]
        let error = GatewayError.access(.tooManyUploads(limit: 1))
        let code = try await counts.count(keys, limit: 1, otherwise: error) {
            () async throws(GatewayError) -> String in
            do throws(GatewayError) {
                // Another token, but the same address: for both or for none.
                try await counts.count([.token("b"), .ipv4(1)], limit: 1, otherwise: error) {
                    () async throws(GatewayError) in
                }
                return ""
            } catch {
                return ProblemDetails(error).code
            }
        }
        #expect(code == "too_many_uploads")
        #expect(counts.clients == 0)
    }

    @Test func uploadsOfOneClientAreLimited() async throws {
        let (here, there) = (
            try TestNode(access: { var access = AccessConfiguration()
                access.rates.maximumUploadsPerClient = 0
                return access
            }()), try TestNode()
        )
        let id = try await here.connect(to: there).here
        let refused = await here.post("/v1/connections/\(id)/data", "x")
        #expect(refused.code == "too_many_uploads")
        #expect(refused.headers[.retryAfter] == "1")
        here.gateway.reload(AccessConfiguration())
        #expect(await here.post("/v1/connections/\(id)/data", "x").status == .ok)
    }
}
