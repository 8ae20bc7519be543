#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

int clinux_epoll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int clinux_epoll_watch(int epoll, int fd, uint64_t token, bool readable, bool writable, bool add) {
    struct epoll_event event = {
        .events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0),
        .data.u64 = token,
    };
    return epoll_ctl(epoll, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : -errno;
}

int clinux_epoll_wait(int epoll, struct clinux_ready *ready, int capacity, int64_t timeout_ns) {
    struct epoll_event events[64];
    int limit = sizeof events / sizeof *events;
    struct timespec timeout = {
        .tv_sec = timeout_ns / 1000000000,
        .tv_nsec = timeout_ns % 1000000000,
    };
    if (capacity < limit) limit = capacity;
    int count = epoll_pwait2(epoll, events, limit, timeout_ns < 0 ? NULL : &timeout, NULL);
    if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
        // Before Linux 5.11, and in sandboxes that do not know the call: whole milliseconds,
        // rounded up so that a deadline has then passed.
        int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;
        count = epoll_wait(epoll, events, limit, ms > INT32_MAX ? INT32_MAX : (int)ms);
    }
    for (int i = 0; i < count; i++) {
        ready[i].token = events[i].data.u64;
        // Errors and hang-ups surface at the next read.
        ready[i].readable = events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP);
        ready[i].writable = events[i].events & EPOLLOUT;
    }
    return count < 0 ? 0 : count;
}

int clinux_eventfd_create(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

void clinux_eventfd_signal(int fd) {
    uint64_t one = 1;
    // Fails only when the counter is full, that is, when the reader is due to wake anyway.
    (void)!write(fd, &one, sizeof one);
}

void clinux_eventfd_clear(int fd) {
    uint64_t count;
    (void)!read(fd, &count, sizeof count);
}

void clinux_sharpen_timers(void) {
    // Refused in some sandboxes; waits are then as long as usual.
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

void clinux_prepare_thread(const char *name) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    char short_name[16] = {0};
    strncpy(short_name, name, sizeof short_name - 1);
    pthread_setname_np(pthread_self(), short_name);
}
