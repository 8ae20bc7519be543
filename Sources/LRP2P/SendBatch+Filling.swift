extension SendBatch {
    /// Takes in what the endpoint has to send, until there is no more or the batch is full.
    ///
    /// A method, so that the batch is checked for exclusive access once and not for each datagram.
    mutating func fill(from endpoint: Endpoint, for socket: UDPSocket, now: Instant) {
        while !isFull, let transmit = endpoint.pollTransmit(into: nextSlot, now: now) {
            append(
                length: transmit.length, to: transmit.destination, from: socket,
                isPathProbe: transmit.isPathProbe, isECNCapable: transmit.isECNCapable)
        }
    }
}
