#define _GNU_SOURCE
#include "CFileAccess.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

const int CFileAccess_O_PATH = O_PATH;

int CFileAccess_open_beneath(int root, const char *path, int flags) {
    struct open_how how = {0};
    how.flags = (unsigned int)flags;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    long descriptor = -1;
    // EAGAIN: something was renamed during a ".." of a link, and it could not be told that this stayed below the root.
    for (int attempt = 0; attempt < 64; attempt++) {
        descriptor = syscall(SYS_openat2, root, path, &how, sizeof how);
        if (descriptor >= 0 || (errno != EINTR && errno != EAGAIN)) break;
    }
    return descriptor < 0 ? -errno : (int)descriptor;
}
