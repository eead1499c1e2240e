/* The chain daemon of the sandbox as an ELF file: one binary that three services run, each with an environment of its
 * own. It answers like server.py with part "chain". Compiled once; a build is these bytes with another stamp in them,
 * so it reads its stamp when it runs, with a scanner that only has to understand what stamp.py writes. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define STAMP_SIZE 2048
#define PLACES 64
#define BUFFER 65536

char stamp[STAMP_SIZE] = "STAMP = {\"room\":\"for a stamp\"}";

static char service[128], version[64], commit[64], binary[128], behaviour[32];
static double crash_after, ends_at;
static struct pollfd places[PLACES];
static char *heard[PLACES];
static size_t lengths[PLACES];
static int listeners, used;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The text after `"key":`, or NULL. */
static const char *value(const char *json, const char *key) {
    char quoted[160];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    const char *found = strstr(json, quoted);
    if (!found) return NULL;
    found += strlen(quoted);
    while (*found == ' ' || *found == ':') found++;
    return found;
}

/* Copy the string or the bare word that starts here. */
static void copy(char *to, size_t room, const char *from) {
    size_t n = 0;
    if (!from) { to[0] = 0; return; }
    if (*from == '"') {
        for (from++; *from && *from != '"' && n + 1 < room; from++) to[n++] = *from;
    } else {
        while (*from && !strchr(",}] \t\r\n", *from) && n + 1 < room) to[n++] = *from++;
    }
    to[n] = 0;
}

/* The JSON value that starts here, as it stands: an id may be a string or a number. */
static void token(char *to, size_t room, const char *from) {
    if (from && *from == '"') {
        const char *end = strchr(from + 1, '"');
        snprintf(to, room, "%.*s", end ? (int)(end - from + 1) : 0, from);
    } else {
        copy(to, room, from);
    }
    if (!to[0]) snprintf(to, room, "null");
}

static void say(const char *form, ...) {
    char line[512];
    va_list rest;
    va_start(rest, form);
    vsnprintf(line, sizeof line, form, rest);
    va_end(rest);
    fprintf(stderr, "%s %s (%.7s): %s\n", service, version, commit, line);
}

static void leave(int signal) {
    (void)signal;
    _exit(0);
}

static void fold(char *path) {
    for (char *p = path + 1; *p; p++)
        if (*p == '/') { *p = 0; mkdir(path, 0700); *p = '/'; }
}

static void listen_at(const char *root, const char *path) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char whole[512];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    if (strlen(whole) >= sizeof name.sun_path) { say("the socket path is too long: %s", whole); exit(1); }
    memcpy(name.sun_path, whole, strlen(whole) + 1);
    fold(whole);
    unlink(whole);
    if (bind(fd, (struct sockaddr *)&name, sizeof name) || listen(fd, 64)) { say("%s: %s", whole, strerror(errno)); exit(1); }
    places[used++] = (struct pollfd){.fd = fd, .events = POLLIN};
    listeners = used;
}

static void listen_everywhere(void) {
    char root[256], path[256];
    const char *own = getenv("COMPUTE_SOCKET"), *sockets = getenv("PATH_SOCKET"), *machine = getenv("PATH_ROOT");
    const char *home = getenv("HOME");
    if (sockets && *sockets) snprintf(root, sizeof root, "%s", sockets);
    else if (machine && *machine) snprintf(root, sizeof root, "%s/var/sockets", machine);
    else snprintf(root, sizeof root, "%s/hero/var/sockets", home ? home : "");
    if (own && *own) {
        listen_at(root, own);
    } else {
        const char *next = value(stamp, "sockets");
        for (next = next ? next + 1 : ""; *next == '"' && used < 8; next += *next == ',') {
            copy(path, sizeof path, next);
            listen_at(root, path);
            next += strlen(path) + 2;
        }
    }
    say("listening in %d places below %s", listeners, root);
}

