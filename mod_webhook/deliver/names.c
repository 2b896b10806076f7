/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/names.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "deliver/lookup.h"

#define TRANSFERS_PER_LOOKUP 8
#define LOOKUPS_MIN 4

/* libcurl gets a line again when it has had it for so long. */
#define TAKEN_TIME apr_time_from_sec(WH_NAMES_CACHE_SECONDS / 3)

enum { IDLE, QUEUED, RUNNING };

struct wh_name_t {
    char *key;       /* "host:port", as libcurl keeps it */
    apr_size_t host; /* length of the host in it */
    int users;       /* that need it */
    int state;
    int slow;        /* 1: its last lookup took too long */
    wh_lane_t lane;  /* in whose queue or place it is */
    wh_name_t *next; /* in the queue */
    wh_name_t *previous;
    wh_name_user_t *waiting;
    char *line;       /* for CURLOPT_RESOLVE; NULL: not known */
    apr_time_t began; /* when it was looked up last */
    apr_time_t known; /* when the line was made */
    apr_time_t again; /* not looked up before, while the line may serve */
    apr_time_t taken; /* when libcurl has got the line; 0: not yet */
};

int wh_names_most(int transfers)
{
    int most = transfers / TRANSFERS_PER_LOOKUP;

    return most < LOOKUPS_MIN      ? LOOKUPS_MIN
           : most > WH_LOOKUPS_MAX ? WH_LOOKUPS_MAX
                                   : most;
}

void wh_names_init(wh_names_t *names, int socket, int most,
                   apr_interval_time_t limit, wh_names_ready_fn_t *ready,
                   void *baton, apr_pool_t *pool)
{
    memset(names, 0, sizeof(*names));
    names->all = apr_hash_make(pool);
    names->socket = socket;
    names->most = most;
    names->limit = limit;
    names->ready = ready;
    names->baton = baton;
}

static void forget(wh_names_t *names, wh_name_t *name)
{
    apr_hash_set(names->all, name->key, APR_HASH_KEY_STRING, NULL);
    free(name->key);
    free(name->line);
    free(name);
}

void wh_names_destroy(wh_names_t *names)
{
    int i;

    for (i = 0; i < WH_LOOKUPS_MAX; i++) {
        if (names->running[i]) {
            forget(names, names->running[i]);
        }
    }
    if (names->socket >= 0) {
        close(names->socket);
    }
}

/* ---- queues ---------------------------------------------------------------- */

static void leave_queue(wh_names_t *names, wh_name_t *name)
{
    wh_name_queue_t *queue = &names->queues[name->lane];

    if (name->previous) {
        name->previous->next = name->next;
    }
    else {
        queue->first = name->next;
    }
    if (name->next) {
        name->next->previous = name->previous;
    }
    else {
        queue->last = name->previous;
    }
    name->state = IDLE;
}

static void enter_queue(wh_names_t *names, wh_name_t *name, wh_lane_t lane)
{
    wh_name_queue_t *queue = &names->queues[lane];

    name->lane = lane;
    name->state = QUEUED;
    name->next = NULL;
    name->previous = queue->last;
    if (queue->last) {
        queue->last->next = name;
    }
    else {
        queue->first = name;
    }
    queue->last = name;
}

static int has_place(const wh_names_t *names, wh_lane_t lane)
{
    int quarter = names->most / 4, most = names->most - quarter;
    int others = names->used[WH_LANE_NEW] + names->used[WH_LANE_SLOW];
    int slow_waits = names->queues[WH_LANE_SLOW].first != NULL;

    int used = others + names->used[WH_LANE_KNOWN];

    if (slow_waits && names->used[WH_LANE_SLOW] == 0 && lane != WH_LANE_SLOW) {
        used++; /* that one's place */
    }
    if (used >= names->most) {
        return 0;
    }
    switch (lane) {
    case WH_LANE_KNOWN:
        return names->used[WH_LANE_KNOWN] < most ||
               !(slow_waits || names->queues[WH_LANE_NEW].first);
    case WH_LANE_NEW:
        return others < most &&
               (names->used[WH_LANE_NEW] < most - 1 || !slow_waits);
    default:
        return names->used[WH_LANE_SLOW] < quarter &&
               (others < most || names->used[WH_LANE_SLOW] == 0);
    }
}

