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
} network_t;

struct wh_address_policy_t {
    /* all three: network_t; read-only once a second thread looks at them */
    apr_array_header_t *special;
    apr_array_header_t *guarded;
    apr_array_header_t *allowed;
};

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
    "168.63.129.16",   /* Azure */
    "100.100.100.200", /* Alibaba */
    "192.0.0.192",     /* Oracle */
    "fd00:ec2::254",   /* AWS */
    "fd00:ec2::23",    /* AWS, Kubernetes pods */
    "fd20:ce::254",    /* Google */
    NULL};

/* The "bad ports" of the Fetch standard above 1023; lower ones are refused
 * without a list. */
static const int bad_ports[] = {1719, 1720, 1723, 2049, 3659, 4045, 4190,
                                5060, 5061, 6000, 6566, 6665, 6666, 6667,
                                6668, 6669, 6679, 6697, 10080};

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0,    0,
                                                0, 0, 0, 0, 0xff, 0xff};

/* 64:ff9b::/96 (RFC 6052): the last four bytes are an IPv4 address. */
static const unsigned char nat64_prefix[12] = {0, 0x64, 0xff, 0x9b};

static int full_bits(int family)
{
    return family == AF_INET ? 32 : 128;
}

/* Turns a network of embedded IPv4 addresses into one of IPv4. */
static void unwrap(network_t *network)
{
    network->family = AF_INET;
    network->bits -= 96;
    memmove(network->bytes, network->bytes + 12, 4);
    memset(network->bytes + 4, 0, 12);
}

static void unwrap_mapped(network_t *network)
{
    if (network->family == AF_INET6 && network->bits >= 96 &&
        !memcmp(network->bytes, mapped_prefix, sizeof(mapped_prefix))) {
        unwrap(network);
    }
}

static int is_nat64(const network_t *host)
{
    return host->family == AF_INET6 &&
           !memcmp(host->bytes, nat64_prefix, sizeof(nat64_prefix));
}

/* Reads "24"; -1 if it is no number of bits for the family. */
static int parse_bits(const char *text, int family)
{
    int bits = 0;

    if (!*text || strlen(text) > 3) {
        return -1;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9') {
            return -1;
        }
        bits = bits * 10 + (*text - '0');
    }
    return bits <= full_bits(family) ? bits : -1;
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

    if (length >= sizeof(address)) {
        return APR_EINVAL;
    }
    apr_cpystrn(address, text, length + 1);
    memset(network, 0, sizeof(*network));
    network->family = strchr(address, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(network->family, address, network->bytes) != 1) {
        return APR_EINVAL;
    }
    network->bits = slash ? parse_bits(slash + 1, network->family)
                          : full_bits(network->family);
    if (network->bits < 0 || has_bits_behind_mask(network)) {
        return APR_EINVAL;
    }
    unwrap_mapped(network);
    return APR_SUCCESS;
}

static apr_status_t add_network(apr_array_header_t *networks, const char *text)
{
    network_t network;
    apr_status_t rv = parse_network(&network, text);

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
        rv = add_network(*networks, *table);
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
    *policy = created;
    return APR_SUCCESS;
}

apr_status_t wh_address_policy_allow(wh_address_policy_t *policy,
                                     const char *network)
{
    return add_network(policy->allowed, network);
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
 * Returns 0 if it is of another family; a scope id is passed out. */
static int read_host(network_t *host, apr_uint32_t *scope,
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
        return 1;
    }
    if (host->family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, address, sizeof(in6));
        memcpy(host->bytes, &in6.sin6_addr, 16);
        *scope = in6.sin6_scope_id;
        unwrap_mapped(host);
        return 1;
    }
    return 0;
}

/* The list of own addresses is raw: other families and scope ids occur. */
static int is_own(const network_t *host, const struct sockaddr_storage *own,
                  int own_count)
{
    network_t candidate;
    apr_uint32_t scope;
    int i;

    for (i = 0; own && i < own_count; i++) {
        if (read_host(&candidate, &scope, (const struct sockaddr *)&own[i]) &&
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

/* An operator's entry that names the host alone and no network. */
static int is_allowed_host(const wh_address_policy_t *policy,
                           const network_t *host)
{
    int i;

    for (i = 0; i < policy->allowed->nelts; i++) {
        const network_t *entry = &APR_ARRAY_IDX(policy->allowed, i, network_t);

        if (entry->bits == full_bits(entry->family) && contains(entry, host)) {
            return 1;
        }
    }
    return 0;
}

static wh_address_verdict_t judge_host(const wh_address_policy_t *policy,
                                       const network_t *host,
                                       const struct sockaddr_storage *own,
                                       int own_count)
{
    wh_address_verdict_t verdict = WH_ADDRESS_ALLOWED;

    if (is_special(policy, host)) {
        verdict = WH_ADDRESS_SPECIAL;
    }
    else if (is_own(host, own, own_count)) {
        verdict = WH_ADDRESS_OWN;
    }
    if (verdict == WH_ADDRESS_ALLOWED || is_allowed_host(policy, host)) {
        return WH_ADDRESS_ALLOWED;
    }
    if (!any_contains(policy->allowed, host) ||
        any_contains(policy->guarded, host)) {
        return verdict;
    }
    if (is_nat64(host)) {
        /* Opening the translator's prefix must not open what lies behind
         * it: the IPv4 address inside is judged as such. */
        network_t inner = *host;

        unwrap(&inner);
        return judge_host(policy, &inner, own, own_count);
    }
    return WH_ADDRESS_ALLOWED;
}

wh_address_verdict_t wh_address_judge(const wh_address_policy_t *policy,
                                      const struct sockaddr *address,
                                      const struct sockaddr_storage *own,
                                      int own_count)
{
    network_t host;
    apr_uint32_t scope;

    if (!read_host(&host, &scope, address) || scope) {
        return WH_ADDRESS_FAMILY;
    }
    return judge_host(policy, &host, own, own_count);
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
    case WH_ADDRESS_FAMILY:
        return "unsupported address family or scope";
    }
    return "unknown";
}
