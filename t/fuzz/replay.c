/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over every file of the directories given; fails if there
 * is none. */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

#define FILE_MAX (1024 * 1024)

/* 1: it was a file, and the target has seen it. */
static int run_file(const char *path)
{
    struct stat info;
    uint8_t *data;
    size_t size;
    FILE *file;

    if (stat(path, &info) < 0 || !S_ISREG(info.st_mode) ||
        info.st_size > FILE_MAX) {
        return 0;
    }
    file = fopen(path, "rb");
    if (!file) {
        return 0;
    }
    /* As large as the file, so that a sanitizer sees what is read behind. */
    data = malloc((size_t)info.st_size + !info.st_size);
    size = data ? fread(data, 1, (size_t)info.st_size, file) : 0;
    fclose(file);
    if (data) {
        printf("# %s\n", path);
        fflush(stdout);
        LLVMFuzzerTestOneInput(data, size);
    }
    free(data);
    return 1;
}

static int run_directory(const char *name)
{
    DIR *directory = opendir(name);
    struct dirent *entry;
    int count = 0;

    while (directory && (entry = readdir(directory))) {
        char path[4096];

        if (snprintf(path, sizeof(path), "%s/%s", name, entry->d_name) <
            (int)sizeof(path)) {
            count += run_file(path);
        }
    }
    if (directory) {
        closedir(directory);
    }
    return count;
}

int main(int argc, char **argv)
{
    int i, count, failed = argc < 2;

    for (i = 1; i < argc; i++) {
        count = run_directory(argv[i]);
        printf("%sok %d - %s: %d inputs\n", count ? "" : "not ", i, argv[i],
               count);
        failed |= !count;
    }
    printf("1..%d\n", argc - 1);
    /* What the last input left in its pool goes too: a leak checker does not
     * look into the memory of pools, where the only pointers to it are. */
    apr_terminate();
    return failed;
}
