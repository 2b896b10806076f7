/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The dispatcher's life: everything in it starts and ends here.
 * Stage: dispatcher · from: the fork (process.c) · to: commit loop, delivery threads
 * runs on: the commit thread, which is the process's first · owns: all of the process
 */
#ifndef WH_DISPATCHER_DISPATCHER_H
#define WH_DISPATCHER_DISPATCHER_H

#include <sys/types.h>

#include "base/settings.h"

/** Exit status: could not start, and a new try would fare no better. */
#define WH_DISPATCHER_CANNOT_START 7

/**
 * Runs until SIGTERM, or until the parent is gone. Takes over the process:
 * signals, threads, curl.
 * @param listener the channel's listening socket, non-blocking
 * @param parent pid of the process that forked this one
 * @return exit status
 */
int wh_dispatcher_run(const wh_settings_t *settings, int listener,
                      pid_t parent);

/** Largest frame that the channel takes: room for the longest form of data
 * that jansson makes of a body of max_body bytes, and the names in it. */
apr_size_t wh_dispatcher_frame_limit(const wh_settings_t *settings);

#endif
