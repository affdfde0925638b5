/* What connections know of schemas: names of the main database, defensive connections, definitions that others have made. */
#include "api.h"

/* Elements that are there already, or not, while somebody else writes. */
static void made_elsewhere(void) {
  sqlite3 *db = 0, *other = 0;
  RC(sqlite3_open(scratch("elsewhere.db"), &db)); RC(sqlite3_open(scratch("elsewhere.db"), &other)); rows(db, "SELECT * FROM sqlite_schema");
  run(other, "CREATE TABLE t(a, b); CREATE VIEW v AS SELECT 1; CREATE INDEX i ON t(a); CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END");
  run(db, "DROP TABLE IF EXISTS t; CREATE TABLE t(c, d)"); run(other, "DROP VIEW v; CREATE VIEW v AS SELECT 2; CREATE INDEX i ON t(c)"); run(db, "DROP INDEX IF EXISTS i; CREATE INDEX i ON t(d)"); run(db, "DROP TABLE IF EXISTS no; DROP TABLE IF EXISTS no.no; DROP VIEW IF EXISTS temp.no; DROP TRIGGER IF EXISTS main.no");
  run(other, "BEGIN IMMEDIATE"); run(db, "CREATE TABLE IF NOT EXISTS t(x)"); run(db, "CREATE INDEX IF NOT EXISTS i ON t(c)"); run(db, "CREATE VIEW IF NOT EXISTS v AS SELECT 3"); run(db, "CREATE VIRTUAL TABLE IF NOT EXISTS t USING rtree(a, b, c)"); run(db, "CREATE TABLE IF NOT EXISTS u(x)"); run(db, "DROP TABLE IF EXISTS no"); run(other, "COMMIT");
  const char *nothing[] = { "CREATE TABLE IF NOT EXISTS t(x)", "CREATE INDEX IF NOT EXISTS i ON t(c)", "CREATE VIEW IF NOT EXISTS v AS SELECT 3", "DROP TABLE IF EXISTS no" };
  for (int i = 0; i < 4; i++) { sqlite3_stmt *stmt = 0; RC(sqlite3_prepare_v2(db, nothing[i], -1, &stmt, 0)); INT(sqlite3_stmt_readonly(stmt)); RC(sqlite3_finalize(stmt)); }
  RC(sqlite3_close(db)); RC(sqlite3_open_v2(scratch("elsewhere.db"), &db, SQLITE_OPEN_READONLY, 0)); run(db, "CREATE TABLE IF NOT EXISTS t(x)"); run(db, "CREATE INDEX IF NOT EXISTS i ON t(c)"); run(db, "DROP TABLE IF EXISTS no"); run(db, "CREATE TABLE IF NOT EXISTS u(x)");
  RC(sqlite3_close(db)); RC(sqlite3_close(other));
}

static void updated(void *p, int op, const char *database, const char *table, sqlite3_int64 rowid) { (void)p; printf("update %d %s %s %lld\n", op, database, table, rowid); }

/* The main database under a name of the application's. */
static void named(void) {
  sqlite3 *db = fresh(); sqlite3_stmt *stmt = 0; int frames, done;
  run(db, "CREATE TABLE t(a); ATTACH ':memory:' AS other"); RC(sqlite3_db_config(db, SQLITE_DBCONFIG_MAINDBNAME, "icecube")); sqlite3_update_hook(db, updated, 0);
  run(db, "SELECT name FROM icecube.sqlite_schema"); run(db, "SELECT name FROM main.sqlite_schema"); run(db, "PRAGMA database_list"); run(db, "PRAGMA icecube.page_size"); run(db, "PRAGMA main.page_size"); run(db, "INSERT INTO icecube.t VALUES(1)"); run(db, "INSERT INTO main.t VALUES(1)"); run(db, "INSERT INTO main.no VALUES(1)");
  run(db, "SELECT icecube.t.a FROM t"); run(db, "SELECT main.t.a FROM t"); run(db, "SELECT main.t.a FROM icecube.t"); run(db, "ATTACH ':memory:' AS icecube"); run(db, "ATTACH ':memory:' AS main"); run(db, "DETACH main"); run(db, "DETACH icecube"); run(db, "SELECT * FROM pragma_table_info('t', 'icecube')");
  STR(sqlite3_db_name(db, 0)); RC(sqlite3_wal_checkpoint_v2(db, "icecube", 0, &frames, &done)); RC(sqlite3_wal_checkpoint_v2(db, "main", 0, &frames, &done)); INT(sqlite3_txn_state(db, "icecube")); RC(sqlite3_prepare_v2(db, "SELECT a FROM t", -1, &stmt, 0)); STR(sqlite3_column_database_name(stmt, 0)); RC(sqlite3_finalize(stmt));
  RC(sqlite3_table_column_metadata(db, "icecube", "t", "a", 0, 0, 0, 0, 0)); RC(sqlite3_close(db));
}

