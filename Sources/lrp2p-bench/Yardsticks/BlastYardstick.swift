import Glibc
import LRP2P
import Sodium

/// The practical ceiling: trains of datagrams encrypted in place, sent, received by another process
/// and decrypted in place, without anything that makes them reliable.
enum BlastYardstick {
    /// Plaintext bytes received and authentic, per second.
    static func bytesPerSecond(datagramBytes: Int, for span: Duration) throws -> Double {
        let socket = try PlainUDPSocket()
        let buffer = TrainBuffer()
        let count = TrainBuffer.datagrams(ofSize: datagramBytes)
        let key = DataDatagram.yardstickKey()
        let train = UnsafeMutableRawBufferPointer(
            rebasing: buffer.bytes[..<(count * datagramBytes)])
        var nonce: UInt64 = 0
        return try OneWayYardstick.bytesPerSecond(
            to: .blastSink, from: socket, datagramBytes: datagramBytes, for: span
        ) {
            for index in 0..<count {
                let datagram = UnsafeMutableRawBufferPointer(
                    rebasing: train[(index * datagramBytes)..<((index + 1) * datagramBytes)])
                // The receiver learns the size from the first half of the header.
                datagram.storeBytes(of: UInt64(datagramBytes), as: UInt64.self)
                datagram.storeBytes(of: nonce, toByteOffset: 8, as: UInt64.self)
                _ = ChaChaPoly.seal(
                    UnsafeMutableRawBufferPointer(rebasing: datagram[DataDatagram.headerBytes...]),
                    plaintextLength: DataDatagram.plaintextBytes(in: datagramBytes), nonce: nonce,
                    key: key)
                nonce += 1
            }
            socket.send(UnsafeRawBufferPointer(train))
        }
    }

    /// The other process: decrypts what comes.
    static func receive(_ socket: PlainUDPSocket, _ received: ByteCounter) {
        let buffer = TrainBuffer(), key = DataDatagram.yardstickKey()
        socket.joinTrains()
        while true {
            let count = socket.receive(into: buffer.bytes)
            guard count > 0 else { continue }
            received.add(open(UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count]), key))
        }
    }

    /// Returns the plaintext bytes of a train whose datagrams say how long they are.
    static func open(_ train: UnsafeMutableRawBufferPointer, _ key: borrowing SecretBytes) -> Int {
        var offset = 0, plaintextBytes = 0
        while train.count - offset >= DataDatagram.headerBytes + ChaChaPoly.tagLength {
            let size = train.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let nonce = train.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
            guard let end = Int(exactly: size).map({ offset + $0 }), end <= train.count,
                end - offset >= DataDatagram.headerBytes
            else { return plaintextBytes }
            let sealed = UnsafeMutableRawBufferPointer(
                rebasing: train[(offset + DataDatagram.headerBytes)..<end])
            plaintextBytes += ChaChaPoly.open(sealed, nonce: nonce, key: key) ?? 0
            offset = end
        }
        return plaintextBytes
    }
}
