import Testing

/// Everything here starts processes and shares the machine: one test after the other.
@Suite(.serialized, .timeLimit(.minutes(15)))
enum EndToEnd {}
