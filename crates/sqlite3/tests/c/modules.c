/* Virtual tables of the application. */
#include "api.h"

static sqlite3 *keeper;

typedef struct { sqlite3_vtab base; } Table;
typedef struct { sqlite3_vtab_cursor base; int at, from, to; } Cursor;

static int connect(sqlite3 *db, void *p, int count, const char *const *words, sqlite3_vtab **table, char **message) {
  printf("connect %s with %d words, last %s\n", (char *)p, count, words[count - 1]);
  if (count > 3 && !strcmp(words[3], "fail")) { *message = sqlite3_mprintf("cannot %s", "connect"); return SQLITE_ERROR; }
  RC(sqlite3_declare_vtab(db, "CREATE TABLE x(n INTEGER, square, hidden_one HIDDEN)"));
  RC(sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS)); RC(sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1)); RC(sqlite3_vtab_config(db, 99));
  *table = sqlite3_malloc(sizeof(Table)); memset(*table, 0, sizeof(Table));
  return SQLITE_OK;
}
static int disconnect(sqlite3_vtab *table) { printf("disconnect\n"); sqlite3_free(table); return SQLITE_OK; }
static int best(sqlite3_vtab *table, sqlite3_index_info *info) {
  (void)table;
  int next = 0;
  printf("best: %d constraints, %d terms, distinct %d\n", info->nConstraint, info->nOrderBy, sqlite3_vtab_distinct(info));
  for (int i = 0; i < info->nConstraint; i++) {
    sqlite3_value *right = 0;
    int known = sqlite3_vtab_rhs_value(info, i, &right);
    printf("  column %d op %d usable %d collation %s in %d rhs %d\n", info->aConstraint[i].iColumn, info->aConstraint[i].op, info->aConstraint[i].usable, sqlite3_vtab_collation(info, i), sqlite3_vtab_in(info, i, -1), known);
    if (info->aConstraint[i].usable && info->aConstraint[i].iColumn == 0 && info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ) {
      info->aConstraintUsage[i].argvIndex = ++next; info->idxNum = 1;
      if (sqlite3_vtab_in(info, i, 1)) info->idxNum = 2;
    }
  }
  info->idxStr = sqlite3_mprintf("plan %d", info->idxNum); info->needToFreeIdxStr = 1; info->estimatedCost = next ? 1 : 100; info->estimatedRows = 5;
  return SQLITE_OK;
}
static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor) { (void)table; *cursor = sqlite3_malloc(sizeof(Cursor)); memset(*cursor, 0, sizeof(Cursor)); return SQLITE_OK; }
static int close_cursor(sqlite3_vtab_cursor *cursor) { sqlite3_free(cursor); return SQLITE_OK; }
static int filter(sqlite3_vtab_cursor *base, int number, const char *text, int count, sqlite3_value **values) {
  Cursor *cursor = (Cursor *)base;
  sqlite3_value *each = 0;
  printf("filter %d '%s' %d\n", number, text, count);
  cursor->from = 1; cursor->to = 5;
  if (number == 1) cursor->from = cursor->to = sqlite3_value_int(values[0]);
  if (number == 2) { for (int rc = sqlite3_vtab_in_first(values[0], &each); rc == SQLITE_OK && each; rc = sqlite3_vtab_in_next(values[0], &each)) show_value("in", each); }
  cursor->at = cursor->from;
  return SQLITE_OK;
}
static int next_row(sqlite3_vtab_cursor *base) { ((Cursor *)base)->at++; return SQLITE_OK; }
static int at_end(sqlite3_vtab_cursor *base) { Cursor *c = (Cursor *)base; return c->at > c->to; }
static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int index) {
  int n = ((Cursor *)base)->at;
  if (sqlite3_vtab_nochange(context)) return SQLITE_OK;
  if (index == 0) sqlite3_result_int(context, n); else if (index == 1) sqlite3_result_int(context, n * n); else sqlite3_result_text(context, "hidden", -1, SQLITE_STATIC);
  return SQLITE_OK;
}
static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *place) { *place = ((Cursor *)base)->at; return SQLITE_OK; }
static sqlite3 *owner;
static int update(sqlite3_vtab *table, int count, sqlite3_value **values, sqlite3_int64 *place) {
  printf("update %d on conflict %d\n", count, sqlite3_vtab_on_conflict(owner));
  for (int i = 0; i < count; i++) { show_value("value", values[i]); INT(sqlite3_value_nochange(values[i])); }
  if (count > 2 && sqlite3_value_int(values[2]) == 13) { table->zErrMsg = sqlite3_mprintf("thirteen"); return SQLITE_CONSTRAINT; }
  *place = 99;
  return SQLITE_OK;
}
static int begin(sqlite3_vtab *t) { (void)t; printf("begin\n"); return SQLITE_OK; }
static int sync_all(sqlite3_vtab *t) { (void)t; printf("sync\n"); return SQLITE_OK; }
static int commit(sqlite3_vtab *t) { (void)t; printf("commit\n"); return SQLITE_OK; }
static int rollback(sqlite3_vtab *t) { (void)t; printf("rollback\n"); return SQLITE_OK; }
static int rename_table(sqlite3_vtab *t, const char *name) { (void)t; printf("rename %s\n", name); return SQLITE_OK; }
static void gone(void *p) { printf("module %s gone\n", (char *)p); }

