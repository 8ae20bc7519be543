// Datagrams that the kernel gave to the wrong thread.
extension NetworkLoop {
    /// Takes in a datagram, or passes it on to the thread whose connection it names.
    @inline(__always)
    func take(
        _ datagram: UnsafeMutableRawBufferPointer, from source: SocketAddress, ecn: ECNCodepoint,
        now: Instant
    ) {
        if shards.count > 1,
            let index = Shard.index(of: UnsafeRawBufferPointer(datagram), count: shards.count),
            index != self.index
        {
            passOn(datagram, to: index, from: source, ecn: ecn)
        } else {
            endpoint.handleDatagram(datagram, from: source, ecn: ecn, now: now)
        }
    }

    private func passOn(
        _ datagram: UnsafeMutableRawBufferPointer, to index: Int, from source: SocketAddress,
        ecn: ECNCodepoint
    ) {
        let datagram = UnsafeRawBufferPointer(datagram)
        guard shards[index].handover.put(datagram, from: source, ecn: ecn) else {
            return endpoint.countDrop(.handoverLimit)
        }
        shardsToRing |= 1 << UInt64(index)
        shard.figures.handedOver.add(1, ordering: .relaxed)
    }

    /// Wakes those that were passed something: once, however many datagrams it was.
    func ringShards() {
        while shardsToRing != 0 {
            let index = shardsToRing.trailingZeroBitCount
            shardsToRing &= shardsToRing - 1
            shards[index].mailbox.announceDatagrams()
        }
    }

    /// Takes in what other threads received for this one.
    func takeHandedOver() {
        shard.handover.take(&handedOver)
        let now = MonotonicClock.now
        var sinceSend = 0
        handedOver.forEach { datagram, source, ecn in
            endpoint.handleDatagram(datagram, from: source, ecn: ecn, now: now)
            sinceSend += 1
            if sinceSend >= NetworkLoop.datagramsBetweenSends {
                sinceSend = 0
                transmit()
            }
        }
    }
}
