/* What the application adds: functions, aggregates, window functions, collations, results of all kinds. */
#include "api.h"

static void gone(void *p) { printf("destroyed %s\n", (const char *)p); }
static void twice(sqlite3_context *c, int n, sqlite3_value **v) {
  (void)n;
  SET(sqlite3_context_db_handle(c)); STR(sqlite3_user_data(c));
  sqlite3_result_int64(c, 2 * sqlite3_value_int64(v[0]));
}
static void result(sqlite3_context *c, int n, sqlite3_value **v) {
  (void)n;
  switch (sqlite3_value_int(v[0])) {
    case 0: sqlite3_result_null(c); break;
    case 1: sqlite3_result_int(c, 7); break;
    case 2: sqlite3_result_double(c, 2.5); break;
    case 3: sqlite3_result_text(c, "textual", 4, SQLITE_TRANSIENT); break;
    case 4: sqlite3_result_text64(c, "sixtyfour", 5, SQLITE_STATIC, SQLITE_UTF8); break;
    case 5: sqlite3_result_text16(c, wide("wide"), -1, SQLITE_TRANSIENT); break;
    case 6: sqlite3_result_text16le(c, "l\0e\0", 4, SQLITE_STATIC); break;
    case 7: sqlite3_result_text16be(c, "\0b\0e", 4, SQLITE_STATIC); break;
    case 8: sqlite3_result_blob(c, "blob", 3, SQLITE_TRANSIENT); break;
    case 9: sqlite3_result_blob64(c, "blob", 2, SQLITE_STATIC); break;
    case 10: sqlite3_result_zeroblob(c, 3); break;
    case 11: printf("zeroblob64 %d\n", sqlite3_result_zeroblob64(c, 2)); break;
    case 12: sqlite3_result_value(c, v[1]); break;
    case 13: sqlite3_result_error(c, "an error of mine", -1); break;
    case 14: sqlite3_result_error16(c, wide("a wide error"), -1); break;
    case 15: sqlite3_result_error_code(c, SQLITE_FULL); break;
    case 16: sqlite3_result_error_nomem(c); break;
    case 17: sqlite3_result_error_toobig(c); break;
    case 18: sqlite3_result_error(c, "coded", -1); sqlite3_result_error_code(c, SQLITE_AUTH); break;
    case 19: sqlite3_result_subtype(c, 74); sqlite3_result_text(c, "[1]", -1, SQLITE_STATIC); break;
    case 20: sqlite3_result_pointer(c, c, "kind", 0); break;
    case 21: { sqlite3_str *s = sqlite3_str_new(0); sqlite3_str_appendall(s, "built"); sqlite3_result_str(c, s, 0); sqlite3_str_free(s); break; }
    case 22: printf("zeroblob64 %d\n", sqlite3_result_zeroblob64(c, (sqlite3_uint64)1 << 40)); break;
  }
}
static void cached(sqlite3_context *c, int n, sqlite3_value **v) {
  (void)n; (void)v;
  char *text = sqlite3_get_auxdata(c, 0);
  printf("auxdata %s\n", text ? text : "none");
  if (!text) sqlite3_set_auxdata(c, 0, "kept", gone);
  sqlite3_result_null(c);
}
static void add(sqlite3_context *c, int n, sqlite3_value **v) { (void)n; sqlite3_int64 *sum = sqlite3_aggregate_context(c, sizeof *sum); if (sum) *sum += sqlite3_value_int64(v[0]); }
static void take(sqlite3_context *c, int n, sqlite3_value **v) { (void)n; sqlite3_int64 *sum = sqlite3_aggregate_context(c, sizeof *sum); if (sum) *sum -= sqlite3_value_int64(v[0]); }
static void now(sqlite3_context *c) { sqlite3_int64 *sum = sqlite3_aggregate_context(c, 0); sqlite3_result_int64(c, sum ? *sum : -1); }
static void total(sqlite3_context *c) { INT(sqlite3_aggregate_count(c) > 1); now(c); }
static int backwards(void *p, int n, const void *a, int m, const void *b) { (void)p; int c = memcmp(b, a, n < m ? n : m); return c ? c : m - n; }
static int backwards16(void *p, int n, const void *a, int m, const void *b) { return backwards(p, n, a, m, b); }
static void needed(void *p, sqlite3 *db, int encoding, const char *name) { (void)p; (void)encoding; printf("needs %s\n", name); sqlite3_create_collation(db, name, SQLITE_UTF8, 0, backwards); }
static void needed16(void *p, sqlite3 *db, int encoding, const void *name) { (void)p; (void)db; (void)encoding; show_wide("needs", name); }

