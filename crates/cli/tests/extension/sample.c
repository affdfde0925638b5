/* A loadable extension with one of each: functions, an aggregate, a collation, a table, and SQL that it runs itself. */
#include <string.h>
#include "sqlite3ext.h"
SQLITE_EXTENSION_INIT1

static void twice(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  sqlite3_result_int64(context, 2 * sqlite3_value_int64(values[0]));
}

/* Runs SQL on the connection that calls it. */
static void rows_of(sqlite3_context *context, int count, sqlite3_value **values) {
  sqlite3_stmt *statement = 0;
  char *sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", sqlite3_value_text(values[0]));
  sqlite3 *db = sqlite3_context_db_handle(context);
  (void)count;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, 0) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
    sqlite3_result_int64(context, sqlite3_column_int64(statement, 0));
  } else {
    sqlite3_result_error(context, sqlite3_errmsg(db), -1);
  }
  sqlite3_finalize(statement);
  sqlite3_free(sql);
}

static void longest_step(sqlite3_context *context, int count, sqlite3_value **values) {
  int *longest = sqlite3_aggregate_context(context, sizeof *longest);
  int bytes = sqlite3_value_bytes(values[0]);
  (void)count;
  if (longest && bytes > *longest) *longest = bytes;
}

static void longest_final(sqlite3_context *context) {
  int *longest = sqlite3_aggregate_context(context, 0);
  sqlite3_result_int(context, longest ? *longest : 0);
}

static int backwards(void *data, int n, const void *a, int m, const void *b) {
  int order = memcmp(b, a, n < m ? n : m);
  (void)data;
  return order ? order : m - n;
}

int sqlite3_sample_init(sqlite3 *db, char **message, const sqlite3_api_routines *api) {
  SQLITE_EXTENSION_INIT2(api);
  (void)message;
  sqlite3_create_function(db, "twice", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, 0, twice, 0, 0);
  sqlite3_create_function(db, "rows_of", 1, SQLITE_UTF8, 0, rows_of, 0, 0);
  sqlite3_create_function(db, "longest", 1, SQLITE_UTF8, 0, 0, longest_step, longest_final);
  sqlite3_create_collation(db, "backwards", SQLITE_UTF8, 0, backwards);
  return sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS made_by_sample(x); INSERT INTO made_by_sample VALUES(1)", 0, 0, 0);
}

int refuse(sqlite3 *db, char **message, const sqlite3_api_routines *api) {
  SQLITE_EXTENSION_INIT2(api);
  (void)db;
  *message = sqlite3_mprintf("not today");
  return SQLITE_ERROR;
}
