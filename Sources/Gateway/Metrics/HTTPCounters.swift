import HTTPTypes
import LRP2P
import Synchronization

/// Counts answered HTTP requests. The label values come from lists of our own, never from a client,
/// so that no client can make time series without end.
final class HTTPCounters: Sendable {
    static let unmatchedRoute = "unmatched"

    struct Key: Hashable, Comparable, Sendable {
        let method: String
        let route: String
        let status: Int

        static func < (a: Key, b: Key) -> Bool {
            (a.route, a.method, a.status) < (b.route, b.method, b.status)
        }
    }

    struct Snapshot: Sendable {
        var requests: [Key: UInt64] = [:]
        var durations: [String: Histogram] = [:]
    }

    private let state = Mutex(Snapshot())

    var snapshot: Snapshot { state.withLock { $0 } }

    /// - Parameters:
    ///   - route: the pattern that matched, or `unmatchedRoute`.
    ///   - duration: without the time the request waited.
    func count(method: HTTPRequest.Method, route: String, status: Int, duration: Duration) {
        let isKnown = Self.methods.contains(method)
        let key = Key(method: isKnown ? method.rawValue : "other", route: route, status: status)
        state.withLock { state in
            state.requests[key, default: 0] += 1
            state.durations[route, default: Self.emptyHistogram].observe(Interval(duration))
        }
    }

    private static let methods: [HTTPRequest.Method] = [
        .get, .head, .post, .put, .patch, .delete, .options,
    ]
    private static let emptyHistogram = Histogram(upperBoundsInSeconds: [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
    ])
}
