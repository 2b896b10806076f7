/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measure of all deliveries: POSTs as a good small program makes them with
 * libcurl's multi interface, and nothing else.
 *
 *   curl_loop [-n REQUESTS] [-c CONCURRENCY] [-s BODY-BYTES] [-H HEADER]... URL
 *
 * One thread, connections kept alive, easy handles used again; curl_multi_poll
 * drives it, as curl_multi_perform's manual page shows. Prints requests a
 * second and the number of failures, which should be 0.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    long requests;
    long concurrency;
    long body_size;
    struct curl_slist *headers;
    const char *url;
    char *body;
} options = {.requests = 20000, .concurrency = 64, .body_size = 300};

static long started, finished, failed;

static void fail(const char *what)
{
    fprintf(stderr, "curl_loop: %s\n", what);
    exit(1);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t discard(char *data, size_t size, size_t count, void *unused)
{
    (void)data;
    (void)unused;
    return size * count;
}

static CURL *create_transfer(void)
{
    CURL *easy = curl_easy_init();

    if (!easy) {
        fail("curl_easy_init");
    }
    curl_easy_setopt(easy, CURLOPT_URL, options.url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, options.headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, options.body_size);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, options.body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    return easy;
}

static void start(CURLM *multi, CURL *easy)
{
    if (started < options.requests) {
        started++;
        if (curl_multi_add_handle(multi, easy) != CURLM_OK) {
            fail("curl_multi_add_handle");
        }
    }
    else {
        curl_easy_cleanup(easy);
    }
}

static void take_results(CURLM *multi)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi, &left))) {
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        long status = 0;

        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        finished++;
        failed += code != CURLE_OK || status / 100 != 2;
        curl_multi_remove_handle(multi, easy);
        start(multi, easy);
    }
}

static void run(void)
{
    CURLM *multi = curl_multi_init();
    long i;

    if (!multi) {
        fail("curl_multi_init");
    }
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, options.concurrency);
    for (i = 0; i < options.concurrency; i++) {
        start(multi, create_transfer());
    }
    while (finished < options.requests) {
        int running;

        if (curl_multi_perform(multi, &running) != CURLM_OK) {
            fail("curl_multi_perform");
        }
        take_results(multi);
        if (running > 0 &&
            curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK) {
            fail("curl_multi_poll");
        }
    }
    curl_multi_cleanup(multi);
}

static void read_options(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "n:c:s:H:")) != -1) {
        switch (option) {
        case 'n':
            options.requests = atol(optarg);
            break;
        case 'c':
            options.concurrency = atol(optarg);
            break;
        case 's':
            options.body_size = atol(optarg);
            break;
        case 'H':
            options.headers = curl_slist_append(options.headers, optarg);
            break;
        default:
            exit(2);
        }
    }
    if (optind != argc - 1 || options.requests < 1 || options.concurrency < 1 ||
        options.body_size < 0) {
        fail("usage: curl_loop [-n N] [-c N] [-s BYTES] [-H HEADER]... URL");
    }
    options.url = argv[optind];
    /* No waiting for "100 Continue". */
    options.headers = curl_slist_append(options.headers, "Expect:");
    options.body = malloc((size_t)options.body_size + 1);
    if (!options.headers || !options.body) {
        fail("no memory");
    }
    memset(options.body, 'x', (size_t)options.body_size);
}

int main(int argc, char **argv)
{
    double begin;

    read_options(argc, argv);
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) {
        fail("curl_global_init");
    }
    begin = seconds();
    run();
    printf("%.0f requests/s, %ld failed\n",
           (double)finished / (seconds() - begin), failed);
    curl_slist_free_all(options.headers);
    free(options.body);
    curl_global_cleanup();
    return failed != 0;
}
