/* What the application is asked and told. */
#include "api.h"

static sqlite3 *watched;
static int refuse;
static int commit(void *p) { printf("commit %s\n", (char *)p); return refuse; }
static void rolled_back(void *p) { printf("rollback %s\n", (char *)p); }
static void updated(void *p, int op, const char *db, const char *table, sqlite3_int64 rowid) { printf("update %s %d %s.%s %lld\n", (char *)p, op, db, table, rowid); }
static void changing(void *p, sqlite3 *db, int op, const char *name, const char *table, sqlite3_int64 before, sqlite3_int64 after) {
  sqlite3_value *value = 0;
  printf("preupdate %s %d %s.%s %lld %lld columns %d depth %d blob %d\n", (char *)p, op, name, table, before, after, sqlite3_preupdate_count(db), sqlite3_preupdate_depth(db), sqlite3_preupdate_blobwrite(db));
  if (op != SQLITE_INSERT) { RC(sqlite3_preupdate_old(db, 1, &value)); show_value("old", value); }
  if (op != SQLITE_DELETE) { RC(sqlite3_preupdate_new(db, 1, &value)); show_value("new", value); }
  RC(sqlite3_preupdate_old(db, 9, &value)); 
}
static int authorize(void *p, int action, const char *a, const char *b, const char *db, const char *inner) {
  (void)p;
  printf("authorize %d %s %s %s %s\n", action, a ? a : "-", b ? b : "-", db ? db : "-", inner ? inner : "-");
  if (action == SQLITE_READ && b && !strcmp(b, "secret")) return SQLITE_IGNORE;
  return action == SQLITE_DELETE ? SQLITE_DENY : SQLITE_OK;
}
static int traced(unsigned what, void *p, void *a, void *b) {
  (void)p;
  if (what == SQLITE_TRACE_STMT) printf("trace statement %s\n", (const char *)b);
  else if (what == SQLITE_TRACE_PROFILE) printf("trace profile %s\n", sqlite3_sql(a));
  else if (what == SQLITE_TRACE_ROW) printf("trace row %s\n", sqlite3_sql(a));
  else if (what == SQLITE_TRACE_CLOSE) printf("trace close %d\n", a == (void *)watched);
  return 0;
}
static void within(sqlite3_context *context, int n, sqlite3_value **values) {
  (void)n; (void)values;
  run(sqlite3_context_db_handle(context), "SELECT 'within',\n 2"); sqlite3_result_int(context, 1);
}
static void old_trace(void *p, const char *sql) { printf("old trace %s %s\n", (char *)p, sql); }
static void old_profile(void *p, const char *sql, sqlite3_uint64 took) { (void)took; printf("old profile %s %s\n", (char *)p, sql); }
static int progress(void *p) { return ++*(int *)p > 3; }
static void unlocked(void **list, int count) { printf("unlocked %d %s\n", count, (char *)list[0]); }
static unsigned all_pages(void *p, const char *name, unsigned pages, unsigned spare, unsigned size) { (void)p; (void)pages; (void)size; printf("autovacuum %s\n", name); return spare; }

void hooks(void) {
  sqlite3 *db = fresh();
  int steps = 0;
  run(db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b, secret); CREATE TABLE n(x PRIMARY KEY, y) WITHOUT ROWID; CREATE TABLE l(x); CREATE TRIGGER tr AFTER INSERT ON t WHEN new.a > 50 BEGIN INSERT INTO l VALUES(new.b); END");
  STR(sqlite3_commit_hook(db, commit, "c1")); STR(sqlite3_commit_hook(db, commit, "c2")); STR(sqlite3_rollback_hook(db, rolled_back, "r1")); STR(sqlite3_update_hook(db, updated, "u1"));
  run(db, "INSERT INTO t VALUES(1, 'one', 's'), (2, 'two', 's')"); run(db, "BEGIN; UPDATE t SET b = 'x' WHERE a = 1; ROLLBACK"); run(db, "INSERT INTO n VALUES(1, 2)"); run(db, "REPLACE INTO t VALUES(1, 'again', 's')");
  refuse = 1; run(db, "DELETE FROM t WHERE a = 2"); refuse = 0; rows(db, "SELECT count(*) FROM t");
  STR(sqlite3_commit_hook(db, 0, 0)); STR(sqlite3_rollback_hook(db, 0, 0)); STR(sqlite3_update_hook(db, 0, 0));
  STR(sqlite3_preupdate_hook(db, changing, "p1"));
  run(db, "INSERT INTO t VALUES(60, 'deep', 's')"); run(db, "UPDATE t SET b = 'second' WHERE a = 2"); run(db, "UPDATE t SET a = 3 WHERE a = 2"); run(db, "DELETE FROM t WHERE a = 3"); run(db, "UPDATE n SET y = 5"); run(db, "REPLACE INTO t VALUES(1, 'r', 's')"); run(db, "DELETE FROM t");
  STR(sqlite3_preupdate_hook(db, 0, 0)); INT(sqlite3_preupdate_count(db)); 
  RC(sqlite3_set_authorizer(db, authorize, 0)); run(db, "INSERT INTO t VALUES(1, 2, 'hidden')"); run(db, "SELECT secret, b FROM t"); run(db, "DELETE FROM t"); RC(sqlite3_set_authorizer(db, 0, 0));
  watched = db;
  RC(sqlite3_trace_v2(db, 15, traced, 0)); run(db, "SELECT a FROM t"); run(db, "INSERT INTO t VALUES(70, 'tr', 0)"); RC(sqlite3_trace_v2(db, 0, 0, 0));
  sqlite3_create_function(db, "within", 0, SQLITE_UTF8, 0, within, 0, 0);
  RC(sqlite3_trace_v2(db, SQLITE_TRACE_STMT, traced, 0)); run(db, "SELECT within()"); run(db, "SELECT name FROM pragma_table_info('t')"); RC(sqlite3_trace_v2(db, 0, 0, 0));
  STR(sqlite3_trace(db, old_trace, "o1")); run(db, "SELECT within()"); STR(sqlite3_trace(db, old_trace, "o1")); STR(sqlite3_profile(db, old_profile, "o2")); run(db, "SELECT 5"); STR(sqlite3_trace(db, 0, 0)); STR(sqlite3_profile(db, 0, 0));
  sqlite3_progress_handler(db, 10, progress, &steps); run(db, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 10000) SELECT count(*) FROM c"); RC(sqlite3_errcode(db)); sqlite3_progress_handler(db, 0, 0, 0); INT(steps);
  RC(sqlite3_unlock_notify(db, unlocked, "me")); RC(sqlite3_unlock_notify(db, 0, 0));
  RC(sqlite3_autovacuum_pages(db, all_pages, 0, 0)); RC(sqlite3_autovacuum_pages(db, 0, 0, 0));
  RC(sqlite3_trace_v2(db, SQLITE_TRACE_CLOSE, traced, 0));
  RC(sqlite3_close(db));
}
