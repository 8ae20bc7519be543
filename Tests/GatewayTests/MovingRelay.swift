import Foundation
import Glibc
import Synchronization
import Testing

/// A NAT between one client and a node: when told so, it goes on from another port.
final class MovingRelay: Sendable {
    /// What the client takes for the node.
    let port: UInt16
    /// Where the node sees the client, before and after.
    let outwardPorts: [UInt16]
    private let hasMoved = Atomic(false)
    /// Its end is the thread's.
    private let stop: Int32

    private struct Socket {
        let descriptor: Int32
        let port: UInt16

        init(connectedTo destination: UInt16? = nil) throws {
            let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            try #require(descriptor >= 0)
            var address = Self.loopback(0)
            try #require(Self.call(&address) { bind(descriptor, $0, $1) } == 0)
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            try #require(
                Self.call(&address) { name, _ in getsockname(descriptor, name, &size) } == 0)
            port = UInt16(bigEndian: address.sin_port)
            self.descriptor = descriptor
            guard let destination else { return }
            address = Self.loopback(destination)
            try #require(Self.call(&address) { connect(descriptor, $0, $1) } == 0)
        }

        static func loopback(_ port: UInt16) -> sockaddr_in {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            return address
        }

        static func call(
            _ address: inout sockaddr_in,
            _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Int32
        ) -> Int32 {
            withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
    }

    init(to node: UInt16) throws {
        let inner = try Socket()
        let outer = [try Socket(connectedTo: node), try Socket(connectedTo: node)]
        port = inner.port
        outwardPorts = outer.map(\.port)
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        stop = ends[1]
        let descriptors = [ends[0], inner.descriptor] + outer.map(\.descriptor)
        Thread.detachNewThread { [weak self] in
            Self.carry(descriptors) { self?.hasMoved.load(ordering: .acquiring) ?? false }
            for descriptor in descriptors { close(descriptor) }
        }
    }

    deinit { close(stop) }

    func move() { hasMoved.store(true, ordering: .releasing) }

    private static func carry(_ descriptors: [Int32], hasMoved: () -> Bool) {
        var isConnected = false
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            var events = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&events, nfds_t(events.count), -1) > 0, events[0].revents == 0 else { return }
            for index in 1...3 where events[index].revents & Int16(POLLIN) != 0 {
                if index == 1, !isConnected {
                    // Whoever sends first is the client.
                    var client = sockaddr_in()
                    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
                    _ = Socket.call(&client) { name, _ in
                        Int32(recvfrom(descriptors[1], nil, 0, Int32(MSG_PEEK), name, &size))
                    }
                    isConnected = Socket.call(&client) { connect(descriptors[1], $0, $1) } == 0
                }
                let count = recv(descriptors[index], &buffer, buffer.count, 0)
                guard count >= 0 else { continue }
                let target = index == 1 ? (hasMoved() ? 3 : 2) : 1
                _ = send(descriptors[target], buffer, count, 0)
            }
        }
    }
}
