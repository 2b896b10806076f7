/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/address.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/** A network in the byte order of the wire; a host has all bits. */
typedef struct network_t {
    int family;
    int bits;
    unsigned char bytes[16];
    int port; /* 0: any */
} network_t;

struct wh_address_policy_t {
    /* network_t; read-only once a second thread looks at them */
    apr_array_header_t *special;
    apr_array_header_t *guarded;
    apr_array_header_t *allowed;
    apr_array_header_t *denied;
    apr_array_header_t *listening; /* int: ports of our own httpd */
};

/** What is asked about one host. */
typedef struct question_t {
    const wh_address_policy_t *policy;
    const struct sockaddr_storage *own;
    int own_count;
    int port;
} question_t;

/*
 * IPv4: everything in the IANA special-purpose registry but the AS112 and AMT
 * networks, which are globally reachable. 168.63.129.16 is a host
 * service of Azure; it looks public and stands in no registry.
 * IPv6: what must not be dialled although it lies in 2000::/3.
 */
static const char *const special_networks[] = {
    "0.0.0.0/8",     /* this network */
    "10.0.0.0/8",    /* private use */
    "100.64.0.0/10", /* shared by carriers */
    "127.0.0.0/8",   /* loopback */
    "168.63.129.16",
    "169.254.0.0/16",  /* link-local */
    "172.16.0.0/12",   /* private use */
    "192.0.0.0/24",    /* protocol assignments */
    "192.0.2.0/24",    /* documentation */
    "192.88.99.0/24",  /* 6to4 relays */
    "192.168.0.0/16",  /* private use */
    "198.18.0.0/15",   /* benchmarks */
    "198.51.100.0/24", /* documentation */
    "203.0.113.0/24",  /* documentation */
    "224.0.0.0/4",     /* multicast */
    "240.0.0.0/4",     /* reserved, with 255.255.255.255 */
    "2001::/23",       /* protocol assignments: Teredo, ORCHID, anycasts */
    "2001:db8::/32",   /* documentation */
    "2002::/16",       /* 6to4 */
    "3fff::/20",       /* documentation */
    NULL};

/*
 * Services that hand credentials of the machine to whoever asks. An operator
 * who opens 169.254.0.0/16 or 0.0.0.0/0 for some receiver does not mean them,
 * so only an entry of exactly the host (/32, /128) opens one.
 */
static const char *const guarded_hosts[] = {
    "169.254.169.254", /* nearly every cloud */
    "169.254.170.2",   /* AWS, container tasks */
    "169.254.170.23",  /* AWS, Kubernetes pods */
    "169.254.0.23",    /* Tencent */
    "169.254.42.42",   /* Scaleway */
    "168.63.129.16",   /* Azure */
    "100.100.100.200", /* Alibaba */
    "192.0.0.192",     /* Oracle */
    "fd00:ec2::254",   /* AWS */
    "fd00:ec2::23",    /* AWS, Kubernetes pods */
    "fd20:ce::254",    /* Google */
    "fd00:42::42",     /* Scaleway */
    "fe80::a9fe:a9fe", /* OpenStack */
    NULL};

/* Loopback: the operator opens it by an entry that speaks of nothing else. */
static const network_t loopbacks[] = {
    {.family = AF_INET, .bits = 8, .bytes = {127}},
    {.family = AF_INET6, .bits = 128, .bytes = {[15] = 1}}};

/* "This host": a connection to it ends at a loopback address. */
static const network_t unspecified[] = {
    {.family = AF_INET, .bits = 32, .bytes = {0}},
    {.family = AF_INET6, .bits = 128, .bytes = {0}}};

/* Where translators and tunnels keep the IPv4 address that they go on to. */
static const struct {
    network_t network;
    int offset;
    unsigned char mask; /* the bytes are kept inverted: 0xff */
} embeddings[] = {
    /* IPv4-compatible */
    {{.family = AF_INET6, .bits = 96, .bytes = {0}}, 12, 0},
    /* SIIT, RFC 2765 */
    {{.family = AF_INET6, .bits = 96, .bytes = {[8] = 0xff, [9] = 0xff}},
     12,
     0},
    /* NAT64, RFC 6052 */
    {{.family = AF_INET6, .bits = 96, .bytes = {0, 0x64, 0xff, 0x9b}}, 12, 0},
    /* 6to4 */
    {{.family = AF_INET6, .bits = 16, .bytes = {0x20, 0x02}}, 2, 0},
    /* Teredo */
    {{.family = AF_INET6, .bits = 32, .bytes = {0x20, 0x01}}, 12, 0xff}};

