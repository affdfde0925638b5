/* Statements: preparing in all variants, binding, stepping, columns, metadata, counters. */
#include "api.h"

static int stop_after_two(void *p, int n, char **texts, char **names) { (void)texts; (void)names; printf("row of %d\n", n); return ++*(int *)p == 2; }

static void binding(sqlite3 *db) {
  sqlite3_stmt *stmt = 0, *other = 0;
  RC(sqlite3_prepare_v2(db, "SELECT ?1, :name, @at, $dollar, ?9", -1, &stmt, 0));
  INT(sqlite3_bind_parameter_count(stmt)); INT(sqlite3_bind_parameter_index(stmt, ":name")); INT(sqlite3_bind_parameter_index(stmt, "name")); INT(sqlite3_bind_parameter_index(stmt, 0));
  STR(sqlite3_bind_parameter_name(stmt, 1)); STR(sqlite3_bind_parameter_name(stmt, 2)); STR(sqlite3_bind_parameter_name(stmt, 8)); STR(sqlite3_bind_parameter_name(stmt, 10));
  RC(sqlite3_bind_int(stmt, 1, 5)); RC(sqlite3_bind_int64(stmt, 2, (sqlite3_int64)1 << 40)); RC(sqlite3_bind_double(stmt, 3, 1.5)); RC(sqlite3_bind_null(stmt, 4));
  RC(sqlite3_bind_text(stmt, 9, "text", -1, SQLITE_TRANSIENT)); RC(sqlite3_bind_int(stmt, 0, 1)); RC(sqlite3_bind_int(stmt, 10, 1));
  RC(sqlite3_step(stmt)); RC(sqlite3_bind_int(stmt, 1, 6)); STR(sqlite3_errmsg(db));
  char *expanded = sqlite3_expanded_sql(stmt); STR(expanded); sqlite3_free(expanded); STR(sqlite3_sql(stmt));
  RC(sqlite3_reset(stmt)); RC(sqlite3_clear_bindings(stmt)); RC(sqlite3_step(stmt)); INT(sqlite3_column_type(stmt, 0)); RC(sqlite3_reset(stmt));
  RC(sqlite3_bind_blob(stmt, 1, "bl\0b", 4, SQLITE_STATIC)); RC(sqlite3_bind_blob64(stmt, 2, "blob", 2, SQLITE_TRANSIENT)); RC(sqlite3_bind_zeroblob(stmt, 3, 3));
  RC(sqlite3_bind_zeroblob64(stmt, 4, 2)); RC(sqlite3_bind_text16(stmt, 9, wide("wide"), -1, SQLITE_TRANSIENT));
  RC(sqlite3_step(stmt));
  for (int i = 0; i < 5; i++) show_bytes("column", sqlite3_column_blob(stmt, i), sqlite3_column_bytes(stmt, i));
  RC(sqlite3_reset(stmt)); RC(sqlite3_bind_text64(stmt, 1, "sixty-four", 5, SQLITE_TRANSIENT, SQLITE_UTF8));
  RC(sqlite3_bind_pointer(stmt, 2, &stmt, "kind", 0)); RC(sqlite3_bind_zeroblob64(stmt, 3, (sqlite3_uint64)1 << 40)); RC(sqlite3_bind_blob(stmt, 3, 0, 0, 0));
  RC(sqlite3_step(stmt)); STR(sqlite3_column_text(stmt, 0)); INT(sqlite3_column_type(stmt, 1)); INT(sqlite3_column_type(stmt, 2));
  RC(sqlite3_prepare_v2(db, "SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?", -1, &other, 0));
  RC(sqlite3_bind_value(other, 1, sqlite3_column_value(stmt, 0))); RC(sqlite3_step(other)); STR(sqlite3_column_text(other, 0));
  RC(sqlite3_reset(stmt)); RC(sqlite3_reset(other)); RC(sqlite3_transfer_bindings(stmt, other)); INT(sqlite3_expired(stmt));
  RC(sqlite3_finalize(other)); RC(sqlite3_finalize(stmt)); RC(sqlite3_finalize(0)); RC(sqlite3_reset(0)); RC(sqlite3_step(0)); RC(sqlite3_bind_int(0, 1, 1));
}

