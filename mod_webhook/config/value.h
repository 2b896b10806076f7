/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Readers of directive arguments, the same for what is set and for defaults.
 * Private to config/; pure; any thread.
 */
#ifndef WH_CONFIG_VALUE_H
#define WH_CONFIG_VALUE_H

#include <apr_pools.h>

/** Reads the text of one value. APR_EINVAL: not one. */
typedef apr_status_t wh_value_fn_t(apr_int64_t *value, const char *text);

/** "On" or "Off". */
wh_value_fn_t wh_value_flag;
/** Decimal digits. */
wh_value_fn_t wh_value_number;
/** Bytes: digits, then nothing, "K" or "M". */
wh_value_fn_t wh_value_size;
/** Microseconds: "0", or as wh_retry_parse_step() reads. */
wh_value_fn_t wh_value_time;

/** The value of a text that is known to be one. */
apr_int64_t wh_value_of(wh_value_fn_t *read, const char *text);

/** 1 if text is a value of that kind from least to most. */
int wh_value_in_range(wh_value_fn_t *read, const char *text, const char *least,
                      const char *most);

/** 1 for "/a/b": segments that a request's path can have. */
int wh_value_is_path(const char *text);

/** 1 for 1 to 64 letters, digits, ".", "_" and "-": what a webhook may name. */
int wh_value_is_name(const char *text);
#define WH_VALUE_NAME_RULE                                                     \
    "the name must be 1 to 64 letters, digits, \".\", \"_\" and \"-\""

/** 1 for 1 to most bytes of UTF-8 without control characters. */
int wh_value_is_label(const char *text, apr_size_t most, apr_pool_t *pool);

#endif
