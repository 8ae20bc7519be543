extension Connection {
    /// The figures as they are now.
    public var statistics: ConnectionStatistics {
        var result = ConnectionStatistics()
        let rtt = recovery.rtt
        if rtt.hasSample {
            result.latestRTT = rtt.latest
            result.smoothedRTT = rtt.smoothed
            result.rttVariation = rtt.variation
            result.minimumRTT = rtt.minimum
        }
        let datagram = recovery.datagramSize
        result.datagramBytes = datagram
        result.congestionWindowPackets = recovery.controller.congestionWindow / datagram
        result.slowStartThresholdPackets = recovery.controller.slowStartThreshold.map {
            $0 / datagram
        }
        result.packetsInFlight = recovery.packetsInFlight
        result.packetsSent = packetsSent
        result.packetsReceived = packetsReceived
        result.retransmissionsByPacketThreshold = retransmissions[0]
        result.retransmissionsByTimeThreshold = retransmissions[1]
        result.retransmissionsByProbeTimeout = retransmissions[2]
        result.spuriousRetransmissions = recovery.spuriousRetransmissions
        result.duplicatesReceived = duplicatesReceived
        result.sentBytes = segmentedUpTo
        result.acknowledgedBytes = sendRing.startPosition
        result.receivedBytes = receiveRing.endPosition
        result.sendQueueBytes = sendRing.count
        result.receiveUnacknowledgedBytes = receiveRing.count
        if isExtended {
            // Rounded up: 0 is a window that is closed.
            let room = Int(extended.sendStream.limit - sendRing.startPosition)
            result.peerWindowPackets = (room + datagram - 1) / datagram
            let told = Int(extended.receiveStream.toldLimit - receiveRing.startPosition)
            result.localWindowPackets = (told + datagram - 1) / datagram
            result.messagesDropped = extended.messagesTooLong
                + extended.outgoingMessages.dropped + extended.incomingMessages.dropped
            result.keyPhase = keys.receivingPhase
        } else {
            result.peerWindowPackets = peerWindow
            result.localWindowPackets = lastToldWindow
        }
        result.limitedBy = sendLimit
        return result
    }

    private var sendLimit: SendLimit {
        if isExtended {
            let next = segmentedUpTo, end = sendRing.endPosition
            if extended.sendStream.isBlocked(next: next, end: end) { return .peerWindow }
            if extended.sendStream.hasPiece(next: next, end: end) { return .network }
            // All was sent, and no more is accepted until the peer has taken charge of some.
            if extended.peer.reportsDelivery, sendRing.freeBytes == 0 { return .peerWindow }
            return extended.receiveStream.toldLimit - receiveRing.endPosition
                < UInt64(recovery.datagramSize) ? .localReader : .application
        }
        if unsentBytes > 0 || segments.unacknowledged > recovery.packetsInFlight {
            return segments.unacknowledged >= peerWindow ? .peerWindow : .network
        }
        return lastToldWindow == 0 ? .localReader : .application
    }
}
