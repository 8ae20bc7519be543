#include "CHelloServer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct chello_server {
    struct MHD_Daemon *daemon;
    /// One answer for all, made once.
    struct MHD_Response *answer;
};

// Called after the head of a request, for each piece of its body, and at its end.
static enum MHD_Result say_hello(
    void *context, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **state) {
    (void)url, (void)method, (void)version, (void)upload;
    struct chello_server *server = context;
    if (*state == NULL) {
        // Any value but NULL says that the head was seen.
        *state = server;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, server->answer);
}

static int listen_on_loopback(uint16_t *port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0) return -1;
    struct sockaddr_in name = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t length = sizeof name;
    // As many may wait to be accepted as at the gateway's server.
    if (bind(fd, (struct sockaddr *)&name, length) != 0 || listen(fd, 511) != 0 ||
        getsockname(fd, (struct sockaddr *)&name, &length) != 0) {
        int code = errno;
        close(fd);
        errno = code;
        return -1;
    }
    *port = ntohs(name.sin_port);
    return fd;
}

struct chello_server *chello_start(uint16_t *port) {
    static char hello[] = "hello";
    struct chello_server *server = calloc(1, sizeof *server);
    if (!server) return NULL;
    int fd = listen_on_loopback(port);
    server->answer =
        MHD_create_response_from_buffer(sizeof hello - 1, hello, MHD_RESPMEM_PERSISTENT);
    if (fd >= 0 && server->answer) {
        server->daemon = MHD_start_daemon(
            MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, say_hello, server,
            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_END);
    }
    if (server->daemon) return server;
    int code = errno;
    if (server->answer) MHD_destroy_response(server->answer);
    if (fd >= 0) close(fd);
    free(server);
    errno = code;
    return NULL;
}

void chello_stop(struct chello_server *server) {
    MHD_stop_daemon(server->daemon);
    MHD_destroy_response(server->answer);
    free(server);
}
