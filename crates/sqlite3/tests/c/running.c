/* What code that a step calls may ask of the statement that steps. */
#include "api.h"

static sqlite3_stmt *steps;

static void ask(sqlite3_context *c, int n, sqlite3_value **v) {
  char *expanded = sqlite3_expanded_sql(steps);
  (void)n; (void)v; STR(expanded); sqlite3_free(expanded);
  STR(sqlite3_sql(steps)); INT(sqlite3_column_count(steps)); STR(sqlite3_column_name(steps, 1)); STR(sqlite3_column_decltype(steps, 2));
  INT(sqlite3_bind_parameter_count(steps)); STR(sqlite3_bind_parameter_name(steps, 2)); INT(sqlite3_bind_parameter_index(steps, ":b")); INT(sqlite3_stmt_readonly(steps));
  sqlite3_result_int(c, 3);
}

void running(void) {
  sqlite3 *db = fresh(); rows(db, "CREATE TABLE t(a INT); INSERT INTO t VALUES(1), (2)");
  RC(sqlite3_create_function(db, "ask", -1, SQLITE_UTF8, 0, ask, 0, 0));
  RC(sqlite3_prepare_v2(db, "SELECT ask(?), :b AS named, a FROM t", -1, &steps, 0)); RC(sqlite3_bind_text(steps, 1, "it's", -1, SQLITE_STATIC)); RC(sqlite3_bind_double(steps, 2, 2.5));
  while (sqlite3_step(steps) == SQLITE_ROW) STR(sqlite3_column_text(steps, 1));
  RC(sqlite3_reset(steps)); RC(sqlite3_bind_blob(steps, 1, "xy", 2, SQLITE_STATIC)); RC(sqlite3_step(steps)); RC(sqlite3_finalize(steps)); RC(sqlite3_close(db));
}
