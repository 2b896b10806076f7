/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The schema, as numbered steps.
 * Stage: store · from: store.c · pure data
 */
#ifndef WH_STORE_MIGRATION_H
#define WH_STORE_MIGRATION_H

/** Number of the newest step: the schema version this code needs. */
#define WH_SCHEMA_VERSION 4

/** Statements of step number (1 to WH_SCHEMA_VERSION), one each, ended by
 * NULL. A step that has been released is never edited. */
const char *const *wh_migration_statements(int number);

#endif
