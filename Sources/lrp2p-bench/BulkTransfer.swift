import CAllocationCounts
import LRP2P

enum AllocationCounts {
    static var areAvailable: Bool { allocation_counts_available() }
}

/// One stretch of time in the middle of a transfer at full speed, from this process to another.
struct BulkTransfer {
    /// What one of the processes spent.
    struct Cost {
        let processorNanosecondsPerPacket: Double
        let allocationsPerPacket: Double

        /// - Parameter packets: data packets that crossed the network meanwhile.
        init(from start: ProcessFigures, to end: ProcessFigures, packets: Double) {
            let packets = max(1, packets)
            processorNanosecondsPerPacket =
                Double(end.processorNanoseconds - start.processorNanoseconds) / packets
            allocationsPerPacket = Double(end.allocations - start.allocations) / packets
        }
    }

    let bytesPerSecond: Double
    /// Acknowledged bytes of each connection.
    let bytesByConnection: [Double]
    let sender: Cost
    let receiver: Cost

    /// Before measuring, so that slow start and the first touch of all memory are over.
    private static let warmUp = Duration.milliseconds(500)

    static func measure(
        connections count: Int, _ endpoint: EndpointOptions, through link: LinkOptions? = nil,
        for span: Duration
    ) async throws -> BulkTransfer {
        let peer = try PeerProcess(.serve, endpoint)
        defer { peer.end() }
        let relay = try link.map {
            try RunningRelay(
                listen: .loopback(port: 0), target: peer.address, conditions: $0.conditions,
                seed: $0.seed)
        }
        var configuration = PeerSocketConfiguration(identity: Identity())
        configuration.endpoint = endpoint.configuration
        let socket = try PeerSocket.listen(on: .loopback(port: 0), configuration: configuration)
        var connections: [PeerConnection] = []
        for _ in 0..<count {
            connections.append(try await socket.connect(to: relay?.address ?? peer.address))
        }
        let writers = connections.map { connection in
            Task { try await write(to: connection, asking: .discard) }
        }
        try await Task.sleep(for: warmUp)
        let result = try await measure(connections, of: socket, to: peer, for: span)
        writers.forEach { $0.cancel() }
        await socket.close()
        _ = await relay?.stop()
        return result
    }

    private static func measure(
        _ connections: [PeerConnection], of socket: PeerSocket, to peer: PeerProcess,
        for span: Duration
    ) async throws -> BulkTransfer {
        let bytesBefore = connections.map { Double($0.sendRange.lowerBound) }
        let here = ProcessFigures.now, there = try peer.report()
        try await Task.sleep(for: span)
        let hereAfter = ProcessFigures.now, thereAfter = try peer.report()
        let bytesAfter = connections.map { Double($0.sendRange.lowerBound) }
        let packets = Double(thereAfter.packetsReceived - there.packetsReceived)
        return BulkTransfer(
            bytesPerSecond: thereAfter.bytesPerSecond(since: there),
            bytesByConnection: zip(bytesBefore, bytesAfter).map { $1 - $0 },
            sender: Cost(from: here, to: hereAfter, packets: packets),
            receiver: Cost(from: there.process, to: thereAfter.process, packets: packets))
    }

    /// Writes until it is cancelled or the connection ends.
    static func write(to connection: PeerConnection, asking service: Service) async throws {
        try await connection.write([service.rawValue])
        let chunk = [UInt8](repeating: 0x5a, count: SocketPart.chunkBytes)
        while !Task.isCancelled { try await connection.write(chunk) }
    }

    /// By how much the memory of a new process grows, at its highest, through one connection at
    /// full speed.
    ///
    /// - Parameter service: what the process does, `discard` for a receiver or `source` for a
    ///   sender.
    static func memoryGrowth(
        of service: Service, _ endpoint: EndpointOptions, for span: Duration
    ) async throws -> Double {
        let peer = try PeerProcess(.serve, endpoint)
        defer { peer.end() }
        var configuration = PeerSocketConfiguration(identity: Identity())
        configuration.endpoint = endpoint.configuration
        let socket = try PeerSocket.listen(on: .loopback(port: 0), configuration: configuration)
        let before = try peer.report()
        let connection = try await socket.connect(to: peer.address)
        let work = Task {
            switch service {
            case .source:
                try await connection.write([service.rawValue])
                while true { _ = try await connection.read(maxBytes: SocketPart.chunkBytes) }
            case .discard, .echo:
                try await write(to: connection, asking: service)
            }
        }
        try await Task.sleep(for: span)
        let after = try peer.report()
        work.cancel()
        await socket.close()
        return Double(after.process.peakResidentBytes) - Double(before.process.residentBytes)
    }
}
