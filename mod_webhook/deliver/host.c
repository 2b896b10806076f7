/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/host.h"

#include <apr_cstr.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "deliver/transport.h"

/* libcurl's own default for a proxy. */
#define PROXY_PORT 1080

static const char localhost[] = "localhost";

int wh_host_is_name(const char *name)
{
    apr_size_t length = strlen(name), tail = sizeof(localhost) - 1;
    struct in_addr address;

    if (name[0] == '[' || inet_pton(AF_INET, name, &address) == 1) {
        return 0;
    }
    return length < tail ||
           apr_cstr_casecmp(name + length - tail, localhost) != 0 ||
           (length > tail && name[length - tail - 1] != '.');
}

static apr_status_t read_host(wh_host_t *host, CURLU *url, int port)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(url, CURLUPART_HOST, &host->name, 0);

    if (code == CURLUE_OK &&
        curl_url_get(url, CURLUPART_PORT, &text,
                     port ? 0 : CURLU_DEFAULT_PORT) == CURLUE_OK) {
        port = atoi(text);
    }
    curl_free(text);
    host->port = port;
    return code == CURLUE_OUT_OF_MEMORY ? APR_ENOMEM : APR_SUCCESS;
}

/* Its URL was judged when the configuration was read. */
static apr_status_t read_proxy(wh_host_t *host, const char *proxy)
{
    CURLU *url = curl_url();
    apr_status_t rv;

    if (!url) {
        return APR_ENOMEM;
    }
    rv = curl_url_set(url, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME) ==
                 CURLUE_OUT_OF_MEMORY
             ? APR_ENOMEM
             : read_host(host, url, PROXY_PORT);
    curl_url_cleanup(url);
    return rv;
}

/* Of all proxies this kind alone wants an address. */
static int wants_address(const char *proxy)
{
    return !strncasecmp(proxy, "socks5:", sizeof("socks5:") - 1);
}

apr_status_t wh_hosts_find(wh_host_t hosts[WH_HOSTS_MAX], int *count,
                           const wh_settings_t *settings,
                           const wh_target_t *target)
{
    const char *proxy = wh_transport_proxy(settings, &target->options);
    apr_status_t rv = APR_SUCCESS;

    memset(hosts, 0, WH_HOSTS_MAX * sizeof(*hosts));
    *count = 0;
    if (target->refusal || !target->url.handle) {
        return APR_SUCCESS;
    }
    if (proxy) {
        rv = read_proxy(&hosts[(*count)++], proxy);
    }
    if (rv == APR_SUCCESS && (!proxy || wants_address(proxy))) {
        rv = read_host(&hosts[(*count)++], target->url.handle, 0);
    }
    return rv;
}

void wh_hosts_free(wh_host_t hosts[WH_HOSTS_MAX])
{
    int i;

    for (i = 0; i < WH_HOSTS_MAX; i++) {
        curl_free(hosts[i].name);
        hosts[i].name = NULL;
    }
}
