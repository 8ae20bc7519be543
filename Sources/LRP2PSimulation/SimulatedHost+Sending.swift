import LRP2PCore

extension SimulatedHost {
    func transmit() throws(InvariantViolation) -> (kind: WireKind, wireID: UInt64)? {
        let buffer = history.datagramBuffer
        guard let transmit = endpoint.pollTransmit(into: buffer, now: now) else { return nil }
        guard transmit.length >= 0, transmit.length <= buffer.count else {
            throw InvariantViolation("wrote \(transmit.length) bytes into \(buffer.count)")
        }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<transmit.length])
        let id = WireMonitor.connectionID(of: bytes) ?? 0
        let side = side(ofWireID: id)
        let isOwn = side.map { !$0.isLost && $0.closeReason == nil } ?? false
        let peer = history.network.host(behind: transmit.destination)
        let kind = try history.monitor.check(
            WireMonitor.Outgoing(
                bytes: bytes, host: index, peer: peer.map(Self.index), isOwn: isOwn,
                answers: arrivals[id]?.longest ?? 0))
        try noteSending(kind, bytes, wireID: id)
        datagramsSent += 1
        let fate = history.network.send(
            bytes, from: address, to: transmit.destination,
            ecn: transmit.isECNCapable ? .ect0 : .notECT, label: kind.label)
        history.record(
            .sent(host: index, what: kind.description, length: bytes.count, fate: fate),
            words: UInt64(index), UInt64(bytes.count), id,
            // The tag at the end stands for the whole content.
            bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self).littleEndian)
        if let halfOpen = halfOpen(id), kind == .handshake(halfOpen.rawValue) {
            try disturb(.disappearance)
        }
        return (kind, id)
    }

    /// Where this host is to disappear from the handshake with this connection id.
    private func halfOpen(_ wireID: UInt64) -> HalfOpenPeer? {
        guard let initiator = history.initiators[wireID],
            let halfOpen = history.scenario.connections[initiator.plan].halfOpen
        else { return nil }
        let isInitiator = side(ofWireID: wireID)?.role == .initiator
        return isInitiator == (halfOpen != .responderAfterMessage2) ? halfOpen : nil
    }
}
