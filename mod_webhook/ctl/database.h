/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The database that the program works on: found, and judged before use.
 * Private to ctl/ · one thread
 */
#ifndef WH_CTL_DATABASE_H
#define WH_CTL_DATABASE_H

#include "ctl/ctl.h"

/**
 * Makes ctl->store for the database that the options or the environment name.
 * It is never made: a file must be there, be ours and have the schema that
 * this program was built with. Root becomes the file's owner before anything
 * is opened, so that nothing is left behind that httpd cannot write.
 * @return WH_EXIT_DONE, or an exit status; why is said
 */
int wh_database_open(wh_ctl_t *ctl);

#endif
