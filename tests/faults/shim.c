/* Preloaded into a python of the sweeps: counts the calls that change files below one folder and, at a chosen one,
 * kills the process, cuts the power of its file system first, fails the call, or lets it write only half.
 *
 * `shim_arm` is called by the forked child that is to be struck; until then every call passes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { COUNT, KILL, CUT, FAIL, FAIL_ON, HALF };

static char root[512];
static size_t root_length;
static long count, at;
static int mode, error, power = -1, armed, pending;
#define GOING_DOWN 0x8004587dUL
static unsigned no_log_flush = 2;

void shim_arm(const char *folder, long number, int what, int code, int handle)
{
    strncpy(root, folder, sizeof root - 1);
    root_length = strlen(root);
    count = 0, at = number, mode = what, error = code, power = handle, pending = 0;
    armed = 1;
}

void shim_disarm(void) { armed = 0; }
long shim_count(void) { return count; }

static int below(int folder, const char *path)
{
    char place[4096], link[64];
    if (path && path[0] == '/')
        return !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
    if (folder == AT_FDCWD)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t n = syscall(SYS_readlink, link, place, sizeof place - 1);
    if (n < (ssize_t)root_length)
        return 0;
    place[n] = 0;
    return !strncmp(place, root, root_length) && (place[root_length] == '/' || !place[root_length]);
}

/* 0: go on; 1: fail with errno set; 2: do half of it. */
static int struck(int folder, const char *path)
{
    if (!armed || !below(folder, path))
        return 0;
    long n = __sync_add_and_fetch(&count, 1);
    if (n < at || mode == COUNT || (n > at && mode != FAIL_ON))
        return 0;
    switch (mode) {
    case CUT:
        syscall(SYS_ioctl, power, GOING_DOWN, &no_log_flush);
        /* fall through */
    case KILL:
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
        for (;;)
            ;
    case HALF:
        return 2;
    default:
        errno = error;
        return 1;
    }
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define PATH1(type, name, args, call, folder, path) \
    type name args \
    { \
        REAL(name); \
        return struck(folder, path) ? -1 : real call; \
    }

#define CHANGES(flags) ((flags) & (O_CREAT | O_TRUNC | O_TMPFILE) && !((flags) & O_PATH))
#define OPEN(name, first, pass, folder) \
    int name(first const char *path, int flags, ...) \
    { \
        va_list more; \
        va_start(more, flags); \
        mode_t bits = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        REAL(name); \
        if (CHANGES(flags) && struck(folder, path)) \
            return -1; \
        return real(pass path, flags, bits); \
    }
#define COMMA ,
OPEN(open, , , AT_FDCWD)
OPEN(open64, , , AT_FDCWD)
OPEN(openat, int folder COMMA, folder COMMA, folder)
OPEN(openat64, int folder COMMA, folder COMMA, folder)

PATH1(int, rename, (const char *a, const char *b), (a, b), AT_FDCWD, b)
PATH1(int, renameat, (int f, const char *a, int g, const char *b), (f, a, g, b), g, b)
PATH1(int, unlink, (const char *a), (a), AT_FDCWD, a)
PATH1(int, unlinkat, (int f, const char *a, int flags), (f, a, flags), f, a)
PATH1(int, rmdir, (const char *a), (a), AT_FDCWD, a)
PATH1(int, mkdir, (const char *a, mode_t m), (a, m), AT_FDCWD, a)
PATH1(int, mkdirat, (int f, const char *a, mode_t m), (f, a, m), f, a)
PATH1(int, symlink, (const char *text, const char *a), (text, a), AT_FDCWD, a)
PATH1(int, symlinkat, (const char *text, int f, const char *a), (text, f, a), f, a)
PATH1(int, link, (const char *a, const char *b), (a, b), AT_FDCWD, b)
PATH1(int, linkat, (int f, const char *a, int g, const char *b, int flags), (f, a, g, b, flags), g, b)
PATH1(int, chmod, (const char *a, mode_t m), (a, m), AT_FDCWD, a)
PATH1(int, fchmodat, (int f, const char *a, mode_t m, int flags), (f, a, m, flags), f, a)
PATH1(int, utimensat, (int f, const char *a, const struct timespec t[2], int flags), (f, a, t, flags), f, a)
PATH1(int, fchmod, (int f, mode_t m), (f, m), f, NULL)
PATH1(int, fsync, (int f), (f), f, NULL)
PATH1(int, fdatasync, (int f), (f), f, NULL)
PATH1(int, ftruncate, (int f, off_t n), (f, n), f, NULL)
PATH1(int, ftruncate64, (int f, off64_t n), (f, n), f, NULL)
PATH1(ssize_t, copy_file_range, (int f, off64_t *a, int g, off64_t *b, size_t n, unsigned u), (f, a, g, b, n, u), g, NULL)
PATH1(ssize_t, sendfile64, (int g, int f, off64_t *o, size_t n), (g, f, o, n), g, NULL)

#define FALLOCATE(name, offset) \
    int name(int f, offset a, offset n) \
    { \
        REAL(name); \
        return struck(f, NULL) ? errno : real(f, a, n); \
    }
FALLOCATE(posix_fallocate, off_t)
FALLOCATE(posix_fallocate64, off64_t)

#define WRITE(name, args, call) \
    ssize_t name args \
    { \
        REAL(name); \
        int how = struck(f, NULL); \
        if (how == 1) \
            return -1; \
        if (how == 2 && n > 1) \
            n /= 2; \
        return real call; \
    }
WRITE(write, (int f, const void *data, size_t n), (f, data, n))
WRITE(pwrite, (int f, const void *data, size_t n, off_t o), (f, data, n, o))
WRITE(pwrite64, (int f, const void *data, size_t n, off64_t o), (f, data, n, o))
