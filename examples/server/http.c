#include "http.h"

#include "exchange.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* An open connection. */
typedef struct line {
    struct line *before, *next;
    int fd;
    atomic_llong until_ns; /* by then the next request has begun, or this one is answered */
} line;

struct http {
    served *s;
    engine *e;
    struct MHD_Daemon *daemon;
    MHD_socket listener; /* ours once the daemon was told to be quiet */
    atomic_llong booked; /* bytes of all bodies, and of what they become */
    pthread_mutex_t lock;
    line *lines;
};

/* --- what is asked for --- */

static bool find_page(exchange *x, const char *method, const char *url)
{
    static const struct {
        const char *method, *url;
        page page;
        endpoint route;
    } pages[] = {
        { "GET", "/", PAGE_ROOT, ROUTE_CHAT },
        { "GET", "/health", PAGE_HEALTH, ROUTE_CHAT },
        { "GET", "/v1/models", PAGE_MODELS, ROUTE_CHAT },
        { "POST", "/v1/chat/completions", PAGE_ASK, ROUTE_CHAT },
        { "POST", "/v1/completions", PAGE_ASK, ROUTE_TEXT },
        { "POST", "/v1/embeddings", PAGE_ASK, ROUTE_EMBEDDINGS },
    };
    static const char models[] = "/v1/models/";
    bool is_known = false;
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
        if (strcmp(url, pages[i].url) != 0)
            continue;
        is_known = true;
        if (strcmp(method, pages[i].method) == 0) {
            x->page = pages[i].page;
            x->route = pages[i].route;
            return true;
        }
    }
    if (strncmp(url, models, sizeof(models) - 1) == 0) {
        x->page = PAGE_MODEL;
        x->tail = url + sizeof(models) - 1;
        is_known = true;
        if (strcmp(method, "GET") == 0)
            return true;
    }
    return is_known ? refuse(&x->why, 405, "method_not_allowed", NULL, "%.20s is not for %.100s",
                             method, url)
                    : refuse(&x->why, 404, "not_found", NULL, "there is no %.100s", url);
}

/* Takes as long for every key that is given. */
static bool is_same(const char *given, const char *key)
{
    const size_t n = strlen(key), n_given = strlen(given);
    unsigned differs = n != n_given;
    for (size_t i = 0; i < n; i++)
        differs |= (unsigned)given[i < n_given ? i : 0] ^ (unsigned)key[i];
    return !differs;
}

static bool check_key(exchange *x)
{
    static const char bearer[] = "Bearer ";
    const char *key = x->s->o->key;
    const char *given =
        MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    if (!key || x->page == PAGE_ROOT || x->page == PAGE_HEALTH)
        return true;
    if (!given)
        return refuse(&x->why, 401, "invalid_api_key", NULL,
                      "the request has no key, expected 'Authorization: Bearer KEY'");
    return (strncmp(given, bearer, sizeof(bearer) - 1) == 0 &&
            is_same(given + sizeof(bearer) - 1, key)) ||
           refuse(&x->why, 401, "invalid_api_key", NULL, "the key is not the server's");
}

/* --- a body comes in --- */

static void drop_body(exchange *x)
{
    text_free(&x->body);
    atomic_fetch_sub(x->booked, (long long)x->n_booked);
    x->n_booked = 0;
}

/* What is too much is read to its end and forgotten, so that the client sees the answer. */
static enum MHD_Result take_body(exchange *x, const char *data, size_t size)
{
    const settings *o = x->s->o;
    x->n_body += size;
    if (now_ns() > x->client.until_ns || x->n_body / 8 > (uint64_t)o->max_body)
        return MHD_NO;
    if (x->why.http)
        return MHD_YES;
    if (x->n_body > (uint64_t)o->max_body)
        refuse(&x->why, 413, "body_too_large", NULL,
               "the body has more than %lld bytes, expected at most that", (long long)o->max_body);
    if (!x->why.http && exchange_book(x, size))
        text_add(&x->body, data, size);
    if (x->body.has_failed)
        refuse(&x->why, 503, "out_of_memory", NULL, "no memory for the body");
    if (x->why.http)
        drop_body(x);
    return MHD_YES;
}

/* Does the client wait for a word before it sends, or send far too much? */
static bool answers_early(exchange *x)
{
    const char *expect =
        MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);
    return x->why.http && expect;
}

static void check_announced(exchange *x)
{
    const char *length =
        MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const unsigned long long n = length ? strtoull(length, NULL, 10) : 0;
    if (!x->why.http && n > (unsigned long long)x->s->o->max_body)
        refuse(&x->why, 413, "body_too_large", NULL,
               "the body has %llu bytes, expected at most %lld", n, (long long)x->s->o->max_body);
}

/* --- connections have a time to end --- */

