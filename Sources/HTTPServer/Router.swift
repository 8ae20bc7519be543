import HTTPTypes

/// Paths to handlers: literal segments and `{name}` parameters.
///
/// A literal wins over a parameter, segment by segment from the left; the order of registration
/// does not matter. Nothing is normalised: `/a` and `/a/` are two paths.
public struct Router: Sendable {
    fileprivate struct Route: Sendable {
        let pattern: String
        let segments: [Segment]
        var handlers: [(method: HTTPRequest.Method, handler: Handler)]
    }

    fileprivate enum Segment: Sendable, Equatable {
        case literal(String)
        case parameter(String)
    }

    /// What there is for a request.
    public enum Match: Sendable {
        /// `pattern` is the route as it was registered: fit for a metric's label, as the raw path
        /// never is.
        case found(Handler, pattern: String, parameters: [String: String])
        /// The path exists. `allowed` is what `Allow` must say (RFC 9110 §15.5.6).
        case methodNotAllowed(allowed: [HTTPRequest.Method], pattern: String)
        /// No route has this path.
        case notFound
    }

    private var table: [Route] = []

    public init() {}

    /// What was registered, in the order of the patterns' first registration.
    public var routes: [(method: HTTPRequest.Method, pattern: String)] {
        table.flatMap { route in route.handlers.map { ($0.method, route.pattern) } }
    }

    /// Registers a handler. A second one for the same method and pattern replaces the first.
    ///
    /// - Parameters:
    ///   - method: what it answers; that of GET answers HEAD too, unless HEAD has one.
    ///   - pattern: such as `/v1/connections/{id}/data`.
    ///   - handler: called once for each request.
    public mutating func on(
        _ method: HTTPRequest.Method, _ pattern: String, _ handler: @escaping Handler
    ) {
        if let index = table.firstIndex(where: { $0.pattern == pattern }) {
            table[index].handlers.removeAll { $0.method == method }
            table[index].handlers.append((method, handler))
            return
        }
        let segments = splitPath(pattern).map { segment -> Segment in
            segment.hasPrefix("{") && segment.hasSuffix("}")
                ? .parameter(String(segment.dropFirst().dropLast())) : .literal(segment)
        }
        table.append(Route(pattern: pattern, segments: segments, handlers: [(method, handler)]))
    }

    /// What answers this request. HEAD is answered by GET's handler unless it has one of its own.
    public func match(_ request: ServerRequest) -> Match {
        match(method: request.method, segments: request.segments)
    }

    /// As `match(_:)`, for a decoded path in which every `/` separates segments.
    public func match(method: HTTPRequest.Method, path: String) -> Match {
        match(method: method, segments: splitPath(path))
    }

    private func match(method: HTTPRequest.Method, segments: [String]) -> Match {
        var best: Route?
        for route in table where route.matches(segments) {
            if let best, !route.isMoreSpecific(than: best) { continue }
            best = route
        }
        guard let route = best else { return .notFound }
        let fallback = method == .head ? route.handler(for: .get) : nil
        guard let handler = route.handler(for: method) ?? fallback else {
            return .methodNotAllowed(allowed: route.allowedMethods, pattern: route.pattern)
        }
        return .found(
            handler, pattern: route.pattern,
            parameters: route.parameters(of: segments))
    }
}

extension Router.Route {
    fileprivate func handler(for method: HTTPRequest.Method) -> Handler? {
        handlers.first { $0.method == method }?.handler
    }

    /// Sorted, so that the answer does not depend on the order of registration.
    fileprivate var allowedMethods: [HTTPRequest.Method] {
        var methods = handlers.map(\.method)
        if methods.contains(.get) && !methods.contains(.head) { methods.append(.head) }
        return methods.sorted { $0.rawValue < $1.rawValue }
    }

    /// Parameters are never empty.
    fileprivate func matches(_ path: [String]) -> Bool {
        guard path.count == segments.count else { return false }
        return zip(segments, path).allSatisfy { segment, value in
            switch segment {
            case .literal(let literal): literal == value
            case .parameter: !value.isEmpty
            }
        }
    }

    /// Of a path that matches.
    fileprivate func parameters(of path: [String]) -> [String: String] {
        var parameters: [String: String] = [:]
        for case (.parameter(let name), let value) in zip(segments, path) {
            parameters[name] = value
        }
        return parameters
    }

    fileprivate func isMoreSpecific(than other: Self) -> Bool {
        for (mine, theirs) in zip(segments, other.segments) {
            switch (mine, theirs) {
            case (.literal, .parameter): return true
            case (.parameter, .literal): return false
            default: continue
            }
        }
        return false
    }
}
