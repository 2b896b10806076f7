/* SPDX-License-Identifier: Apache-2.0 */
/**
 * libcurl in this process.
 * Stage: deliver · from: dispatcher, request, ctl
 * runs on: the only thread there is yet
 */
#ifndef WH_DELIVER_LIBRARY_H
#define WH_DELIVER_LIBRARY_H

#include <apr_errno.h>

/**
 * Starts libcurl, as it asks for before other threads use it; it does not write
 * keys of connections to the file that SSLKEYLOGFILE names. Balanced by
 * curl_global_cleanup().
 * @return APR_SUCCESS, APR_ENOMEM or APR_EGENERAL
 */
apr_status_t wh_library_start(void);

#endif
