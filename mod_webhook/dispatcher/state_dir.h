/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The state directory, made ready by httpd's parent.
 * Stage: dispatcher · from: process.c · runs on: the parent's only thread
 */
#ifndef WH_DISPATCHER_STATE_DIR_H
#define WH_DISPATCHER_STATE_DIR_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <sys/types.h>

/** Name of the channel's socket below the state directory. */
#define WH_CHANNEL_SOCKET "channel.sock"

/**
 * Makes the directory with its parents, mode 0700, for that user. One that
 * exists is taken if it is empty or was made by this function before: a
 * mistyped WebhookStateDir must not change the owner of /etc.
 * @param user (uid_t)-1: whoever runs this
 * @return APR_ENOTDIR: something else stands there; APR_ENOTEMPTY: a
 *         directory of somebody else's
 */
apr_status_t wh_state_dir_create(const char *path, uid_t user, gid_t group,
                                 apr_pool_t *pool);

/**
 * Takes the lock that keeps a second httpd out of the directory. It is a
 * record lock: it belongs to this process and is not inherited, so it goes
 * when the parent dies although children live on.
 * @return APR_TIMEUP: another process holds it
 */
apr_status_t wh_state_dir_lock(int *descriptor, const char *path,
                               apr_pool_t *pool);

/** Binds the channel's socket; a path left over is replaced. */
apr_status_t wh_state_dir_listen(int *descriptor, const char *path, uid_t user,
                                 gid_t group, apr_pool_t *pool);

#endif
