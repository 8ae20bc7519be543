import Gateway
import GatewayClient
import Testing

@testable import lrp2p

@Suite struct TerminalTests {
    @Test(arguments: [
        ("plain ü 漢", "plain ü 漢"), ("\u{1b}[2Jx", "\\u{1b}[2Jx"),
        ("a\nb\r\t", "a\\u{a}b\\u{d}\\u{9}"),
        ("\u{9b}31m", "\\u{9b}31m"), ("\u{202e}txt", "\\u{202e}txt"), ("\u{7f}", "\\u{7f}"),
    ])
    func textFromElsewhereCannotDriveTheTerminal(text: String, shown: String) {
        #expect(SafeText.of(text) == shown)
    }

    @Test func jsonStaysJSON() throws {
        let bytes = Array("{\"name\":\"\u{9b}x\u{202e}\"}\n".utf8)
        #expect(SafeText.json(bytes) == "{\"name\":\"\\u009bx\\u202e\"}\n")
        #expect(JSONText.quoted("a\"\\\u{1b}\n") == #""a\"\\\u001b\u000a""#)
    }

    @Test(arguments: [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
        (1_048_575, "1.0 MiB"), (12_897_485, "12.3 MiB"), (UInt64.max, "16.0 EiB"),
    ] as [(UInt64, String)])
    func bytes(count: UInt64, text: String) {
        #expect(Quantity.bytes(count) == text)
    }

    @Test func times() {
        #expect(Quantity.seconds(0.000_214) == "0.21 ms")
        #expect(Quantity.seconds(0.0354) == "35.4 ms")
        #expect(Quantity.seconds(1.25) == "1.3 s")
        #expect(Quantity.clock(7) == "0:07" && Quantity.clock(3723) == "1:02:03")
        #expect(Quantity.clock(.infinity) == "99:59:59")
    }

    @Test func columnsLineUp() {
        var table = Table(["A", "BB"])
        table.add(["\u{1b}", "x"])
        table.add(["", "yy"])
        #expect(table.lines == ["A       BB", "\\u{1b}  x", "        yy"])
    }

    @Test func progressTellsRateAndTimeLeft() {
        let start = ContinuousClock.now
        var progress = TransferProgress("sent", total: 100 << 20)
        progress.advance(to: 0, now: start)
        progress.advance(to: 10 << 20, now: start + .seconds(1))
        progress.acknowledged = 5 << 20
        progress.note = "waiting"
        #expect(progress.text == "sent 10.0 MiB of 100.0 MiB  10 %  10.0 MiB/s  0:09 left"
            + "  acknowledged 5.0 MiB  waiting")
        // What is long ago does not count.
        progress.advance(to: 11 << 20, now: start + .seconds(20))
        progress.advance(to: 12 << 20, now: start + .seconds(21))
        #expect(progress.bytesPerSecond == Double(1 << 20))
        #expect(TransferProgress("received").text == "received 0 B  0 B/s")
    }

    @Test func aFrameFitsTheTerminal() {
        let frame = Screen.frame(["abcdef", "b", "c"], columns: 3, rows: 2)
        #expect(frame == "\u{1b}[Habc\u{1b}[K\r\nb\u{1b}[K\u{1b}[J")
    }

    /// The same texts as the gateway takes.
    @Test(arguments: [
        "0", "500ms", "30s", "2m", "1h", "", "s", "5", "-1s", "1.5s", "1d", "99999999999999h",
        "876000h", "876001h", "٣s",
    ])
    func durations(text: String) {
        #expect(Time(argument: text)?.duration == DurationText.parse(text))
    }

    @Test func theVersionIsTheGateways() {
        #expect(ToolVersion.current == GatewayVersion.current)
    }

    @Test func wordsOfACommandLine() {
        let words = ["lrp2p", "send", "--gateway", "http://a", "--token-file=b", "--ca"]
        #expect(NameCompletion.value(of: "--gateway", in: words) == "http://a")
        #expect(NameCompletion.value(of: "--token-file", in: words) == "b")
        #expect(NameCompletion.value(of: "--ca", in: words) == "")
        #expect(NameCompletion.value(of: "--key", in: words) == nil)
    }
}
