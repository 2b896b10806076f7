/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The dispatcher as a process of httpd's: forked, watched, told to end.
 * Stage: dispatcher · from: httpd's parent · to: wh_dispatcher_run()
 * runs on: the parent's only thread · owns: the channel's listening socket, the instance lock
 */
#ifndef WH_DISPATCHER_PROCESS_H
#define WH_DISPATCHER_PROCESS_H

#include <apr_pools.h>

/** Registers post_config and child_init. */
void wh_process_register_hooks(apr_pool_t *pool);

#endif
