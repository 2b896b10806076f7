/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The version of this module; configure reads it from here.
 */
#ifndef WH_BASE_VERSION_H
#define WH_BASE_VERSION_H

#define WH_VERSION "0.1.0"

#endif
