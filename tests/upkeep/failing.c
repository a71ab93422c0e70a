/* Stands before the system's calls and lets some of them fail, or tells another time, as a plan says that the test writes.
 *
 * Shape of the plan, in the file that IMPP_TEST_PLAN names; each line one of
 *     sync ENDING ERRNO FIRST LAST      fsync and fdatasync of files whose path ends so: the FIRST to LAST of them, counted since the plan was written
 *     write ENDING ERRNO FIRST LAST     the same for write and pwrite
 *     name ENDING ERRNO FIRST LAST      the same for rename (of the new name), unlink, rmdir and mkdir
 *     clock SECONDS                     what the calendar is put forward, or back
 * The ending * is any. With -9 for ERRNO the process is killed in place of the call.
 * A plan is exchanged by rename; its inode tells that it is another. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char plan[4096];
static ino_t known;
static long syncs, writes, names;
static volatile long ahead;

static void look(void) {
    const char *name = getenv("IMPP_TEST_PLAN");
    struct stat found;
    if (!name || stat(name, &found) != 0 || found.st_ino == known) return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    long length = syscall(SYS_read, fd, plan, sizeof plan - 1);
    close(fd);
    plan[length > 0 ? length : 0] = 0;
    known = found.st_ino;
    syncs = writes = names = 0;
    const char *clock = strstr(plan, "clock ");
    ahead = clock ? atol(clock + 6) : 0;
}

/* The errno with which this call on this path fails, or 0. */
static int planned(const char *call, long *count, const char *path, size_t length) {
    char ending[128];
    int error, result = 0;
    long first, last;
    pthread_mutex_lock(&lock);
    look();
    const char *line = strstr(plan, call);
    if (line && sscanf(line + strlen(call), " %127s %d %ld %ld", ending, &error, &first, &last) == 4) {
        size_t wanted = strcmp(ending, "*") == 0 ? 0 : strlen(ending);
        if (length >= wanted && memcmp(path + length - wanted, ending, wanted) == 0) {
            ++*count;
            if (*count >= first && *count <= last) result = error;
        }
    }
    pthread_mutex_unlock(&lock);
    if (result == -SIGKILL) kill(getpid(), SIGKILL);
    return result;
}

/* The same of the file behind a descriptor. */
static int fails(const char *call, long *count, int fd) {
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    return length < 0 ? 0 : planned(call, count, path, (size_t)length);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define GUARD(call, count) do { int error = fails(call, &count, fd); if (error) { errno = error; return -1; } } while (0)

int fsync(int fd) { GUARD("sync", syncs); return NEXT(fsync)(fd); }
int fdatasync(int fd) { GUARD("sync", syncs); return NEXT(fdatasync)(fd); }
ssize_t write(int fd, const void *octets, size_t length) { GUARD("write", writes); return NEXT(write)(fd, octets, length); }
ssize_t pwrite(int fd, const void *octets, size_t length, off_t at) { GUARD("write", writes); return NEXT(pwrite)(fd, octets, length, at); }
ssize_t pwrite64(int fd, const void *octets, size_t length, off64_t at) { GUARD("write", writes); return NEXT(pwrite64)(fd, octets, length, at); }

#define NAMED(path) do { int error = planned("name", &names, path, strlen(path)); if (error) { errno = error; return -1; } } while (0)

int rename(const char *from, const char *to) { NAMED(to); return NEXT(rename)(from, to); }
int unlink(const char *path) { NAMED(path); return NEXT(unlink)(path); }
int rmdir(const char *path) { NAMED(path); return NEXT(rmdir)(path); }
int mkdir(const char *path, mode_t mode) { NAMED(path); return NEXT(mkdir)(path, mode); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME && result == 0) {
        pthread_mutex_lock(&lock);
        look();
        pthread_mutex_unlock(&lock);
        now->tv_sec += ahead;
    }
    return result;
}
