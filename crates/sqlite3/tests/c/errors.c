/* What the log of errors and warnings is told. */
#include "api.h"
/* Of a statement that aborts it names an address, which is the engine's own. */
static void log_line(void *p, int code, const char *text) {
  (void)p;
  if (!strncmp(text, "recovered", 9)) { printf("log %d %.18s\n", code, text); return; }
  if (strncmp(text, "misuse at line", 14) && strncmp(text, "file unlinked", 13) && code != SQLITE_CANTOPEN) printf("log %d %.*s%s\n", code, strncmp(text, "statement aborts at", 19) ? (int)strlen(text) : 20, text, strncmp(text, "statement aborts at", 19) ? "" : strchr(text, ':'));
}
static void plain(sqlite3_context *c, int n, sqlite3_value **v) { (void)n; (void)v; sqlite3_result_error(c, "not today", -1); }
void log_of_errors(void) {
  sqlite3 *db = 0, *other = 0; sqlite3_stmt *stmt = 0;
  RC(sqlite3_config(SQLITE_CONFIG_LOG, log_line, (void *)0)); RC(sqlite3_open(scratch("errors.db"), &db)); sqlite3_log(77, "mine %d", 5);
  run(db, "CREATE TABLE t(a UNIQUE, b)"); run(db, "SELECT \"text \"\"it\"\"\" FROM t"); run(db, "SELECT 1; SELECT x FROM t; SELECT 2"); run(db, "selec 1"); run(db, "SELECT 'open");
  run(db, "INSERT INTO t VALUES(1, 2); INSERT INTO t VALUES(1, 3)"); run(db, "SELECT abs(-9223372036854775808)"); run(db, "COMMIT"); run(db, "ATTACH ':memory:' AS main");
  RC(sqlite3_create_function(db, "plain", 0, SQLITE_UTF8, 0, plain, 0, 0)); run(db, "SELECT plain()"); run(db, "CREATE TABLE u(x, y); INSERT INTO u VALUES(1, 2); SELECT count(*) FROM t, u WHERE b = y");
  RC(sqlite3_open(scratch("errors.db"), &other)); run(db, "BEGIN IMMEDIATE"); run(other, "BEGIN IMMEDIATE"); run(db, "COMMIT"); RC(sqlite3_close(other));
  RC(sqlite3_step(0)); RC(sqlite3_bind_int(0, 1, 1)); RC(sqlite3_prepare_v2(0, "SELECT 1", -1, &stmt, 0)); RC(sqlite3_exec(0, "SELECT 1", 0, 0, 0));
  RC(sqlite3_prepare_v2(db, "SELECT ?", -1, &stmt, 0)); RC(sqlite3_step(stmt)); RC(sqlite3_bind_int(stmt, 1, 5)); RC(sqlite3_finalize(stmt));
  sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 20); run(db, "SELECT 1234567890123456"); RC(sqlite3_prepare_v2(db, "SELECT 1234567890123456", 23, &stmt, 0)); STR(sqlite3_errmsg(db)); sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 1000000);
  run(db, "PRAGMA journal_mode = wal; INSERT INTO t VALUES(7, 7)"); copy_file(scratch("errors.db"), scratch("again.db")); copy_file(scratch("errors.db-wal"), scratch("again.db-wal")); RC(sqlite3_close(db));
  RC(sqlite3_open(scratch("again.db"), &db)); rows(db, "SELECT a FROM t"); RC(sqlite3_close(db)); RC(sqlite3_shutdown()); RC(sqlite3_config(SQLITE_CONFIG_LOG, (void *)0, (void *)0));
}
