#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>

/* Swift cannot call variadic functions, and this one has no form that takes a va_list. */
static inline const union MHD_ConnectionInfo *
CMicrohttpd_connection_info(struct MHD_Connection *connection, enum MHD_ConnectionInfoType type) {
    return MHD_get_connection_info(connection, type);
}

/* Connections that are open now. */
static inline unsigned int CMicrohttpd_connection_count(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info ? info->num_connections : 0;
}

/* Swift functions cannot take a va_list either: messages are formatted here. */
struct CMicrohttpd_logger {
    void *context;
    void (*log)(void *context, const char *message);
};

static inline void CMicrohttpd_log(void *logger, const char *format, va_list arguments) {
    const struct CMicrohttpd_logger *target = (const struct CMicrohttpd_logger *)logger;
    char message[1024];
    vsnprintf(message, sizeof message, format, arguments);
    target->log(target->context, message);
}

/* The value of MHD_OPTION_EXTERNAL_LOGGER; its pointer is a struct CMicrohttpd_logger. */
static inline intptr_t CMicrohttpd_log_callback(void) {
    return (intptr_t)&CMicrohttpd_log;
}
