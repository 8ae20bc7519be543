// Tells ThreadSanitizer about the slow path of Swift's Mutex.
//
// Its fast path, a compare-and-exchange, is compiled into our own code, where ThreadSanitizer sees
// it. A thread that finds the lock taken goes on inside libswiftSynchronization, which is not
// instrumented, and gets the lock there or from the kernel: all that the last owner did would look
// like a race. This library, preloaded, stands in front of those functions. They are part of
// Swift's stable ABI; in programs without ThreadSanitizer nothing is added to them.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

// Synchronization._MutexHandle._lockSlow(UInt32), ._tryLockSlow() and ._unlockSlow()
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK_SLOW "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *lock

typedef SWIFT void lock_function(uint32_t thread, SELF);
typedef SWIFT bool try_lock_function(SELF);
typedef SWIFT void unlock_function(SELF);

extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

// What is found is the same each time, whichever thread looks it up.
static void *next(_Atomic(void *) *function, const char *name) {
    void *found = *function;
    if (!found) *function = found = dlsym(RTLD_NEXT, name);
    return found;
}

SWIFT void lock_slow(uint32_t thread, SELF) __asm__(LOCK_SLOW);
SWIFT void lock_slow(uint32_t thread, SELF) {
    static _Atomic(void *) function;
    ((lock_function *)next(&function, LOCK_SLOW))(thread, lock);
    if (__tsan_acquire) __tsan_acquire(lock);
}

SWIFT bool try_lock_slow(SELF) __asm__(TRY_LOCK_SLOW);
SWIFT bool try_lock_slow(SELF) {
    static _Atomic(void *) function;
    bool locked = ((try_lock_function *)next(&function, TRY_LOCK_SLOW))(lock);
    if (locked && __tsan_acquire) __tsan_acquire(lock);
    return locked;
}

SWIFT void unlock_slow(SELF) __asm__(UNLOCK_SLOW);
SWIFT void unlock_slow(SELF) {
    static _Atomic(void *) function;
    // The next owner may have it before the call returns.
    if (__tsan_release) __tsan_release(lock);
    ((unlock_function *)next(&function, UNLOCK_SLOW))(lock);
}
