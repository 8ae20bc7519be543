import LRP2P

/// For those who want to know when to read.
extension Inbox {
    /// Waits for a byte after `position` that is there to be read. False when none will come, or
    /// the task is cancelled.
    func waitForUnread(after position: UInt64) async -> Bool {
        while true {
            do throws(InboxReadError) {
                let start = max(position, range.lowerBound)
                return try await read(at: start, maximum: 1, deadline: nil)?.isEmpty == false
            } catch {
                // What came was acknowledged at once.
                guard case .stream(.released) = error else { return false }
            }
        }
    }

    /// Waits until some reader needs nothing before `position` any more. Returns early when the
    /// task is cancelled.
    func waitUntilAcknowledged(upTo position: UInt64) async {
        while !Task.isCancelled {
            let generation = acknowledgements.generation
            if foremostPosition >= position { return }
            await acknowledgements.wait(whileGeneration: generation, deadline: nil)
        }
    }
}
