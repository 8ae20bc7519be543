#ifndef CLINUX_H
#define CLINUX_H

// What Swift cannot import from glibc: declarations behind _GNU_SOURCE (sendmmsg, recvmmsg,
// epoll_pwait2), macros with arguments (CMSG_*), and packed structures (epoll_event).

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

/// Storage for datagrams that come from the kernel with one call. All arrays have `capacity`
/// elements; the payload of slot i starts at `bytes + i * stride`.
struct clinux_batch {
    unsigned capacity;
    uint32_t slot_bytes;
    size_t stride;
    uint8_t *bytes;
    /// Bytes in each slot.
    uint32_t *lengths;
    /// The length of the datagrams the kernel joined in this slot, the last of which may be
    /// shorter; 0 when the slot did not fit and was cut off.
    uint32_t *segment_lengths;
    /// The ECN codepoint of each slot (RFC 3168 §5), 0 when the kernel does not tell it.
    uint8_t *codepoints;
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

/// Asks the kernel to join datagrams of one sender (UDP_GRO). Returns 0 or -errno.
int clinux_enable_receive_trains(int fd);
/// Asks the kernel for the ECN codepoint of what arrives. Returns 0 or -errno.
int clinux_enable_receive_codepoints(int fd, bool ipv6);

/// Datagrams to one destination, back to back, all of one length but the last, which may be
/// shorter: one message that the kernel cuts up (UDP_SEGMENT).
struct clinux_run {
    /// Where it starts in the arena.
    uint32_t offset;
    uint32_t length;
    uint32_t segment_length;
    uint32_t address_length;
    /// Whether it may carry the codepoint ECT(0) (RFC 3168 §5).
    bool marked;
};

/// Storage for datagrams on their way into one call, back to back, and the runs they form.
struct clinux_arena {
    uint8_t *bytes;
    struct clinux_run *runs;
    /// `struct sockaddr_storage` of each run, untyped as above.
    void *addresses;
    void *headers;
};

/// NULL when there is no memory.
struct clinux_arena *clinux_arena_create(size_t byte_capacity, unsigned run_capacity);
void clinux_arena_free(struct clinux_arena *arena);

/// Sends runs first ..< end without blocking, with their codepoint if `marked`.
/// Returns the number of runs sent, at least 1, or -errno of the first one.
int clinux_arena_send_runs(
    struct clinux_arena *arena, int fd, unsigned first, unsigned end, bool marked);
/// Sends the datagrams of one run from `offset` bytes after its start on, each for itself.
/// Returns the number of datagrams sent, at least 1 and not always all, or -errno of the first.
int clinux_arena_send_pieces(
    struct clinux_arena *arena, int fd, unsigned run, uint32_t offset, bool marked);

/// Returns 0 when the kernel has UDP_SEGMENT, or -errno.
int clinux_knows_send_trains(int fd);

/// IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, each -1 when the socket has none.
struct clinux_path_modes {
    int ipv4;
    int ipv6;
};
/// From here on datagrams leave whole, whatever the kernel knows of the path (RFC 8899 §3).
/// Returns 0, or -errno when that cannot be had; nothing is changed then.
int clinux_begin_path_probe(int fd, bool ipv6, struct clinux_path_modes *before);
/// Back to how it was before.
void clinux_end_path_probe(int fd, const struct clinux_path_modes *before);

/// Lets other sockets of this user bind to the same port (SO_REUSEPORT). Returns 0 or -errno.
int clinux_share_port(int fd);
/// Of the sockets that share a port, gives each datagram to the one whose place in the order of
/// binding is the payload's second 32-bit word modulo `sockets`. Returns 0 or -errno.
int clinux_select_by_connection_id(int fd, unsigned sockets);

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

/// Lets waits of the calling thread end at their time and not up to 50 µs later, as is usual.
void clinux_sharpen_timers(void);

/// Names the calling thread (15 bytes count) and leaves signals to the program's other threads.
void clinux_prepare_thread(const char *name);

/// EAI_NODATA: the name exists, but has no address.
extern const int clinux_no_address;

/// Whether the path is on overlayfs, as the writable layer of a container is. No when it cannot be
/// told.
bool clinux_is_on_overlay(const char *path);

/// Payload bytes that a TCP socket has received so far; -1 for another socket.
int64_t clinux_tcp_received_bytes(int fd);

#endif