/* Columns that subqueries take from the query around them. */
static void outer_columns(sqlite3 *db) {
  const char *queries[] = { "SELECT (SELECT a) FROM t", "SELECT (SELECT t.b FROM t AS u) FROM t", "SELECT (SELECT (SELECT rowid)) FROM t", "SELECT (SELECT q) FROM (SELECT b AS q FROM t)", "SELECT (SELECT a + 1) FROM t", "SELECT (SELECT a UNION SELECT 1) FROM t", 0 };
  for (int i = 0; queries[i]; i++) {
    sqlite3_stmt *stmt = 0;
    RC(sqlite3_prepare_v2(db, queries[i], -1, &stmt, 0)); STR(sqlite3_column_decltype(stmt, 0)); STR(sqlite3_column_database_name(stmt, 0)); STR(sqlite3_column_table_name(stmt, 0)); STR(sqlite3_column_origin_name(stmt, 0)); RC(sqlite3_finalize(stmt));
  }
}

static void columns(sqlite3 *db) {
  outer_columns(db);
  sqlite3_stmt *stmt = 0;
  RC(sqlite3_db_config(db, SQLITE_DBCONFIG_STMT_SCANSTATUS, 1, (int *)0));
  RC(sqlite3_prepare_v2(db, "SELECT a AS x, b, c || 'z', 12, 1.5, NULL, x'0102' FROM t ORDER BY a", -1, &stmt, 0));
  INT(sqlite3_column_count(stmt)); INT(sqlite3_data_count(stmt)); INT(sqlite3_stmt_readonly(stmt)); INT(sqlite3_stmt_busy(stmt));
  for (int i = 0; i < 4; i++) {
    STR(sqlite3_column_name(stmt, i)); STR(sqlite3_column_decltype(stmt, i)); STR(sqlite3_column_database_name(stmt, i)); STR(sqlite3_column_table_name(stmt, i)); STR(sqlite3_column_origin_name(stmt, i));
  }
  show_wide("name16", sqlite3_column_name16(stmt, 0)); show_wide("decltype16", sqlite3_column_decltype16(stmt, 0)); show_wide("database16", sqlite3_column_database_name16(stmt, 0));
  show_wide("table16", sqlite3_column_table_name16(stmt, 0)); show_wide("origin16", sqlite3_column_origin_name16(stmt, 1)); STR(sqlite3_column_name(stmt, 99)); STR(sqlite3_column_name(stmt, -1));
  INT(sqlite3_column_int(stmt, 0)); INT(sqlite3_column_type(stmt, 0));
  RC(sqlite3_step(stmt)); INT(sqlite3_data_count(stmt)); INT(sqlite3_stmt_busy(stmt));
  for (int i = 0; i < 8; i++) {
    INT(sqlite3_column_type(stmt, i)); INT(sqlite3_column_int(stmt, i)); INT(sqlite3_column_int64(stmt, i)); REAL(sqlite3_column_double(stmt, i)); INT(sqlite3_column_bytes(stmt, i));
    show_value("value", sqlite3_column_value(stmt, i)); if (sqlite3_column_type(stmt, i) != SQLITE_BLOB) { show_bytes("text", sqlite3_column_text(stmt, i), sqlite3_column_bytes(stmt, i)); INT(sqlite3_column_bytes16(stmt, i)); }
  }
  show_wide("text16", sqlite3_column_text16(stmt, 2));
  RC(sqlite3_step(stmt)); RC(sqlite3_step(stmt)); RC(sqlite3_step(stmt)); INT(sqlite3_data_count(stmt));
  SET(sqlite3_db_handle(stmt) == db); SET(sqlite3_next_stmt(db, 0) == stmt); SET(sqlite3_next_stmt(db, stmt));
  INT(sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_RUN, 1)); INT(sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_RUN, 0)); INT(sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_REPREPARE, 0));
  INT(sqlite3_stmt_isexplain(stmt));
  const char *scan = 0; sqlite3_int64 loops = 0;
  RC(sqlite3_stmt_scanstatus(stmt, 0, SQLITE_SCANSTAT_NAME, &scan)); STR(scan); RC(sqlite3_stmt_scanstatus(stmt, 0, SQLITE_SCANSTAT_NVISIT, &loops)); INT(loops); RC(sqlite3_stmt_scanstatus_v2(stmt, 99, SQLITE_SCANSTAT_NLOOP, 0, &loops)); sqlite3_stmt_scanstatus_reset(stmt);
  RC(sqlite3_stmt_scanstatus(stmt, 0, SQLITE_SCANSTAT_NVISIT, &loops)); INT(loops); RC(sqlite3_stmt_scanstatus(stmt, 0, SQLITE_SCANSTAT_EXPLAIN, &scan)); STR(scan);
  RC(sqlite3_finalize(stmt));
  RC(sqlite3_prepare_v2(db, "SELECT x.a FROM t x LEFT JOIN t y ON y.a = x.a + 1 WHERE x.a > 0 ORDER BY x.b", -1, &stmt, 0));
  for (int i = 0; i < 2; i++) { while (sqlite3_step(stmt) == SQLITE_ROW) {} RC(sqlite3_reset(stmt)); }
  for (int i = -1; i < 9; i++) {
    scan = 0; loops = 0;
    RC(sqlite3_stmt_scanstatus_v2(stmt, i, SQLITE_SCANSTAT_EXPLAIN, SQLITE_SCANSTAT_COMPLEX, &scan)); STR(scan);
    if (scan && strncmp(scan, "USE TEMP", 8)) { RC(sqlite3_stmt_scanstatus_v2(stmt, i, SQLITE_SCANSTAT_NLOOP, SQLITE_SCANSTAT_COMPLEX, &loops)); INT(loops); RC(sqlite3_stmt_scanstatus_v2(stmt, i, SQLITE_SCANSTAT_NVISIT, SQLITE_SCANSTAT_COMPLEX, &loops)); INT(loops); }
  }
  RC(sqlite3_finalize(stmt)); RC(sqlite3_db_config(db, SQLITE_DBCONFIG_STMT_SCANSTATUS, 0, (int *)0));
}

