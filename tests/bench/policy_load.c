/*
 * policy_load: a closed-loop load generator for Postfix policy servers.
 *
 * Usage: policy_load [-a] [-c CONNECTIONS] [-s SECONDS] [-w WARMUP] ADDRESS REQUESTS
 *
 * ADDRESS is unix:PATH or inet:HOST:PORT.  REQUESTS is a file of lines
 * "client_address TAB sender TAB recipient TAB answer"; `answer` is the first
 * word that the server shall reply; with -a any answer will do.  The requests
 * are made before the clock starts and are sent round robin; each connection
 * has one request outstanding.  Prints one JSON object.
 *
 * Attributes and their order: Postfix 3.7, smtpd_check.c, check_policy_service.
 *
 * Exactly one reply must come for one request.  Bytes behind a reply, at once
 * or in the quiet time after the run, are "surplus"; a reply that never comes
 * is "missing"; a connection that the server closes is "closed" and is made
 * anew; a reply that is not "action=..." is "malformed"; another first word
 * than the one in REQUESTS is "wrong".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_EVENTS 64
#define MAX_ANSWERS 32
#define ANSWER_SIZE 40
#define REPLY_SIZE 2048
#define SUB_BITS 6 /* a latency bucket is 1/64 of its power of two wide */
#define BUCKETS (64 << SUB_BITS)
#define GRACE_NS 5000000000LL /* for replies outstanding at the end */
#define QUIET_MS 100          /* for replies that nobody asked for */

typedef int64_t nanoseconds;

struct request {
    char *text;
    size_t length;
    char answer[ANSWER_SIZE];
};

struct connection {
    int fd;
    int busy;
    const struct request *request;
    nanoseconds sent;
    size_t filled;
    char reply[REPLY_SIZE];
};

struct answer {
    char word[ANSWER_SIZE];
    uint64_t count;
};

static struct {
    uint64_t replies, surplus, missing, closed, malformed, wrong;
} seen;

static struct request *requests;
static size_t request_count, next_request;
static struct answer answers[MAX_ANSWERS];
static uint64_t buckets[BUCKETS];
static nanoseconds longest, counting_from;
static const char *address;
static int any_answer, epoll_fd;

static void die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("policy_load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static nanoseconds now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (nanoseconds)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Requests */

static char *request_text(const char *client, const char *sender, const char *recipient,
                          size_t number)
{
    char *text;
    int length = asprintf(&text,
        "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
        "client_address=%s\nclient_name=mail.outside.example\nclient_port=%zu\n"
        "reverse_client_name=mail.outside.example\n"
        "server_address=192.0.2.25\nserver_port=25\nhelo_name=mail.outside.example\n"
        "sender=%s\nrecipient=%s\nrecipient_count=0\nqueue_id=\n"
        "instance=%zx.65f1c2d3.8a1b2.0\nsize=4821\netrn_domain=\nstress=\n"
        "sasl_method=\nsasl_username=\nsasl_sender=\n"
        "ccert_subject=\nccert_issuer=\nccert_fingerprint=\nccert_pubkey_fingerprint=\n"
        "encryption_protocol=TLSv1.3\nencryption_cipher=TLS_AES_256_GCM_SHA384\n"
        "encryption_keysize=256\npolicy_context=inbound\n\n",
        client, 20000 + number % 40000, sender, recipient, number);

    if (length < 0)
        die("out of memory");
    return text;
}

static struct request parse_request(char *line, size_t number)
{
    char *client = strsep(&line, "\t"), *sender = strsep(&line, "\t");
    char *recipient = strsep(&line, "\t"), *answer = strsep(&line, "\t\n");
    struct request request;

    if (!client || !sender || !recipient || !answer)
        die("line %zu of the requests has not four fields", number + 1);
    request.text = request_text(client, sender, recipient, number);
    request.length = strlen(request.text);
    snprintf(request.answer, sizeof request.answer, "%s", answer);
    return request;
}

static void read_requests(const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0, room = 0;

    if (!file)
        die("%s: %s", path, strerror(errno));
    while (getline(&line, &size, file) > 0) {
        if (request_count == room) {
            room = room ? room * 2 : 1024;
            requests = realloc(requests, room * sizeof *requests);
            if (!requests)
                die("out of memory");
        }
        requests[request_count] = parse_request(line, request_count);
        request_count++;
    }
    free(line);
    fclose(file);
    if (!request_count)
        die("%s has no requests", path);
}

/* Connections */

static int connect_unix(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof name.sun_path)
        die("%s: too long for a socket", path);
    strcpy(name.sun_path, path);
    if (connect(fd, (struct sockaddr *)&name, sizeof name))
        die("%s: %s", path, strerror(errno));
    return fd;
}