/* NAT64 with prefixes of the site's own, RFC 8215. */
static const network_t local_translators = {
    .family = AF_INET6, .bits = 48, .bytes = {0, 0x64, 0xff, 0x9b, 0, 1}};

/* The "bad ports" of the Fetch standard above 1023; lower ones are refused
 * without a list. */
static const int bad_ports[] = {1719, 1720, 1723, 2049, 3659, 4045, 4190,
                                5060, 5061, 6000, 6566, 6665, 6666, 6667,
                                6668, 6669, 6679, 6697, 10080};

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0,    0,
                                                0, 0, 0, 0, 0xff, 0xff};

static int full_bits(int family)
{
    return family == AF_INET ? 32 : 128;
}

static void unwrap_mapped(network_t *network)
{
    if (network->family != AF_INET6 || network->bits < 96 ||
        memcmp(network->bytes, mapped_prefix, sizeof(mapped_prefix))) {
        return;
    }
    network->family = AF_INET;
    network->bits -= 96;
    memmove(network->bytes, network->bytes + 12, 4);
    memset(network->bytes + 4, 0, 12);
}

/* Reads "24"; -1 if it is no number from 0 to most. */
static int parse_number(const char *text, int most)
{
    int number = 0;

    if (!*text || strlen(text) > 5) {
        return -1;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9') {
            return -1;
        }
        number = number * 10 + (*text - '0');
    }
    return number <= most ? number : -1;
}

static int has_bits_behind_mask(const network_t *network)
{
    int bit;

    for (bit = network->bits; bit < full_bits(network->family); bit++) {
        if (network->bytes[bit / 8] & (0x80 >> bit % 8)) {
            return 1;
        }
    }
    return 0;
}

static apr_status_t parse_network(network_t *network, const char *text)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    apr_size_t length = slash ? (apr_size_t)(slash - text) : strlen(text);

    if (length >= sizeof(address) || (slash && strlen(slash) > 4)) {
        return APR_EINVAL;
    }
    apr_cpystrn(address, text, length + 1);
    memset(network, 0, sizeof(*network));
    network->family = strchr(address, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(network->family, address, network->bytes) != 1) {
        return APR_EINVAL;
    }
    network->bits = slash ? parse_number(slash + 1, full_bits(network->family))
                          : full_bits(network->family);
    if (network->bits < 0 || has_bits_behind_mask(network)) {
        return APR_EINVAL;
    }
    unwrap_mapped(network);
    return APR_SUCCESS;
}

/* "127.0.0.1:81" or "[::1]:81": the colon before the port; NULL: there is
 * none, as in all that is no more than an address or a network. */
static const char *find_port(const char *text)
{
    const char *colon = strrchr(text, ':');

    if (!colon || (text[0] == '[' ? colon == text || colon[-1] != ']'
                                  : strchr(text, ':') != colon)) {
        return NULL;
    }
    return colon;
}

/* An entry of the operator's that may have a port. */
static apr_status_t parse_entry(network_t *network, const char *text)
{
    char address[INET6_ADDRSTRLEN + 2];
    const char *colon = find_port(text);
    apr_size_t bracket = text[0] == '[';
    apr_status_t rv;
    int port;

    if (!colon) {
        return parse_network(network, text);
    }
    port = parse_number(colon + 1, 65535);
    if (port < 1 || (apr_size_t)(colon - text) >= sizeof(address)) {
        return APR_EINVAL;
    }
    apr_cpystrn(address, text + bracket,
                (apr_size_t)(colon - text) - 2 * bracket + 1);
    /* What stands in brackets has colons, and all else has not. */
    if (strchr(address, '/') || !strchr(address, ':') != !bracket) {
        return APR_EINVAL;
    }
    rv = parse_network(network, address);
    network->port = port;
    return rv;
}

typedef apr_status_t parse_fn_t(network_t *network, const char *text);

static apr_status_t add_network(apr_array_header_t *networks, parse_fn_t *parse,
                                const char *text)
{
    network_t network;
    apr_status_t rv = parse(&network, text);

    if (rv == APR_SUCCESS) {
        APR_ARRAY_PUSH(networks, network_t) = network;
    }
    return rv;
}

