/* Preloaded into a python of the sweeps: counts the calls that change files below one folder and, at a chosen one,
 * kills the process, cuts the power of its file system first, fails the call, or lets it write only half; and then kills
 * it, so many calls later as the number of the error says.
 *
 * `shim_arm` is called by the forked child that is to be struck; until then every call passes. Each call that it counts
 * is a line of the trace, "CALL PATH", written before the call is made; "CALL PATH\tOLD PATH" for one that
 * gives a file a new name.
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

enum { COUNT, KILL, CUT, FAIL, FAIL_ON, HALF, HALF_KILL };
enum { GO_ON, REFUSED, HALVED, HALVED_AND_KILLED };
#define NO_CUT 99 /* how a process ends whose power could not be cut */
#define PLACE 4096

static char root[512];
static size_t root_length;
static long count, at, blows, later;
static int mode, error, power = -1, trace = -1, armed;
#define GOING_DOWN 0x8004587dUL
static unsigned no_log_flush = 2;

void shim_arm(const char *folder, long number, int what, int code, int handle, int told)
{
    strncpy(root, folder, sizeof root - 1);
    root_length = strlen(root);
    count = blows = later = 0, at = number, mode = what, error = code, power = handle, trace = told;
    armed = 1;
}

void shim_disarm(void) { armed = 0; }
long shim_count(void) { return count; }
long shim_blows(void) { return blows; }

/* The path of a name in an open folder, or of an open file; whether it is below the root. */
static int below(int folder, const char *path, char *place)
{
    char link[64];
    ssize_t n = 0;
    if (!path || path[0] != '/') {
        if (folder == AT_FDCWD)
            return 0;
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        if ((n = syscall(SYS_readlink, link, place, PLACE - 1)) < 0)
            return 0;
    }
    snprintf(place + n, PLACE - n, "%s%s", path && n ? "/" : "", path ? path : "");
    return !strncmp(place, root, root_length) && (place[root_length] == '/' || !place[root_length]);
}

static void tell(const char *call, const char *place, int folder, const char *old)
{
    char line[2 * PLACE + 64], from[PLACE];
    const char *old_place = old && below(folder, old, from) ? from + root_length + 1 : "";
    const char *new_place = place[root_length] ? place + root_length + 1 : ".";
    int n = snprintf(line, sizeof line, "%s %s%s%s\n", call, new_place, *old_place ? "\t" : "", old_place);
    if (trace >= 0 && syscall(SYS_write, trace, line, n) != n)
        syscall(SYS_exit_group, NO_CUT);
}

static void die(void)
{
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;)
        ;
}

/* What is to be done with a call. `size` is how many bytes it would write; only such a call can be half done. `old` is
 * the name, in the folder `from`, of a file that gets a new one. */
static int met(const char *call, int folder, const char *path, size_t size, int from, const char *old)
{
    char place[PLACE];
    if (!armed || !below(folder, path, place))
        return GO_ON;
    if (mode == HALF_KILL && blows && __sync_add_and_fetch(&later, 1) >= error)
        die();
    if ((mode == HALF || mode == HALF_KILL) && size < 2)
        return GO_ON;
    tell(call, place, from, old);
    long n = __sync_add_and_fetch(&count, 1);
    if (!at || n < at || mode == COUNT || (n > at && mode != FAIL_ON))
        return GO_ON;
    __sync_add_and_fetch(&blows, 1);
    switch (mode) {
    case CUT:
        if (syscall(SYS_ioctl, power, GOING_DOWN, &no_log_flush))
            syscall(SYS_exit_group, NO_CUT);
        /* fall through */
    case KILL:
        die();
    case HALF:
        return HALVED;
    case HALF_KILL:
        return error ? HALVED : HALVED_AND_KILLED;
    default:
        errno = error;
        return REFUSED;
    }
}

