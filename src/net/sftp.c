/* sftp: connecting: TCP, key exchange, host key, login. See sftp.h; the files are in sftp_files.c.
 * A struct sftp owns its socket and libssh2's session. Blocking calls of libssh2, each bounded by the
 * session's timeout. https://libssh2.org/docs.html; RFC 4252, 4253, 4256. */
#include "net/known_hosts.h"
#include "net/sftp_session.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct connecting {
    const struct sftp_settings *s;
    struct sftp *c;
    struct arena *arena;
    struct findings *f;
    int port, seconds;
    struct known_host_key *known;
};

/* ---- TCP ---- */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* 0 or an errno. */
static int wait_connected(int fd, int64_t deadline)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        int64_t left = deadline - now_ms();
        int n = poll(&p, 1, left > 0 ? (int)left : 0), why = 0;
        socklen_t size = sizeof why;
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            return ETIMEDOUT;
        if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size))
            return errno;
        return why;
    }
}

static int connect_one(const struct addrinfo *ai, int seconds, int *why)
{
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol), on = 1;
    unsigned silence = (unsigned)seconds * 1000;
    if (fd < 0) {
        *why = errno;
        return -1;
    }
    *why = connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 ? 0 : errno;
    if (*why == EINPROGRESS || *why == EINTR)
        *why = wait_connected(fd, now_ms() + (int64_t)seconds * 1000);
    if (*why) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof silence);
    return fd;
}

static enum sftp_result reach(struct connecting *n)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *all = NULL;
    char port[12];
    int why = 0;
    snprintf(port, sizeof port, "%d", n->port);
    int failed = getaddrinfo(n->s->host, port, &hints, &all);
    if (failed) {
        finding_add(n->f, SEVERITY_ERROR, "sftp.resolve", n->c->peer,
                    "Check the host's name and this machine's name service.",
                    "The host %s cannot be found: %s.", n->s->host, gai_strerror(failed));
        return SFTP_LOST;
    }
    for (const struct addrinfo *ai = all; ai && n->c->socket < 0; ai = ai->ai_next)
        n->c->socket = connect_one(ai, n->seconds, &why);
    freeaddrinfo(all);
    if (n->c->socket >= 0)
        return SFTP_OK;
    finding_add(n->f, SEVERITY_ERROR, "sftp.connect", n->c->peer,
                "Check host, port and firewall; the partner's server may be down.",
                "No connection to %s port %d: %s.", n->s->host, n->port, strerror(why));
    return SFTP_LOST;
}

/* ---- key exchange and host key ---- */

/* The host key algorithms to ask for: only those of keys that are known for this host, so that a server with
 * several keys shows one that can be compared. NULL: nothing is known. */
static const char *wanted_algorithms(struct connecting *n)
{
    struct buffer b = {0};
    for (const struct known_host_key *k = n->known; k; k = k->next) {
        const char *names = strcmp(k->type, "ssh-rsa") == 0 ? "rsa-sha2-512,rsa-sha2-256,ssh-rsa" : k->type;
        if (!k->revoked && !(b.len && strstr(b.ptr, names)))
            buffer_printf(&b, "%s%s", b.len ? "," : "", names);
    }
    const char *list = b.len ? arena_text(n->arena, buffer_as_slice(&b)) : NULL;
    buffer_free(&b);
    return list;
}

/* Sets those of the wanted algorithms that this libssh2 has. It would drop the others by itself, but moves
 * text over itself while doing so (memcpy with overlap, 1.10). */
static void offer(struct connecting *n, int method, const char *wanted)
{
    const char **known = NULL;
    struct buffer list = {0};
    int count = libssh2_session_supported_algs(n->c->session, method, &known);
    while (*wanted) {
        size_t len = strcspn(wanted, ",");
        for (int i = 0; i < count; i++)
            if (slice_is(slice_make(wanted, len), known[i]))
                buffer_printf(&list, "%s%s", list.len ? "," : "", known[i]);
        wanted += len + (wanted[len] == ',');
    }
    if (list.len)
        libssh2_session_method_pref(n->c->session, method, list.ptr);
    if (count > 0)
        libssh2_free(n->c->session, known);
    buffer_free(&list);
}