static apr_status_t parse_table(apr_array_header_t **networks,
                                const char *const *table, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;

    *networks = apr_array_make(pool, 24, sizeof(network_t));
    for (; *table && rv == APR_SUCCESS; table++) {
        rv = add_network(*networks, parse_network, *table);
    }
    return rv;
}

apr_status_t wh_address_policy_create(wh_address_policy_t **policy,
                                      apr_pool_t *pool)
{
    wh_address_policy_t *created = apr_palloc(pool, sizeof(*created));
    apr_status_t rv;

    rv = parse_table(&created->special, special_networks, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = parse_table(&created->guarded, guarded_hosts, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    created->allowed = apr_array_make(pool, 4, sizeof(network_t));
    created->denied = apr_array_make(pool, 4, sizeof(network_t));
    created->listening = apr_array_make(pool, 4, sizeof(int));
    *policy = created;
    return APR_SUCCESS;
}

apr_status_t wh_address_policy_allow(wh_address_policy_t *policy,
                                     const char *entry)
{
    return add_network(policy->allowed, parse_entry, entry);
}

apr_status_t wh_address_policy_deny(wh_address_policy_t *policy,
                                    const char *network)
{
    return add_network(policy->denied, parse_network, network);
}

void wh_address_policy_listen(wh_address_policy_t *policy, int port)
{
    APR_ARRAY_PUSH(policy->listening, int) = port;
}

static int contains(const network_t *network, const network_t *host)
{
    int bytes = network->bits / 8;
    int rest = network->bits % 8;

    if (network->family != host->family ||
        memcmp(network->bytes, host->bytes, (size_t)bytes)) {
        return 0;
    }
    return !rest ||
           !((network->bytes[bytes] ^ host->bytes[bytes]) >> (8 - rest));
}

static int any_contains(const apr_array_header_t *networks,
                        const network_t *host)
{
    int i;

    for (i = 0; i < networks->nelts; i++) {
        if (contains(&APR_ARRAY_IDX(networks, i, network_t), host)) {
            return 1;
        }
    }
    return 0;
}

/* Reads the address of a socket, whose memory may be aligned for less.
 * Returns 0 if it is of another family; port and scope id are passed out. */
static int read_host(network_t *host, int *port, apr_uint32_t *scope,
                     const struct sockaddr *address)
{
    memset(host, 0, sizeof(*host));
    *scope = 0;
    host->family = address->sa_family;
    host->bits = full_bits(host->family);
    if (host->family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, address, sizeof(in));
        memcpy(host->bytes, &in.sin_addr, 4);
        *port = ntohs(in.sin_port);
        return 1;
    }
    if (host->family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, address, sizeof(in6));
        memcpy(host->bytes, &in6.sin6_addr, 16);
        *port = ntohs(in6.sin6_port);
        *scope = in6.sin6_scope_id;
        unwrap_mapped(host);
        return 1;
    }
    return 0;
}

static int is_loopback(const network_t *host)
{
    return contains(&loopbacks[0], host) || contains(&loopbacks[1], host);
}

/* The list of own addresses is raw: other families and scope ids occur. */
static int is_own(const question_t *question, const network_t *host)
{
    network_t candidate;
    apr_uint32_t scope;
    int port, i;

    if (is_loopback(host) || contains(&unspecified[0], host) ||
        contains(&unspecified[1], host)) {
        return 1;
    }
    for (i = 0; question->own && i < question->own_count; i++) {
        if (read_host(&candidate, &port, &scope,
                      (const struct sockaddr *)&question->own[i]) &&
            contains(&candidate, host)) {
            return 1;
        }
    }
    return 0;
}

static int is_special(const wh_address_policy_t *policy, const network_t *host)
{
    /* IPv6: of all that exists only 2000::/3 is handed out as public. The
     * rest holds loopback, private, link-local, NAT64 and whatever comes. */
    if (host->family == AF_INET6 && (host->bytes[0] & 0xe0) != 0x20) {
        return 1;
    }
    return any_contains(policy->special, host);
}