/* A pointer goes with the column that it is selected as. */
static void selected_pointers(sqlite3 *db) {
  sqlite3_stmt *stmt = 0; int thing = 0;
  RC(sqlite3_prepare_v2(db, "SELECT ?1, ?2", -1, &stmt, 0)); RC(sqlite3_bind_pointer(stmt, 1, &thing, "kind", 0)); RC(sqlite3_step(stmt));
  INT(sqlite3_value_pointer(sqlite3_column_value(stmt, 0), "kind") == &thing); INT(sqlite3_value_pointer(sqlite3_column_value(stmt, 1), "kind") == &thing);
  INT(sqlite3_column_type(stmt, 0)); RC(sqlite3_reset(stmt)); RC(sqlite3_bind_null(stmt, 1)); RC(sqlite3_step(stmt));
  INT(sqlite3_value_pointer(sqlite3_column_value(stmt, 0), "kind") == &thing); RC(sqlite3_finalize(stmt));
}

static void preparing(sqlite3 *db) {
  sqlite3_stmt *stmt = 0; const char *tail = 0; const void *tail16 = 0;
  RC(sqlite3_prepare_v2(db, "SELECT 1; SELECT 2", -1, &stmt, &tail)); STR(tail); sqlite3_finalize(stmt);
  RC(sqlite3_prepare_v2(db, "SELECT 12345", 8, &stmt, &tail)); STR(sqlite3_sql(stmt)); STR(tail); sqlite3_finalize(stmt);
  RC(sqlite3_prepare_v2(db, " -- nothing", -1, &stmt, &tail)); SET(stmt); STR(tail);
  RC(sqlite3_prepare_v2(db, "SELEC 1", -1, &stmt, &tail)); SET(stmt); STR(sqlite3_errmsg(db)); INT(sqlite3_error_offset(db));
  RC(sqlite3_prepare_v2(0, "SELECT 1", -1, &stmt, 0)); RC(sqlite3_prepare_v2(db, 0, -1, &stmt, 0)); RC(sqlite3_prepare_v2(db, "SELECT 1", -1, 0, 0));
  RC(sqlite3_prepare_v3(db, "SELECT 3", -1, SQLITE_PREPARE_PERSISTENT, &stmt, 0)); RC(sqlite3_step(stmt)); sqlite3_finalize(stmt);
  RC(sqlite3_prepare16(db, wide("SELECT 16; x"), -1, &stmt, &tail16)); show_wide("tail", tail16); sqlite3_finalize(stmt);
  RC(sqlite3_prepare16_v2(db, wide("SELECT 17"), -1, &stmt, &tail16)); show_wide("tail", tail16); STR(sqlite3_sql(stmt)); sqlite3_finalize(stmt);
  RC(sqlite3_prepare16_v3(db, wide("SELECT 18"), -1, 0, &stmt, 0)); RC(sqlite3_step(stmt)); INT(sqlite3_column_int(stmt, 0)); sqlite3_finalize(stmt);
  RC(sqlite3_prepare(db, "INSERT INTO t VALUES(1, 2, 3)", -1, &stmt, 0)); RC(sqlite3_step(stmt)); STR(sqlite3_errmsg(db)); RC(sqlite3_reset(stmt)); STR(sqlite3_errmsg(db)); RC(sqlite3_finalize(stmt));
  RC(sqlite3_prepare_v2(db, "INSERT INTO t VALUES(1, 2, 3)", -1, &stmt, 0)); INT(sqlite3_stmt_readonly(stmt)); RC(sqlite3_step(stmt)); STR(sqlite3_errmsg(db)); RC(sqlite3_finalize(stmt));
  RC(sqlite3_prepare_v2(db, "SELECT * FROM t", -1, &stmt, 0)); run(db, "ALTER TABLE t ADD COLUMN d DEFAULT 'new'"); INT(sqlite3_column_count(stmt));
  RC(sqlite3_step(stmt)); INT(sqlite3_column_count(stmt)); INT(sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_REPREPARE, 0)); sqlite3_finalize(stmt);
  RC(sqlite3_prepare_v2(db, "EXPLAIN QUERY PLAN SELECT * FROM t", -1, &stmt, 0)); INT(sqlite3_stmt_isexplain(stmt)); sqlite3_finalize(stmt);
  RC(sqlite3_prepare_v2(db, "EXPLAIN SELECT 1", -1, &stmt, 0)); INT(sqlite3_stmt_isexplain(stmt)); sqlite3_finalize(stmt);
  RC(sqlite3_prepare_v2(db, "SELECT a FROM t", -1, &stmt, 0)); RC(sqlite3_stmt_explain(stmt, 2)); INT(sqlite3_stmt_isexplain(stmt)); RC(sqlite3_step(stmt)); STR(sqlite3_column_text(stmt, 3));
  RC(sqlite3_stmt_explain(stmt, 0)); RC(sqlite3_reset(stmt)); RC(sqlite3_stmt_explain(stmt, 0)); INT(sqlite3_stmt_isexplain(stmt)); RC(sqlite3_step(stmt)); INT(sqlite3_column_int(stmt, 0)); RC(sqlite3_stmt_explain(stmt, 5)); sqlite3_finalize(stmt);
  RC(sqlite3_prepare_v3(db, "SELECT a, 'lit', 12 FROM t WHERE a IN (1, 2, 3)", -1, SQLITE_PREPARE_DONT_LOG, &stmt, 0)); STR(sqlite3_normalized_sql(stmt)); sqlite3_finalize(stmt);
}