static const sqlite3_module squares = {
  .iVersion = 1, .xCreate = connect, .xConnect = connect, .xBestIndex = best, .xDisconnect = disconnect, .xDestroy = disconnect, .xOpen = open_cursor, .xClose = close_cursor,
  .xFilter = filter, .xNext = next_row, .xEof = at_end, .xColumn = column, .xRowid = rowid, .xUpdate = update, .xBegin = begin, .xSync = sync_all, .xCommit = commit, .xRollback = rollback, .xRename = rename_table,
};

static int geometry(sqlite3_rtree_geometry *g, int count, sqlite3_rtree_dbl *coordinates, int *within) {
  printf("geometry of %d parameters, %d coordinates\n", g->nParam, count);
  *within = coordinates[0] <= g->aParam[0] && coordinates[1] >= g->aParam[0];
  return SQLITE_OK;
}
static int query(sqlite3_rtree_query_info *q) {
  q->eWithin = q->aCoord[0] <= q->aParam[0] && q->aCoord[1] >= q->aParam[0] ? FULLY_WITHIN : NOT_WITHIN;
  q->rScore = 1;
  return SQLITE_OK;
}

static void rtrees(void) {
  sqlite3 *db = fresh();
  RC(sqlite3_rtree_geometry_callback(db, "at", geometry, 0)); RC(sqlite3_rtree_query_callback(db, "around", query, "around", gone));
  run(db, "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1); INSERT INTO r VALUES(1, 0, 10), (2, 5, 20)");
  run(db, "SELECT id FROM r WHERE id MATCH at(3)"); run(db, "SELECT id FROM r WHERE id MATCH around(7) ORDER BY id");
  RC(sqlite3_close(db));
}

static void arrays(void) {
  sqlite3 *db = fresh(); sqlite3_stmt *stmt = 0;
  int small[] = {3, 1, 2}; sqlite3_int64 *large = sqlite3_malloc(16); const char *texts[] = {"a", "b"}; double reals[] = {1.5};
  RC(sqlite3_prepare_v2(db, "SELECT value FROM carray(?)", -1, &stmt, 0));
  RC(sqlite3_carray_bind(stmt, 1, small, 3, SQLITE_CARRAY_INT32, SQLITE_STATIC)); while (sqlite3_step(stmt) == SQLITE_ROW) INT(sqlite3_column_int(stmt, 0)); RC(sqlite3_reset(stmt));
  large[0] = (sqlite3_int64)1 << 40; large[1] = -1;
  RC(sqlite3_carray_bind_v2(stmt, 1, large, 2, SQLITE_CARRAY_INT64, sqlite3_free, large)); while (sqlite3_step(stmt) == SQLITE_ROW) INT(sqlite3_column_int64(stmt, 0)); RC(sqlite3_reset(stmt));
  RC(sqlite3_carray_bind(stmt, 1, texts, 2, SQLITE_CARRAY_TEXT, SQLITE_TRANSIENT)); while (sqlite3_step(stmt) == SQLITE_ROW) STR(sqlite3_column_text(stmt, 0)); RC(sqlite3_reset(stmt));
  RC(sqlite3_carray_bind(stmt, 1, reals, 1, SQLITE_CARRAY_DOUBLE, SQLITE_STATIC)); while (sqlite3_step(stmt) == SQLITE_ROW) REAL(sqlite3_column_double(stmt, 0)); RC(sqlite3_reset(stmt));
  RC(sqlite3_carray_bind(stmt, 1, reals, 1, 77, SQLITE_STATIC)); RC(sqlite3_finalize(stmt)); RC(sqlite3_close(db));
}

/* A module that keeps its rows in a table of its own, which it makes and drops. */
static int keep_connect(sqlite3 *db, void *data, int count, const char *const *arguments, sqlite3_vtab **table, char **message) {
  (void)data; (void)count; (void)arguments; (void)message; keeper = db; *table = sqlite3_malloc(sizeof **table); memset(*table, 0, sizeof **table);
  return sqlite3_declare_vtab(db, "CREATE TABLE x(a)");
}
static int keep_create(sqlite3 *db, void *data, int count, const char *const *arguments, sqlite3_vtab **table, char **message) {
  RC(sqlite3_exec(db, "CREATE TABLE kept_rows(a); CREATE INDEX kept_index ON kept_rows(a)", 0, 0, 0)); return keep_connect(db, data, count, arguments, table, message);
}
static int keep_disconnect(sqlite3_vtab *table) { sqlite3_free(table); return SQLITE_OK; }
static int keep_destroy(sqlite3_vtab *table) { RC(sqlite3_exec(keeper, "DROP TABLE kept_rows", 0, 0, 0)); return keep_disconnect(table); }
static int keep_plan(sqlite3_vtab *table, sqlite3_index_info *info) { (void)table; (void)info; return SQLITE_OK; }
static void tables_of_a_module(void) {
  static sqlite3_module keep; sqlite3 *db = fresh(); keep.xCreate = keep_create; keep.xConnect = keep_connect; keep.xBestIndex = keep_plan; keep.xDisconnect = keep_disconnect; keep.xDestroy = keep_destroy;
  RC(sqlite3_create_module(db, "keep", &keep, 0)); run(db, "CREATE VIRTUAL TABLE kept USING keep"); run(db, "INSERT INTO kept_rows VALUES(1)"); run(db, "DROP TABLE kept"); run(db, "SELECT name FROM sqlite_schema"); RC(sqlite3_close(db));
}

