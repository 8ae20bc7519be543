#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    /// The joined length, and the traffic class in the form of either family.
    control_bytes = 3 * CMSG_SPACE(sizeof(int)),
    /// Not a power of two, so that equal offsets of different slots meet different cache sets.
    stride_padding = 64 * 5,
};

struct headers {
    struct mmsghdr *messages;
    struct iovec *vectors;
    uint8_t *controls;
};

void clinux_batch_free(struct clinux_batch *batch) {
    if (!batch) return;
    struct headers *headers = batch->headers;
    if (headers) {
        free(headers->messages);
        free(headers->vectors);
        free(headers->controls);
        free(headers);
    }
    free(batch->bytes);
    free(batch->lengths);
    free(batch->segment_lengths);
    free(batch->codepoints);
    free(batch->addresses);
    free(batch->address_lengths);
    free(batch);
}

/// Describes an empty slot. A receive changes the description of the slots it fills, so that of an
/// empty socket, which is asked often, costs nothing but the call.
static void prepare(struct clinux_batch *batch, unsigned slot) {
    struct headers *headers = batch->headers;
    headers->vectors[slot] = (struct iovec){
        .iov_base = batch->bytes + slot * batch->stride, .iov_len = batch->slot_bytes};
    headers->messages[slot].msg_hdr = (struct msghdr){
        .msg_name = (struct sockaddr_storage *)batch->addresses + slot,
        .msg_namelen = sizeof(struct sockaddr_storage),
        .msg_iov = &headers->vectors[slot],
        .msg_iovlen = 1,
        .msg_control = headers->controls + slot * control_bytes,
        .msg_controllen = control_bytes,
    };
}

struct clinux_batch *clinux_batch_create(unsigned capacity, uint32_t slot_bytes) {
    struct clinux_batch *batch = calloc(1, sizeof *batch);
    if (!batch) return NULL;
    struct headers *headers = batch->headers = calloc(1, sizeof *headers);
    batch->capacity = capacity;
    batch->slot_bytes = slot_bytes;
    batch->stride = ((size_t)slot_bytes + 63) / 64 * 64 + stride_padding;
    batch->bytes = aligned_alloc(64, capacity * batch->stride);
    batch->lengths = calloc(capacity, sizeof *batch->lengths);
    batch->segment_lengths = calloc(capacity, sizeof *batch->segment_lengths);
    batch->codepoints = calloc(capacity, sizeof *batch->codepoints);
    batch->addresses = calloc(capacity, sizeof(struct sockaddr_storage));
    batch->address_lengths = calloc(capacity, sizeof *batch->address_lengths);
    if (headers) {
        headers->messages = calloc(capacity, sizeof *headers->messages);
        headers->vectors = calloc(capacity, sizeof *headers->vectors);
        headers->controls = calloc(capacity, control_bytes);
    }
    if (!headers || !headers->messages || !headers->vectors || !headers->controls
        || !batch->bytes || !batch->lengths || !batch->segment_lengths || !batch->codepoints
        || !batch->addresses || !batch->address_lengths) {
        clinux_batch_free(batch);
        return NULL;
    }
    for (unsigned i = 0; i < capacity; i++) prepare(batch, i);
    return batch;
}

/// Reads what the kernel says about a message beside its bytes.
static void read_controls(struct clinux_batch *batch, unsigned slot, struct msghdr *message) {
    int value;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            memcpy(&value, CMSG_DATA(c), sizeof value);
            if (value > 0 && batch->segment_lengths[slot] != 0)
                batch->segment_lengths[slot] = (uint32_t)value;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            batch->codepoints[slot] = *CMSG_DATA(c) & 3;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            memcpy(&value, CMSG_DATA(c), sizeof value);
            batch->codepoints[slot] = value & 3;
        }
    }
}

int clinux_batch_receive(struct clinux_batch *batch, int fd) {
    struct headers *headers = batch->headers;
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
        batch->codepoints[i] = 0;
        // An empty datagram is one segment of length 0; it is told from a cut one by its length.
        batch->segment_lengths[i] = message->msg_flags & MSG_TRUNC ? 0 : length;
        read_controls(batch, (unsigned)i, message);
        prepare(batch, (unsigned)i);
    }
    return count;
}

int clinux_enable_receive_trains(int fd) {
    int on = 1;
    return setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) == 0 ? 0 : -errno;
}

int clinux_enable_receive_codepoints(int fd, bool ipv6) {
    int on = 1;
    // IPv4 traffic of an IPv6 socket is told in the IPv4 form, and asked for likewise.
    if (setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof on) != 0) return -errno;
    if (ipv6 && setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on) != 0) return -errno;
    return 0;
}
