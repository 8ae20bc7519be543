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

enum {
    /// The length of the pieces, and the traffic class.
    control_bytes = CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(int)),
    /// Datagrams per system call when they leave one by one.
    pieces_per_call = 64,
};

struct headers {
    struct mmsghdr *messages;
    struct iovec *vectors;
    uint8_t *controls;
    unsigned capacity;
};

void clinux_arena_free(struct clinux_arena *arena) {
    if (!arena) return;
    struct headers *headers = arena->headers;
    if (headers) {
        free(headers->messages);
        free(headers->vectors);
        free(headers->controls);
        free(headers);
    }
    free(arena->bytes);
    free(arena->runs);
    free(arena->addresses);
    free(arena);
}

struct clinux_arena *clinux_arena_create(size_t byte_capacity, unsigned run_capacity) {
    struct clinux_arena *arena = calloc(1, sizeof *arena);
    if (!arena) return NULL;
    struct headers *headers = arena->headers = calloc(1, sizeof *headers);
    arena->bytes = aligned_alloc(64, (byte_capacity + 63) / 64 * 64);
    arena->runs = calloc(run_capacity, sizeof *arena->runs);
    arena->addresses = calloc(run_capacity, sizeof(struct sockaddr_storage));
    if (headers) {
        unsigned count = run_capacity > pieces_per_call ? run_capacity : pieces_per_call;
        headers->capacity = count;
        headers->messages = calloc(count, sizeof *headers->messages);
        headers->vectors = calloc(count, sizeof *headers->vectors);
        headers->controls = calloc(count, control_bytes);
    }
    if (!headers || !headers->messages || !headers->vectors || !headers->controls
        || !arena->bytes || !arena->runs || !arena->addresses) {
        clinux_arena_free(arena);
        return NULL;
    }
    return arena;
}

static size_t add_control(
    struct msghdr *message, size_t offset, int level, int type, const void *value, size_t length) {
    struct cmsghdr control = {
        .cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(length)};
    uint8_t *start = (uint8_t *)message->msg_control + offset;
    memcpy(start, &control, sizeof control);
    memcpy(start + CMSG_LEN(0), value, length);
    return offset + CMSG_SPACE(length);
}

/// Whether the packets go out as IPv4, also from an IPv6 socket (RFC 4291 §2.5.5.2).
static bool is_ipv4(const struct sockaddr_storage *address) {
    if (address->ss_family == AF_INET) return true;
    return IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

/// Describes `length` bytes of a run, from `offset` bytes after its start on, as message `index`.
static void prepare(
    struct clinux_arena *arena, unsigned index, unsigned run_index, uint32_t offset,
    uint32_t length, bool marked) {
    struct headers *headers = arena->headers;
    const struct clinux_run *run = &arena->runs[run_index];
    struct sockaddr_storage *address = (struct sockaddr_storage *)arena->addresses + run_index;
    headers->vectors[index] = (struct iovec){
        .iov_base = arena->bytes + run->offset + offset, .iov_len = length};
    struct msghdr *message = &headers->messages[index].msg_hdr;
    *message = (struct msghdr){
        .msg_name = address,
        .msg_namelen = run->address_length,
        .msg_iov = &headers->vectors[index],
        .msg_iovlen = 1,
        .msg_control = headers->controls + index * control_bytes,
    };
    size_t controls = 0;
    if (length > run->segment_length) {
        uint16_t size = (uint16_t)run->segment_length;
        controls = add_control(message, controls, SOL_UDP, UDP_SEGMENT, &size, sizeof size);
    }
    if (marked && run->marked) {
        int codepoint = 2;
        controls = is_ipv4(address)
            ? add_control(message, controls, IPPROTO_IP, IP_TOS, &codepoint, sizeof codepoint)
            : add_control(
                message, controls, IPPROTO_IPV6, IPV6_TCLASS, &codepoint, sizeof codepoint);
    }
    message->msg_controllen = controls;
    if (controls == 0) message->msg_control = NULL;
}

static int send_messages(struct clinux_arena *arena, int fd, unsigned count) {
    struct headers *headers = arena->headers;
    int sent;
    do {
        sent = sendmmsg(fd, headers->messages, count, MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

int clinux_arena_send_runs(
    struct clinux_arena *arena, int fd, unsigned first, unsigned end, bool marked) {
    for (unsigned run = first; run < end; run++)
        prepare(arena, run - first, run, 0, arena->runs[run].length, marked);
    return send_messages(arena, fd, end - first);
}

int clinux_arena_send_pieces(
    struct clinux_arena *arena, int fd, unsigned run_index, uint32_t offset, bool marked) {
    const struct clinux_run *run = &arena->runs[run_index];
    unsigned count = 0;
    // An empty datagram is a piece too.
    do {
        uint32_t left = run->length - offset;
        uint32_t length = left < run->segment_length ? left : run->segment_length;
        prepare(arena, count++, run_index, offset, length, marked);
        offset += length;
    } while (offset < run->length && count < pieces_per_call);
    return send_messages(arena, fd, count);
}

int clinux_knows_send_trains(int fd) {
    int size;
    socklen_t length = sizeof size;
    return getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &length) == 0 ? 0 : -errno;
}
