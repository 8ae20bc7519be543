import Foundation
import Glibc
import ProcessSupport
import TestSupport
import Testing

extension EndToEnd {
    /// `lrp2p send` and `lrp2p receive` between two gateways.
    struct ToolTransferTests {
        private let directory: TemporaryDirectory
        private let a: GatewayProcess
        private let b: GatewayProcess

        init() async throws {
            directory = try TemporaryDirectory()
            (a, b) = (try await GatewayProcess(), try await GatewayProcess())
        }

        @Test("tar c dir | lrp2p send NAME, and lrp2p receive NAME | tar x")
        func aDirectory() async throws {
            let tree = Products.repository.appending(path: "Sources").path
            let receiver = try Tool.shell(
                #"lrp2p receive inbox --gateway "$1" | tar x -C "$2""#,
                [b.base, directory.url.path])
            _ = try await Tool.run(a, "connect", b.udp, "--peer", b.peerID, "--name", "outbox")
            // Nothing of the environment comes between.
            let sender = try Tool.shell(
                #"tar c -C "$1" . | lrp2p send outbox --gateway "$2""#, [tree, a.base],
                environment: ["http_proxy": "http://127.0.0.1:1"])
            let sent = try await sender.wait(within: .seconds(300))
            #expect(sent == .status(0), "\(sender.errorText)")
            let end = try await receiver.wait(within: .seconds(300))
            #expect(end == .status(0), "\(receiver.errorText)")
            let difference = try ChildProcess("diff", ["-r", tree, directory.url.path])
            #expect(try await difference.wait(within: .seconds(60)) == .status(0))
            // Its name is free again.
            #expect(try await Tool.run(b, "connections", "--name", "inbox").outputText.split(
                separator: "\n").count == 1)
            try await stop()
        }

        @Test func whatComesSlowlyIsNotKeptBack() async throws {
            try await connect()
            let sender = try Tool.start(a, ["send", "out", "-"])
            let receiver = try Tool.start(b, ["receive", "in"])
            for line in ["one", "two", "three"] {
                sender.write(line: line)
                #expect(try await receiver.nextLine() == line)
            }
            #expect(sender.isRunning && receiver.isRunning)
            sender.closeInput()
            #expect(try await sender.wait() == .status(0), "\(sender.errorText)")
            #expect(try await receiver.wait() == .status(0), "\(receiver.errorText)")
            try await stop()
        }

        @Test("send and receive are killed at any moment, and go on")
        func killed() async throws {
            let (file, content) = try directory.randomFile("file", bytes: 48 << 20)
            let output = directory.path("output")
            try await connect()
            var random = SplitMix64(seed: 21)
            for _ in 0..<Scale.kills {
                let sender = try Tool.start(a, ["send", "out", file, "--resume", "--keep-open"])
                let receiver = try Tool.start(b, ["receive", "in", "--output", output])
                // The moment of the kill: nothing is waited for.
                try await Task.sleep(for: .milliseconds(random.below(60)))
                for process in [sender, receiver] {
                    process.send(signal: SIGKILL)
                    _ = try await process.wait()
                }
                #expect(access(output, F_OK) != 0)
            }
            let receiver = try Tool.start(b, ["receive", "in", "--output", output, "--json"])
            _ = try await Tool.run(a, "send", "out", file, "--resume")
            let end = try await receiver.wait(within: .seconds(300))
            #expect(end == .status(0), "\(receiver.errorText)")
            #expect(FileManager.default.contents(atPath: output) == content)
            let left = try FileManager.default.contentsOfDirectory(atPath: directory.url.path)
            #expect(left.sorted() == ["file", "output"])
            #expect(receiver.outputText.contains(#""received_offset":\#(content.count)"#))
            try await stop()
        }

        /// What is acknowledged has been written, byte by byte, even when the disk took part of it.
        @Test func aFullDisk() async throws {
            let (file, content) = try directory.randomFile("file", bytes: 3 << 20)
            try await connect()
            let sender = try Tool.start(a, ["send", "out", file])
            let full = try await Tool.run(b, "receive", "in", "--output", "/dev/full", status: 74)
            #expect(full.errorText.contains("the disk is full: /dev/full"))
            // A limit for files is a disk that takes the beginning only.
            let output = directory.path("output")
            let small = try Tool.shell(
                #"trap '' XFSZ; ulimit -f 1000; lrp2p receive in --gateway "$1" > "$2""#,
                [b.base, output])
            #expect(try await small.wait(within: .seconds(60)) == .status(74), "\(small.errorText)")
            #expect(try Data(contentsOf: URL(filePath: output)).count == 1000 << 10)
            let rest = try Tool.shell(
                #"lrp2p receive in --gateway "$1" >> "$2""#, [b.base, output])
            #expect(try await rest.wait(within: .seconds(300)) == .status(0), "\(rest.errorText)")
            #expect(try Data(contentsOf: URL(filePath: output)) == content)
            #expect(try await sender.wait(within: .seconds(60)) == .status(0))
            try await stop()
        }

        /// The rest of the file comes when there is room again.
        @Test(.enabled(if: canMount, "needs a mount namespace"))
        func aFileOnAFullDisk() async throws {
            let (file, content) = try directory.randomFile("file", bytes: 3 << 20)
            try await connect()
            let sender = try Tool.start(a, ["send", "out", file])
            let receiver = try Tool.shell(
                #"""
                exec unshare --map-root-user --mount bash -e -c '
                    mount -t tmpfs -o size=1m none "$2"
                    lrp2p receive in --gateway "$1" -o "$2/f" && exit 1; test $? = 74
                    test ! -e "$2/f"
                    mount -o remount,size=10m "$2"
                    lrp2p receive in --gateway "$1" -o "$2/f"
                    cat "$2/f"' bash "$1" "$2"
                """#, [b.base, directory.url.path])
            let end = try await receiver.wait(within: .seconds(300))
            #expect(end == .status(0), "\(receiver.errorText)")
            #expect(receiver.errorText.contains("the disk is full"))
            #expect(receiver.outputBytes == [UInt8](content))
            #expect(try await sender.wait(within: .seconds(60)) == .status(0))
            try await stop()
        }

        /// Not everybody may, everywhere.
        private static let canMount: Bool = {
            let probe = Process()
            probe.executableURL = URL(filePath: "/usr/bin/unshare")
            probe.arguments = [
                "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt",
            ]
            guard (try? probe.run()) != nil else { return false }
            probe.waitUntilExit()
            return probe.terminationStatus == 0
        }()

        @Test func aGatewayThatIsAskedTooOftenIsAskedLater() async throws {
            let (file, content) = try directory.randomFile("file", bytes: 100_000)
            let slow = try await GatewayProcess(["--request-rate", "2"])
            _ = try await Tool.run(slow, "connect", b.udp, "--name", "limited")
            let receiver = try Tool.start(b, ["receive", "in"])
            _ = try await Tool.run(slow, "send", "limited", file)
            #expect(try await receiver.wait(within: .seconds(60)) == .status(0))
            #expect(receiver.outputBytes == [UInt8](content))
            try await slow.stop()
            try await stop()
        }

        @Test func aReaderThatLeaves() async throws {
            let (file, _) = try directory.randomFile("file", bytes: 8 << 20)
            try await connect()
            let sender = try Tool.start(a, ["send", "out", file])
            let receiver = try Tool.shell(
                #"set +o pipefail; lrp2p receive in --gateway "$1" | head -c 1000 | wc -c"#,
                [b.base])
            #expect(try await receiver.wait() == .status(0))
            #expect(receiver.outputText.contains("1000") && receiver.errorText.isEmpty)
            sender.send(signal: SIGKILL)
            _ = try await Tool.run(a, "close", "out", "--abort")
            try await stop()
        }

        @Test func aPeerThatDoesNotReadIsWaitedForAsLongAsIsSaid() async throws {
            try await connect()
            let sender = try Tool.shell(
                #"head -c 100000000 /dev/zero | lrp2p send out --timeout 1s --gateway "$1""#,
                [a.base])
            #expect(try await sender.wait(within: .seconds(300)) == .status(75))
            #expect(sender.errorText.contains("the peer has taken nothing for 1 s"))
            _ = try await Tool.run(a, "close", "out", "--abort")
            try await stop()
        }

        @Test func aStreamThatIsBrokenOffIsNoEnd() async throws {
            try await connect()
            let sender = try Tool.start(a, ["send", "out"])
            let receiver = try Tool.start(b, ["receive", "in"])
            sender.write(line: "half")
            #expect(try await receiver.nextLine() == "half")
            _ = try await Tool.run(a, "close", "out", "--abort")
            #expect(try await receiver.wait() == .status(76))
            #expect(receiver.errorText.contains("before the end of the stream: the peer closed it"))
            sender.write(line: "more")
            #expect(try await sender.wait() == .status(76), "\(sender.errorText)")
            try await stop()
        }

        @Test("A gateway with a spool is killed; what it had acknowledged is received")
        func aKilledGateway() async throws {
            let (file, content) = try directory.randomFile("file", bytes: 1 << 20)
            let output = directory.path("output")
            let spool = ["--data-dir", directory.path("spool")]
            let c = try await GatewayProcess(spool, keyFile: directory.path("key"))
            _ = try await Tool.run(a, "connect", c.udp, "--name", "spooled")
            let waiting = try Tool.start(c, ["receive", "in", "--output", output])
            _ = try await Tool.run(a, "send", "spooled", file, "--keep-open")
            waiting.send(signal: SIGKILL)
            _ = try await waiting.wait()
            c.process.send(signal: SIGKILL)
            _ = try await c.process.wait()

            let again = try await GatewayProcess(spool, keyFile: directory.path("key"))
            let partial = try await Tool.run(
                again, "receive", "in", "--output", output, status: 76)
            #expect(partial.errorText.contains("restarted"), "\(partial.errorText)")
            #expect(partial.errorText.contains("\(content.count) bytes"))
            let parts = try FileManager.default.contentsOfDirectory(atPath: directory.url.path)
                .filter { $0.hasSuffix(".part") }
            let part = try #require(parts.first)
            #expect(FileManager.default.contents(atPath: directory.path(part)) == content)
            try await again.stop()
            try await stop()
        }

        @Test func aGatewayThatComesBackWithoutTheConnection() async throws {
            _ = try await Tool.run(a, "connect", b.udp, "--name", "out")
            let sender = try Tool.start(a, ["send", "out"])
            let receiver = try Tool.start(b, ["receive", "in"])
            sender.write(line: "one")
            #expect(try await receiver.nextLine() == "one")
            a.process.send(signal: SIGKILL)
            _ = try await a.process.wait()
            // Meanwhile it is tried again.
            sender.write(line: "two")
            let again = try await GatewayProcess(http: "127.0.0.1:\(a.httpPort)")
            #expect(try await sender.wait() == .status(65), "\(sender.errorText)")
            #expect(sender.errorText.contains("does not know the connection any more"))
            receiver.send(signal: SIGKILL)
            _ = try await Tool.run(b, "close", "in", "--abort")
            try await again.stop()
            try await b.stop()
        }

        private func connect() async throws {
            _ = try await Tool.run(a, "connect", b.udp, "--name", "out")
            let answer = try await b.request("GET", "/v1/accept?name=in&wait=60s")
            try #require(answer.status == 200, "\(answer.text)")
        }

        private func stop() async throws {
            try await a.stop()
            try await b.stop()
        }
    }
}
