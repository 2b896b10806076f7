/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatcher/state_dir.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_time.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/monotonic.h"

#define INSTANCE_LOCK "instance.lock"

/* Children that come while no dispatcher accepts wait here: as many as can
 * be, each with one connection. The kernel cuts it to its own limit. */
#define BACKLOG 4096

/* A server that is being stopped holds the lock for its last transfers. */
#define LOCK_PATIENCE apr_time_from_sec(15)
#define LOCK_POLL apr_time_from_msec(50)

/* 1: empty, or with our lock file in it. Reads through a descriptor of its
 * own, so that the caller's keeps its place. */
static int is_ours(int directory)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int strangers = 0;

    if (!entries) {
        if (fd >= 0) {
            close(fd);
        }
        return 0;
    }
    while ((entry = readdir(entries))) {
        strangers += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    }
    closedir(entries);
    return strangers == 0 ||
           faccessat(directory, INSTANCE_LOCK, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static apr_status_t take_directory(int directory, uid_t user, gid_t group)
{
    if (!is_ours(directory)) {
        return APR_FROM_OS_ERROR(ENOTEMPTY);
    }
    if (user != (uid_t)-1 && fchown(directory, user, group) < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    return fchmod(directory, 0700) < 0 ? APR_FROM_OS_ERROR(errno) : APR_SUCCESS;
}

/* All on one descriptor, without following a link: this runs as root. */
apr_status_t wh_state_dir_create(const char *path, uid_t user, gid_t group,
                                 apr_pool_t *pool)
{
    apr_status_t rv;
    int directory;

    rv = apr_dir_make_recursive(path, APR_FPROT_OS_DEFAULT, pool);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EEXIST(rv)) {
        return rv;
    }
    directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    rv = take_directory(directory, user, group);
    close(directory);
    return rv;
}

apr_status_t wh_state_dir_lock(int *descriptor, const char *path,
                               apr_pool_t *pool)
{
    const char *name = apr_pstrcat(pool, path, "/" INSTANCE_LOCK, NULL);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    apr_time_t deadline = wh_monotonic_now() + LOCK_PATIENCE;
    int fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    while (fcntl(fd, F_SETLK, &lock) < 0) {
        int error = errno;

        if (error != EAGAIN && error != EACCES) {
            close(fd);
            return APR_FROM_OS_ERROR(error);
        }
        if (wh_monotonic_now() >= deadline) {
            close(fd);
            return APR_TIMEUP;
        }
        apr_sleep(LOCK_POLL);
    }
    *descriptor = fd;
    return APR_SUCCESS;
}

static apr_status_t bind_and_listen(int fd, const struct sockaddr_un *address,
                                    uid_t user, gid_t group)
{
    mode_t mask = umask(0177);
    int rc = bind(fd, (const struct sockaddr *)address, sizeof(*address));
    int error = errno;

    umask(mask);
    if (rc < 0) {
        return APR_FROM_OS_ERROR(error);
    }
    /* The directory is the user's: what the name stands for may have changed
     * by now, so no link is followed. */
    if (user != (uid_t)-1 && lchown(address->sun_path, user, group) < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    return listen(fd, BACKLOG) < 0 ? APR_FROM_OS_ERROR(errno) : APR_SUCCESS;
}

apr_status_t wh_state_dir_listen(int *descriptor, const char *path, uid_t user,
                                 gid_t group, apr_pool_t *pool)
{
    const char *name = apr_pstrcat(pool, path, "/" WH_CHANNEL_SOCKET, NULL);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    apr_status_t rv;
    int fd;

    if (strlen(name) >= sizeof(address.sun_path)) {
        return APR_ENAMETOOLONG;
    }
    memcpy(address.sun_path, name, strlen(name) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    if (unlink(name) < 0 && errno != ENOENT) {
        rv = APR_FROM_OS_ERROR(errno);
    }
    else {
        rv = bind_and_listen(fd, &address, user, group);
    }
    if (rv != APR_SUCCESS) {
        close(fd);
        return rv;
    }
    *descriptor = fd;
    return APR_SUCCESS;
}
