#include "CLinux.h"

#include <linux/magic.h>
#include <sys/vfs.h>

bool clinux_is_on_overlay(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 && status.f_type == OVERLAYFS_SUPER_MAGIC;
}
