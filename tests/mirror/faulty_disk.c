/* A disk that fails, preloaded into a process: it counts the calls that change what is in one folder, and from call
   number `at` on has no space left, or copies the folder before each `at`th call: a process that is killed there leaves
   that.
   What calls it, be it Python, Arrow or DuckDB, is all one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMES = 1, WRITES = 2, CREATES = 4 };
enum { COUNT, COPY, FULL_ONCE, FULL };

static char folder[PATH_MAX], copies[PATH_MAX];
static int kinds, how;
static long at;
static atomic_long calls;

/* how : what happens at call number `at` of these kinds (a sum) in the folder; later ones go well, but with FULL
   to : the folder that copies are put into, with the number of the call for a name; of COUNT the file for what is called */
void faulty_disk(const char *in, int of, int what, long number, const char *to) {
    snprintf(folder, sizeof folder, "%s", in);
    snprintf(copies, sizeof copies, "%s", to);
    kinds = of, how = what, at = number;
    atomic_store(&calls, 0);
}

static __thread char seen[PATH_MAX];

static int inside(const char *path) {
    size_t length = strlen(folder);
    snprintf(seen, sizeof seen, "%s", path);
    return length && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static int of_file(int file, const char *rest, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    if (rest) {
        strncat(path, "/", PATH_MAX - 1 - strlen(path));
        strncat(path, rest, PATH_MAX - 1 - strlen(path));
    }
    return inside(path);
}

static int at_path(int from, const char *name) {
    char path[PATH_MAX];
    if (name[0] == '/')
        return inside(name);
    if (from != AT_FDCWD)
        return of_file(from, name, path);
    return getcwd(path, sizeof path - 1 - strlen(name)) && inside(strcat(strcat(path, "/"), name));
}

static void copy(long number) {
    char to[PATH_MAX + 32], *words[] = {"cp", "-a", folder, to, NULL}, *empty[] = {NULL};
    snprintf(to, sizeof to, "%s/%06ld", copies, number);
    pid_t child;
    if (posix_spawnp(&child, "cp", NULL, NULL, words, empty) || waitpid(child, NULL, 0) < 0)
        abort();
}

/* Which file the call is for, in a line of the file that `copies` names. */
static void note(int kind) {
    FILE *file = fopen(copies, "a");
    if (!file)
        abort();
    fprintf(file, "%d %s\n", kind, seen);
    fclose(file);
}

/* Whether the call is to fail. */
static int fails(int kind) {
    if (!(kind & kinds))
        return 0;
    long number = atomic_fetch_add(&calls, 1) + 1;
    static __thread char last[PATH_MAX];
    if (how == COPY && number % at == 0 && (kind != WRITES || strcmp(seen, last)))
        copy(number); /* but once where a file is written to again and again */
    snprintf(last, sizeof last, "%s", kind == WRITES ? seen : "");
    if (how == COUNT && copies[0])
        note(kind);
    if (!((how == FULL_ONCE && number == at) || (how == FULL && number >= at)))
        return 0;
    errno = ENOSPC;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define PATH_CALL(kind, name, from, path, arguments, ...)                                                             \
    int name(__VA_ARGS__) {                                                                                            \
        if (at_path(from, path) && fails(kind))                                                                        \
            return -1;                                                                                                 \
        return REAL(name) arguments;                                                                                   \
    }
PATH_CALL(NAMES | CREATES, rename, AT_FDCWD, to, (old, to), const char *old, const char *to)
PATH_CALL(NAMES | CREATES, renameat, two, to, (one, old, two, to), int one, const char *old, int two, const char *to)
PATH_CALL(NAMES | CREATES, renameat2, two, to, (one, old, two, to, flags), int one, const char *old, int two, const char *to,
          unsigned flags)
PATH_CALL(NAMES | CREATES, link, AT_FDCWD, to, (old, to), const char *old, const char *to)
PATH_CALL(NAMES | CREATES, linkat, two, to, (one, old, two, to, flags), int one, const char *old, int two,
          const char *to, int flags)
PATH_CALL(NAMES, unlink, AT_FDCWD, path, (path), const char *path)
PATH_CALL(NAMES, unlinkat, one, path, (one, path, flags), int one, const char *path, int flags)
PATH_CALL(NAMES, rmdir, AT_FDCWD, path, (path), const char *path)
PATH_CALL(NAMES | CREATES, mkdir, AT_FDCWD, path, (path, mode), const char *path, mode_t mode)
PATH_CALL(NAMES | CREATES, mkdirat, one, path, (one, path, mode), int one, const char *path, mode_t mode)

#define FILE_CALL(kind, type, name, arguments, ...)                                                                   \
    type name(__VA_ARGS__) {                                                                                           \
        char path[PATH_MAX];                                                                                           \
        if ((kinds & (kind)) && of_file(file, NULL, path) && fails(kind))                                              \
            return -1;                                                                                                 \
        return REAL(name) arguments;                                                                                   \
    }
FILE_CALL(NAMES, int, fsync, (file), int file)
FILE_CALL(NAMES, int, fdatasync, (file), int file)
FILE_CALL(WRITES, int, fallocate, (file, mode, start, length), int file, int mode, off_t start, off_t length)
FILE_CALL(WRITES, int, fallocate64, (file, mode, start, length), int file, int mode, off_t start, off_t length)
FILE_CALL(WRITES, ssize_t, writev, (file, parts, n), int file, const struct iovec *parts, int n)
FILE_CALL(WRITES, ssize_t, sendfile, (file, from, start, n), int file, int from, off_t *start, size_t n)
FILE_CALL(WRITES, ssize_t, sendfile64, (file, from, start, n), int file, int from, off_t *start, size_t n)
FILE_CALL(WRITES, ssize_t, copy_file_range, (from, a, file, b, n, flags), int from, off_t *a, int file, off_t *b,
          size_t n, unsigned flags)

/* A disk that fills up takes the first half of what it is given. */
#define WRITE_CALL(name, arguments, half, ...)                                                                        \
    ssize_t name(__VA_ARGS__) {                                                                                        \
        char path[PATH_MAX];                                                                                           \
        if ((kinds & WRITES) && of_file(file, NULL, path) && fails(WRITES)) {                                          \
            if (how == FULL && atomic_load(&calls) == at && n > 1)                                                     \
                return REAL(name) half;                                                                                \
            return -1;                                                                                                 \
        }                                                                                                              \
        return REAL(name) arguments;                                                                                   \
    }
WRITE_CALL(write, (file, data, n), (file, data, n / 2), int file, const void *data, size_t n)
WRITE_CALL(pwrite, (file, data, n, place), (file, data, n / 2, place), int file, const void *data, size_t n, off_t place)
WRITE_CALL(pwrite64, (file, data, n, place), (file, data, n / 2, place), int file, const void *data, size_t n,
           off_t place)

#define OPEN_CALL(name, from, arguments, ...)                                                                         \
    int name(__VA_ARGS__, ...) {                                                                                       \
        mode_t mode = 0;                                                                                               \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                                           \
            va_list rest;                                                                                              \
            va_start(rest, flags);                                                                                     \
            mode = va_arg(rest, mode_t);                                                                               \
            va_end(rest);                                                                                              \
        }                                                                                                              \
        if ((flags & O_CREAT) && (kinds & CREATES) && at_path(from, path) && access(path, F_OK) && fails(CREATES))     \
            return -1;                                                                                                 \
        return REAL(name) arguments;                                                                                   \
    }
OPEN_CALL(open, AT_FDCWD, (path, flags, mode), const char *path, int flags)
OPEN_CALL(open64, AT_FDCWD, (path, flags, mode), const char *path, int flags)
OPEN_CALL(openat, one, (one, path, flags, mode), int one, const char *path, int flags)
OPEN_CALL(openat64, one, (one, path, flags, mode), int one, const char *path, int flags)