static void tables(sqlite3 *db) {
  char **cells = 0, *message = 0; int height = 0, width = 0, count = 0;
  const char *type = 0, *collation = 0; int not_null = -1, key = -1, automatic = -1;
  RC(sqlite3_get_table(db, "SELECT a, b FROM t ORDER BY a", &cells, &height, &width, &message)); INT(height); INT(width);
  for (int i = 0; i < (height + 1) * width; i++) STR(cells[i]);
  sqlite3_free_table(cells); sqlite3_free_table(0);
  RC(sqlite3_get_table(db, "SELECT nothing", &cells, &height, &width, &message)); STR(message); SET(cells); sqlite3_free(message);
  RC(sqlite3_exec(db, "SELECT 1; SELECT 2; SELECT 3", stop_after_two, &count, &message)); STR(message); sqlite3_free(message);
  RC(sqlite3_exec(db, "SELECT 1; bad", 0, 0, &message)); STR(message); sqlite3_free(message); RC(sqlite3_exec(db, 0, 0, 0, 0)); RC(sqlite3_exec(0, "SELECT 1", 0, 0, 0));
  RC(sqlite3_table_column_metadata(db, "main", "t", "a", &type, &collation, &not_null, &key, &automatic)); STR(type); STR(collation); INT(not_null); INT(key); INT(automatic);
  RC(sqlite3_table_column_metadata(db, 0, "t", "b", &type, &collation, &not_null, &key, &automatic)); STR(type); STR(collation); INT(not_null); INT(key); INT(automatic);
  RC(sqlite3_table_column_metadata(db, 0, "t", "rowid", &type, &collation, &not_null, &key, &automatic)); STR(type);
  RC(sqlite3_table_column_metadata(db, 0, "t", "nothing", 0, 0, 0, 0, 0)); STR(sqlite3_errmsg(db)); RC(sqlite3_table_column_metadata(db, 0, "t", 0, 0, 0, 0, 0, 0)); RC(sqlite3_table_column_metadata(db, 0, "nothing", 0, 0, 0, 0, 0, 0));
}

