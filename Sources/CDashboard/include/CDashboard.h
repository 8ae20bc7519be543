#ifndef CDASHBOARD_H
#define CDASHBOARD_H

#include <stddef.h>
#include <stdint.h>

// The files of the page, in `page/`, as they were when this was compiled. COpenAPI.h says why they
// are here.

struct cdashboard_file {
    /// Where it is served, such as "/dashboard.css".
    const char *path;
    /// They stay for the life of the process.
    const uint8_t *bytes;
    size_t count;
};

/// All files, `cdashboard_file_count` of them.
const struct cdashboard_file *cdashboard_files(void);
size_t cdashboard_file_count(void);

#endif
