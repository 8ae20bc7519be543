import CLinux
import Glibc

/// Waits for the socket and the mailbox of one network thread.
final class Poller {
    private enum Token {
        static let socket: UInt64 = 0
        static let mailbox: UInt64 = 1
    }

    private let descriptor: Int32
    private let socketDescriptor: Int32
    private let eventDescriptor: Int32
    private var watchesWritable = false

    init(socket: UDPSocket, eventDescriptor: Int32) throws(ListenError) {
        let descriptor = clinux_epoll_create()
        guard descriptor >= 0 else { throw .system(operation: "epoll_create1", errno: -descriptor) }
        self.descriptor = descriptor
        socketDescriptor = socket.descriptor
        self.eventDescriptor = eventDescriptor
        for (fd, token) in [(socketDescriptor, Token.socket), (eventDescriptor, Token.mailbox)] {
            let status = clinux_epoll_watch(descriptor, fd, token, true, false, true)
            guard status == 0 else { throw .system(operation: "epoll_ctl", errno: -status) }
        }
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Sleeps until a datagram or a command arrives, the time has passed, or, if asked for, the
    /// socket takes datagrams again.
    ///
    /// - Parameter timeout: zero or less does not sleep; `nil` is for ever.
    func wait(_ timeout: Interval?, forWritable: Bool) {
        if forWritable != watchesWritable {
            // Cannot fail: the descriptor is registered, and a change needs no memory.
            _ = clinux_epoll_watch(
                descriptor, socketDescriptor, Token.socket, true, forWritable, false)
            watchesWritable = forWritable
        }
        var ready = (clinux_ready(), clinux_ready())
        withUnsafeMutableBytes(of: &ready) { bytes in
            let ready = bytes.bindMemory(to: clinux_ready.self)
            let nanoseconds = timeout.map { max(0, $0.nanoseconds) } ?? -1
            let count = clinux_epoll_wait(descriptor, ready.baseAddress, 2, nanoseconds)
            for event in ready.prefix(Int(count)) where event.token == Token.mailbox {
                clinux_eventfd_clear(eventDescriptor)
            }
        }
    }
}