/* What libssh2 would also offer (group1, CBC, arcfour, MD5) protects nothing any more. */
static void prefer(struct connecting *n, const char *hostkeys)
{
    static const char kex[] =
        "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
        "ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,"
        "diffie-hellman-group18-sha512,diffie-hellman-group14-sha256,diffie-hellman-group14-sha1";
    static const char crypt[] =
        "aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr";
    static const char mac[] =
        "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1";
    offer(n, LIBSSH2_METHOD_KEX, kex);
    offer(n, LIBSSH2_METHOD_CRYPT_CS, crypt);
    offer(n, LIBSSH2_METHOD_CRYPT_SC, crypt);
    offer(n, LIBSSH2_METHOD_MAC_CS, mac);
    offer(n, LIBSSH2_METHOD_MAC_SC, mac);
    if (hostkeys)
        offer(n, LIBSSH2_METHOD_HOSTKEY, hostkeys);
}

static enum sftp_result exchange_keys(struct connecting *n)
{
    const char *hostkeys = wanted_algorithms(n);
    prefer(n, hostkeys);
    int failed = libssh2_session_handshake(n->c->session, n->c->socket);
    if (failed == 0)
        return SFTP_OK;
    char *text = NULL;
    libssh2_session_last_error(n->c->session, &text, NULL, 0);
    bool no_agreement = failed == LIBSSH2_ERROR_KEX_FAILURE || failed == LIBSSH2_ERROR_METHOD_NONE;
    finding_add(n->f, SEVERITY_ERROR, "sftp.handshake", n->c->peer,
                no_agreement ? "The server may have changed to another type of host key, or speaks only old "
                               "algorithms. Compare "
                               "`ssh-keyscan -p PORT HOST` with the known_hosts file."
                             : "",
                "The SSH handshake failed: %s%s%s.", text && *text ? text : "no reason given",
                no_agreement && hostkeys ? "; asked for host keys of type " : "",
                no_agreement && hostkeys ? hostkeys : "");
    /* a server that is starting up or overloaded closes here as well; only a missing agreement is for a
     * person */
    return no_agreement ? SFTP_DENIED : SFTP_LOST;
}

static enum sftp_result refuse_unknown(struct connecting *n, struct slice blob)
{
    const char *line = known_hosts_line(n->s->host, n->port, blob, n->arena);
    const char *todo = arena_printf(
        n->arena,
        "Compare this fingerprint with what the partner says by telephone; if it is the same, add this "
        "line to %s: %s",
        n->s->known_hosts, line);
    finding_add(n->f, SEVERITY_ERROR, "sftp.host-key-unknown", n->c->peer, todo,
                "The server's host key is not in the known_hosts file: %s. Nothing was sent.",
                n->c->host_key);
    return SFTP_DENIED;
}

static enum sftp_result refuse_changed(struct connecting *n, const struct known_host_key *expected,
                                       struct slice blob)
{
    const char *where = arena_printf(n->arena, "%s:%d", n->s->known_hosts, expected->line);
    const char *todo = arena_printf(
        n->arena,
        "Somebody may be in between. Ask the partner whether the key was changed, and compare the "
        "fingerprint by telephone; only then replace line %d by: %s",
        expected->line, known_hosts_line(n->s->host, n->port, blob, n->arena));
    finding_add(n->f, SEVERITY_ERROR, "sftp.host-key-changed", where, todo,
                "The host key of %s has changed: known is %s %s, the server shows %s. Nothing was sent.",
                n->c->peer, expected->type, known_hosts_fingerprint(expected->blob, n->arena),
                n->c->host_key);
    return SFTP_DENIED;
}