static apr_interval_time_t limit_of(const wh_names_t *names, wh_lane_t lane)
{
    return lane == WH_LANE_SLOW || names->limit < WH_NAMES_QUICK
               ? names->limit
               : WH_NAMES_QUICK;
}

/* ---- results --------------------------------------------------------------- */

static void release_waiting(wh_names_t *names, wh_name_t *name,
                            CURLcode failure)
{
    wh_name_user_t *user = name->waiting;

    name->waiting = NULL;
    while (user) {
        wh_name_user_t *next = user->next;

        user->awaited = NULL;
        user->failure = failure;
        user->since = name->began;
        names->ready(names->baton, user);
        user = next;
    }
}

/* Without the keeper libcurl makes its own lookups, with no bound but that of
 * the transfers: better than none. */
static void give_up(wh_names_t *names, apr_status_t rv)
{
    int i;

    wh_log(WH_LOG_ERROR, rv,
           WHLOGNO(2410) "the process that looks names up is gone: until "
                         "there is another one each transfer looks up its own");
    close(names->socket);
    names->socket = -1;
    for (i = 0; i < WH_LANES; i++) {
        wh_name_t *name;

        names->used[i] = 0;
        while ((name = names->queues[i].first)) {
            leave_queue(names, name);
            release_waiting(names, name, CURLE_OK);
        }
    }
    for (i = 0; i < WH_LOOKUPS_MAX; i++) {
        wh_name_t *name = names->running[i];

        names->running[i] = NULL;
        if (name) {
            name->state = IDLE;
            release_waiting(names, name, CURLE_OK);
            if (!name->users) {
                forget(names, name);
            }
        }
    }
}

static apr_status_t begin(wh_names_t *names, wh_name_t *name, apr_time_t now)
{
    char host[WH_LOOKUP_NAME_MAX + 1];
    apr_uint32_t slot = 0;

    while (names->running[slot]) {
        slot++;
    }
    leave_queue(names, name);
    name->state = RUNNING;
    name->began = now;
    names->running[slot] = name;
    names->used[name->lane]++;
    apr_cpystrn(host, name->key, name->host + 1);
    return wh_lookup_ask(names->socket, slot, host,
                         limit_of(names, name->lane));
}

/* While there are places. */
static void pump(wh_names_t *names, apr_time_t now)
{
    apr_status_t rv = APR_SUCCESS;
    int lane;

    for (lane = 0; lane < WH_LANES; lane++) {
        while (names->queues[lane].first && has_place(names, (wh_lane_t)lane)) {
            rv = begin(names, names->queues[lane].first, now);
            if (rv != APR_SUCCESS) {
                give_up(names, rv);
                return;
            }
        }
    }
}

static void drop_line(wh_name_t *name)
{
    free(name->line);
    name->line = NULL;
}

/* The "+" lets libcurl forget it in time. */
static void keep_line(wh_name_t *name, const char *addresses, apr_time_t now)
{
    apr_size_t size = strlen(name->key) + strlen(addresses) + 3;
    char *line = malloc(size);

    drop_line(name);
    if (line) {
        apr_snprintf(line, size, "+%s:%s", name->key, addresses);
    }
    name->line = line;
    name->known = now;
    name->again = name->taken = 0;
}

static CURLcode failure_of(wh_lookup_result_t result)
{
    switch (result) {
    case WH_LOOKUP_FOUND:
        return CURLE_OK;
    case WH_LOOKUP_LATE:
        return CURLE_OPERATION_TIMEDOUT;
    case WH_LOOKUP_LOCAL:
        return CURLE_OUT_OF_MEMORY;
    default:
        return CURLE_COULDNT_RESOLVE_HOST;
    }
}

/* Addresses that are known serve on when nobody knows, not when it is said that
 * there are none. 1: it is to be looked up once more, for longer. */
