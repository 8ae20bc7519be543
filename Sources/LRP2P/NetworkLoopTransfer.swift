/// A network loop on its way to its thread.
///
/// Unchecked, because the loop is not made for several threads: the one that makes it only passes
/// it on, and the thread takes it out and uses it alone.
final class NetworkLoopTransfer: @unchecked Sendable {
    private var loop: NetworkLoop?

    init(_ loop: NetworkLoop) {
        self.loop = loop
    }

    /// The body of the thread. When it has been counted, socket and loop are gone.
    func run(thenCountDown end: EndOfThreads) {
        loop?.run()
        loop = nil
        end.countDown()
    }
}
