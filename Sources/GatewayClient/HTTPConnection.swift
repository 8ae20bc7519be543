import CCurl

/// Requests over one HTTP connection that is kept and, where it broke, made again: a libcurl
/// handle. For one thread, which waits for each answer.
final class HTTPConnection {
    private let handle: UnsafeMutableRawPointer
    private let configuration: GatewayClientConfiguration
    private let base: String

    private static let initialized: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    init(_ configuration: GatewayClientConfiguration) throws(GatewayClientError) {
        guard Self.initialized, let handle = curl_easy_init() else {
            throw .unusable("libcurl cannot be initialized")
        }
        self.handle = handle
        self.configuration = configuration
        var base = configuration.url
        while base.hasSuffix("/") { base.removeLast() }
        self.base = base
        guard base.hasPrefix("http://") || base.hasPrefix("https://") else {
            throw .unusable("a URL has to begin with http:// or https://")
        }
        // One with a line end would be a header field of its own.
        guard configuration.token?.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) != false else {
            throw .unusable("a token has letters, digits and signs only, and no space")
        }
    }

    deinit { curl_easy_cleanup(handle) }

    /// - Parameter keepsGoing: asked at least about once a second while the request is under way.
    func perform(
        _ request: HTTPRequest, keepsGoing: @escaping () -> Bool
    ) throws(GatewayClientError) -> HTTPAnswer {
        // What an earlier request has set; its connections stay.
        curl_easy_reset(handle)
        try configure(request)
        let list = headerList(request.headers)
        defer { curl_slist_free_all(list) }
        _ = CCurl_set_list(handle, CURLOPT_HTTPHEADER, list)
        let exchange = HTTPExchange(request, keepsGoing: keepsGoing)
        let code = withExtendedLifetime(exchange) {
            observe(exchange)
            guard let body = request.body else { return curl_easy_perform(handle) }
            return body.withUnsafeBytes { bytes in
                _ = CCurl_set_offset(
                    handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
                // An empty body has no address, and NULL would mean that one is to be read.
                let none: StaticString = ""
                _ = CCurl_set_pointer(
                    handle, CURLOPT_POSTFIELDS, bytes.baseAddress ?? .init(none.utf8Start))
                return curl_easy_perform(handle)
            }
        }
        if let failure = exchange.failure { throw failure }
        guard code == CURLE_OK else { throw error(code) }
        return exchange.answer
    }

    private func configure(_ request: HTTPRequest) throws(GatewayClientError) {
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        set(CURLOPT_CONNECTTIMEOUT_MS, Int(configuration.connectTime / .milliseconds(1)))
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        try set(CURLOPT_PROXY, "")
        try set(CURLOPT_USERAGENT, configuration.userAgent)
        try set(CURLOPT_URL, base + request.target)
        try set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        set(CURLOPT_NOBODY, request.method == .head ? 1 : 0)
        if let file = configuration.authorityFile { try set(CURLOPT_CAINFO, file) }
        if let file = configuration.certificateFile { try set(CURLOPT_SSLCERT, file) }
        if let file = configuration.keyFile { try set(CURLOPT_SSLKEY, file) }
    }

    private func observe(_ exchange: HTTPExchange) {
        let context = Unmanaged.passUnretained(exchange).toOpaque()
        _ = CCurl_set_pointer(handle, CURLOPT_HEADERDATA, context)
        _ = CCurl_set_sink(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            HTTPConnection.exchange(context).take(
                headLine: UnsafeRawBufferPointer(start: bytes, count: size * count))
            return size * count
        }
        _ = CCurl_set_pointer(handle, CURLOPT_WRITEDATA, context)
        _ = CCurl_set_sink(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
            return HTTPConnection.exchange(context).take(body: piece) ? piece.count : 0
        }
        set(CURLOPT_NOPROGRESS, 0)
        _ = CCurl_set_pointer(handle, CURLOPT_XFERINFODATA, context)
        _ = CCurl_set_progress(handle) { context, _, downloaded, _, uploaded in
            guard let context else { return 1 }
            let moved = Int64(downloaded + uploaded)
            return HTTPConnection.exchange(context).watch(moved: moved) ? 0 : 1
        }
    }

    private static func exchange(_ context: UnsafeMutableRawPointer) -> HTTPExchange {
        Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue()
    }

    private func headerList(
        _ headers: [(name: String, value: String)]
    ) -> UnsafeMutablePointer<curl_slist>? {
        var all = headers
        if let token = configuration.token { all.append(("Authorization", "Bearer \(token)")) }
        var list: UnsafeMutablePointer<curl_slist>?
        for (name, value) in all { list = curl_slist_append(list, "\(name): \(value)") }
        return list
    }

    private func set(_ option: CURLoption, _ value: Int) {
        _ = CCurl_set_long(handle, option, value)
    }

    private func set(_ option: CURLoption, _ text: String) throws(GatewayClientError) {
        let code = CCurl_set_text(handle, option, text)
        guard code == CURLE_OK else { throw error(code) }
    }

    private func error(_ code: CURLcode) -> GatewayClientError {
        let text = String(cString: curl_easy_strerror(code))
        return switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT: .unreachable(text)
        // Of all limits only that for connecting is left to libcurl.
        case CURLE_OPERATION_TIMEDOUT: .unreachable("it does not answer")
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
            .untrusted(text)
        case CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT, CURLE_NOT_BUILT_IN,
            CURLE_UNKNOWN_OPTION:
            .unusable(text)
        // The second is what an answer without a status line comes to, the scheme being right.
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL: .notAGateway(status: 0)
        default: .interrupted(text)
        }
    }
}
