#ifndef CLINUX_H
#define CLINUX_H

// What Swift cannot import from glibc: declarations behind _GNU_SOURCE (sendmmsg, recvmmsg,
// epoll_pwait2), macros with arguments (CMSG_*), and packed structures (epoll_event).

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

/// Storage for datagrams that enter or leave the kernel with one call. All arrays have `capacity`
/// elements; the payload of slot i starts at `bytes + i * stride`.
struct clinux_batch {
    unsigned capacity;
    uint32_t slot_bytes;
    size_t stride;
    uint8_t *bytes;
    /// Bytes in each slot.
    uint32_t *lengths;
    /// After a receive: the length of the datagrams the kernel joined in this slot, the last of
    /// which may be shorter; 0 when the slot did not fit and was cut off.
    uint32_t *segment_lengths;
    /// `struct sockaddr_storage` each. Untyped, because a module that includes <sys/socket.h> takes
    /// its enumerations away from Swift's Glibc module.
    void *addresses;
    uint32_t *address_lengths;
    void *headers;
};

/// NULL when there is no memory.
struct clinux_batch *clinux_batch_create(unsigned capacity, uint32_t slot_bytes);
void clinux_batch_free(struct clinux_batch *batch);

/// Fills slots from 0 on without blocking. Returns the number of slots filled, or -errno.
int clinux_batch_receive(struct clinux_batch *batch, int fd);

/// Sends slots first ..< end without blocking. With `trains`, neighbours with one destination and
/// one length leave as one unit that the kernel cuts up again (UDP_SEGMENT).
/// Returns the number of slots sent, at least 1, or -errno of the first one.
int clinux_batch_send(
    struct clinux_batch *batch, int fd, unsigned first, unsigned end, bool trains);

/// Asks the kernel to join datagrams of one sender (UDP_GRO). Returns 0 or -errno.
int clinux_enable_receive_trains(int fd);

/// Sets the size of a socket buffer, beyond the system's limit where the process may.
void clinux_set_buffer_bytes(int fd, int receive_bytes, int send_bytes);

int clinux_epoll_create(void);
/// Adds or changes the interest in a descriptor. Returns 0 or -errno.
int clinux_epoll_watch(int epoll, int fd, uint64_t token, bool readable, bool writable, bool add);

struct clinux_ready {
    uint64_t token;
    bool readable;
    bool writable;
};
/// Waits at most `timeout_ns` nanoseconds, for ever when it is negative.
/// Returns how many of `ready` were filled; 0 on timeout and on interruption by a signal.
int clinux_epoll_wait(int epoll, struct clinux_ready *ready, int capacity, int64_t timeout_ns);

int clinux_eventfd_create(void);
void clinux_eventfd_signal(int fd);
void clinux_eventfd_clear(int fd);

/// Names the calling thread (15 bytes count) and leaves signals to the program's other threads.
void clinux_prepare_thread(const char *name);

/// EAI_NODATA: the name exists, but has no address.
extern const int clinux_no_address;

#endif