static enum sftp_result check_host_key(struct connecting *n)
{
    size_t len = 0;
    int kind = 0;
    const char *bytes = libssh2_session_hostkey(n->c->session, &len, &kind);
    struct slice blob = slice_make(bytes ? bytes : "", len);
    const char *type = known_hosts_type(blob, n->arena);
    const struct known_host_key *other = NULL, *match = NULL;
    snprintf(n->c->host_key, sizeof n->c->host_key, "%s %s", type, known_hosts_fingerprint(blob, n->arena));
    for (const struct known_host_key *k = n->known; k; k = k->next) {
        if (slice_equal(k->blob, blob) && k->revoked) {
            finding_add(n->f, SEVERITY_ERROR, "sftp.host-key-revoked",
                        arena_printf(n->arena, "%s:%d", n->s->known_hosts, k->line),
                        "Ask the partner for the key that is in use now.",
                        "The server at %s shows a host key that is marked as revoked: %s. Nothing was sent.",
                        n->c->peer, n->c->host_key);
            return SFTP_DENIED;
        }
        if (slice_equal(k->blob, blob))
            match = k;
        else if (!k->revoked && (!other || strcmp(k->type, type) == 0))
            other = k;
    }
    if (match)
        return SFTP_OK;
    return other ? refuse_changed(n, other, blob) : refuse_unknown(n, blob);
}

/* ---- login ---- */

static LIBSSH2_USERAUTH_KBDINT_RESPONSE_FUNC(answer_prompts)
{
    const struct sftp_settings *s = *abstract;
    (void)name, (void)name_len, (void)instruction, (void)instruction_len;
    for (int i = 0; i < num_prompts; i++) {
        /* the password only where it would not be shown: anything else is a question that is not ours to
         * answer */
        char *text = prompts[i].echo ? NULL : malloc(s->password.len + 1);
        if (!text)
            continue;
        memcpy(text, s->password.ptr, s->password.len);
        text[s->password.len] = '\0';
        responses[i].text = text; /* libssh2 frees it */
        responses[i].length = (unsigned)s->password.len;
    }
}

static const char *account(uid_t id, struct arena *a)
{
    const struct passwd *p = getpwuid(id);
    return p ? p->pw_name : arena_printf(a, "%u", (unsigned)id);
}

static bool begins_like_a_key(const char *file, int *why)
{
    char begin[10];
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t n = fd < 0 ? -1 : read(fd, begin, sizeof begin);
    *why = n < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return n == sizeof begin && memcmp(begin, "-----BEGIN", sizeof begin) == 0;
}

const char *sftp_private_key_fault(const char *file, struct arena *a, const char **todo)
{
    struct stat st;
    int why;
    *todo = "Correct private_key_file of the endpoint.";
    if (stat(file, &st)) {
        if (errno == ENOENT)
            *todo =
                arena_printf(a,
                             "Correct private_key_file, or make a key with `ssh-keygen -t ed25519 -N '' -f "
                             "%s` and have the partner enter %s.pub.",
                             file, file);
        return strerror(errno);
    }
    if (!S_ISREG(st.st_mode))
        return "it is not a regular file";
    bool foreign = st.st_uid != geteuid() && geteuid() != 0;
    const char *owner = account(st.st_uid, a), *me = account(geteuid(), a);
    if (st.st_mode & 077) {
        *todo =
            foreign
                ? arena_printf(a, "`chown %s %s && chmod 600 %s`, as root.", me, file, file)
                : arena_printf(a, "`chmod 600 %s`. It must belong to the account that runs spoolgate.", file);
        return arena_printf(a, "it can be read by others than its owner, %s (its mode is %04o)", owner,
                            (unsigned)st.st_mode & 07777);
    }
    bool key = begins_like_a_key(file, &why);
    if (why) {
        if (foreign)
            *todo = arena_printf(a, "It belongs to %s: `chown %s %s`, as root.", owner, me, file);
        else if (why == EACCES)
            *todo = arena_printf(a, "`chmod 600 %s`.", file);
        return strerror(why);
    }
    if (!key)
        *todo =
            "Name the private key, whose first line begins with -----BEGIN; FILE.pub is the partner's half.";
    return key ? NULL : "it is no private key";
}

/* As ssh, keys that others can read are not used. */
static bool private_key_fits(struct connecting *n)
{
    const char *todo, *wrong = sftp_private_key_fault(n->s->private_key_file, n->arena, &todo);
    if (wrong)
        finding_add(n->f, SEVERITY_ERROR, "sftp.private-key", n->s->private_key_file, todo,
                    "The private key cannot be used: %s.", wrong);
    return !wrong;
}

