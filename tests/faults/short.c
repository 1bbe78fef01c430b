/* In front of the calls of the C library for files: every second one does a part of what it was asked for, and every
 * seventh is interrupted. Small ones, as those that wake a thread, are left alone: they are never short. Neither are
 * sockets that do not wait, where a short call says that there is no more. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

static atomic_uint calls;

#define INTERRUPTED ((size_t)-1)

/* Octets to ask for. */
static size_t part(size_t count)
{
    if (count <= 64)
        return count;
    unsigned number = atomic_fetch_add(&calls, 1);
    if (number % 7 == 3)
        return INTERRUPTED;
    return number % 2 ? count : count / 2 + 1;
}

#define SHORT(name, parameters, given)                                             \
    ssize_t name parameters                                                        \
    {                                                                              \
        static ssize_t (*real) parameters;                                         \
        if (!real)                                                                 \
            real = (ssize_t (*) parameters)dlsym(RTLD_NEXT, #name);                \
        count = part(count);                                                       \
        if (count == INTERRUPTED) {                                                \
            errno = EINTR;                                                         \
            return -1;                                                             \
        }                                                                          \
        return real given;                                                         \
    }

SHORT(read, (int file, void *data, size_t count), (file, data, count))
SHORT(write, (int file, const void *data, size_t count), (file, data, count))
SHORT(pread, (int file, void *data, size_t count, off_t at), (file, data, count, at))
SHORT(pwrite, (int file, const void *data, size_t count, off_t at), (file, data, count, at))
SHORT(pread64, (int file, void *data, size_t count, off64_t at), (file, data, count, at))
SHORT(pwrite64, (int file, const void *data, size_t count, off64_t at), (file, data, count, at))