/* What ordinary statements may not do on a defensive connection. */
static void defensive(void) {
  sqlite3 *db = 0;
  RC(sqlite3_open(scratch("defended.db"), &db)); run(db, "CREATE TABLE t(a); CREATE VIRTUAL TABLE rt USING rtree(id, a, b); INSERT INTO rt VALUES(1, 2, 3); CREATE TABLE r2_node(a); PRAGMA schema_version; SELECT name, type FROM pragma_table_list ORDER BY name");
  RC(sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0));
  const char *attempts[] = { "PRAGMA schema_version = 77; PRAGMA schema_version", "PRAGMA writable_schema = 1; PRAGMA writable_schema", "UPDATE sqlite_schema SET sql = 'x'", "DELETE FROM rt_node", "UPDATE rt_rowid SET rowid = 1", "DROP TABLE rt_node", "ALTER TABLE rt_node ADD COLUMN x", "CREATE INDEX i ON rt_node(data)", "CREATE TRIGGER tr AFTER INSERT ON rt_node BEGIN SELECT 1; END", "CREATE TABLE rt_parent(a)", "INSERT INTO rt VALUES(5, 6, 7)", "DELETE FROM rt WHERE id = 1", "CREATE VIRTUAL TABLE r2 USING rtree(id, a, b)", "DROP TABLE r2_node", "CREATE VIRTUAL TABLE r2 USING rtree(id, a, b)", "ALTER TABLE rt RENAME TO r5", "DROP TABLE r5", "PRAGMA journal_mode = off", "PRAGMA user_version = 5; PRAGMA user_version", "INSERT INTO r2_rowid VALUES(1, 1)", "SELECT count(*) FROM r2_node", 0 };
  for (int i = 0; attempts[i]; i++) run(db, attempts[i]);
  RC(sqlite3_close(db));
}

/* ALTER TABLE edits what stands in the table of the schema, whoever has written it. */
static void edited(void) {
  sqlite3 *db = fresh();
  run(db, "CREATE TABLE t(a, b); CREATE INDEX i ON t(a); INSERT INTO t VALUES(1, 1), (2, 2), (2, 4), (NULL, 5); PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE UNIQUE INDEX i ON t(a)' WHERE name = 'i'; UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a NOT NULL, b)' WHERE name = 't'; PRAGMA writable_schema = OFF");
  run(db, "ALTER TABLE t RENAME TO u; SELECT sql FROM sqlite_schema; PRAGMA integrity_check"); RC(sqlite3_close(db));
}

/* A connection that is kept from its file, in a rollback mode. */
static void kept_from_its_file(void) {
  sqlite3 *db = 0, *other = 0;
  RC(sqlite3_open(scratch("nullio.db"), &db)); run(db, "CREATE TABLE t(a); INSERT INTO t VALUES(1)"); RC(sqlite3_open(scratch("nullio.db"), &other));
  RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_NULL_IO, 0)); run(db, "SELECT * FROM t"); RC(sqlite3_extended_errcode(db)); run(db, "INSERT INTO t VALUES(2)"); run(db, "CREATE TEMP TABLE q(a); INSERT INTO q VALUES(5); SELECT * FROM q"); run(other, "INSERT INTO t VALUES(3); SELECT * FROM t"); RC(sqlite3_close(db));
  RC(sqlite3_open(scratch("nullio.db"), &db)); run(db, "BEGIN; INSERT INTO t VALUES(7)"); RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_NULL_IO, 0)); run(db, "COMMIT"); run(db, "ROLLBACK"); RC(sqlite3_close(db)); run(other, "SELECT * FROM t"); RC(sqlite3_close(other));
  db = fresh(); RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_NULL_IO, 0)); RC(sqlite3_close(db));
}

