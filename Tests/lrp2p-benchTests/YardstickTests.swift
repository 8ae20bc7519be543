import LRP2P
import Sodium
import Testing

@testable import lrp2p_bench

@Suite struct YardstickTests {
    @Test func theCipherHasARate() {
        let rate = AEADYardstick.bytesPerSecond(datagramBytes: 1400, for: .milliseconds(1))
        #expect(rate > 0 && rate.isFinite)
    }

    /// One side generates one key and agrees three times.
    @Test func theBoundOfHandshakesFollowsFromTheOperations() {
        let yardstick = KeyAgreementYardstick(keyGenerations: 1000, keyAgreements: 500)
        let bound = 1 / (1.0 / 1000 + 3.0 / 500)
        #expect(abs(yardstick.handshakesPerSecond(cores: 2) - bound) < 1e-9)
        #expect(yardstick.handshakesPerSecond(cores: 8) == yardstick.handshakesPerSecond(cores: 2))
        #expect(abs(yardstick.handshakesPerSecond(cores: 1) - bound / 2) < 1e-9)
    }

    @Test func aTrainFitsTheKernel() {
        #expect(TrainBuffer.datagrams(ofSize: 1400) == 46)
        #expect(TrainBuffer.datagrams(ofSize: 64) == 64)
        #expect(TrainBuffer.datagrams(ofSize: 65_507) == 1)
    }

    /// Three datagrams of 100 bytes, one of them damaged.
    @Test func onlyAuthenticBytesCount() {
        let key = DataDatagram.yardstickKey(), size = 100
        let plaintext = DataDatagram.plaintextBytes(in: size)
        var train = [UInt8](repeating: 0, count: 3 * size)
        train.withUnsafeMutableBytes { train in
            for index in 0..<3 {
                let datagram = UnsafeMutableRawBufferPointer(
                    rebasing: train[(index * size)..<((index + 1) * size)])
                datagram.storeBytes(of: UInt64(size), as: UInt64.self)
                datagram.storeBytes(of: UInt64(index), toByteOffset: 8, as: UInt64.self)
                _ = ChaChaPoly.seal(
                    UnsafeMutableRawBufferPointer(rebasing: datagram[16...]),
                    plaintextLength: plaintext, nonce: UInt64(index), key: key)
            }
            train[size + 40] ^= 1
        }
        let opened = train.withUnsafeMutableBytes { BlastYardstick.open($0, key) }
        #expect(opened == 2 * plaintext)
    }

    @Test(arguments: [0, 15, 31, 101, Int.max]) func aDatagramThatLiesAboutItsSizeEnds(size: Int) {
        let key = DataDatagram.yardstickKey()
        var train = [UInt8](repeating: 0, count: 100)
        let opened = train.withUnsafeMutableBytes { train in
            train.storeBytes(of: UInt64(size), as: UInt64.self)
            return BlastYardstick.open(train, key)
        }
        #expect(opened == 0)
    }

    @Test func plainSocketsReachEachOther() throws {
        let one = try PlainUDPSocket(), other = try PlainUDPSocket()
        try one.connect(to: other.port)
        one.limitWaiting(seconds: 30)
        other.limitWaiting(seconds: 30)
        one.cutTrains(into: 100)
        let buffer = TrainBuffer()
        let count = [UInt8](repeating: 7, count: 250).withUnsafeBytes { one.send($0) }
        #expect(count == 250)
        // The train has been cut: without joining, datagrams come one by one.
        let lengths = [100, 100, 50].map { _ in other.receive(into: buffer.bytes) }
        #expect(lengths == [100, 100, 50])
        _ = [UInt8](repeating: 8, count: 64).withUnsafeBytes { one.send($0) }
        other.sendBackOne(using: buffer.bytes)
        let answer = one.receive(into: buffer.bytes)
        #expect(answer == 64)
        #expect(buffer.bytes[63] == 8)
    }
}
