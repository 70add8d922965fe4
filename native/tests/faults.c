/* Preloaded into processes under test (LD_PRELOAD): counts calls that change
 * files below a folder, and at a chosen one kills, or from then on refuses.
 * Nothing of the program knows of it. What it does is in the environment:
 *
 *   FAULTS_BELOW   the folder; calls on files elsewhere pass
 *   FAULTS_NOT     part of the paths of files that pass as well
 *   FAULTS_CALLS   which calls count: a list of fsync, rename, write, ftruncate
 *   FAULTS_STATE   a file of zeros that the processes of a tree share
 *   FAULTS_AT      the call at which it acts, counted from 1 over all of them;
 *                  `new` is one at a site that is not in FAULTS_SITES; without
 *                  it, calls only count
 *   FAULTS_DO      kill (the process), tree (and the first of its tree), full
 *                  or broken (writes fail from then on)
 *   FAULTS_SITES   receives the site at which it acted: the call and the path,
 *                  with # for each number in it
 *   FAULTS_LOG     receives the site of every call
 *   FAULTS_ALONE   children are left alone
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LONGEST_SITE = PATH_MAX + 32, LONGEST_LIST = 1 << 16 };

/* What the processes of a tree share. */
typedef struct state {
    atomic_long calls;
    atomic_int root;
    atomic_bool refuses;
} state;

static state *shared;
static const char *below, *excepted, *calls, *action, *sites, *log_path;
static long at;
static bool at_new;

/* The next definition of a function: the C library's own. */
#define NEXT(name)                                                             \
    static __typeof__(name) *next;                                             \
    if (!next) {                                                               \
        void *found = dlsym(RTLD_NEXT, #name);                                 \
        memcpy(&next, &found, sizeof next);                                    \
    }

__attribute__((constructor)) static void start(void) {
    const char *where = getenv("FAULTS_STATE"), *when = getenv("FAULTS_AT");
    below = getenv("FAULTS_BELOW");
    excepted = getenv("FAULTS_NOT");
    calls = getenv("FAULTS_CALLS");
    action = getenv("FAULTS_DO");
    sites = getenv("FAULTS_SITES");
    log_path = getenv("FAULTS_LOG");
    at = when ? atol(when) : 0;
    at_new = when && strcmp(when, "new") == 0;
    if (getenv("FAULTS_ALONE")) {
        unsetenv("LD_PRELOAD");
    }
    if (!where || !below || !calls || !action) {
        return;
    }
    int file = open(where, O_RDWR | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    void *mapped =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED) {
        return;
    }
    shared = mapped;
    int nobody = 0;
    atomic_compare_exchange_strong(&shared->root, &nobody, (int)getpid());
}

/* The site's path has # for each run of hexadecimal digits with a number. */
static void append_generalised(char *site, const char *path) {
    char *end = site + strlen(site);
    while (*path && end < site + LONGEST_SITE - 2) {
        size_t length = 0;
        bool is_number = false;
        for (; isxdigit((unsigned char)path[length]); length++) {
            is_number = is_number || isdigit((unsigned char)path[length]);
        }
        if (is_number) {
            *end++ = '#';
            path += length;
        } else {
            *end++ = *path++;
        }
    }
    *end = '\0';
}

static void append_line(int file, const char *site) {
    char line[LONGEST_SITE + 1];
    int length = snprintf(line, sizeof line, "%s\n", site);
    NEXT(write)
    if (length > 0 && next(file, line, (size_t)length) < 0) {
        _exit(99);
    }
}

/* Whether the site was not known, and notes it. */
static bool is_new(const char *site) {
    static char list[LONGEST_LIST];
    int file = open(sites, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0) {
        return false;
    }
    flock(file, LOCK_EX);
    ssize_t length = read(file, list, sizeof list - 1);
    list[length > 0 ? length : 0] = '\0';
    bool known = false;
    size_t wanted = strlen(site);
    for (const char *line = list; *line && !known;) {
        size_t size = strcspn(line, "\n");
        known = size == wanted && strncmp(line, site, size) == 0;
        line += size + (line[size] == '\n');
    }
    if (!known) {
        append_line(file, site);
    }
    close(file);
    return !known;
}

static void note(const char *path, const char *site) {
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0) {
        return;
    }
    append_line(file, site);
    close(file);
}

