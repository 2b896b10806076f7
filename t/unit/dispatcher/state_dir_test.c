/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory. */
#include <apr_general.h>
#include <apr_strings.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dispatcher/state_dir.h"
#include "unit/tap.h"

#define NOBODY ((uid_t)-1)

static apr_pool_t *pool;
static char top[] = "/tmp/webhook-state-XXXXXX";
static const char *directory;

static int mode_of(const char *path)
{
    struct stat info;

    return stat(path, &info) < 0 ? -1 : (int)(info.st_mode & 07777);
}

static void test_create(void)
{
    directory = apr_pstrcat(pool, top, "/a/b/c", NULL);
    is_int(wh_state_dir_create(directory, NOBODY, (gid_t)-1, pool), APR_SUCCESS,
           "made with its parents");
    is_int(mode_of(directory), 0700, "for its user alone");
    is_int(wh_state_dir_create(directory, NOBODY, (gid_t)-1, pool), APR_SUCCESS,
           "it may be there");
    chmod(directory, 0755);
    wh_state_dir_create(directory, NOBODY, (gid_t)-1, pool);
    is_int(mode_of(directory), 0700, "with another mode");
    if (getuid() == 0) {
        struct stat info;

        is_int(wh_state_dir_create(directory, 1, 1, pool), APR_SUCCESS,
               "for another user");
        stat(directory, &info);
        ok(info.st_uid == 1 && info.st_gid == 1, "whose it is");
        is_int(chown(directory, 0, 0), 0, "and back");
    }
    ok(wh_state_dir_create("/proc/none/such", NOBODY, (gid_t)-1, pool) !=
           APR_SUCCESS,
       "where nothing can be made");
}

/* Asked by another process: the lock belongs to processes. */
static int is_locked(void)
{
    const char *path = apr_pstrcat(pool, directory, "/instance.lock", NULL);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    pid_t child = fork();
    int status;

    if (child == 0) {
        int fd = open(path, O_RDWR);

        _exit(fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0 ? 0 : 1);
    }
    waitpid(child, &status, 0);
    return status != 0;
}

/* A process that takes the lock and ends. */
static int lock_elsewhere(void)
{
    int status, descriptor;
    pid_t child = fork();

    if (child == 0) {
        _exit(wh_state_dir_lock(&descriptor, directory, pool) != APR_SUCCESS);
    }
    waitpid(child, &status, 0);
    return status;
}

static void test_lock(void)
{
    int descriptor = -1;

    is_int(lock_elsewhere(), 0, "a process takes the lock");
    is_int(wh_state_dir_lock(&descriptor, directory, pool), APR_SUCCESS,
           "which goes with it");
    ok(descriptor >= 0, "an open file");
    is_int(mode_of(apr_pstrcat(pool, directory, "/instance.lock", NULL)), 0600,
           "for its user alone");
    is_int(is_locked(), 1, "another process is kept out");
    close(descriptor);
    is_int(is_locked(), 0, "until it is closed");
    is_int(lock_elsewhere(), 0, "then it is there to be taken");
    ok(wh_state_dir_lock(&descriptor, "/nonesuch", pool) != APR_SUCCESS,
       "no directory, no lock");
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int rc;

    apr_cpystrn(address.sun_path, path, sizeof(address.sun_path));
    rc = connect(fd, (struct sockaddr *)&address, sizeof(address));
    close(fd);
    return rc;
}

static void test_listen(void)
{
    const char *path =
        apr_pstrcat(pool, directory, "/" WH_CHANNEL_SOCKET, NULL);
    int first = -1, second = -1;
    mode_t mask = umask(022);
    char longest[200];

    is_int(wh_state_dir_listen(&first, directory, NOBODY, (gid_t)-1, pool),
           APR_SUCCESS, "a socket");
    is_int(mode_of(path), 0600, "for its user alone");
    is_int((int)umask(022), 022, "the process's mask is what it was");
    is_int(connect_to(path), 0, "somebody connects");
    is_int(wh_state_dir_listen(&second, directory, NOBODY, (gid_t)-1, pool),
           APR_SUCCESS, "a path that is left over");
    close(first);
    is_int(connect_to(path), 0, "belongs to the new one");
    close(second);
    ok(connect_to(path) < 0, "closed: nobody answers");
    umask(mask);
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    is_int(wh_state_dir_listen(&first, longest, NOBODY, (gid_t)-1, pool),
           APR_ENAMETOOLONG, "a path too long for a socket");
    ok(wh_state_dir_listen(&first, "/nonesuch", NOBODY, (gid_t)-1, pool) !=
           APR_SUCCESS,
       "no directory, no socket");
    unlink(path);
}

static void clean_up(void)
{
    unlink(apr_pstrcat(pool, directory, "/instance.lock", NULL));
    rmdir(directory);
    rmdir(apr_pstrcat(pool, top, "/a/b", NULL));
    rmdir(apr_pstrcat(pool, top, "/a", NULL));
    is_int(rmdir(top), 0, "nothing else is left");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(top)) {
        return 1;
    }
    test_create();
    test_lock();
    test_listen();
    clean_up();
    apr_terminate();
    return done_testing();
}
