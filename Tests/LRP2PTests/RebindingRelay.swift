import CLinux
import Glibc
import Synchronization
import Threads

@testable import LRP2P

/// A NAT between one client and a server, on a thread of its own: what comes for it goes on from a
/// port that can change at any moment, and what was under way to the old one is lost.
final class RebindingRelay: Sendable {
    /// What the client takes for the server.
    let address: SocketAddress
    private let control: Control

    /// What the thread shares with the test.
    private final class Control: Sendable {
        struct State {
            var outward: SocketAddress
            var mustRebind = false
            var isOpen = true
            var isStopping = false
        }
        let state: Mutex<State>
        /// Readable when the state has changed.
        let event: Int32

        init(outward: SocketAddress, event: Int32) {
            state = Mutex(State(outward: outward))
            self.event = event
        }

        deinit { close(event) }

        func change(_ body: (inout State) -> Void) {
            state.withLock { body(&$0) }
            clinux_eventfd_signal(event)
        }
    }

    init(to server: SocketAddress) throws {
        let inner = try UDPSocket(bindingTo: .anyLoopbackPort)
        let outer = try UDPSocket(bindingTo: .anyLoopbackPort)
        address = inner.localAddress
        let control = Control(outward: outer.localAddress, event: clinux_eventfd_create())
        self.control = control
        let forwarder = Forwarder(
            inner: inner, outer: outer, server: server, batch: try ReceiveBatch(capacity: 32))
        let status = BackgroundThread.start(name: "nat") { forwarder.run(control) }
        guard status == 0 else { throw ListenError.system(operation: "thread", errno: status) }
    }

    deinit { control.change { $0.isStopping = true } }

    /// Where the server sees the client.
    var outwardAddress: SocketAddress { control.state.withLock { $0.outward } }

    /// Takes another port towards the server.
    func rebind() { control.change { $0.mustRebind = true } }

    /// Whether it carries anything.
    func setOpen(_ isOpen: Bool) { control.change { $0.isOpen = isOpen } }

    /// Used by the thread alone, to which it is handed over.
    private final class Forwarder: @unchecked Sendable {
        private let inner: UDPSocket
        private var outer: UDPSocket
        private let server: SocketAddress
        private let batch: ReceiveBatch
        private var client: SocketAddress?

        init(
            inner: UDPSocket, outer: UDPSocket, server: SocketAddress,
            batch: consuming ReceiveBatch
        ) {
            self.inner = inner
            self.outer = outer
            self.server = server
            self.batch = batch
        }

        func run(_ control: Control) {
            while true {
                var ready = [inner.descriptor, outer.descriptor, control.event].map {
                    pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
                }
                poll(&ready, nfds_t(ready.count), -1)
                clinux_eventfd_clear(control.event)
                let state = control.state.withLock { $0 }
                if state.isStopping { return }
                if state.mustRebind { rebind(control) }
                forward(from: inner, isOpen: state.isOpen) { bytes, source in
                    client = source
                    return sendRaw(bytes, from: outer, to: server)
                }
                forward(from: outer, isOpen: state.isOpen) { bytes, _ in
                    client.map { sendRaw(bytes, from: inner, to: $0) } ?? 0
                }
            }
        }

        private func rebind(_ control: Control) {
            guard let socket = try? UDPSocket(bindingTo: .anyLoopbackPort) else { return }
            outer = socket
            control.state.withLock {
                $0.outward = socket.localAddress
                $0.mustRebind = false
            }
        }

        /// What the kernel does not take is lost, as on any path.
        private func forward(
            from socket: UDPSocket, isOpen: Bool,
            _ send: (UnsafeMutableRawBufferPointer, SocketAddress) -> Int
        ) {
            for slot in 0..<batch.receive(from: socket) {
                _ = batch.forEachDatagram(in: slot) { bytes, source in
                    if isOpen { _ = send(bytes, source) }
                }
            }
        }
    }
}