static int connect_inet(const char *host_and_port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    char *host = strdup(host_and_port), *port = host ? strrchr(host, ':') : NULL;
    int fd, on = 1;

    if (!port)
        die("%s: not HOST:PORT", host_and_port);
    *port++ = '\0';
    if (getaddrinfo(host, port, &hints, &found))
        die("%s: unknown host or port", host_and_port);
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, found->ai_addr, found->ai_addrlen))
        die("%s: %s", host_and_port, strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    freeaddrinfo(found);
    free(host);
    return fd;
}

static void open_connection(struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

    if (!strncmp(address, "unix:", 5))
        connection->fd = connect_unix(address + 5);
    else if (!strncmp(address, "inet:", 5))
        connection->fd = connect_inet(address + 5);
    else
        die("%s: not unix:PATH or inet:HOST:PORT", address);
    fcntl(connection->fd, F_SETFL, O_NONBLOCK);
    connection->busy = 0;
    connection->filled = 0;
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event))
        die("epoll_ctl: %s", strerror(errno));
}

/* A server that has just closed the connection shows at the next read. */
static void send_request(struct connection *connection)
{
    const struct request *request = &requests[next_request];
    ssize_t written;

    next_request = (next_request + 1) % request_count;
    connection->request = request;
    connection->busy = 1;
    connection->filled = 0;
    connection->sent = now();
    written = send(connection->fd, request->text, request->length, MSG_NOSIGNAL);
    if (written >= 0 && (size_t)written < request->length)
        die("a request did not fit into the socket");
}

/* Replies */

static unsigned bucket_of(nanoseconds latency)
{
    uint64_t value = latency > 0 ? (uint64_t)latency : 1;
    int top = 63 - __builtin_clzll(value);

    if (top <= SUB_BITS)
        return (unsigned)value;
    return ((unsigned)(top - SUB_BITS) << SUB_BITS) + (unsigned)(value >> (top - SUB_BITS));
}

/* The middle of a bucket in microseconds. */
static double bucket_value(unsigned bucket)
{
    unsigned shift = bucket >> SUB_BITS;
    uint64_t mantissa;

    if (shift < 2)
        return bucket / 1e3;
    shift -= 1;
    mantissa = bucket - ((uint64_t)shift << SUB_BITS);
    return ((double)(mantissa << shift) + (double)(1ULL << shift) / 2) / 1e3;
}

static void count_answer(const char *word, size_t length)
{
    int i;

    for (i = 0; i < MAX_ANSWERS - 1 && answers[i].count; i++)
        if (strlen(answers[i].word) == length && !memcmp(answers[i].word, word, length))
            break;
    if (!answers[i].count++) {
        if (i == MAX_ANSWERS - 1) {
            word = "(others)";
            length = strlen(word);
        }
        memcpy(answers[i].word, word, length);
    }
}

static void check_reply(const struct connection *connection)
{
    const char *word = connection->reply + strlen("action=");
    size_t length;

    if (strncmp(connection->reply, "action=", strlen("action="))) {
        seen.malformed++;
        return;
    }
    length = strcspn(word, " \n");
    if (length >= ANSWER_SIZE)
        length = ANSWER_SIZE - 1;
    count_answer(word, length);
    if (!any_answer && (strlen(connection->request->answer) != length ||
                        strncasecmp(connection->request->answer, word, length)))
        seen.wrong++;
}

static void take_reply(struct connection *connection, nanoseconds time)
{
    nanoseconds latency = time - connection->sent;

    check_reply(connection);
    connection->busy = 0;
    if (connection->sent < counting_from)
        return;
    seen.replies++;
    buckets[bucket_of(latency)]++;
    if (latency > longest)
        longest = latency;
}

static void reopen(struct connection *connection)
{
    seen.closed++;
    seen.missing += (uint64_t)connection->busy;
    close(connection->fd);
    open_connection(connection);
}

/* Returns 1 when the connection is free for its next request. */
static int read_reply(struct connection *connection)
{
    char *start = connection->reply + connection->filled, *end;
    ssize_t length = read(connection->fd, start, REPLY_SIZE - 1 - connection->filled);

    if (length < 0 && errno == EAGAIN)
        return 0;
    if (length <= 0) {
        reopen(connection);
        return 1;
    }
    connection->filled += (size_t)length;
    connection->reply[connection->filled] = '\0';
    if (!connection->busy) {
        seen.surplus++;
        connection->filled = 0;
        return 0;
    }
    end = strstr(connection->reply, "\n\n");
    if (!end && connection->filled == REPLY_SIZE - 1)
        die("a reply is longer than %d bytes", REPLY_SIZE);
    if (!end)
        return 0;
    if (end + 2 != connection->reply + connection->filled)
        seen.surplus++;
    take_reply(connection, now());
    connection->filled = 0;
    return 1;
}

