import Foundation

/// HTTP requests that are damaged in some way, or are none. The same for one seed.
///
/// None of them can reach the connection whose transfer they are to disturb: what happens to be
/// understood asks for what changes nothing.
struct MalformedRequests {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    private static let templates: [String] = [
        "GET /v1/node HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /v1/connections?limit=10&state=open HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /v1/accept?wait=1ms&after=0badcafe-0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n\r\n",
        "POST /v1/connections?wait=1ms HTTP/1.1\r\nHost: localhost\r\n"
            + "Content-Type: application/json\r\nContent-Length: 24\r\n\r\n"
            + #"{"adress":"127.0.0.1:1"}"#,
        "POST /v1/connections/cnone/data?until=queued HTTP/1.1\r\nHost: localhost\r\n"
            + "Send-Offset: 0\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST /v1/connections/cnone/ack HTTP/1.1\r\nHost: localhost\r\nContent-Length: 25\r\n"
            + "Expect: 100-continue\r\n\r\n" + #"{"offset":"0badcafe-1234"}"#,
        "HEAD /healthz HTTP/1.0\r\n\r\n",
    ]

    /// What tends to matter, put anywhere.
    private static let fragments: [String] = [
        "\r\n\r\n", "\r\n", "\n", "\0", " ", "%", "%00", "%zz", "../", "?", "&&==&", "#", ":",
        "Content-Length: 18446744073709551616\r\n", "Content-Length: -1\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n", "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n", "Expect: 200-ok\r\n",
        "Host: evil.example\r\n", "HTTP/9.9", "\u{FEFF}", "{\"a\":", "[[[[[[[[[[[[[[[[[[[[",
        "wait=99999999999999999999s", "\\ud800", "Connection: close\r\n",
    ]

    mutating func next() -> [UInt8] {
        if random.below(10) == 0 { return random.bytes(random.below(2000)) }
        var bytes = Array(Self.templates[random.below(Self.templates.count)].utf8)
        for _ in 0...random.below(4) { mutate(&bytes) }
        return bytes
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let position = random.below(bytes.count)
        switch random.below(7) {
        case 0: bytes[position] ^= UInt8(1 << random.below(8))
        case 1: bytes[position] = UInt8(truncatingIfNeeded: random.next())
        case 2: bytes.removeSubrange(position..<min(bytes.count, position + random.below(20)))
        case 3: bytes.insert(contentsOf: random.bytes(random.below(16)), at: position)
        case 4:
            let fragment = Self.fragments[random.below(Self.fragments.count)]
            bytes.insert(contentsOf: fragment.utf8, at: position)
        case 5: bytes.removeSubrange(position...)
        default:
            // Once in a while too long for any buffer.
            let count = random.below(16) == 0 ? 100_000 : random.below(200)
            bytes.insert(contentsOf: repeatElement(bytes[position], count: count), at: position)
        }
    }
}