/* ISATAP: "0:5efe" or "200:5efe" and the IPv4 address are the second half. */
static int is_isatap(const network_t *host)
{
    return host->family == AF_INET6 && (host->bytes[8] & ~0x02) == 0 &&
           host->bytes[9] == 0 && host->bytes[10] == 0x5e &&
           host->bytes[11] == 0xfe;
}

static void take_inner(network_t *inner, const network_t *host, int offset,
                       unsigned char mask)
{
    int i;

    memset(inner, 0, sizeof(*inner));
    inner->family = AF_INET;
    inner->bits = 32;
    for (i = 0; i < 4; i++) {
        inner->bytes[i] = host->bytes[offset + i] ^ mask;
    }
}

/* RFC 6052 section 2.2: where it stands behind a prefix of so many bits; byte 8 is
 * left out. */
static int offset_behind(int bits)
{
    return bits == 48 || bits == 56 || bits == 64 ? bits / 8 : 12;
}

/* The length of a local translator's prefix (RFC 8215) is that of the operator's
 * entry for it; without one it is 96. */
static int local_offset(const wh_address_policy_t *policy,
                        const network_t *host)
{
    int i, bits = 0;

    for (i = 0; i < policy->allowed->nelts; i++) {
        const network_t *entry = &APR_ARRAY_IDX(policy->allowed, i, network_t);

        if (entry->bits > bits && entry->bits <= 96 && contains(entry, host)) {
            bits = entry->bits;
        }
    }
    return offset_behind(bits);
}

static void take_local(network_t *inner, const network_t *host, int offset)
{
    int i;

    take_inner(inner, host, 12, 0);
    if (offset == 12) {
        return;
    }
    for (i = 0; i < 4; i++, offset++) {
        offset += offset == 8;
        inner->bytes[i] = host->bytes[offset];
    }
}

/* 1: host holds an IPv4 address that a packet to it may end at. */
static int find_inner(network_t *inner, const network_t *host,
                      const wh_address_policy_t *policy)
{
    apr_size_t i;

    if (contains(&local_translators, host)) {
        take_local(inner, host, local_offset(policy, host));
        return 1;
    }
    for (i = 0; i < sizeof(embeddings) / sizeof(embeddings[0]); i++) {
        if (contains(&embeddings[i].network, host)) {
            take_inner(inner, host, embeddings[i].offset, embeddings[i].mask);
            return 1;
        }
    }
    if (is_isatap(host)) {
        take_inner(inner, host, 12, 0);
        return 1;
    }
    return 0;
}

static int is_denied(const wh_address_policy_t *policy, const network_t *host)
{
    network_t inner;

    return any_contains(policy->denied, host) ||
           (find_inner(&inner, host, policy) &&
            any_contains(policy->denied, &inner));
}

/* What an entry must be to open a host. */
typedef enum {
    ENTRY_ANY,      /* it contains the host */
    ENTRY_LOOPBACK, /* and nothing but loopback addresses */
    ENTRY_HOST,     /* it names the host alone */
    ENTRY_PORT      /* with its port */
} entry_t;

static int is_entry(const network_t *entry, entry_t kind)
{
    switch (kind) {
    case ENTRY_ANY:
        return !entry->port;
    case ENTRY_LOOPBACK:
        return !entry->port && ((entry->bits >= loopbacks[0].bits &&
                                 contains(&loopbacks[0], entry)) ||
                                entry->bits == loopbacks[1].bits);
    case ENTRY_HOST:
        return !entry->port && entry->bits == full_bits(entry->family);
    case ENTRY_PORT:
        return entry->port != 0;
    }
    return 0;
}

static int has_entry(const question_t *question, const network_t *host,
                     entry_t kind)
{
    const apr_array_header_t *allowed = question->policy->allowed;
    int i;

    for (i = 0; i < allowed->nelts; i++) {
        const network_t *entry = &APR_ARRAY_IDX(allowed, i, network_t);

        if (is_entry(entry, kind) && contains(entry, host) &&
            (kind != ENTRY_PORT || entry->port == question->port)) {
            return 1;
        }
    }
    return 0;
}

/* The class of a host as it is, without what the operator says of it. */
static wh_address_verdict_t classify(const question_t *question,
                                     const network_t *host)
{
    network_t inner;

    if (any_contains(question->policy->guarded, host)) {
        return WH_ADDRESS_METADATA;
    }
    if (is_own(question, host)) {
        return WH_ADDRESS_OWN;
    }
    if (is_special(question->policy, host)) {
        return WH_ADDRESS_SPECIAL;
    }
    return find_inner(&inner, host, question->policy)
               ? classify(question, &inner)
               : WH_ADDRESS_ALLOWED;
}

