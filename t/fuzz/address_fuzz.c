/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that the operator names, and addresses that are dialled. The text
 * ends at the first NUL; the address is in the bytes behind it. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "fuzz/fuzz.h"
#include "policy/address.h"

static struct sockaddr_storage make_ipv4(const uint8_t *bytes)
{
    struct sockaddr_storage storage;
    struct sockaddr_in in;

    memset(&storage, 0, sizeof(storage));
    memset(&in, 0, sizeof(in));
    in.sin_family = AF_INET;
    in.sin_port = htons(443);
    memcpy(&in.sin_addr, bytes, 4);
    memcpy(&storage, &in, sizeof(in));
    return storage;
}

static struct sockaddr_storage make_ipv6(const uint8_t *bytes, uint32_t scope)
{
    struct sockaddr_storage storage;
    struct sockaddr_in6 in6;

    memset(&storage, 0, sizeof(storage));
    memset(&in6, 0, sizeof(in6));
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(443);
    in6.sin6_scope_id = scope;
    memcpy(&in6.sin6_addr, bytes, 16);
    memcpy(&storage, &in6, sizeof(in6));
    return storage;
}

static int judge(const wh_address_policy_t *policy,
                 const struct sockaddr_storage *address,
                 const struct sockaddr_storage *own)
{
    wh_address_verdict_t verdict = wh_address_judge(
        policy, (const struct sockaddr *)address, own, own ? 1 : 0);

    MUST(*wh_address_verdict_name(verdict));
    return verdict;
}

/* An address is the same however it is written. */
static void check_addresses(const wh_address_policy_t *policy,
                            const uint8_t bytes[16])
{
    uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct sockaddr_storage one = make_ipv4(bytes), two;

    memcpy(mapped + 12, bytes, 4);
    two = make_ipv6(mapped, 0);
    MUST(judge(policy, &one, NULL) == judge(policy, &two, NULL));
    MUST(judge(policy, &one, &two) == judge(policy, &two, &one));
    one = make_ipv6(bytes, 0);
    judge(policy, &one, &one);
    two = make_ipv6(bytes, 1);
    MUST(judge(policy, &two, NULL) != WH_ADDRESS_ALLOWED);
}

/* What is refused as a network opens nothing. */
static void check_closed(const wh_address_policy_t *policy)
{
    static const uint8_t inside[][4] = {
        {127, 0, 0, 1}, {10, 0, 0, 1}, {169, 254, 169, 254}, {0, 0, 0, 0}};
    size_t i;

    for (i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
        struct sockaddr_storage address = make_ipv4(inside[i]);

        MUST(judge(policy, &address, NULL) != WH_ADDRESS_ALLOWED);
    }
}

/* What is refused is refused however it is written and whatever is allowed. */
static void check_denied(wh_address_policy_t *policy, const char *text,
                         const uint8_t bytes[16])
{
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    struct sockaddr_storage four = make_ipv4(bytes);
    uint8_t inside[16];
    struct sockaddr_storage wrapped;

    memcpy(inside, nat64, sizeof(nat64));
    memcpy(inside + 12, bytes, 4);
    wrapped = make_ipv6(inside, 0);
    if (wh_address_policy_deny(policy, text) != APR_SUCCESS) {
        return;
    }
    MUST(wh_address_policy_allow(policy, text) == APR_SUCCESS);
    MUST(judge(policy, &four, NULL) != WH_ADDRESS_DENIED ||
         judge(policy, &wrapped, NULL) == WH_ADDRESS_DENIED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    size_t length = strlen(text);
    wh_address_policy_t *policy = NULL;
    uint8_t bytes[16] = {0};
    int port = 0;

    MUST(wh_address_policy_create(&policy, fuzz_pool()) == APR_SUCCESS);
    if (length < size) {
        size_t left = size - length - 1;

        memcpy(bytes, data + length + 1,
               left < sizeof(bytes) ? left : sizeof(bytes));
    }
    check_addresses(policy, bytes);
    if (wh_address_policy_allow(policy, text) != APR_SUCCESS) {
        check_closed(policy);
    }
    check_addresses(policy, bytes);
    check_denied(policy, text, bytes);
    memcpy(&port, bytes, sizeof(port));
    MUST(!wh_address_port_allowed(port) || (port >= 80 && port <= 65535));
    free(text);
    return 0;
}
