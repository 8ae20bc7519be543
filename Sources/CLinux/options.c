#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

static void set_buffer(int fd, int forced, int ordinary, int bytes) {
    if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) != 0)
        // The kernel cuts this to its limit; less than asked for is slower, not wrong.
        setsockopt(fd, SOL_SOCKET, ordinary, &bytes, sizeof bytes);
}

void clinux_set_buffer_bytes(int fd, int receive_bytes, int send_bytes) {
    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, receive_bytes);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, send_bytes);
}

static int discovery_mode(int fd, int level, int option) {
    int mode;
    socklen_t length = sizeof mode;
    return getsockopt(fd, level, option, &mode, &length) == 0 ? mode : -1;
}

static bool set_discovery_mode(int fd, int level, int option, int mode) {
    return mode < 0 || setsockopt(fd, level, option, &mode, sizeof mode) == 0;
}

int clinux_begin_path_probe(int fd, bool ipv6, struct clinux_path_modes *before) {
    // An IPv6 socket has both: its datagrams to IPv4-mapped addresses obey the IPv4 option.
    before->ipv4 = discovery_mode(fd, IPPROTO_IP, IP_MTU_DISCOVER);
    before->ipv6 = ipv6 ? discovery_mode(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER) : -1;
    if (before->ipv4 < 0 && before->ipv6 < 0) return -ENOPROTOOPT;
    int v4 = before->ipv4 < 0 ? -1 : IP_PMTUDISC_PROBE;
    int v6 = before->ipv6 < 0 ? -1 : IPV6_PMTUDISC_PROBE;
    if (set_discovery_mode(fd, IPPROTO_IP, IP_MTU_DISCOVER, v4)
        && set_discovery_mode(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, v6))
        return 0;
    int error = errno;
    clinux_end_path_probe(fd, before);
    return -error;
}

void clinux_end_path_probe(int fd, const struct clinux_path_modes *before) {
    set_discovery_mode(fd, IPPROTO_IP, IP_MTU_DISCOVER, before->ipv4);
    set_discovery_mode(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, before->ipv6);
}

int clinux_share_port(int fd) {
    int on = 1;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 ? 0 : -errno;
}

int clinux_select_by_connection_id(int fd, unsigned sockets) {
    // The program sees the UDP payload. A load beyond the end of a short one ends the program
    // with 0: the first socket.
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, sockets),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0
        ? 0 : -errno;
}
