#ifndef CALLOCATIONCOUNTS_H
#define CALLOCATIONCOUNTS_H

// Counts what this process takes from the heap, whoever asks: Swift's runtime, libsodium, libc.
// The allocator's entry points are defined here and lead to those of glibc.

#include <stdbool.h>
#include <stdint.h>

struct allocation_counts {
    /// Blocks taken, reallocations included.
    uint64_t allocations;
    /// Blocks given back.
    uint64_t frees;
};

/// The counts since the process began. Any thread may ask.
struct allocation_counts allocation_counts_now(void);

/// False where allocations cannot be counted: with another libc, or under a sanitizer, which has an
/// allocator of its own. The counts are 0 then.
bool allocation_counts_available(void);

#endif