static int struck(const char *call, int folder, const char *path, size_t size)
{
    return met(call, folder, path, size, AT_FDCWD, NULL);
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define PATH1(type, name, args, call, folder, path) \
    type name args \
    { \
        REAL(name); \
        return struck(#name, folder, path, 0) == REFUSED ? -1 : real call; \
    }

/* O_TMPFILE has the bit of O_DIRECTORY in it, which a listing has too. */
#define UNNAMED(flags) (((flags) & O_TMPFILE) == O_TMPFILE)
#define CHANGES(flags) (((flags) & (O_CREAT | O_TRUNC) || UNNAMED(flags)) && !((flags) & O_PATH))
#define OPEN(name, first, pass, folder) \
    int name(first const char *path, int flags, ...) \
    { \
        va_list more; \
        va_start(more, flags); \
        mode_t bits = (flags & O_CREAT) || UNNAMED(flags) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        REAL(name); \
        if (CHANGES(flags) && struck(#name, folder, path, 0) == REFUSED) \
            return -1; \
        return real(pass path, flags, bits); \
    }
#define COMMA ,
OPEN(open, , , AT_FDCWD)
OPEN(open64, , , AT_FDCWD)
OPEN(openat, int folder COMMA, folder COMMA, folder)
OPEN(openat64, int folder COMMA, folder COMMA, folder)

int rename(const char *a, const char *b)
{
    REAL(rename);
    return met("rename", AT_FDCWD, b, 0, AT_FDCWD, a) == REFUSED ? -1 : real(a, b);
}

int renameat(int f, const char *a, int g, const char *b)
{
    REAL(renameat);
    return met("renameat", g, b, 0, f, a) == REFUSED ? -1 : real(f, a, g, b);
}

int linkat(int f, const char *a, int g, const char *b, int flags)
{
    REAL(linkat);
    return met("linkat", g, b, 0, f, a) == REFUSED ? -1 : real(f, a, g, b, flags);
}

PATH1(int, unlink, (const char *a), (a), AT_FDCWD, a)
PATH1(int, unlinkat, (int f, const char *a, int flags), (f, a, flags), f, a)
PATH1(int, rmdir, (const char *a), (a), AT_FDCWD, a)
PATH1(int, mkdir, (const char *a, mode_t m), (a, m), AT_FDCWD, a)
PATH1(int, mkdirat, (int f, const char *a, mode_t m), (f, a, m), f, a)
PATH1(int, symlink, (const char *text, const char *a), (text, a), AT_FDCWD, a)
PATH1(int, symlinkat, (const char *text, int f, const char *a), (text, f, a), f, a)
PATH1(int, link, (const char *a, const char *b), (a, b), AT_FDCWD, b)
PATH1(int, chmod, (const char *a, mode_t m), (a, m), AT_FDCWD, a)
PATH1(int, fchmodat, (int f, const char *a, mode_t m, int flags), (f, a, m, flags), f, a)
PATH1(int, utimensat, (int f, const char *a, const struct timespec t[2], int flags), (f, a, t, flags), f, a)
PATH1(int, futimens, (int f, const struct timespec t[2]), (f, t), f, NULL)
PATH1(int, fchmod, (int f, mode_t m), (f, m), f, NULL)
PATH1(int, fsync, (int f), (f), f, NULL)
PATH1(int, fdatasync, (int f), (f), f, NULL)
PATH1(int, ftruncate, (int f, off_t n), (f, n), f, NULL)
PATH1(int, ftruncate64, (int f, off64_t n), (f, n), f, NULL)

#define FALLOCATE(name, offset) \
    int name(int f, offset a, offset n) \
    { \
        REAL(name); \
        return struck(#name, f, NULL, 0) == REFUSED ? error : real(f, a, n); \
    }
FALLOCATE(posix_fallocate, off_t)
FALLOCATE(posix_fallocate64, off64_t)

#define WRITE(name, args, call, file) \
    ssize_t name args \
    { \
        REAL(name); \
        int how = struck(#name, file, NULL, n); \
        if (how == REFUSED) \
            return -1; \
        if (how >= HALVED) \
            n /= 2; \
        ssize_t done = real call; \
        if (how == HALVED_AND_KILLED) \
            die(); \
        return done; \
    }
WRITE(write, (int f, const void *data, size_t n), (f, data, n), f)
WRITE(pwrite, (int f, const void *data, size_t n, off_t o), (f, data, n, o), f)
WRITE(pwrite64, (int f, const void *data, size_t n, off64_t o), (f, data, n, o), f)
WRITE(copy_file_range, (int f, off64_t *a, int g, off64_t *b, size_t n, unsigned u), (f, a, g, b, n, u), g)
WRITE(sendfile64, (int g, int f, off64_t *o, size_t n), (g, f, o, n), g)
