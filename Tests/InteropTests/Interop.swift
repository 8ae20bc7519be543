import Testing

/// The two sides of each test want the processor: one test after the other.
@Suite(.serialized, .timeLimit(.minutes(10)))
enum Interop {}
