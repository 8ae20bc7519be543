import Glibc

/// Wakes a thread that has nothing to do.
package final class Signal: @unchecked Sendable {
    // Unchecked: a semaphore is made for several threads.
    private let semaphore: UnsafeMutablePointer<sem_t>

    package init() {
        semaphore = .allocate(capacity: 1)
        semaphore.initialize(to: sem_t())
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    package func raise() { sem_post(semaphore) }

    /// Returns as often as it was raised.
    package func wait() {
        while sem_wait(semaphore) != 0 {}
    }
}
