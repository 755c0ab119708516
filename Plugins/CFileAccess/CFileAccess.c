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
    long descriptor;
    do {
        descriptor = syscall(SYS_openat2, root, path, &how, sizeof how);
        // EAGAIN: something was renamed during a ".." step, and it could not be told that this stayed below the root.
    } while (descriptor < 0 && (errno == EINTR || errno == EAGAIN));
    return descriptor < 0 ? -errno : (int)descriptor;
}