/* Without the ports. An entry of the host alone is not passed by here. */
static wh_address_verdict_t judge_host(const question_t *question,
                                       const network_t *host)
{
    wh_address_verdict_t verdict = classify(question, host);
    network_t inner;

    if (verdict == WH_ADDRESS_ALLOWED ||
        has_entry(question, host, ENTRY_HOST)) {
        return WH_ADDRESS_ALLOWED;
    }
    if (verdict == WH_ADDRESS_OWN) {
        return is_loopback(host) && has_entry(question, host, ENTRY_LOOPBACK)
                   ? WH_ADDRESS_ALLOWED
                   : WH_ADDRESS_OWN;
    }
    if (verdict == WH_ADDRESS_METADATA ||
        !has_entry(question, host, ENTRY_ANY)) {
        return verdict;
    }
    /* Opening a translator's network must not open what lies behind it: the
     * IPv4 address inside is judged as such. */
    return find_inner(&inner, host, question->policy)
               ? judge_host(question, &inner)
               : WH_ADDRESS_ALLOWED;
}

static int listens(const question_t *question, const network_t *host)
{
    const apr_array_header_t *ports = question->policy->listening;
    network_t inner;
    int i;

    if (!is_own(question, host)) {
        return find_inner(&inner, host, question->policy) &&
               listens(question, &inner);
    }
    for (i = 0; i < ports->nelts; i++) {
        if (APR_ARRAY_IDX(ports, i, int) == question->port) {
            return 1;
        }
    }
    return 0;
}

wh_address_verdict_t wh_address_judge(const wh_address_policy_t *policy,
                                      const struct sockaddr *address,
                                      const struct sockaddr_storage *own,
                                      int own_count)
{
    question_t question = {policy, own, own_count, 0};
    wh_address_verdict_t verdict;
    apr_uint32_t scope;
    network_t host;

    if (!read_host(&host, &question.port, &scope, address) || scope) {
        return WH_ADDRESS_FAMILY;
    }
    if (is_denied(policy, &host)) {
        return WH_ADDRESS_DENIED;
    }
    if (has_entry(&question, &host, ENTRY_PORT)) {
        return WH_ADDRESS_ALLOWED;
    }
    verdict = judge_host(&question, &host);
    if (verdict != WH_ADDRESS_ALLOWED) {
        return verdict;
    }
    if (listens(&question, &host)) {
        return WH_ADDRESS_LISTENER;
    }
    return wh_address_port_allowed(question.port) ? WH_ADDRESS_ALLOWED
                                                  : WH_ADDRESS_PORT;
}

int wh_address_is_public(const wh_address_policy_t *policy,
                         const struct sockaddr *address,
                         const struct sockaddr_storage *own, int own_count)
{
    question_t question = {policy, own, own_count, 0};
    apr_uint32_t scope;
    network_t host;

    return read_host(&host, &question.port, &scope, address) && !scope &&
           classify(&question, &host) == WH_ADDRESS_ALLOWED;
}

int wh_address_port_allowed(int port)
{
    apr_size_t i;

    if (port == 80 || port == 443) {
        return 1;
    }
    if (port < 1024 || port > 65535) {
        return 0;
    }
    for (i = 0; i < sizeof(bad_ports) / sizeof(bad_ports[0]); i++) {
        if (port == bad_ports[i]) {
            return 0;
        }
    }
    return 1;
}

const char *wh_address_verdict_name(wh_address_verdict_t verdict)
{
    switch (verdict) {
    case WH_ADDRESS_ALLOWED:
        return "allowed";
    case WH_ADDRESS_SPECIAL:
        return "special-purpose address";
    case WH_ADDRESS_OWN:
        return "address of this machine";
    case WH_ADDRESS_METADATA:
        return "metadata service";
    case WH_ADDRESS_DENIED:
        return "network refused by WebhookDenyNetwork";
    case WH_ADDRESS_PORT:
        return "port";
    case WH_ADDRESS_LISTENER:
        return "port of this server";
    case WH_ADDRESS_FAMILY:
        return "unsupported address family or scope";
    }
    return "unknown";
}