static void counter(sqlite3_stmt *stmt, const char *when) {
  printf("%s: steps %d sorts %d runs %d\n", when, sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0), sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_SORT, 0), sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_RUN, 0));
}
static int profiled(unsigned what, void *p, void *stmt, void *took) { (void)what; (void)p; (void)took; counter(stmt, "profile"); return 0; }

/* What statements count, asked between runs and by a tracer. */
static void counters(sqlite3 *db) {
  sqlite3_stmt *stmt = 0;
  RC(sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, profiled, 0));
  RC(sqlite3_prepare_v2(db, "SELECT b FROM t ORDER BY c", -1, &stmt, 0)); counter(stmt, "prepared");
  while (sqlite3_step(stmt) == SQLITE_ROW);
  counter(stmt, "run"); sqlite3_reset(stmt);
  while (sqlite3_step(stmt) == SQLITE_ROW);
  counter(stmt, "run again"); SET(sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1)); INT(sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 0));
  INT(sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_SORT, 1)); counter(stmt, "sorts reset"); SET(sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_MEMUSED, 1)); INT(sqlite3_stmt_status(stmt, 55, 0));
  sqlite3_finalize(stmt);
  RC(sqlite3_trace_v2(db, 0, 0, 0));
}

void statements(void) {
  sqlite3 *db = fresh();
  run(db, "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT, b VARCHAR(10) NOT NULL COLLATE NOCASE, c); INSERT INTO t VALUES(1, 'one', 'c1'), (2, 'two', NULL)");
  binding(db); columns(db); preparing(db); selected_pointers(db); tables(db); counters(db);
  RC(sqlite3_close(db));
}