static void identity(char *to, size_t room) {
    snprintf(to, room, "\"service\": \"%s\", \"binary\": \"%s\", \"version\": \"%s\", \"commit\": \"%s\", \"pid\": %d",
             service, binary, version, commit, (int)getpid());
}

static void nodes(char *to, size_t room) {
    const char *chain = getenv("COMPUTE_CHAIN");
    if (!chain) chain = "qa";
    size_t n = (size_t)snprintf(to, room, "{\"chain\": \"%s\", \"nodes\": [", chain);
    for (int i = 1; i <= 3; i++)
        n += (size_t)snprintf(to + n, room - n, "%s{\"name\": \"%s-%d\", \"chain\": \"%s\", \"online\": true}",
                              i > 1 ? ", " : "", chain, i, chain);
    snprintf(to + n, room - n, "]}");
}

static void document(char *to, size_t room) {
    static const char *names[] = {"health", "list_nodes", "rpc.discover", "version"};
    size_t n = (size_t)snprintf(to, room, "{\"openrpc\": \"1.3.2\", \"info\": {\"title\": \"%s\", \"version\": \"%s\"}, \"methods\": [",
                                service, version);
    for (int i = 0; i < 4; i++)
        n += (size_t)snprintf(to + n, room - n, "%s{\"name\": \"%s\", \"params\": [], \"result\": {\"name\": \"result\", \"schema\": true}}",
                              i ? ", " : "", names[i]);
    snprintf(to + n, room - n, "]}");
}

static void rpc(const char *body, char *to, size_t room) {
    char id[128], method[128], result[4096], who[1024];
    const char *named = *body == '{' ? value(body, "method") : NULL;
    if (!named) {
        snprintf(to, room, "{\"jsonrpc\": \"2.0\", \"id\": null, \"error\": {\"code\": -32700, \"message\": \"this is not a JSON-RPC request\"}}");
        return;
    }
    token(id, sizeof id, value(body, "id"));
    copy(method, sizeof method, named);
    identity(who, sizeof who);
    if (!strcmp(method, "list_nodes")) nodes(result, sizeof result);
    else if (!strcmp(method, "rpc.discover")) document(result, sizeof result);
    else if (!strcmp(method, "health")) snprintf(result, sizeof result, "{\"status\": \"ok\", %s}", who);
    else if (!strcmp(method, "version")) snprintf(result, sizeof result, "{%s}", who);
    else {
        snprintf(to, room, "{\"jsonrpc\": \"2.0\", \"id\": %s, \"error\": {\"code\": -32601, \"message\": \"there is no method %s\"}}", id, method);
        return;
    }
    snprintf(to, room, "{\"jsonrpc\": \"2.0\", \"id\": %s, \"result\": %s}", id, result);
}

static int answer(const char *method, const char *path, const char *body, char *to, size_t room) {
    char who[1024];
    identity(who, sizeof who);
    if (!strcmp(behaviour, "fails_probe")) { snprintf(to, room, "{\"status\": \"broken\", %s}", who); return 500; }
    if (!strcmp(path, "/health")) { snprintf(to, room, "{\"status\": \"ok\", %s}", who); return 200; }
    if (!strcmp(path, "/openrpc.json")) { document(to, room); return 200; }
    if (!strcmp(path, "/.well-known/heroservice.json")) {
        snprintf(to, room, "{\"protocol\": \"openrpc\", \"name\": \"%s\", \"title\": \"%s\", \"version\": \"%s\", "
                 "\"description\": \"%s of the sandbox\", \"socket\": \"rpc\"}", service, service, version, binary);
        return 200;
    }
    if (strcmp(path, "/rpc")) { snprintf(to, room, "{\"error\": \"there is no %s\"}", path); return 404; }
    if (strcmp(method, "POST")) { snprintf(to, room, "{\"error\": \"POST only\"}"); return 400; }
    rpc(body, to, room);
    return 200;
}

static const char *reason(int status) {
    return status == 200 ? "OK" : status == 400 ? "Bad Request" : status == 404 ? "Not Found" : "Internal Server Error";
}

