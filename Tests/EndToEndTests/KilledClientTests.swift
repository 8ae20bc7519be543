import Foundation
import Glibc
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    /// `kill -9` of the real `curl` at any moment: a stream goes on where it was.
    @Suite struct KilledClientTests {
        /// How long a client goes on at most, in milliseconds, from its start or from its first
        /// byte.
        private static let longestLife = 40

        @Test("Uploads killed at random moments are resumed: nothing is missing, nothing twice")
        func killedUploads() async throws {
            let pair = try await Pair()
            let pattern = Pattern(seed: 3)
            var random = SplitMix64(seed: 3)
            // Known at the end.
            let total = Watched(Int.max)
            async let received = {
                var reader = PatternReader(pair.b, pair.dataB, pattern)
                while reader.position < total.value {
                    // Short, so that it is seen when the end is known.
                    let answer = try await pair.b.request(
                        "GET", "\(pair.dataB)?wait=50ms&max_bytes=4194304\(reader.place)")
                    if answer.status != 204 { try reader.accept(answer) }
                }
                return reader.position
            }()

            var offsets: [Int] = []
            for _ in 0..<Scale.kills {
                let offset = try await sendOffset(pair)
                offsets.append(offset)
                let upload = try EndlessUpload(pair, from: offset, pattern)
                // One in four while it may not even have connected.
                if random.below(4) > 0 {
                    try await eventually("something accepted") {
                        try await sendOffset(pair) > offset
                    }
                }
                try await Task.sleep(for: .milliseconds(random.below(Self.longestLife)))
                try await upload.kill()
            }
            #expect(offsets == offsets.sorted())

            // The gateway may not have seen yet that the last one is gone.
            let offset = try await sendOffset(pair)
            let last = try await pair.a.request(
                "POST", pair.dataA, headers: ["Send-Offset": "\(offset)"],
                body: Array(pattern.run(at: offset, count: 100_000)))
            #expect(last.status == 200)
            let end = try await sendOffset(pair)
            // More, if the one before it had still something to give.
            #expect(end >= offset + 100_000)
            total.update { $0 = end }
            #expect(try await received == end)
            try await pair.stop()
        }

        @Test("Downloads killed at random moments are resumed: nothing is missing, nothing twice")
        func killedDownloads() async throws {
            let pair = try await Pair()
            let pattern = Pattern(seed: 4)
            var random = SplitMix64(seed: 4)
            let directory = try TemporaryDirectory()
            let body = directory.path("body")
            let upload = try EndlessUpload(pair, from: 0, pattern)
            var reader = PatternReader(pair.b, pair.dataB, pattern)

            var kills = 0
            while kills < Scale.kills {
                try? FileManager.default.removeItem(atPath: body)
                let get = "\(pair.b.base)\(pair.dataB)?wait=60s&max_bytes=4194304\(reader.place)"
                // Slow enough to be killed in the middle.
                let download = try Curl(["--limit-rate", "20M", get], output: body)
                if random.below(4) > 0 {
                    try await eventually("something downloaded") {
                        (FileManager.default.contents(atPath: body) ?? Data()).isEmpty == false
                    }
                }
                try await Task.sleep(for: .milliseconds(random.below(Self.longestLife)))
                download.process.send(signal: SIGKILL)
                if try await download.process.wait() == .signal(SIGKILL) { kills += 1 }
                // What it got was right, and is there again for the next one.
                let got = FileManager.default.contents(atPath: body).map { [UInt8]($0) } ?? []
                try pattern.check(got, at: reader.position)
                try await reader.read(upTo: reader.position + 1)
            }

            try await upload.kill()
            // Accepted is what had arrived when the gateway saw that the client was gone.
            try await eventually("all that was accepted has arrived") {
                try await reader.read(upTo: try await sendOffset(pair))
                let now = try await pair.a.connection(pair.idA).send
                return now.acknowledgedOffset == now.acceptedOffset
                    && now.acceptedOffset == UInt64(reader.position)
            }
            #expect(try await sendOffset(pair) == reader.position)
            try await pair.stop()
        }

        private func sendOffset(_ pair: Pair) async throws -> Int {
            let answer = try await pair.a.request("HEAD", pair.dataA)
            return try #require(answer["Send-Offset"].flatMap { Int($0) })
        }
    }
}

/// A `curl` that uploads a pattern for as long as it lives.
private final class EndlessUpload {
    private let curl: ChildProcess
    private let directory: TemporaryDirectory

    init(_ pair: Pair, from offset: Int, _ pattern: Pattern) throws {
        directory = try TemporaryDirectory()
        let pipe = directory.path("pipe")
        guard mkfifo(pipe, 0o600) == 0 else { throw SystemCallFailure("mkfifo", errno: errno) }
        let url = "\(pair.a.base)\(pair.dataA)"
        curl = try ChildProcess(
            "sh",
            [
                "-c", #"exec curl -q -sS -T - -H "Send-Offset: $1" "$2" < "$3""#, "sh",
                "\(offset)", url, pipe,
            ])
        Thread.detachNewThread {
            // Waits for `curl`, whose end is a broken pipe.
            let descriptor = open(pipe, O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return }
            defer { close(descriptor) }
            var position = offset
            while true {
                let run = pattern.run(at: position, count: 65_536)
                let count = run.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                guard count > 0 else { return }
                position += count
            }
        }
    }

    func kill() async throws {
        // Opened for reading too, a shell that is killed before it opens the pipe leaves no writer
        // waiting.
        let descriptor = open(directory.path("pipe"), O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        curl.send(signal: SIGKILL)
        let exit = try await curl.wait()
        close(descriptor)
        #expect(exit == .signal(SIGKILL), "\(curl.errorText)")
    }
}
