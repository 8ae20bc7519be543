#ifndef CHELLOSERVER_H
#define CHELLOSERVER_H

// A bare libmicrohttpd that says hello: what the gateway's own server is measured against. In C,
// and with a header that includes no other, because a module that includes <sys/socket.h> takes its
// enumerations away from Swift's Glibc module.

#include <stdint.h>

struct chello_server;

/// Listens on a port of 127.0.0.1 that it picks. NULL when it cannot, with errno set.
struct chello_server *chello_start(uint16_t *port);
/// Ends its thread and its connections.
void chello_stop(struct chello_server *server);

#endif
