import Glibc
import LRP2P

/// How fast the kernel carries datagrams between two processes on loopback, one system call a
/// train, with nothing done to them.
enum RawUDPYardstick {
    /// Bytes of datagrams received per second.
    static func bytesPerSecond(datagramBytes: Int, for span: Duration) throws -> Double {
        let socket = try PlainUDPSocket()
        let buffer = TrainBuffer()
        let count = TrainBuffer.datagrams(ofSize: datagramBytes)
        let train = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<(count * datagramBytes)])
        return try OneWayYardstick.bytesPerSecond(
            to: .udpSink, from: socket, datagramBytes: datagramBytes, for: span
        ) {
            socket.send(train)
        }
    }

    /// The other process: counts what comes.
    static func receive(_ socket: PlainUDPSocket, _ received: ByteCounter) {
        let buffer = TrainBuffer()
        socket.joinTrains()
        while true {
            let count = socket.receive(into: buffer.bytes)
            if count > 0 { received.add(count) }
        }
    }
}

/// Trains one way between two processes. What the receiver cannot take is lost, so its own rate is
/// what counts.
enum OneWayYardstick {
    /// Trains between two looks at the clock.
    private static let trainsPerRound = 16

    static func bytesPerSecond(
        to mode: Peer.Mode, from socket: PlainUDPSocket, datagramBytes: Int, for span: Duration,
        sendTrain: () -> Void
    ) throws -> Double {
        let peer = try PeerProcess(mode)
        defer { peer.end() }
        try socket.connect(to: peer.address.port)
        socket.cutTrains(into: datagramBytes)
        func send(for span: Duration) {
            let end = ContinuousClock.now + span
            while ContinuousClock.now < end {
                for _ in 0..<trainsPerRound { sendTrain() }
            }
        }
        // Finds caches, page tables and the scheduler as the rest will.
        send(for: span / 8)
        let before = try peer.report()
        send(for: span)
        return try peer.report().bytesPerSecond(since: before)
    }
}