/* Page sizes inside of transactions, and of the temporary database; names that are no URIs. */
static void sizes_and_names(void) {
  sqlite3 *db = 0; char sql[1200];
  RC(sqlite3_open(scratch("sizes.db"), &db)); run(db, "BEGIN; SELECT * FROM sqlite_schema; PRAGMA page_size = 2048; PRAGMA page_size; COMMIT; PRAGMA page_size; BEGIN; PRAGMA page_size = 8192; COMMIT; PRAGMA page_size; PRAGMA page_size = 1024; CREATE TABLE t(a); CREATE TEMP TABLE u(a); PRAGMA temp.page_size; PRAGMA page_size"); RC(sqlite3_close(db));
  sqlite3_shutdown(); RC(sqlite3_config(SQLITE_CONFIG_URI, 0)); RC(sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 0));
  snprintf(sql, sizeof sql, "ATTACH 'file:%s' AS a", scratch("plain.db")); INT(sqlite3_exec(db, sql, 0, 0, 0)); INT(access(scratch("plain.db"), F_OK)); RC(sqlite3_close(db)); sqlite3_shutdown(); RC(sqlite3_config(SQLITE_CONFIG_URI, 1));
}

/* What runs while another connection lets nobody read, on a file that can only be read, and where only queries are wanted. */
static void locked_out(void) {
  sqlite3 *db = 0, *other = 0;
  const char *settings[] = { "PRAGMA busy_timeout = 0", "PRAGMA foreign_keys = 1", "PRAGMA temp_store = 2", "PRAGMA locking_mode", "PRAGMA secure_delete = 1", "PRAGMA wal_autocheckpoint = 50", "PRAGMA trusted_schema = 0", "PRAGMA journal_size_limit = 7", "PRAGMA no_such_pragma = 1", "PRAGMA database_list", "PRAGMA user_version", "PRAGMA table_info(t)", "SELECT * FROM t", "BEGIN", "ROLLBACK", 0 };
  RC(sqlite3_open(scratch("locked.db"), &other)); run(other, "CREATE TABLE t(a); INSERT INTO t VALUES(1); BEGIN EXCLUSIVE");
  for (int i = 0; settings[i]; i++) { if (!strcmp(settings[i], "PRAGMA database_list")) continue; RC(sqlite3_open(scratch("locked.db"), &db)); run(db, settings[i]); RC(sqlite3_close(db)); }
  run(other, "COMMIT"); RC(sqlite3_open_v2(scratch("locked.db"), &db, SQLITE_OPEN_READONLY, 0)); run(db, "PRAGMA auto_vacuum = 1"); run(db, "BEGIN IMMEDIATE; SELECT * FROM t"); INT(sqlite3_txn_state(db, 0)); run(other, "PRAGMA user_version = 3"); run(db, "INSERT INTO t VALUES(2)"); run(db, "COMMIT; BEGIN EXCLUSIVE"); INT(sqlite3_get_autocommit(db)); RC(sqlite3_close(db));
  RC(sqlite3_open(scratch("locked.db"), &db)); run(db, "PRAGMA query_only = 1; CREATE TEMP TABLE u(a)"); run(db, "INSERT INTO t VALUES(2)"); run(db, "VACUUM"); run(db, "PRAGMA query_only = 0; CREATE TEMP TABLE u(a)"); RC(sqlite3_close(db));
  RC(sqlite3_open(scratch("locked.db"), &db)); run(db, "BEGIN; PRAGMA cache_size = 50; PRAGMA foreign_keys"); INT(sqlite3_txn_state(db, 0)); run(other, "INSERT INTO t VALUES(4)"); run(db, "SELECT * FROM t"); INT(sqlite3_txn_state(db, 0)); run(db, "COMMIT"); RC(sqlite3_close(db)); RC(sqlite3_close(other));
}

void schemas(void) { locked_out(); made_elsewhere(); named(); defensive(); edited(); kept_from_its_file(); sizes_and_names(); }
