import Foundation
import Testing

@testable import lrp2p_bench

@Suite struct BenchmarkCaseTests {
    private func result(
        _ value: Double, limit: Double? = nil, target: BenchmarkCase.Target? = nil,
        name: String = "one connection"
    ) -> BenchmarkCase {
        BenchmarkCase(
            benchmark: "throughput", name: name, value: value, unit: .megabytesPerSecond,
            limit: limit.map { .init(value: $0, name: "AEAD") }, target: target)
    }

    @Test func aTargetIsAboutTheRatioWhereThereIsALimit() {
        #expect(result(60, limit: 100, target: .atLeast(0.55)).isReached == true)
        #expect(result(50, limit: 100, target: .atLeast(0.55)).isReached == false)
        #expect(result(300, limit: 100, target: .atMost(3)).isReached == true)
        #expect(result(301, limit: 100, target: .atMost(3)).isReached == false)
        #expect(result(0.96, target: .atLeast(0.95)).isReached == true)
        #expect(result(0.2, target: .atMost(0.1)).isReached == false)
        #expect(result(1, limit: 2).isReached == nil)
    }

    @Test func aLimitOfNothingGivesNoRatio() {
        #expect(result(1, limit: 0).ratio == nil)
        #expect(result(1).ratio == nil)
        #expect(result(1, limit: 4).ratio == 0.25)
    }

    @Test func machinesGetOneObjectALine() throws {
        let line = result(60, limit: 80, target: .atLeast(0.55), name: "a \"b\"\\\n").json
        #expect(!line.contains("\n"))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["benchmark"] as? String == "throughput")
        #expect(object["case"] as? String == "a \"b\"\\\n")
        #expect(object["value"] as? Double == 60)
        #expect(object["unit"] as? String == "MB/s")
        #expect(object["limit"] as? Double == 80)
        #expect(object["limit_name"] as? String == "AEAD")
        #expect(object["ratio"] as? Double == 0.75)
        #expect(object["target"] as? String == "≥ 0.55")
        #expect(object["reached"] as? Bool == true)
    }

    @Test func whatIsAbsentIsNull() throws {
        let line = result(.infinity).json
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        for member in ["value", "limit", "limit_name", "ratio", "target", "reached"] {
            #expect(object[member] is NSNull, "\(member)")
        }
    }

    @Test func peopleGetColumns() throws {
        let heading = BenchmarkCase.heading("throughput")
        let row = result(503.61, limit: 841.7, target: .atLeast(0.55)).row
        #expect(row.contains("503.6 MB/s"))
        #expect(row.contains("841.7 AEAD"))
        #expect(row.contains("≥ 0.55 reached"))
        // Columns end where their headings do.
        func end(of text: String, in line: String) throws -> Int {
            let range = try #require(line.range(of: text))
            return line.distance(from: line.startIndex, to: range.upperBound)
        }
        #expect(try end(of: "value", in: heading) == end(of: "503.6 MB/s", in: row))
        #expect(try end(of: "ratio", in: heading) == end(of: "0.598", in: row))
        #expect(!result(1).row.hasSuffix(" "))
    }
}
