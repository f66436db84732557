/*
 * Makes wrk, which speaks TCP only, connect to Unix sockets: connects to 127.0.0.1:$DOOR_PORT go to the sockets in $DOORS (separated by ':'), in turn.
 * Loaded with LD_PRELOAD. There is no relay in between: wrk itself holds the connection to the door.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static atomic_uint next;

static int pick(char *path, size_t size)
{
    const char *doors = getenv("DOORS");
    if (!doors || !*doors)
        return -1;
    unsigned count = 1;
    for (const char *c = doors; *c; c++)
        count += *c == ':';
    unsigned number = atomic_fetch_add(&next, 1) % count;
    while (number--)
        doors = strchr(doors, ':') + 1;
    size_t length = strcspn(doors, ":");
    if (length >= size)
        return -1;
    memcpy(path, doors, length);
    path[length] = 0;
    return 0;
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    static int (*real)(int, const struct sockaddr *, socklen_t);
    if (!real)
        real = (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "connect");
    const char *port = getenv("DOOR_PORT");
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;
    if (!port || address->sa_family != AF_INET || ntohs(in->sin_port) != atoi(port))
        return real(fd, address, length);
    struct sockaddr_un door = { .sun_family = AF_UNIX };
    if (pick(door.sun_path, sizeof door.sun_path) != 0) {
        errno = ECONNREFUSED;
        return -1;
    }
    int flags = fcntl(fd, F_GETFL);
    int unix_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (unix_fd < 0)
        return -1;
    /* A connect to a Unix socket completes at once or fails: it may block for the moment that takes. */
    if (real(unix_fd, (struct sockaddr *)&door, sizeof door) != 0 || dup2(unix_fd, fd) < 0) {
        int error = errno;
        close(unix_fd);
        errno = error;
        return -1;
    }
    close(unix_fd);
    fcntl(fd, F_SETFL, flags);
    return 0;
}
