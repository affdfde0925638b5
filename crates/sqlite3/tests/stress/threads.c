/* Sixteen threads on one serialized connection, then on a connection each, with functions, collations and hooks installed.
 * usage: threads FOLDER SECONDS. To be run under a sanitizer; ends with the number of statements. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "sqlite3.h"

enum { THREADS = 16 };

static sqlite3 *shared;
static const char *path;
static time_t deadline;
static long statements[THREADS];
static int failures[THREADS];

static void twice(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  sqlite3_result_int64(context, 2 * sqlite3_value_int64(values[0]));
}
static void add(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  sqlite3_int64 *sum = sqlite3_aggregate_context(context, sizeof *sum);
  if (sum) *sum += sqlite3_value_int64(values[0]);
}
static void total(sqlite3_context *context) {
  sqlite3_int64 *sum = sqlite3_aggregate_context(context, 0);
  sqlite3_result_int64(context, sum ? *sum : 0);
}
static int backwards(void *p, int n, const void *a, int m, const void *b) {
  (void)p;
  int order = memcmp(b, a, n < m ? n : m);
  return order ? order : m - n;
}
static int commit(void *p) { ++*(long *)p; return 0; }
static void rollback(void *p) { ++*(long *)p; }
static void update(void *p, int op, const char *db, const char *table, sqlite3_int64 rowid) {
  (void)op; (void)db; (void)table;
  *(long *)p += rowid & 1;
}
static int trace(unsigned what, void *p, void *a, void *b) { (void)what; (void)a; (void)b; ++*(long *)p; return 0; }
static int progress(void *p) { ++*(long *)p; return 0; }

/* Counters of one connection: its mutex guards them. */
typedef struct { long counts[5]; } Counters;

static void install(sqlite3 *db, Counters *counters) {
  sqlite3_create_function(db, "twice", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, 0, twice, 0, 0);
  sqlite3_create_function(db, "added", 1, SQLITE_UTF8, 0, 0, add, total);
  sqlite3_create_collation(db, "back", SQLITE_UTF8, 0, backwards);
  sqlite3_commit_hook(db, commit, &counters->counts[0]);
  sqlite3_rollback_hook(db, rollback, &counters->counts[1]);
  sqlite3_update_hook(db, update, &counters->counts[2]);
  sqlite3_trace_v2(db, SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE, trace, &counters->counts[3]);
  sqlite3_progress_handler(db, 100, progress, &counters->counts[4]);
  sqlite3_busy_timeout(db, 5000);
}

static void check(int thread, sqlite3 *db, int rc) {
  switch (rc & 0xff) {
    case SQLITE_OK: case SQLITE_ROW: case SQLITE_DONE: case SQLITE_BUSY: case SQLITE_LOCKED: case SQLITE_CONSTRAINT: break;
    default:
      if (!failures[thread]++) fprintf(stderr, "thread %d: %d %s\n", thread, rc, sqlite3_errmsg(db));
  }
}

static void work(int thread, sqlite3 *db) {
  unsigned seed = 12345u * (unsigned)thread + 1;
  sqlite3_stmt *insert = 0, *select = 0;
  check(thread, db, sqlite3_prepare_v2(db, "INSERT INTO t(b, c) VALUES(?1, twice(?1))", -1, &insert, 0));
  check(thread, db, sqlite3_prepare_v2(db, "SELECT added(c), max(b COLLATE back) FROM t WHERE a BETWEEN ?1 AND ?1 + 20", -1, &select, 0));
  while (time(0) < deadline && insert && select) {
    unsigned kind = rand_r(&seed) % 10, number = rand_r(&seed) % 1000;
    char sql[128];
    if (kind < 4) {
      sqlite3_bind_int(insert, 1, (int)number);
      check(thread, db, sqlite3_step(insert));
      sqlite3_reset(insert);
    } else if (kind < 8) {
      sqlite3_bind_int(select, 1, (int)number);
      int rc = sqlite3_step(select);
      if (rc == SQLITE_ROW) { sqlite3_column_int64(select, 0); sqlite3_column_text(select, 1); }
      check(thread, db, rc);
      sqlite3_reset(select);
    } else if (kind == 8) {
      snprintf(sql, sizeof sql, "UPDATE t SET c = c + 1 WHERE a = %u", number);
      check(thread, db, sqlite3_exec(db, sql, 0, 0, 0));
      sqlite3_changes(db); sqlite3_last_insert_rowid(db); sqlite3_errmsg(db);
    } else {
      snprintf(sql, sizeof sql, "DELETE FROM t WHERE a = %u; SELECT count(*) FROM t", number);
      char *message = 0;
      check(thread, db, sqlite3_exec(db, sql, 0, 0, &message));
      sqlite3_free(message);
    }
    statements[thread]++;
  }
  sqlite3_finalize(insert);
  sqlite3_finalize(select);
}

static void *on_shared(void *argument) { work((int)(size_t)argument, shared); return 0; }
static void *on_own(void *argument) {
  int thread = (int)(size_t)argument;
  Counters counters = {{0}};
  sqlite3 *db = 0;
  check(thread, db, sqlite3_open(path, &db));
  install(db, &counters);
  work(thread, db);
  check(thread, db, sqlite3_close(db));
  return 0;
}

static long run(const char *name, void *(*body)(void *), int seconds) {
  pthread_t threads[THREADS];
  long sum = 0;
  deadline = time(0) + seconds;
  for (size_t i = 0; i < THREADS; i++) pthread_create(&threads[i], 0, body, (void *)i);
  for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], 0);
  for (size_t i = 0; i < THREADS; i++) { sum += statements[i]; statements[i] = 0; }
  printf("%s: %ld statements\n", name, sum);
  return sum;
}

int main(int count, char **arguments) {
  static char name[1024];
  int seconds = count > 2 ? atoi(arguments[2]) : 5, failed = 0;
  Counters counters = {{0}};
  snprintf(name, sizeof name, "%s/threads.db", count > 1 ? arguments[1] : ".");
  path = name;
  if (sqlite3_open(path, &shared)) return 2;
  sqlite3_exec(shared, "PRAGMA journal_mode = wal; CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); CREATE INDEX i ON t(b)", 0, 0, 0);
  install(shared, &counters);
  run("one connection", on_shared, seconds);
  if (sqlite3_close(shared)) return 3;
  run("sixteen connections", on_own, seconds);
  if (sqlite3_open(path, &shared)) return 4;
  sqlite3_stmt *stmt = 0;
  sqlite3_prepare_v2(shared, "PRAGMA integrity_check", -1, &stmt, 0);
  if (sqlite3_step(stmt) != SQLITE_ROW || strcmp((const char *)sqlite3_column_text(stmt, 0), "ok")) failed = 1;
  sqlite3_finalize(stmt);
  sqlite3_close(shared);
  for (int i = 0; i < THREADS; i++) failed |= failures[i];
  return failed;
}
