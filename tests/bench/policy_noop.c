/*
 * policy_noop: the policy server that parses nothing, the limit for all others.
 *
 * Usage: policy_noop ADDRESS      (unix:PATH or inet:IPV4:PORT)
 *
 * One thread, epoll.  Answers "action=DUNNO" at each empty line, whatever came
 * before it.  Ends by a signal.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_EVENTS 64
#define MAX_FDS 65536

static const char reply[] = "action=DUNNO\n\n";
static char ended_in_newline[MAX_FDS]; /* a request may come in several reads */

static void die(const char *what)
{
    fprintf(stderr, "policy_noop: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int listen_unix(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (strlen(path) >= sizeof name.sun_path)
        die("path too long");
    strcpy(name.sun_path, path);
    unlink(path);
    if (bind(fd, (struct sockaddr *)&name, sizeof name))
        die(path);
    return fd;
}

static int listen_inet(const char *host_and_port)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    char *host = strdup(host_and_port), *port = strrchr(host, ':');

    if (!port)
        die("address without a port");
    *port++ = '\0';
    name.sin_port = htons((uint16_t)atoi(port));
    if (inet_pton(AF_INET, host, &name.sin_addr) != 1)
        die(host);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&name, sizeof name))
        die(host_and_port);
    return fd;
}

static void watch(int epoll_fd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (fd >= MAX_FDS || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event))
        die("epoll_ctl");
    ended_in_newline[fd] = 0;
}

static void serve(int fd)
{
    char buffer[16384];
    ssize_t length = read(fd, buffer, sizeof buffer), i;
    char newline = ended_in_newline[fd];

    if (length <= 0) {
        close(fd);
        return;
    }
    for (i = 0; i < length; i++) {
        if (buffer[i] != '\n')
            newline = 0;
        else if (!newline)
            newline = 1;
        else {
            newline = 0;
            send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL);
        }
    }
    ended_in_newline[fd] = newline;
}

int main(int argc, char **argv)
{
    struct epoll_event events[MAX_EVENTS];
    int epoll_fd = epoll_create1(0), listener, count, i;

    if (argc != 2)
        die("usage: policy_noop ADDRESS");
    listener = strncmp(argv[1], "unix:", 5) ? listen_inet(argv[1] + strcspn(argv[1], ":") + 1)
                                            : listen_unix(argv[1] + 5);
    if (listen(listener, 1024))
        die("listen");
    watch(epoll_fd, listener);
    for (;;) {
        count = epoll_wait(epoll_fd, events, MAX_EVENTS, -1);
        for (i = 0; i < count; i++) {
            if (events[i].data.fd != listener)
                serve(events[i].data.fd);
            else if ((events[i].data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
                watch(epoll_fd, events[i].data.fd);
        }
    }
}
