import LRP2P

/// Round trips of datagrams between two processes that block in the kernel, with nothing done to
/// them.
enum RawEchoYardstick {
    /// Microseconds of each of `count` round trips.
    static func microseconds(messageBytes: Int, count: Int) throws -> [Double] {
        let peer = try PeerProcess(.udpEcho)
        defer { peer.end() }
        let socket = try PlainUDPSocket()
        try socket.connect(to: peer.address.port)
        socket.limitWaiting(seconds: 1)
        let buffer = TrainBuffer()
        let message = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<messageBytes])
        var result: [Double] = []
        result.reserveCapacity(count)
        for round in -RoundTrips.warmUp..<count {
            let start = ContinuousClock.now
            socket.send(UnsafeRawBufferPointer(message))
            guard socket.receive(into: buffer.bytes) == messageBytes else {
                throw BenchError.noAnswer
            }
            if round >= 0 { result.append((ContinuousClock.now - start).inSeconds * 1e6) }
        }
        return result
    }

    /// The other process.
    static func answer(_ socket: PlainUDPSocket, _ received: ByteCounter) {
        let buffer = TrainBuffer()
        while true { socket.sendBackOne(using: buffer.bytes) }
    }
}