/* A statement keeps the table that it was prepared with when its module is replaced. */
static int narrow_connect(sqlite3 *db, void *data, int count, const char *const *arguments, sqlite3_vtab **table, char **message) {
  (void)count; (void)arguments; (void)message; *table = sqlite3_malloc(sizeof **table); memset(*table, 0, sizeof **table); return sqlite3_declare_vtab(db, data);
}
static int narrow_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor) { (void)table; *cursor = sqlite3_malloc(sizeof **cursor); return SQLITE_OK; }
static int narrow_close(sqlite3_vtab_cursor *cursor) { sqlite3_free(cursor); return SQLITE_OK; }
static int narrow_at; static int narrow_filter(sqlite3_vtab_cursor *c, int n, const char *s, int m, sqlite3_value **v) { (void)c; (void)n; (void)s; (void)m; (void)v; narrow_at = 0; return SQLITE_OK; }
static int narrow_next(sqlite3_vtab_cursor *c) { (void)c; narrow_at++; return SQLITE_OK; } static int narrow_end(sqlite3_vtab_cursor *c) { (void)c; return narrow_at > 0; }
static int narrow_column(sqlite3_vtab_cursor *c, sqlite3_context *x, int i) { (void)c; sqlite3_result_int(x, i); return SQLITE_OK; } static int narrow_rowid(sqlite3_vtab_cursor *c, sqlite3_int64 *id) { (void)c; *id = narrow_at; return SQLITE_OK; }
static void replaced_modules(void) {
  sqlite3_module m; sqlite3 *db = fresh(); sqlite3_stmt *stmt = 0; memset(&m, 0, sizeof m); m.xConnect = narrow_connect; m.xBestIndex = keep_plan; m.xDisconnect = keep_disconnect; m.xOpen = narrow_open; m.xClose = narrow_close; m.xFilter = narrow_filter; m.xNext = narrow_next; m.xEof = narrow_end; m.xColumn = narrow_column; m.xRowid = narrow_rowid;
  RC(sqlite3_create_module_v2(db, "narrow", &m, "CREATE TABLE x(a, b)", gone)); RC(sqlite3_prepare_v2(db, "SELECT * FROM narrow", -1, &stmt, 0)); INT(sqlite3_column_count(stmt));
  RC(sqlite3_create_module_v2(db, "narrow", &m, "CREATE TABLE x(a, b, c)", gone)); RC(sqlite3_step(stmt)); INT(sqlite3_column_count(stmt)); run(db, "SELECT * FROM narrow"); RC(sqlite3_reset(stmt)); RC(sqlite3_step(stmt)); INT(sqlite3_column_count(stmt)); RC(sqlite3_finalize(stmt)); RC(sqlite3_close(db));
}

void modules(void) {
  replaced_modules();
  tables_of_a_module();
  rtrees(); arrays();
  sqlite3 *db = owner = fresh();
  const char *kept[] = {"squares", 0};
  RC(sqlite3_create_module(db, "plain", &squares, "p")); RC(sqlite3_create_module_v2(db, "squares", &squares, "s", gone));
  run(db, "CREATE VIRTUAL TABLE v USING squares(one, two)"); run(db, "SELECT * FROM v"); run(db, "SELECT square, hidden_one FROM v WHERE n = 3"); run(db, "SELECT n FROM v WHERE n IN (2, 4)");
  run(db, "INSERT INTO v(n, square) VALUES(7, 8)"); run(db, "UPDATE OR REPLACE v SET square = 0 WHERE n = 2"); run(db, "DELETE FROM v WHERE n = 5"); run(db, "INSERT INTO v(n) VALUES(13)"); run(db, "BEGIN; INSERT INTO v(n) VALUES(1); ROLLBACK");
  run(db, "ALTER TABLE v RENAME TO w"); run(db, "CREATE VIRTUAL TABLE bad USING squares(fail)"); run(db, "CREATE VIRTUAL TABLE bad USING nothing"); run(db, "DROP TABLE w");
  RC(sqlite3_declare_vtab(db, "CREATE TABLE x(a)")); RC(sqlite3_drop_modules(db, kept)); run(db, "CREATE VIRTUAL TABLE p USING plain"); INT(sqlite3_vtab_on_conflict(db) > 0);
  RC(sqlite3_drop_modules(db, 0));
  RC(sqlite3_close(db));
}