/* Answer the request whose head ends at `end`; 1 if the connection ends with it. */
static int respond(int fd, char *head, char *end, const char *body) {
    static char content[8192], whole[9216];
    char method[16] = "", path[256] = "";
    *end = 0;
    sscanf(head, "%15s %255s", method, path);
    path[strcspn(path, "?")] = 0;
    int close = strcasestr(head, "connection: close") != NULL || strstr(head, "HTTP/1.0") != NULL;
    int status = answer(method, path, body, content, sizeof content);
    int n = snprintf(whole, sizeof whole,
                     "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n%s",
                     status, reason(status), strlen(content), close ? "close" : "keep-alive", content);
    if (send(fd, whole, (size_t)n, MSG_NOSIGNAL) != n) return 1;
    if (!strcmp(behaviour, "crashes") && ends_at == 0) ends_at = now() + crash_after;
    return close;
}

/* Read what came; 1 if the connection is over. */
static int hear(int i) {
    ssize_t n = recv(places[i].fd, heard[i] + lengths[i], BUFFER - 1 - lengths[i], 0);
    if (n <= 0) return 1;
    lengths[i] += (size_t)n;
    heard[i][lengths[i]] = 0;
    for (char *end; (end = strstr(heard[i], "\r\n\r\n"));) {
        const char *told = strcasestr(heard[i], "content-length:");
        size_t size = told && told < end ? strtoul(told + 15, NULL, 10) : 0;
        char *body = end + 4;
        if (size >= BUFFER) return 1;
        if ((size_t)(heard[i] + lengths[i] - body) < size) return lengths[i] == BUFFER - 1;
        char kept = body[size];
        body[size] = 0;
        int over = respond(places[i].fd, heard[i], end, body);
        if (over) return 1;
        body[size] = kept;
        lengths[i] -= (size_t)(body + size - heard[i]);
        memmove(heard[i], body + size, lengths[i] + 1);
    }
    return lengths[i] == BUFFER - 1;
}

static void welcome(int listener) {
    int fd = accept4(places[listener].fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return;
    char *room = used < PLACES ? malloc(BUFFER) : NULL;
    if (!room) { close(fd); return; }
    room[0] = 0;
    heard[used] = room;
    lengths[used] = 0;
    places[used++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void forget(int i) {
    close(places[i].fd);
    free(heard[i]);
    used--;
    places[i] = places[used];
    heard[i] = heard[used];
    lengths[i] = lengths[used];
}

static void serve(void) {
    while (ends_at == 0 || now() < ends_at) {
        int wait = ends_at == 0 ? -1 : (int)((ends_at - now()) * 1000) + 1;
        if (poll(places, (nfds_t)used, wait) <= 0) continue;
        for (int i = used - 1; i >= listeners; i--)
            if (places[i].revents && hear(i)) forget(i);
        for (int i = 0; i < listeners; i++)
            if (places[i].revents) welcome(i);
    }
    say("crashed, as it was built to");
    exit(1);
}

int main(int argc, char **argv) {
    copy(service, sizeof service, value(stamp, "service"));
    copy(version, sizeof version, value(stamp, "version"));
    copy(commit, sizeof commit, value(stamp, "commit"));
    copy(binary, sizeof binary, value(stamp, "binary"));
    copy(behaviour, sizeof behaviour, value(stamp, "behaviour"));
    const char *delay = value(stamp, "crash_after");
    crash_after = delay ? strtod(delay, NULL) : 0.5;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--build-stamp")) { puts(strchr(stamp, '{')); return 0; }
        if (!strcmp(argv[i], "--version")) { printf("%s %s (%s)\n", binary, version, commit); return 0; }
    }
    umask(077);
    signal(SIGTERM, leave);
    signal(SIGINT, leave);
    if (!strcmp(behaviour, "never_starts")) {
        say("cannot start: this build was made without its configuration");
        return 1;
    }
    while (!strcmp(behaviour, "never_answers")) pause();
    listen_everywhere();
    serve();
}