/* The run */

static int read_events(int timeout_ms, nanoseconds send_until)
{
    struct epoll_event events[MAX_EVENTS];
    int count = epoll_wait(epoll_fd, events, MAX_EVENTS, timeout_ms), i;

    for (i = 0; i < count; i++)
        if (read_reply(events[i].data.ptr) && now() < send_until)
            send_request(events[i].data.ptr);
    return count;
}

static int any_busy(const struct connection *connections, int count)
{
    int i;

    for (i = 0; i < count; i++)
        if (connections[i].busy)
            return 1;
    return 0;
}

/* Returns the seconds during which requests were sent and counted. */
static double run(struct connection *connections, int count, double warmup, double seconds)
{
    nanoseconds end, deadline;
    int i;

    counting_from = now() + (nanoseconds)(warmup * 1e9);
    end = counting_from + (nanoseconds)(seconds * 1e9);
    deadline = end + GRACE_NS;
    for (i = 0; i < count; i++)
        send_request(&connections[i]);
    while (now() < end)
        read_events(100, end);
    end = now();
    while (any_busy(connections, count) && now() < deadline)
        read_events(100, 0);
    for (i = 0; i < count; i++)
        seen.missing += (uint64_t)connections[i].busy;
    while (read_events(QUIET_MS, 0) > 0 && now() < deadline)
        ;
    return (double)(end - counting_from) / 1e9;
}

/* Output */

static double percentile(double share)
{
    uint64_t wanted = (uint64_t)(share * (double)seen.replies), sum = 0;
    unsigned i;

    for (i = 0; i < BUCKETS; i++) {
        sum += buckets[i];
        if (sum > wanted)
            break;
    }
    return bucket_value(i) < (double)longest / 1e3 ? bucket_value(i) : (double)longest / 1e3;
}

static double cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void print_answers(void)
{
    const char *c;
    int i;

    for (i = 0; i < MAX_ANSWERS && answers[i].count; i++) {
        fputs(i ? ", \"" : "\"", stdout);
        for (c = answers[i].word; *c; c++)
            putchar(*c < ' ' || *c == '"' || *c == '\\' || *c == 127 ? '?' : *c);
        printf("\": %llu", (unsigned long long)answers[i].count);
    }
}

static void print_results(int connections, double seconds)
{
    uint64_t errors = seen.surplus + seen.missing + seen.closed + seen.malformed + seen.wrong;

    printf("{\"connections\": %d, \"seconds\": %.3f, \"replies\": %llu, \"per_second\": %.1f, "
           "\"p50_us\": %.1f, \"p95_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, ",
           connections, seconds, (unsigned long long)seen.replies,
           (double)seen.replies / seconds, percentile(.5), percentile(.95), percentile(.99),
           (double)longest / 1e3);
    printf("\"errors\": %llu, \"surplus\": %llu, \"missing\": %llu, \"closed\": %llu, "
           "\"malformed\": %llu, \"wrong\": %llu, \"load_cpu_seconds\": %.3f, \"answers\": {",
           (unsigned long long)errors, (unsigned long long)seen.surplus,
           (unsigned long long)seen.missing, (unsigned long long)seen.closed,
           (unsigned long long)seen.malformed, (unsigned long long)seen.wrong, cpu_seconds());
    print_answers();
    puts("}}");
}

int main(int argc, char **argv)
{
    struct connection *connections;
    double seconds = 5, warmup = 0.5;
    int count = 1, option, i;

    while ((option = getopt(argc, argv, "ac:s:w:")) != -1) {
        if (option == 'a')
            any_answer = 1;
        else if (option == 'c')
            count = atoi(optarg);
        else if (option == 's')
            seconds = atof(optarg);
        else if (option == 'w')
            warmup = atof(optarg);
        else
            die("unknown option");
    }
    if (argc - optind != 2 || count < 1 || seconds <= 0)
        die("usage: policy_load [-a] [-c CONNECTIONS] [-s SECONDS] [-w WARMUP] ADDRESS REQUESTS");
    address = argv[optind];
    read_requests(argv[optind + 1]);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    connections = calloc((size_t)count, sizeof *connections);
    for (i = 0; i < count; i++)
        open_connection(&connections[i]);
    seconds = run(connections, count, warmup, seconds);
    print_results(count, seconds);
    return 0;
}
