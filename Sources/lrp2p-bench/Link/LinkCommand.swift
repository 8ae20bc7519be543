import ArgumentParser
import CLinux
import Glibc
import LRP2P
import Synchronization

/// A link that loses, delays, duplicates, reorders and damages, where the kernel offers none.
struct LinkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "link",
        abstract: "Relays UDP datagrams over a simulated bad link.",
        discussion: """
            Prints one JSON line with its address when it is ready, and one with its counters when \
            SIGINT or SIGTERM ends it. What happens to the n-th datagram of a direction follows \
            from the seed; with a limited rate, from the time as well.
            """)

    @Option(help: "Where clients send to, HOST:PORT; port 0 picks one.")
    var listen = "127.0.0.1:0"

    @Option(help: "Where their datagrams go, HOST:PORT.")
    var to: String

    @OptionGroup(title: "Link") var link: LinkOptions

    func validate() throws {
        for (name, text) in [("--listen", listen), ("--to", to)] where SocketAddress(text) == nil {
            throw ValidationError("\(name): not a numeric HOST:PORT: \(text)")
        }
    }

    func run() async throws {
        guard let listen = SocketAddress(listen), let target = SocketAddress(to) else { return }
        let relay = try RunningRelay(
            listen: listen, target: target, conditions: link.conditions,
            seed: link.seed)
        StopSignals.install(relay.stopDescriptor)
        print("{\"address\":\"\(relay.address)\",\"to\":\"\(target)\"}")
        fflush(nil)
        let counters = await relay.counters()
        print("""
            {"upstream":\(counters.upstream.json),"downstream":\(counters.downstream.json),\
            "refused_clients":\(counters.refusedClients)}
            """)
    }
}

extension RelayCounters.Direction {
    var json: String {
        """
        {"received":\(received),"sent":\(sent),"lost":\(lost),"duplicated":\(duplicated),\
        "queue_full":\(queueFull),"failed":\(failed)}
        """
    }
}

/// SIGINT and SIGTERM, as an event on a descriptor.
private enum StopSignals {
    /// What the handlers write to: all they may do is an atomic load and a system call.
    private static let descriptor = Atomic<Int32>(-1)

    static func install(_ eventDescriptor: Int32) {
        descriptor.store(eventDescriptor, ordering: .relaxed)
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in
                clinux_eventfd_signal(StopSignals.descriptor.load(ordering: .relaxed))
            }
        }
    }
}