static bool try_key(struct connecting *n)
{
    const struct sftp_settings *s = n->s;
    if (!private_key_fits(n))
        return false;
    int failed = libssh2_userauth_publickey_fromfile_ex(n->c->session, s->user, (unsigned)strlen(s->user),
                                                        NULL, s->private_key_file,
                                                        s->passphrase.ptr ? s->passphrase.ptr : "");
    if (failed == LIBSSH2_ERROR_FILE || failed == LIBSSH2_ERROR_KEYFILE_AUTH_FAILED)
        finding_add(n->f, SEVERITY_ERROR, "sftp.private-key", s->private_key_file,
                    "The passphrase may be wrong or missing (passphrase), or the key's type not "
                    "supported: ed25519, "
                    "ecdsa and rsa keys in OpenSSH's or PEM format are.",
                    "The private key cannot be read.");
    n->c->login = "public key";
    return failed == 0;
}

static bool try_password(struct connecting *n, const char *methods)
{
    const struct sftp_settings *s = n->s;
    unsigned user = (unsigned)strlen(s->user);
    if (strstr(methods, "password")) {
        n->c->login = "password";
        int failed = libssh2_userauth_password_ex(n->c->session, s->user, user, s->password.ptr,
                                                  (unsigned)s->password.len, NULL);
        if (failed == LIBSSH2_ERROR_PASSWORD_EXPIRED)
            finding_add(n->f, SEVERITY_ERROR, "sftp.password-expired", n->c->peer,
                        "Have the partner set a new one, and store it with `spoolgate secret set`.",
                        "The server says that the password has expired.");
        if (failed == 0)
            return true;
    }
    if (!strstr(methods, "keyboard-interactive"))
        return false;
    n->c->login = "keyboard-interactive";
    return libssh2_userauth_keyboard_interactive_ex(n->c->session, s->user, user, answer_prompts) == 0;
}

/* The ways in that the server offers now, into the arena; NULL when there is none to be had: we are in, or *r
 * says what failed. (libssh2 keeps the list of before until the process ends, some 60 bytes.) */
static const char *offered_ways(struct connecting *n, enum sftp_result *r)
{
    const char *user = n->s->user;
    char *offered = libssh2_userauth_list(n->c->session, user, (unsigned)strlen(user));
    *r = SFTP_OK;
    if (offered)
        return arena_text(n->arena, slice_of(offered));
    if (!libssh2_userauth_authenticated(n->c->session))
        *r = sftp_failed(n->c, "asking for the ways to log in", "", false, n->f);
    else if (!n->c->login)
        n->c->login = "none asked for";
    return NULL;
}

static bool connection_broke(struct connecting *n)
{
    int why = libssh2_session_last_errno(n->c->session);
    return why == LIBSSH2_ERROR_SOCKET_DISCONNECT || why == LIBSSH2_ERROR_SOCKET_RECV ||
           why == LIBSSH2_ERROR_SOCKET_SEND || why == LIBSSH2_ERROR_TIMEOUT;
}

static enum sftp_result refuse_login(struct connecting *n, const char *methods, bool key_taken)
{
    const struct sftp_settings *s = n->s;
    if (key_taken)
        finding_add(n->f, SEVERITY_ERROR, "sftp.login", n->c->peer,
                    s->password.ptr ? "Check the password." : "Give a password (the name of a secret).",
                    "The server takes our public key, wants %s beside it, and does not let us in.", methods);
    else
        finding_add(n->f, SEVERITY_ERROR, "sftp.login", n->c->peer,
                    s->private_key_file
                        ? "Has the partner entered our public key for this user? Check user and "
                          "private_key_file."
                        : "Check user and password, or give a private_key_file.",
                    "The server does not let us in. It offers %s; we have %s%s%s.", methods,
                    s->private_key_file ? "a key" : "", s->private_key_file && s->password.ptr ? " and " : "",
                    s->password.ptr       ? "a password"
                    : s->private_key_file ? ""
                                          : "neither key nor password");
    return SFTP_DENIED;
}

/* Each way once. A server that wants several (AuthenticationMethods) takes one, says no all the same, and
 * offers what is left when it is asked for the list again. */