static int learn(wh_names_t *names, wh_name_t *name, wh_lookup_result_t result,
                 apr_time_t now)
{
    int was_slow = name->lane == WH_LANE_SLOW;

    name->again = now + WH_NAMES_PAUSE;
    if (result == WH_LOOKUP_UNKNOWN) {
        drop_line(name);
    }
    if (result != WH_LOOKUP_LOCAL) {
        name->slow = result == WH_LOOKUP_LATE;
    }
    return name->slow && !was_slow && name->waiting &&
           names->limit > WH_NAMES_QUICK;
}

static void end(wh_names_t *names, wh_name_t *name, wh_lookup_result_t result,
                apr_time_t now)
{
    name->state = IDLE;
    if (!name->users) {
        forget(names, name);
    }
    else if (learn(names, name, result, now)) {
        enter_queue(names, name, WH_LANE_SLOW);
    }
    else {
        release_waiting(names, name,
                        result == WH_LOOKUP_FOUND && !name->line
                            ? CURLE_OUT_OF_MEMORY
                            : failure_of(result));
    }
}

static void take_answer(wh_names_t *names, apr_time_t now)
{
    const wh_lookup_answer_t *answer = &names->answer;
    wh_lookup_result_t result = (wh_lookup_result_t)answer->result;
    wh_name_t *name =
        answer->number < WH_LOOKUPS_MAX ? names->running[answer->number] : NULL;

    if (!name) {
        return;
    }
    names->running[answer->number] = NULL;
    names->used[name->lane]--;
    if (result == WH_LOOKUP_FOUND) {
        keep_line(name, answer->text, now);
    }
    end(names, name, result, now);
}

void wh_names_read(wh_names_t *names, apr_time_t now)
{
    apr_status_t rv;

    while (names->socket >= 0 &&
           (rv = wh_lookup_read(names->socket, &names->answer)) != APR_EAGAIN) {
        if (rv != APR_SUCCESS) {
            give_up(names, rv);
            return;
        }
        take_answer(names, now);
    }
    if (names->socket >= 0) {
        pump(names, now);
    }
}

/* ---- users ----------------------------------------------------------------- */

static wh_name_t *find_or_create(wh_names_t *names, const char *host, int port)
{
    apr_size_t size = strlen(host) + sizeof(":2147483647");
    char *key = malloc(size);
    wh_name_t *name;

    if (!key) {
        return NULL;
    }
    apr_snprintf(key, size, "%s:%d", host, port);
    name = apr_hash_get(names->all, key, APR_HASH_KEY_STRING);
    if (!name) {
        name = calloc(1, sizeof(*name));
        if (name) {
            name->key = key;
            name->host = strlen(host);
            apr_hash_set(names->all, key, APR_HASH_KEY_STRING, name);
            return name;
        }
    }
    free(key);
    return name;
}

static void stop_waiting(wh_name_user_t *user)
{
    wh_name_user_t **at = &user->awaited->waiting;

    while (*at != user) {
        at = &(*at)->next;
    }
    *at = user->next;
    user->awaited = NULL;
}

/* A lookup that runs goes on: its end forgets the name. */
static void let_go(wh_names_t *names, wh_name_t *name)
{
    if (--name->users == 0 && name->state != RUNNING) {
        if (name->state == QUEUED) {
            leave_queue(names, name);
        }
        forget(names, name);
    }
}

void wh_names_release(wh_names_t *names, wh_name_user_t *user)
{
    int i;

    if (user->awaited) {
        stop_waiting(user);
    }
    for (i = 0; i < WH_NAMES_EACH; i++) {
        if (user->names[i]) {
            let_go(names, user->names[i]);
        }
        user->names[i] = NULL;
    }
    user->failure = CURLE_OK;
}

