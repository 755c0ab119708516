#ifndef CFILEACCESS_H
#define CFILEACCESS_H

/// Opens `path` below the directory `root` as `openat2(2)` does with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS:
/// neither `..` nor a symbolic link, nor a rename meanwhile, leads out of it.
///
/// glibc has no wrapper, and Swift can not call the variadic `syscall`.
///
/// Returns a descriptor, or the negative errno.
int CFileAccess_open_beneath(int root, const char *path, int flags);

/// `O_PATH`, which glibc shows to GNU sources only.
extern const int CFileAccess_O_PATH;

#endif