void functions(void) {
  sqlite3 *db = fresh();
  char sql[64];
  RC(sqlite3_create_function_v2(db, "twice", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, "user", twice, 0, 0, gone));
  run(db, "SELECT twice(21)"); run(db, "SELECT twice()"); run(db, "SELECT twice(1, 2)");
  RC(sqlite3_create_function(db, "result", -1, SQLITE_UTF8 | SQLITE_RESULT_SUBTYPE, 0, result, 0, 0));
  for (int i = 0; i <= 22; i++) { snprintf(sql, sizeof sql, "SELECT typeof(r), quote(r) FROM (SELECT result(%d, 'arg') AS r)", i); run(db, sql); RC(sqlite3_errcode(db)); }
  RC(sqlite3_create_function16(db, wide("wide_name"), 0, SQLITE_UTF16, 0, cached, 0, 0)); run(db, "SELECT wide_name()");
  RC(sqlite3_create_function(db, "cached", 1, SQLITE_UTF8, 0, cached, 0, 0)); run(db, "SELECT cached('constant') FROM (SELECT 1 UNION ALL SELECT 2)");
  RC(sqlite3_create_function(db, "total_of", 1, SQLITE_UTF8, 0, 0, add, total)); run(db, "SELECT total_of(x) FROM (SELECT 3 AS x UNION ALL SELECT 4)"); run(db, "SELECT total_of(1) WHERE 0");
  RC(sqlite3_create_window_function(db, "moving", 1, SQLITE_UTF8, "window", add, total, now, take, gone));
  run(db, "SELECT moving(x) OVER (ORDER BY x ROWS 1 PRECEDING) FROM (SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 3)"); run(db, "SELECT moving(x) FROM (SELECT 1 AS x UNION ALL SELECT 2)"); run(db, "SELECT twice(1) OVER ()");
  RC(sqlite3_create_function(db, 0, 0, SQLITE_UTF8, 0, twice, 0, 0)); RC(sqlite3_create_function(db, "x", 300, SQLITE_UTF8, 0, twice, 0, 0)); RC(sqlite3_create_function(db, "x", 1, SQLITE_UTF8, 0, twice, add, total));
  RC(sqlite3_create_function_v2(db, "x", 1, SQLITE_UTF8, "failing", 0, add, 0, gone)); RC(sqlite3_create_window_function(db, "x", 1, SQLITE_UTF8, 0, add, total, now, 0, 0));
  RC(sqlite3_create_function_v2(db, "twice", 1, SQLITE_UTF8, 0, 0, 0, 0, 0)); run(db, "SELECT twice(1)"); RC(sqlite3_overload_function(db, "overloaded", 1)); run(db, "SELECT overloaded(1)");
  RC(sqlite3_create_collation(db, "back", SQLITE_UTF8, 0, backwards)); run(db, "SELECT x FROM (SELECT 'a' AS x UNION ALL SELECT 'b') ORDER BY x COLLATE back");
  RC(sqlite3_create_collation_v2(db, "owned", SQLITE_UTF8, "collation", backwards, gone)); RC(sqlite3_create_collation_v2(db, "owned", SQLITE_UTF8, 0, 0, 0));
  RC(sqlite3_create_collation16(db, wide("back16"), SQLITE_UTF8, 0, backwards16)); run(db, "SELECT 'a' < 'b' COLLATE back16"); RC(sqlite3_create_collation(db, "bad", 77, 0, backwards));
  RC(sqlite3_collation_needed(db, 0, needed)); run(db, "SELECT 'a' < 'b' COLLATE asked_for"); RC(sqlite3_collation_needed16(db, 0, needed16)); run(db, "SELECT 'a' < 'b' COLLATE unknown");
  RC(sqlite3_close(db));
}
