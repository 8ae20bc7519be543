#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    /// The kernel's UDP_MAX_SEGMENTS was 64 before Linux 6.9.
    train_datagrams = 64,
    /// The largest UDP payload over IPv4; IPv6 allows 20 bytes more.
    train_bytes = 65507,
    control_bytes = CMSG_SPACE(sizeof(int)),
    /// Not a power of two, so that equal offsets of different slots meet different cache sets.
    stride_padding = 64 * 5,
};

struct headers {
    struct mmsghdr *messages;
    struct iovec *vectors;
    uint8_t *controls;
    /// Slots per message of the last send.
    unsigned *counts;
};

void clinux_batch_free(struct clinux_batch *batch) {
    if (!batch) return;
    struct headers *headers = batch->headers;
    if (headers) {
        free(headers->messages);
        free(headers->vectors);
        free(headers->controls);
        free(headers->counts);
        free(headers);
    }
    free(batch->bytes);
    free(batch->lengths);
    free(batch->segment_lengths);
    free(batch->addresses);
    free(batch->address_lengths);
    free(batch);
}

struct clinux_batch *clinux_batch_create(unsigned capacity, uint32_t slot_bytes) {
    struct clinux_batch *batch = calloc(1, sizeof *batch);
    if (!batch) return NULL;
    struct headers *headers = batch->headers = calloc(1, sizeof *headers);
    batch->capacity = capacity;
    batch->slot_bytes = slot_bytes;
    batch->stride = slot_bytes + stride_padding;
    batch->bytes = malloc(capacity * batch->stride);
    batch->lengths = calloc(capacity, sizeof *batch->lengths);
    batch->segment_lengths = calloc(capacity, sizeof *batch->segment_lengths);
    batch->addresses = calloc(capacity, sizeof(struct sockaddr_storage));
    batch->address_lengths = calloc(capacity, sizeof *batch->address_lengths);
    if (headers) {
        headers->messages = calloc(capacity, sizeof *headers->messages);
        headers->vectors = calloc(capacity, sizeof *headers->vectors);
        headers->controls = calloc(capacity, control_bytes);
        headers->counts = calloc(capacity, sizeof *headers->counts);
    }
    if (!headers || !headers->messages || !headers->vectors || !headers->controls
        || !headers->counts || !batch->bytes || !batch->lengths || !batch->segment_lengths
        || !batch->addresses || !batch->address_lengths) {
        clinux_batch_free(batch);
        return NULL;
    }
    for (unsigned i = 0; i < capacity; i++)
        headers->vectors[i].iov_base = batch->bytes + i * batch->stride;
    return batch;
}

static struct sockaddr_storage *address(const struct clinux_batch *batch, unsigned slot) {
    return (struct sockaddr_storage *)batch->addresses + slot;
}

/// The length of the datagrams joined in one message, or all of it when the kernel joined none.
static uint32_t segment_length(struct msghdr *message, uint32_t length) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            if (size > 0) return (uint32_t)size;
        }
    }
    return length;
}

int clinux_batch_receive(struct clinux_batch *batch, int fd) {
    struct headers *headers = batch->headers;
    for (unsigned i = 0; i < batch->capacity; i++) {
        headers->vectors[i].iov_len = batch->slot_bytes;
        headers->messages[i].msg_hdr = (struct msghdr){
            .msg_name = address(batch, i),
            .msg_namelen = sizeof(struct sockaddr_storage),
            .msg_iov = &headers->vectors[i],
            .msg_iovlen = 1,
            .msg_control = headers->controls + i * control_bytes,
            .msg_controllen = control_bytes,
        };
    }
    int count;
    do {
        count = recvmmsg(fd, headers->messages, batch->capacity, MSG_DONTWAIT, NULL);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    for (int i = 0; i < count; i++) {
        struct msghdr *message = &headers->messages[i].msg_hdr;
        uint32_t length = headers->messages[i].msg_len;
        batch->lengths[i] = length;
        batch->address_lengths[i] = message->msg_namelen;
        // An empty datagram is one segment of length 0; it is told from a cut one by its length.
        batch->segment_lengths[i] =
            message->msg_flags & MSG_TRUNC ? 0 : segment_length(message, length);
    }
    return count;
}

static bool same_destination(const struct clinux_batch *batch, unsigned a, unsigned b) {
    return batch->address_lengths[a] == batch->address_lengths[b]
        && memcmp(address(batch, a), address(batch, b), batch->address_lengths[a]) == 0;
}

/// How many slots from `first` on may leave as one train: all as long as the first, only the last
/// may be shorter.
static unsigned train_length(const struct clinux_batch *batch, unsigned first, unsigned end) {
    uint32_t size = batch->lengths[first], total = size;
    unsigned next = first + 1;
    if (size == 0) return 1;
    while (next < end && next - first < train_datagrams) {
        uint32_t length = batch->lengths[next];
        if (length == 0 || length > size || total + length > train_bytes
            || !same_destination(batch, first, next))
            break;
        total += length;
        next++;
        if (length < size) break;
    }
    return next - first;
}

int clinux_batch_send(
    struct clinux_batch *batch, int fd, unsigned first, unsigned end, bool trains) {
    struct headers *headers = batch->headers;
    unsigned messages = 0;
    for (unsigned slot = first; slot < end; messages++) {
        unsigned count = trains ? train_length(batch, slot, end) : 1;
        struct msghdr *message = &headers->messages[messages].msg_hdr;
        *message = (struct msghdr){
            .msg_name = address(batch, slot),
            .msg_namelen = batch->address_lengths[slot],
            .msg_iov = &headers->vectors[slot],
            .msg_iovlen = count,
        };
        if (count > 1) {
            message->msg_control = headers->controls + messages * control_bytes;
            message->msg_controllen = CMSG_SPACE(sizeof(uint16_t));
            struct cmsghdr *control = CMSG_FIRSTHDR(message);
            control->cmsg_level = SOL_UDP;
            control->cmsg_type = UDP_SEGMENT;
            control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
            uint16_t size = (uint16_t)batch->lengths[slot];
            memcpy(CMSG_DATA(control), &size, sizeof size);
        }
        headers->counts[messages] = count;
        for (unsigned i = 0; i < count; i++)
            headers->vectors[slot + i].iov_len = batch->lengths[slot + i];
        slot += count;
    }
    int sent;
    do {
        sent = sendmmsg(fd, headers->messages, messages, MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) return -errno;
    unsigned slots = 0;
    for (int i = 0; i < sent; i++) slots += headers->counts[i];
    return (int)slots;
}

int clinux_enable_receive_trains(int fd) {
    int on = 1;
    return setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) == 0 ? 0 : -errno;
}

static void set_buffer(int fd, int forced, int ordinary, int bytes) {
    if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) != 0)
        // The kernel cuts this to its limit; less than asked for is slower, not wrong.
        setsockopt(fd, SOL_SOCKET, ordinary, &bytes, sizeof bytes);
}

void clinux_set_buffer_bytes(int fd, int receive_bytes, int send_bytes) {
    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, receive_bytes);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, send_bytes);
}