apr_status_t wh_names_bind(wh_names_t *names, wh_name_user_t *user,
                           const wh_host_t *hosts, int count)
{
    wh_name_t *found[WH_NAMES_EACH] = {NULL};
    int i, at = 0, partly = 0;
    apr_status_t rv = APR_SUCCESS;

    /* Before the old ones are released: what is known of a name stays. */
    for (i = 0; rv == APR_SUCCESS && i < count; i++) {
        if (!hosts[i].name || !wh_host_is_name(hosts[i].name)) {
            partly = 1;
            continue;
        }
        found[at] = find_or_create(names, hosts[i].name, hosts[i].port);
        if (found[at]) {
            found[at++]->users++;
        }
        else {
            rv = APR_ENOMEM;
        }
    }
    wh_names_release(names, user);
    user->partly = partly;
    for (i = 0; i < at; i++) {
        if (rv == APR_SUCCESS) {
            user->names[i] = found[i];
        }
        else {
            let_go(names, found[i]);
        }
    }
    return rv;
}

/* Whoever stands better takes its name along. */
static void request(wh_names_t *names, wh_name_t *name, int good,
                    apr_time_t now)
{
    wh_lane_t lane = name->slow           ? WH_LANE_SLOW
                     : good || name->line ? WH_LANE_KNOWN
                                          : WH_LANE_NEW;

    if (name->state == QUEUED && lane < name->lane) {
        leave_queue(names, name);
        enter_queue(names, name, lane);
    }
    else if (name->state == IDLE) {
        enter_queue(names, name, lane);
    }
    pump(names, now);
}

/* What no resolver can be asked for, and what would be more than a name in a
 * line for libcurl. */
static int is_possible(const wh_name_t *name)
{
    return name->host <= WH_LOOKUP_NAME_MAX &&
           strspn(name->key,
                  "abcdefghijklmnopqrstuvwxyz"
                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == name->host;
}

/* 1: it need not wait for this one. */
static int may_use(wh_names_t *names, wh_name_t *name, int good, apr_time_t now)
{
    apr_interval_time_t age = now - name->known;

    if (name->line && age < WH_NAMES_FRESH) {
        return 1;
    }
    if (!name->line || !good || age >= WH_NAMES_STALE) {
        return 0;
    }
    if (now >= name->again) {
        request(names, name, good, now);
    }
    return 1;
}

int wh_names_ask(wh_names_t *names, wh_name_user_t *user, int good,
                 apr_time_t now)
{
    int i;

    /* Nobody has come for it. */
    if (user->failure && now - user->since > names->limit + WH_NAMES_FRESH) {
        user->failure = CURLE_OK;
    }
    for (i = 0; i < WH_NAMES_EACH && !user->failure; i++) {
        wh_name_t *name = user->names[i];

        if (names->socket < 0 || !name || may_use(names, name, good, now)) {
            continue;
        }
        if (!is_possible(name)) {
            user->failure = CURLE_COULDNT_RESOLVE_HOST;
            user->since = now;
            break;
        }
        user->awaited = name;
        user->next = name->waiting;
        name->waiting = user;
        request(names, name, good, now);
        return user->awaited == NULL;
    }
    return 1;
}

CURLcode wh_names_take_failure(wh_name_user_t *user,
                               apr_interval_time_t *waited, apr_time_t now)
{
    CURLcode failure = user->failure;

    *waited = now - user->since;
    user->failure = CURLE_OK;
    return failure;
}

int wh_names_cover(const wh_names_t *names, const wh_name_user_t *user)
{
    return names->socket >= 0 && user->names[0] && !user->partly;
}

static int is_due(const wh_name_t *name, apr_time_t now)
{
    return name && name->line &&
           (!name->taken || now - name->taken > TAKEN_TIME);
}

apr_status_t wh_names_lines(struct curl_slist **list,
                            const wh_name_user_t *user, apr_time_t now)
{
    int i;

    for (i = 0; i < WH_NAMES_EACH; i++) {
        struct curl_slist *longer;

        if (!is_due(user->names[i], now)) {
            continue;
        }
        longer = curl_slist_append(*list, user->names[i]->line);
        if (!longer) {
            return APR_ENOMEM;
        }
        *list = longer;
    }
    return APR_SUCCESS;
}

void wh_names_taken(const wh_name_user_t *user, apr_time_t now)
{
    int i;

    for (i = 0; i < WH_NAMES_EACH; i++) {
        if (is_due(user->names[i], now)) {
            user->names[i]->taken = now;
        }
    }
}
