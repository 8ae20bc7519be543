#include "CLinux.h"

// Not <netinet/tcp.h>, whose struct tcp_info ends before what is needed here.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

int64_t clinux_tcp_received_bytes(int fd) {
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return -1;
    size_t needed = offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(uint64_t);
    return length < needed ? -1 : (int64_t)info.tcpi_bytes_received;
}