static enum sftp_result log_in(struct connecting *n)
{
    bool key_tried = false, key_taken = false, password_tried = false, in = false;
    const char *methods = "";
    for (;;) {
        enum sftp_result r;
        const char *now = offered_ways(n, &r);
        if (!now)
            return r;
        methods = now;
        key_taken = key_tried && !strstr(methods, "publickey");
        if (!key_tried && n->s->private_key_file && strstr(methods, "publickey")) {
            key_tried = true;
            in = try_key(n);
        } else if (!password_tried && n->s->password.ptr &&
                   (strstr(methods, "password") || strstr(methods, "keyboard-interactive"))) {
            password_tried = true;
            in = try_password(n, methods);
        } else {
            return refuse_login(n, methods, key_taken);
        }
        if (in || libssh2_userauth_authenticated(n->c->session))
            break;
        if (connection_broke(n))
            return sftp_failed(n->c, "logging in", "", false, n->f);
    }
    if (key_tried && password_tried && (key_taken || !strcmp(n->c->login, "public key")))
        n->c->login = "public key and password";
    return SFTP_OK;
}

/* ---- all of it ---- */

static enum sftp_result open_files(struct connecting *n)
{
    n->c->files = libssh2_sftp_init(n->c->session);
    if (n->c->files)
        return SFTP_OK;
    enum sftp_result r = sftp_failed(n->c, "starting SFTP", "", false, n->f);
    return r == SFTP_LOST ? r : SFTP_DENIED;
}

static enum sftp_result set_up(struct connecting *n)
{
    enum sftp_result r = reach(n);
    n->c->session = libssh2_session_init_ex(NULL, NULL, NULL, (void *)(uintptr_t)n->s);
    if (!n->c->session)
        abort();
    libssh2_session_set_blocking(n->c->session, 1);
    libssh2_session_set_timeout(n->c->session, (long)n->seconds * 1000);
    if (r == SFTP_OK)
        r = exchange_keys(n);
    if (r == SFTP_OK)
        r = check_host_key(n);
    if (r == SFTP_OK)
        r = log_in(n);
    if (r == SFTP_OK)
        r = open_files(n);
    return r;
}

enum sftp_result sftp_connect(const struct sftp_settings *s, struct sftp **out, struct findings *f)
{
    static bool initialized;
    struct arena a = {0};
    struct connecting n = {.s = s,
                           .arena = &a,
                           .f = f,
                           .port = s->port > 0 ? s->port : 22,
                           .seconds = s->timeout_seconds > 0 ? s->timeout_seconds : 30};
    *out = NULL;
    if (!initialized && libssh2_init(0))
        abort();
    initialized = true;
    n.c = calloc(1, sizeof *n.c);
    if (!n.c)
        abort();
    n.c->socket = -1;
    snprintf(n.c->peer, sizeof n.c->peer, "sftp://%s@%s:%d", s->user, s->host, n.port);
    enum sftp_result r =
        known_hosts_read(s->known_hosts, s->host, n.port, &a, &n.known, f) ? SFTP_DENIED : set_up(&n);
    if (r == SFTP_OK) {
        *libssh2_session_abstract(n.c->session) = NULL; /* the settings are the caller's */
        *out = n.c;
    } else {
        n.c->lost = n.c->lost || r == SFTP_LOST;
        sftp_close(n.c);
    }
    arena_free(&a);
    return r;
}

void sftp_close(struct sftp *c)
{
    if (!c)
        return;
    if (c->lost && c->socket >= 0) {
        /* so that no goodbye waits for a peer that is gone, and what was not sent yet is not sent later */
        const struct linger at_once = {.l_onoff = 1};
        setsockopt(c->socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        shutdown(c->socket, SHUT_RDWR);
    }
    if (c->session) {
        libssh2_session_set_timeout(c->session, 2000);
        if (c->files)
            libssh2_sftp_shutdown(c->files);
        if (!c->lost)
            libssh2_session_disconnect(c->session, "done");
        libssh2_session_free(c->session);
    }
    if (c->socket >= 0)
        close(c->socket);
    free(c);
}

const char *sftp_host_key(const struct sftp *c)
{
    return c->host_key;
}

const char *sftp_login(const struct sftp *c)
{
    return c->login ? c->login : "";
}
