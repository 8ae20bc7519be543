import Testing

@testable import Gateway

@Suite struct WaitListTests {
    private let never = ContinuousClock.now + .seconds(3600)

    @Test func doesNotMissWhatHappenedBefore() async {
        let list = WaitList()
        let generation = list.generation
        list.wakeAll()
        await list.wait(whileGeneration: generation, deadline: never)
    }

    @Test func wakesEveryWaiter() async {
        let list = WaitList()
        let generation = list.generation
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask { await list.wait(whileGeneration: generation, deadline: self.never) }
            }
            group.addTask { list.wakeAll() }
        }
        #expect(list.generation == generation + 1)
    }

    @Test func endsAtTheDeadline() async {
        let list = WaitList()
        let deadline = ContinuousClock.now + .milliseconds(20)
        await list.wait(whileGeneration: list.generation, deadline: deadline)
        #expect(ContinuousClock.now >= deadline)
        await list.wait(whileGeneration: list.generation, deadline: deadline)
    }

    @Test func endsWithItsTask() async {
        let list = WaitList()
        let task = Task { await list.wait(whileGeneration: list.generation, deadline: never) }
        task.cancel()
        await task.value
        // One that is cancelled before it begins.
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await list.wait(whileGeneration: list.generation, deadline: never)
        }
        await late.value
    }
}
