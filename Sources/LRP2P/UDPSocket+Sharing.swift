extension UDPSocket {
    /// Sockets of one address, in the order of binding.
    ///
    /// The first is bound alone, so an address in use is told as such even when it belongs to
    /// sockets that share it; the others follow to the port it got.
    ///
    /// - Parameter selectsInKernel: the kernel is to choose among them by the connection id.
    ///   Without, or when it cannot, it chooses by the addresses of both ends.
    static func bind(
        _ count: Int, to address: SocketAddress, selectsInKernel: Bool
    ) throws(ListenError) -> [UDPSocket] {
        let first = try UDPSocket(bindingTo: address)
        var sockets = [first]
        if count > 1 {
            try first.sharePort()
            while sockets.count < count {
                sockets.append(try UDPSocket(bindingTo: first.localAddress, sharesPort: true))
            }
            if selectsInKernel { _ = first.selectByConnectionID(among: count) }
        }
        for socket in sockets {
            socket.enableReceiveTrains()
            socket.enableReceiveCodepoints()
        }
        return sockets
    }
}
