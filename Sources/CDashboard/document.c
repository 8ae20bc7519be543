#include "CDashboard.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

// C23 §6.10.4. The compiler tells the build system that this depends on the files.
static const uint8_t page[] = {
#embed "page/index.html"
};
static const uint8_t style[] = {
#embed "page/dashboard.css"
};
static const uint8_t script[] = {
#embed "page/dashboard.js"
};
static const uint8_t api[] = {
#embed "page/dashboard/api.js"
};
static const uint8_t chart[] = {
#embed "page/dashboard/chart.js"
};
static const uint8_t charts[] = {
#embed "page/dashboard/charts.js"
};
static const uint8_t connect[] = {
#embed "page/dashboard/connect.js"
};
static const uint8_t connection[] = {
#embed "page/dashboard/connection.js"
};
static const uint8_t connections[] = {
#embed "page/dashboard/connections.js"
};
static const uint8_t elements[] = {
#embed "page/dashboard/elements.js"
};
static const uint8_t events[] = {
#embed "page/dashboard/events.js"
};
static const uint8_t health[] = {
#embed "page/dashboard/health.js"
};
static const uint8_t history[] = {
#embed "page/dashboard/history.js"
};
static const uint8_t inbox[] = {
#embed "page/dashboard/inbox.js"
};
static const uint8_t live[] = {
#embed "page/dashboard/live.js"
};
static const uint8_t node[] = {
#embed "page/dashboard/node.js"
};
static const uint8_t sending[] = {
#embed "page/dashboard/sending.js"
};
static const uint8_t session[] = {
#embed "page/dashboard/session.js"
};
static const uint8_t shown[] = {
#embed "page/dashboard/shown.js"
};
static const uint8_t token[] = {
#embed "page/dashboard/token.js"
};
static const uint8_t upload[] = {
#embed "page/dashboard/upload.js"
};
static const uint8_t words[] = {
#embed "page/dashboard/words.js"
};

#define FILE(path, bytes) {path, bytes, sizeof bytes}
#define MODULE(name) FILE("/dashboard/" #name ".js", name)

static const struct cdashboard_file files[] = {
    FILE("/", page),
    FILE("/dashboard.css", style),
    FILE("/dashboard.js", script),
    MODULE(api),
    MODULE(chart),
    MODULE(charts),
    MODULE(connect),
    MODULE(connection),
    MODULE(connections),
    MODULE(elements),
    MODULE(events),
    MODULE(health),
    MODULE(history),
    MODULE(inbox),
    MODULE(live),
    MODULE(node),
    MODULE(sending),
    MODULE(session),
    MODULE(shown),
    MODULE(token),
    MODULE(upload),
    MODULE(words),
};

const struct cdashboard_file *cdashboard_files(void) { return files; }

size_t cdashboard_file_count(void) { return sizeof files / sizeof *files; }