static bool is_listed(const char *call) {
    const char *found = strstr(calls, call);
    return found && (found == calls || found[-1] == ',');
}

/* Counts a call; the error that it is to fail with, or 0. */
static int meet(const char *call, const char *path) {
    char site[LONGEST_SITE];
    if (!shared || !is_listed(call)) {
        return 0;
    }
    if (strncmp(path, below, strlen(below)) != 0 ||
        (excepted && strstr(path, excepted))) {
        return 0;
    }
    snprintf(site, sizeof site, "%s ", call);
    append_generalised(site, path + strlen(below));
    long number = atomic_fetch_add(&shared->calls, 1) + 1;
    if (log_path) {
        note(log_path, site);
    }
    bool is_due = !atomic_load(&shared->refuses) &&
                  (at_new ? sites && is_new(site) : number == at);
    if (is_due && sites && !at_new) {
        note(sites, site);
    }
    if (is_due && strcmp(action, "tree") == 0) {
        kill(atomic_load(&shared->root), SIGKILL);
    }
    if (is_due &&
        (strcmp(action, "tree") == 0 || strcmp(action, "kill") == 0)) {
        kill(getpid(), SIGKILL);
    }
    if (is_due) {
        atomic_store(&shared->refuses, true);
    }
    bool writes = strcmp(call, "write") == 0 || strcmp(call, "fsync") == 0;
    if (!writes || !atomic_load(&shared->refuses)) {
        return 0;
    }
    return strcmp(action, "broken") == 0 ? EIO : ENOSPC;
}

/* As `meet`, for an open file; sets errno. */
static bool fails(const char *call, int file) {
    char link[64], path[PATH_MAX];
    if (!shared || !is_listed(call)) {
        return false;
    }
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = before;
    if (length <= 0) {
        return false;
    }
    path[length] = '\0';
    int error = meet(call, path);
    if (error) {
        errno = error;
    }
    return error != 0;
}

static void meet_rename(const char *path) {
    char whole[2 * PATH_MAX], folder[PATH_MAX];
    if (!shared) {
        return;
    }
    int before = errno;
    if (path[0] != '/' && getcwd(folder, sizeof folder)) {
        snprintf(whole, sizeof whole, "%s/%s", folder, path);
        path = whole;
    }
    meet("rename", path);
    errno = before;
}

int fsync(int file) {
    NEXT(fsync)
    return fails("fsync", file) ? -1 : next(file);
}

int fdatasync(int file) {
    NEXT(fdatasync)
    return fails("fsync", file) ? -1 : next(file);
}

int rename(const char *from, const char *to) {
    NEXT(rename)
    meet_rename(to);
    return next(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    NEXT(renameat)
    meet_rename(to);
    return next(from_folder, from, to_folder, to);
}

int ftruncate(int file, off_t size) {
    NEXT(ftruncate)
    return fails("ftruncate", file) ? -1 : next(file, size);
}

int ftruncate64(int file, off64_t size) {
    NEXT(ftruncate64)
    return fails("ftruncate", file) ? -1 : next(file, size);
}

ssize_t write(int file, const void *data, size_t size) {
    NEXT(write)
    return fails("write", file) ? -1 : next(file, data, size);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t where) {
    NEXT(pwrite)
    return fails("write", file) ? -1 : next(file, data, size, where);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t where) {
    NEXT(pwrite64)
    return fails("write", file) ? -1 : next(file, data, size, where);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    NEXT(writev)
    return fails("write", file) ? -1 : next(file, parts, count);
}

ssize_t sendfile(int to, int from, off_t *where, size_t size) {
    NEXT(sendfile)
    return fails("write", to) ? -1 : next(to, from, where, size);
}

ssize_t sendfile64(int to, int from, off64_t *where, size_t size) {
    NEXT(sendfile64)
    return fails("write", to) ? -1 : next(to, from, where, size);
}

/* The C library writes a stream's buffer by itself, unseen. */
size_t fwrite(const void *data, size_t size, size_t count, FILE *stream) {
    NEXT(fwrite)
    return fails("write", fileno(stream)) ? 0 : next(data, size, count, stream);
}
