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

/* Reals as text, with other digits than usual. */
static void digits(void) {
  static const int counts[] = {-1, 3, 4, 5, 15, 16, 18, 19, 23, 24, 0, 17};
  sqlite3 *db = fresh(), *other = fresh();
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    int now = -1; RC(sqlite3_db_config(db, SQLITE_DBCONFIG_FP_DIGITS, counts[i], &now)); INT(now);
    run(db, "SELECT 1.0/3, 0.1, 2e100/3, 1234567.0/7, 100.0, 1234567.0, 0.1+0.2, 1e15/3, CAST(-2.0/3 AS TEXT), (2e-9/3)||'', 1e23, 5e-324, 123456789012345678.0, 9.9999999, 0.0, -1e999");
    run(db, "SELECT quote(1.0/3), json_array(1.0/3), printf('%!.20g %s', 1.0/3, 1.0/3), hex(1.0/3), length(1.0/3), round(2.0/3, 9), sum(0.1), group_concat(1.0/3), 1.0/3 LIKE '%33', typeof(1.0/3 || ''), CAST(1.0/3 AS TEXT) = 1.0/3");
  }
  sqlite3_stmt *stmt = 0; int now = 0; RC(sqlite3_db_config(db, SQLITE_DBCONFIG_FP_DIGITS, 6, &now)); run(db, "CREATE TABLE t(a TEXT, b REAL); INSERT INTO t VALUES(1.0/3, 1.0/3); SELECT a, b, a = b FROM t"); run(other, "SELECT 1.0/3");
  RC(sqlite3_prepare_v2(db, "SELECT 1.0/3", -1, &stmt, 0)); RC(sqlite3_step(stmt)); STR(sqlite3_column_text(stmt, 0)); REAL(sqlite3_column_double(stmt, 0)); RC(sqlite3_finalize(stmt)); RC(sqlite3_close(db)); RC(sqlite3_close(other));
}

/* Random bytes of a VFS of the application: it is asked for a seed, and again when the generator begins anew. */
static int seeds; static sqlite3_vfs seeding;
static int give_seed(sqlite3_vfs *v, int n, char *out) { (void)v; seeds++; memset(out, 7, n); return n; }
static int give_time(sqlite3_vfs *v, sqlite3_int64 *now) { (void)v; *now = 210866760000000LL + 86400000; return SQLITE_OK; }
static void randomness(void) {
  unsigned char a[8], b[8]; sqlite3 *db = 0; seeding = *sqlite3_vfs_find(0); seeding.zName = "seeding"; seeding.xRandomness = give_seed; seeding.xCurrentTimeInt64 = give_time;
  RC(sqlite3_vfs_register(&seeding, 1)); sqlite3_randomness(0, 0); sqlite3_randomness(8, a); INT(seeds); sqlite3_randomness(8, b); INT(seeds); INT(memcmp(a, b, 8) != 0);
  sqlite3_randomness(0, 0); sqlite3_randomness(8, b); INT(seeds); INT(memcmp(a, b, 8)); sqlite3_randomness(0, 0); RC(sqlite3_open(":memory:", &db)); rows(db, "SELECT length(randomblob(5))"); INT(seeds); rows(db, "SELECT datetime('now'), typeof(random())"); RC(sqlite3_close(db));
  RC(sqlite3_vfs_unregister(&seeding)); sqlite3_randomness(0, 0); sqlite3_randomness(8, a); INT(seeds);
}

/* How often a progress handler is asked by a statement that runs again and again: not before the interval is over. */
static int asked; static int ask_to_go_on(void *p) { (void)p; asked++; return 0; }
static void progress(void) {
  sqlite3 *db = fresh(); sqlite3_stmt *stmt = 0; int early = 0, all = 0;
  RC(sqlite3_prepare_v2(db, "SELECT 3", -1, &stmt, 0)); sqlite3_progress_handler(db, 1, ask_to_go_on, 0); for (int i = 0; i < 10; i++) { sqlite3_step(stmt); sqlite3_step(stmt); sqlite3_reset(stmt); } INT(asked > 10);
  asked = 0; sqlite3_progress_handler(db, 1000, ask_to_go_on, 0);
  for (int i = 0; i < 1000; i++) { sqlite3_step(stmt); sqlite3_step(stmt); sqlite3_reset(stmt); if (i < 100) early += asked; all = asked; }
  INT(early); INT(all > 0); RC(sqlite3_finalize(stmt)); RC(sqlite3_close(db));
}

void running(void) {
  progress();
  digits(); randomness();
  sqlite3 *db = fresh(); rows(db, "CREATE TABLE t(a INT); INSERT INTO t VALUES(1), (2)");
  RC(sqlite3_create_function(db, "ask", -1, SQLITE_UTF8, 0, ask, 0, 0));
  RC(sqlite3_prepare_v2(db, "SELECT ask(?), :b AS named, a FROM t", -1, &steps, 0)); RC(sqlite3_bind_text(steps, 1, "it's", -1, SQLITE_STATIC)); RC(sqlite3_bind_double(steps, 2, 2.5));
  while (sqlite3_step(steps) == SQLITE_ROW) STR(sqlite3_column_text(steps, 1));
  RC(sqlite3_reset(steps)); RC(sqlite3_bind_blob(steps, 1, "xy", 2, SQLITE_STATIC)); RC(sqlite3_step(steps)); RC(sqlite3_finalize(steps)); RC(sqlite3_close(db));
}