static void set_time(struct MHD_Connection *connection, int64_t seconds)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    line *l = info ? info->socket_context : NULL;
    if (l)
        atomic_store(&l->until_ns, now_ns() + seconds * 1000000000);
}

static void begin_line(http *h, struct MHD_Connection *connection, void **context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    line *l = *context = calloc(1, sizeof(*l));
    /* Without one, for want of memory, a connection is left to the other limits. */
    if (!l)
        return;
    l->fd = info ? info->connect_fd : -1;
    atomic_init(&l->until_ns, now_ns() + h->s->o->idle_limit * 1000000000);
    pthread_mutex_lock(&h->lock);
    l->next = h->lines;
    if (l->next)
        l->next->before = l;
    h->lines = l;
    pthread_mutex_unlock(&h->lock);
}

static void end_line(http *h, line *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&h->lock);
    *(l->before ? &l->before->next : &h->lines) = l->next;
    if (l->next)
        l->next->before = l->before;
    pthread_mutex_unlock(&h->lock);
    free(l);
}

static void notice(void *user, struct MHD_Connection *connection, void **context,
                   enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        begin_line(user, connection, context);
    else
        end_line(user, *context);
}

void http_sweep(http *h)
{
    pthread_mutex_lock(&h->lock);
    for (const line *l = h->lines; l; l = l->next)
        if (now_ns() > atomic_load(&l->until_ns))
            shutdown(l->fd, SHUT_RDWR);
    pthread_mutex_unlock(&h->lock);
}

/* --- libmicrohttpd's callbacks --- */

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
    http *h = user;
    exchange *x = *state;
    (void)version;
    if (!x) {
        x = calloc(1, sizeof(*x));
        if (!x)
            return MHD_NO;
        *state = x;
        x->s = h->s;
        x->e = h->e;
        x->connection = connection;
        x->booked = &h->booked;
        x->client = (client){ exchange_has_gone, x, now_ns() + h->s->o->time_limit * 1000000000 };
        set_time(connection, h->s->o->time_limit + h->s->o->idle_limit);
        if (find_page(x, method, url) && check_key(x))
            check_announced(x);
        return answers_early(x) ? exchange_refuse(x) : MHD_YES;
    }
    if (*size) {
        enum MHD_Result result = take_body(x, data, *size);
        *size = 0;
        return result;
    }
    return exchange_answer(x);
}

static void complete(void *user, struct MHD_Connection *connection, void **state,
                     enum MHD_RequestTerminationCode code)
{
    const http *h = user;
    exchange *x = *state;
    (void)code;
    set_time(connection, h->s->o->idle_limit);
    if (x)
        exchange_free(x);
    *state = NULL;
}

/* --- life --- */

static struct MHD_Daemon *start(http *h, const struct sockaddr *address)
{
    const settings *o = h->s->o;
    const unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                           MHD_USE_POLL | MHD_USE_ITC |
                           (address->sa_family == AF_INET6 ? MHD_USE_IPv6 : 0u);
    return MHD_start_daemon(flags, (uint16_t)o->port, NULL, NULL, handle, h, MHD_OPTION_SOCK_ADDR,
                            address, MHD_OPTION_NOTIFY_COMPLETED, complete, h,
                            MHD_OPTION_NOTIFY_CONNECTION, notice, h, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)o->connections, MHD_OPTION_CONNECTION_TIMEOUT,
                            (unsigned)o->idle_limit, MHD_OPTION_THREAD_STACK_SIZE, (size_t)1 << 20,
                            MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
}

http *http_start(served *s, engine *e, problem *why)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *found = NULL;
    char port[16];
    http *h = calloc(1, sizeof(*h));
    if (!h) {
        refuse(why, 503, NULL, NULL, "no memory for the server");
        return NULL;
    }
    h->s = s;
    h->e = e;
    h->listener = MHD_INVALID_SOCKET;
    exchange_watch_json();
    atomic_init(&h->booked, 0);
    pthread_mutex_init(&h->lock, NULL);
    snprintf(port, sizeof(port), "%lld", (long long)s->o->port);
    const int result = getaddrinfo(s->o->host, port, &hints, &found);
    if (result == 0)
        h->daemon = start(h, found->ai_addr);
    if (!h->daemon)
        refuse(why, 500, NULL, NULL, "cannot listen at %s port %s: %s", s->o->host, port,
               result ? gai_strerror(result) : strerror(errno));
    if (found)
        freeaddrinfo(found);
    if (h->daemon)
        return h;
    pthread_mutex_destroy(&h->lock);
    free(h);
    return NULL;
}

int http_port(const http *h)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

void http_close(http *h)
{
    h->listener = MHD_quiesce_daemon(h->daemon);
    if (h->listener != MHD_INVALID_SOCKET)
        close(h->listener);
}

void http_destroy(http *h)
{
    if (!h)
        return;
    MHD_stop_daemon(h->daemon);
    pthread_mutex_destroy(&h->lock);
    free(h);
}
