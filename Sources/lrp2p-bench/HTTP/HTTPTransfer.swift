import LRP2P

/// A large body, uploaded to one gateway and downloaded from another.
enum HTTPTransfer {
    /// Of one answer, as a client would ask for that has much to fetch.
    private static let answerBytes = 4 << 20

    /// Bytes per second from the first byte of the upload to the last of the download. Every byte
    /// is checked.
    static func bytesPerSecond(bytes: Int) async throws -> Double {
        let a = try GatewayProcess()
        defer { a.end() }
        let b = try GatewayProcess()
        defer { b.end() }
        let clientA = try HTTPClient(port: a.httpPort), clientB = try HTTPClient(port: b.httpPort)
        let sending = try a.connect(to: b.udp, over: clientA)
        let receiving = try b.accept(over: clientB)
        let pattern = Pattern(seed: 1)
        let (portA, portB) = (a.httpPort, b.httpPort)
        let start = ContinuousClock.now
        async let uploaded: Void = onThread {
            try upload(bytes, of: pattern, to: HTTPClient(port: portA), id: sending)
        }
        async let downloaded: Void = onThread {
            try download(bytes, of: pattern, from: HTTPClient(port: portB), id: receiving)
        }
        _ = try await (uploaded, downloaded)
        return Double(bytes) / (ContinuousClock.now - start).inSeconds
    }

    static func upload(
        _ bytes: Int, of pattern: Pattern, to client: HTTPClient, id: String
    ) throws {
        let target = GatewayProcess.data(id)
        try client.send("POST", target, length: bytes)
        var sent = 0
        while sent < bytes {
            try pattern.withRun(at: sent, count: bytes - sent) {
                try client.socket.send($0)
                sent += $0.count
            }
        }
        let head = try client.readAnswer { _, _ in }
        guard head.status == 200 else { throw BenchError.status(head.status, of: "POST \(target)") }
    }

    /// Long-polls, each of which acknowledges what the one before has brought.
    static func download(
        _ bytes: Int, of pattern: Pattern, from client: HTTPClient, id: String
    ) throws {
        var received = 0
        var acknowledge = ""
        while received < bytes {
            let target =
                "\(GatewayProcess.data(id))?wait=60s&max_bytes=\(answerBytes)\(acknowledge)"
            try client.send("GET", target)
            let head = try client.readAnswer { bytes, head in
                guard head.status == 200 else { return }
                try pattern.check(bytes, at: received)
                received += bytes.count
            }
            guard head.status == 200, let next = head["Next-Offset"] else {
                throw BenchError.status(head.status, of: "GET \(target)")
            }
            acknowledge = "&ack=\(next)"
        }
    }
}
