import Testing

@testable import lrp2p_bench

@Suite struct SoakTests {
    @Test func aHeaderSaysWhatFollows() {
        let content = SoakContent(number: 0x0123_4567_89ab_cdef, length: 70_000)
        let same = SoakContent(header: content.header)
        #expect(same.number == content.number)
        #expect(same.length == 70_000 && same.total == 70_016)
        #expect(same.place(of: 16) == 0x0123_4567)
    }

    @Test func oneOutlierDoesNotMakeATrend() {
        #expect(medianSlope([]) == 0)
        #expect(medianSlope([(1, 5)]) == 0)
        #expect(medianSlope([(1, 10), (2, 12), (3, 14)]) == 2)
        #expect(medianSlope([(1, 10), (2, 10), (3, 900), (4, 10), (5, 10)]) == 0)
    }

    private func report(
        _ memory: [Double], files: [Int]? = nil, failures: [String] = []
    ) -> SoakReport {
        var report = SoakReport()
        for (index, bytes) in memory.enumerated() {
            var tally = SoakField.Tally()
            if index == 0 { tally.failures = failures }
            let open = files?[index] ?? 17
            report.add(
                SoakField.Stock(
                    minute: index + 1, tally: tally, residentBytes: [50e6, bytes],
                    openFiles: [17, open]))
        }
        return report
    }

    @Test func whatStaysIsGood() {
        // The beginning does not count.
        #expect(report([10e6, 30e6, 50e6, 50e6, 51e6, 50e6, 50e6, 51e6, 50e6]).isGood)
        #expect(report([50e6]).isGood)
    }

    @Test func whatGrowsIsNot() {
        let growing = report((0..<30).map { 50e6 + 1e6 * Double($0) })
        #expect(!growing.isGood)
        #expect(growing.verdict.contains { $0.hasPrefix("B: memory GROWING") })
        #expect(growing.verdict.contains { $0.hasPrefix("A: memory flat") })
        #expect(!report([50e6, 50e6, 50e6], files: [17, 17, 18]).isGood)
        let failed = report([50e6, 50e6], failures: ["something"])
        #expect(!failed.isGood && failed.verdict[0] == "FAILED: something")
    }
}
