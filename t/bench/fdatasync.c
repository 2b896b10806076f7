/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the disk takes to keep 4 KiB: fdatasync DIRECTORY [COUNT]
 *
 * Appends to a file, as a write-ahead log does, and prints median and 99th
 * percentile of write and fdatasync together, in microseconds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define COUNT_MAX 10000

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static double microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    static double times[COUNT_MAX];
    static char block[BLOCK];
    char path[4096];
    int i, descriptor, count = argc > 2 ? atoi(argv[2]) : 300;

    if (argc < 2 || count < 1 || count > COUNT_MAX) {
        fprintf(stderr, "usage: fdatasync DIRECTORY [COUNT]\n");
        return 2;
    }
    snprintf(path, sizeof(path), "%s/fdatasync.XXXXXX", argv[1]);
    descriptor = mkstemp(path);
    if (descriptor < 0 || unlink(path) < 0) {
        perror(path);
        return 1;
    }
    for (i = 0; i < count; i++) {
        double begin = microseconds();

        if (write(descriptor, block, BLOCK) != BLOCK || fdatasync(descriptor)) {
            perror("fdatasync");
            return 1;
        }
        times[i] = microseconds() - begin;
    }
    close(descriptor);
    qsort(times, (size_t)count, sizeof(*times), by_value);
    printf("%.0f %.0f\n", times[count / 2], times[count * 99 / 100]);
    return 0;
}
