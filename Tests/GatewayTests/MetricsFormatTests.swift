import HTTPTypes
import LRP2P
import Testing

@testable import Gateway

/// The texts in which metrics are written, and who gets which.
@Suite struct MetricsFormatTests {
    @Test func writesTheTextFormat() {
        var writer = MetricsWriter(.prometheus)
        writer.family("a_total", .counter, "Back\\slash\nand \"quotes\".")
        writer.sample("a_total", [("x", "Back\\slash\nand \"quotes\"")], UInt64.max)
        writer.sample("b", [], 0.0025)
        writer.sample("b", [], 3.0)
        writer.sample("b", [], Double.infinity)
        #expect(
            writer.text == """
                # HELP a_total Back\\\\slash\\nand "quotes".
                # TYPE a_total counter
                a_total{x="Back\\\\slash\\nand \\"quotes\\""} 18446744073709551615
                b 0.0025
                b 3
                b +Inf

                """)
    }

    @Test func writesOpenMetrics() {
        var writer = MetricsWriter(.openMetrics)
        writer.family("a_bytes_total", .counter, "Back\\slash\nand \"quotes\".")
        writer.sample("a_bytes_total", [("x", "Back\\slash\nand \"quotes\"")], UInt64.max)
        writer.family("b_seconds", .gauge, "B.")
        writer.sample("b_seconds", [], 0.0025)
        writer.sample("b_seconds", [], 3.0)
        writer.sample("b_seconds", [], -Double.infinity)
        writer.family("c_total", .counter, "C.")
        writer.sample("c_total", [], 0)
        writer.family("d_info", .info, "D.")
        writer.sample("d_info", [("version", "1")], 1)
        #expect(
            writer.text == """
                # TYPE a_bytes counter
                # UNIT a_bytes bytes
                # HELP a_bytes Back\\\\slash\\nand \\"quotes\\".
                a_bytes_total{x="Back\\\\slash\\nand \\"quotes\\""} 18446744073709551615
                # TYPE b_seconds gauge
                # UNIT b_seconds seconds
                # HELP b_seconds B.
                b_seconds 0.0025
                b_seconds 3.0
                b_seconds -Inf
                # TYPE c counter
                # HELP c C.
                c_total 0
                # TYPE d info
                # HELP d D.
                d_info{version="1"} 1
                # EOF

                """)
    }

    @Test(arguments: [(MetricsFormat.prometheus, "1", ""), (.openMetrics, "1.0", "# EOF\n")])
    func histogramsAreCumulative(format: MetricsFormat, one: String, end: String) {
        var histogram = Histogram(upperBoundsInSeconds: [0.1, 1])
        for milliseconds in [50, 100, 500, 2000] as [Int64] {
            histogram.observe(.milliseconds(milliseconds))
        }
        var writer = MetricsWriter(format)
        writer.histogram("h_seconds", [("r", "x")], histogram)
        #expect(
            writer.text == """
                h_seconds_bucket{r="x",le="0.1"} 2
                h_seconds_bucket{r="x",le="\(one)"} 3
                h_seconds_bucket{r="x",le="+Inf"} 4
                h_seconds_sum{r="x"} 2.65
                h_seconds_count{r="x"} 4

                """ + end)
    }

    @Test(arguments: [
        (nil, MetricsFormat.prometheus), ("*/*", .prometheus), ("text/plain", .prometheus),
        ("application/openmetrics-text", .openMetrics),
        (Self.prometheus242, .openMetrics), (Self.prometheus3, .openMetrics),
        // One that has only what we have not, but for the last resort.
        ("application/openmetrics-text;version=2.0.0,*/*;q=0.1", .prometheus),
    ] as [(String?, MetricsFormat)])
    func theClientChoosesTheFormat(accept: String?, format: MetricsFormat) async throws {
        let node = try TestNode()
        let headers: HTTPFields = accept.map { [.accept: $0] } ?? [:]
        let answer = await node.request(.get, "/metrics", headers: headers)
        #expect(answer.status == .ok)
        #expect(answer.headers[.contentType] == format.mediaType)
        #expect(answer.headers[.vary] == "Accept")
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(text.hasSuffix("\n# EOF\n") == (format == .openMetrics))
        #expect(text.contains("# TYPE lrp2p_sent_bytes counter\n") == (format == .openMetrics))
    }

    @Test func aVersionWeDoNotHaveIsNotAcceptable() async throws {
        let node = try TestNode()
        for type in ["application/openmetrics-text;version=0.0.1", "text/plain;version=1.0.0"] {
            let answer = await node.request(.get, "/metrics", headers: [.accept: type])
            #expect(answer.status == .notAcceptable && answer.code == "not_acceptable")
        }
    }

    /// As Prometheus sends them, of these versions.
    static let prometheus242 =
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
        + "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    static let prometheus3 =
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
        + "application/openmetrics-text;version=0.0.1;q=0.4,"
        + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
        + "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
}
