import Foundation
import Glibc
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct TransferTests {
        @Test("Both ways at the same time, with plain uploads and long-polls")
        func bothWays() async throws {
            let pair = try await Pair()
            try await exchange(pair, bytes: Products.transferBytes)
            try await pair.stop()
        }

        @Test("A curl killed in the middle of a long-poll loses nothing")
        func killedLongPoll() async throws {
            let pair = try await Pair()
            let directory = try TemporaryDirectory()
            let waiting = try Curl(["\(pair.b.base)\(pair.dataB)?wait=60s"])
            try await pair.b.waitForPolls(1)
            waiting.process.send(signal: SIGKILL)
            #expect(try await waiting.process.wait() == .signal(SIGKILL))

            let (path, content) = try directory.randomFile("sent", bytes: 1 << 20)
            let upload = try Curl(["-T", path, "\(pair.a.base)\(pair.dataA)"])
            #expect(try await pair.b.download(pair.dataB, bytes: content.count) == content)
            #expect(try await upload.answer().status == 200)
            try await pair.stop()
        }

        @Test("A curl killed in the middle of a download loses nothing")
        func killedDownload() async throws {
            let pair = try await Pair()
            let directory = try TemporaryDirectory()
            // Less than a receive buffer has from the start, so that all is acknowledged unread.
            let (path, content) = try directory.randomFile("sent", bytes: 60_000)
            let url = "\(pair.a.base)\(pair.dataA)?until=acknowledged"
            let upload = try await Curl.run("-T", path, url)
            #expect(upload.status == 200)

            let get = "\(pair.b.base)\(pair.dataB)?wait=60s&max_bytes=4194304"
            // A pipe that is not read on holds curl up for as long as it takes.
            let pipe = directory.path("pipe")
            try #require(mkfifo(pipe, 0o600) == 0)
            let descriptor = open(pipe, O_RDWR | O_CLOEXEC)
            try #require(descriptor >= 0)
            let output = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            // One page, much less than the answer. F_SETPIPE_SZ, a macro that Swift does not see.
            try #require(fcntl(descriptor, 1031, 4096) == 4096)
            let slow = try Curl([get], output: pipe)
            let part = try await onThread {
                let part = try output.read(upToCount: 1000)
                slow.process.send(signal: SIGKILL)
                return part
            }
            #expect(try await slow.process.wait() == .signal(SIGKILL))

            let again = try await Curl.run(get)
            #expect(Data(again.body) == content)
            #expect(try content.starts(with: #require(part)))
            try await pair.stop()
        }

        @Test("200 connections on one UDP port, interleaved: nothing crosses over")
        func manyConnections() async throws {
            let count = 200, rounds = 5
            let a = try await GatewayProcess()
            let b = try await GatewayProcess()
            var idsA: [String] = [], idsB: [String] = []
            for _ in 0..<count {
                idsA.append(try await a.connect(to: b.udp, peer: b.peerID).id)
                idsB.append(try await b.accept().id)
            }
            #expect(Set(idsA).count == count && Set(idsB).count == count)

            @Sendable func piece(_ gateway: String, _ index: Int, _ round: Int) -> [UInt8] {
                let line = "\(gateway) \(index) \(round)\n"
                return Array(String(repeating: line, count: 3000 / line.count).utf8)
            }
            @Sendable func all(_ gateway: String, _ index: Int) -> [UInt8] {
                (0..<rounds).flatMap { piece(gateway, index, $0) }
            }
            for round in 0..<rounds {
                for index in 0..<count {
                    for (gateway, id, name) in [(a, idsA[index], "A"), (b, idsB[index], "B")] {
                        let answer = try await gateway.request(
                            "POST", "/v1/connections/\(id)/data", body: piece(name, index, round))
                        try #require(answer.status == 200, "\(answer.text)")
                    }
                }
            }
            for index in 0..<count {
                let atB = try await b.read(idsB[index], count: all("A", index).count)
                #expect(atB == all("A", index), "connection \(index)")
                let atA = try await a.read(idsA[index], count: all("B", index).count)
                #expect(atA == all("B", index), "connection \(index)")
            }
            try await a.stop()
            try await b.stop()
        }

        @Test("An upload that broke off is resumed where it stopped")
        func resumedUpload() async throws {
            let pair = try await Pair()
            let directory = try TemporaryDirectory()
            // Less than the two buffers of the way have from the start: nobody reads yet.
            let (path, content) = try directory.randomFile("sent", bytes: 100_000)
            let half = content.count / 2
            var client: TCPClient? = try TCPClient(port: pair.a.httpPort)
            try client?.writeHead("PUT", pair.dataA, length: content.count)
            try client?.write(content[..<half])
            try await eventually("half of the upload") {
                try await pair.a.connection(pair.idA).send.acceptedOffset == half
            }
            client = nil

            let url = "\(pair.a.base)\(pair.dataA)"
            #expect(try await pair.a.request("HEAD", pair.dataA)["Send-Offset"] == "\(half)")
            // The gateway may take a moment to see it, and until then holds the upload's place.
            try await eventually("the rest of the upload accepted") {
                let answer = try await Curl.run("-T", path, "-H", "Send-Offset: 0", url)
                return answer.status == 200
            }
            #expect(try await pair.b.download(pair.dataB, bytes: content.count) == content)
            let send = try await pair.a.connection(pair.idA).send
            #expect(send.acceptedOffset == UInt64(content.count))
            try await pair.stop()
        }
    }
}

/// Random files of this size each way at the same time.
func exchange(_ pair: Pair, bytes: Int) async throws {
    let directory = try TemporaryDirectory()
    let (pathA, contentA) = try directory.randomFile("a", bytes: bytes)
    let (pathB, contentB) = try directory.randomFile("b", bytes: bytes)
    let uploadA = try Curl(["-T", pathA, "\(pair.a.base)\(pair.dataA)?until=acknowledged"])
    let uploadB = try Curl(["-T", pathB, "\(pair.b.base)\(pair.dataB)?until=acknowledged"])
    async let atB = pair.b.download(pair.dataB, bytes: bytes)
    async let atA = pair.a.download(pair.dataA, bytes: bytes)
    #expect(try await atB == contentA)
    #expect(try await atA == contentB)
    for upload in [uploadA, uploadB] {
        let answer = try await upload.answer()
        #expect(answer.status == 200)
        let receipt = try answer.decode(UploadDocument.self)
        #expect(receipt.acceptedOffset == UInt64(bytes))
        #expect(receipt.acknowledgedOffset == UInt64(bytes))
    }
}

extension GatewayProcess {
    /// Reads without `curl`, to the end of `count` bytes.
    func read(_ id: String, count: Int) async throws -> [UInt8] {
        var received: [UInt8] = []
        var next: String?
        while received.count < count {
            let acknowledge = next.map { "&ack=\($0)" } ?? ""
            let answer = try await request(
                "GET", "/v1/connections/\(id)/data?wait=60s\(acknowledge)")
            try #require(answer.status == 200, "\(answer.status) \(answer.text)")
            received += answer.body
            let cursor: String = try #require(answer["Next-Offset"])
            next = cursor
        }
        return received
    }
}
