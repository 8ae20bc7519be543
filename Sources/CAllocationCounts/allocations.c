#include "CAllocationCounts.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_OTHER_ALLOCATOR 1
#endif
#endif

// On cache lines of their own: threads that free what others took would otherwise share one more.
static _Alignas(64) _Atomic uint64_t allocations;
static _Alignas(64) _Atomic uint64_t frees;

struct allocation_counts allocation_counts_now(void) {
    return (struct allocation_counts){
        .allocations = atomic_load_explicit(&allocations, memory_order_relaxed),
        .frees = atomic_load_explicit(&frees, memory_order_relaxed),
    };
}

#if defined(__GLIBC__) && !defined(HAS_OTHER_ALLOCATOR)

// glibc keeps these names for programs that define the allocator's entry points themselves.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

bool allocation_counts_available(void) { return true; }

static void count(_Atomic uint64_t *counter) {
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void *malloc(size_t size) {
    count(&allocations);
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count(&allocations);
    return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size) {
    count(&allocations);
    if (block) count(&frees);
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
    count(&allocations);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
        return EINVAL;
    void *block = memalign(alignment, size);
    if (!block) return ENOMEM;
    *result = block;
    return 0;
}

void free(void *block) {
    if (block) count(&frees);
    __libc_free(block);
}

#else

bool allocation_counts_available(void) { return false; }

#endif
