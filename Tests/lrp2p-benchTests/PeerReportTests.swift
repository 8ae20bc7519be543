import LRP2P
import Testing

@testable import lrp2p_bench

@Suite struct PeerReportTests {
    @Test func aReportSurvivesItsLine() throws {
        var report = PeerReport()
        report.process.time = Instant(nanoseconds: 12)
        report.process.processorNanoseconds = 34
        report.process.residentBytes = 56
        report.process.peakResidentBytes = 78
        report.process.allocations = 90
        report.bytes = .max
        report.connections = 11
        report.packetsSent = 22
        report.packetsReceived = 33
        #expect(PeerReport(line: report.line) == report)
    }

    @Test(arguments: ["", "1", "1 2 3 4 5 6 7 8", "1 2 3 4 5 6 7 8 x", "1 2 3 4 5 6 7 8 9 10"])
    func otherLinesAreNoReports(line: String) {
        #expect(PeerReport(line: line) == nil)
    }

    @Test func ratesAreThoseOfTheReporter() {
        var start = PeerReport(), end = PeerReport()
        start.process.time = Instant(nanoseconds: 1_000_000_000)
        end.process.time = Instant(nanoseconds: 3_000_000_000)
        start.bytes = 100
        end.bytes = 500
        #expect(end.bytesPerSecond(since: start) == 200)
        #expect(start.bytesPerSecond(since: start) == 0)
    }

    @Test(arguments: [
        PeerRequest.report, .connect(to: .loopback(port: 7), count: 10_000),
    ])
    func aRequestSurvivesItsLine(request: PeerRequest) {
        #expect(PeerRequest(line: request.line) == request)
    }

    @Test(arguments: ["", "reports", "connect 127.0.0.1:7", "connect x 1", "connect 127.0.0.1:7 0"])
    func otherLinesAreNoRequests(line: String) {
        #expect(PeerRequest(line: line) == nil)
    }

    @Test func endpointOptionsSurviveTheCommandLine() throws {
        let options = try EndpointOptions.parse([
            "--buffer", "65536", "--keepalive", "1500ms", "--datagram", "9000",
            "--congestion-control", "bbr", "--base-protocol",
        ])
        let again = try EndpointOptions.parse(options.arguments)
        for configuration in [options.configuration, again.configuration] {
            #expect(configuration.sendBufferBytes == 65536)
            #expect(configuration.receiveBufferBytes == 65536)
            #expect(configuration.keepAliveInterval == .milliseconds(1500))
            #expect(configuration.maximumDatagram == 9000)
            #expect(configuration.congestionControl == .bbr)
            #expect(!configuration.isExtended)
        }
    }

    @Test func withoutOptionsEndpointsAreAsTheyAre() throws {
        let options = try EndpointOptions.parse([])
        let expected = EndpointConfiguration()
        for options in [options, try EndpointOptions.parse(options.arguments)] {
            let configuration = options.configuration
            #expect(configuration.maximumDatagram == expected.maximumDatagram)
            #expect(configuration.congestionControl == expected.congestionControl)
            #expect(configuration.isExtended == expected.isExtended)
            #expect(configuration.sendBufferBytes == expected.sendBufferBytes)
            #expect(configuration.keepAliveInterval == expected.keepAliveInterval)
        }
    }

    @Test(arguments: ["", "1199", "65508", "large", "-1"])
    func otherSizesAreNoDatagrams(text: String) {
        #expect(DatagramSize(argument: text) == nil)
    }
}

@Suite struct ProcessFiguresTests {
    @Test func theKernelTellsMemoryAndTime() {
        let figures = ProcessFigures.now
        #expect(figures.residentBytes > 1 << 20)
        #expect(figures.peakResidentBytes >= figures.residentBytes)
        #expect(figures.processorNanoseconds > 0)
    }

    @Test(.enabled(if: AllocationCounts.areAvailable)) func allocationsAreCounted() {
        let before = ProcessFigures.now.allocations
        for size in 1...1000 {
            let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
            block.deallocate()
        }
        #expect(ProcessFigures.now.allocations - before >= 1000)
    }
}
