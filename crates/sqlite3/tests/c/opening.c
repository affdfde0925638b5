/* Opening and closing, names of files, what a connection is asked and told. */
#include "api.h"

static int calls;
static int never(void *p, int times) { (void)p; calls++; return times < 2; }
static void given_back(void *p) { printf("given back: %s\n", (char *)p); }

static void names(void) {
  sqlite3 *db = 0;
  char uri[1200];
  snprintf(uri, sizeof uri, "file:%s?mode=rwc&number=12k&flag=on&other", scratch("uri.db"));
  RC(sqlite3_open_v2(uri, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, 0));
  sqlite3_filename name = sqlite3_db_filename(db, "main");
  STR(strrchr(name, '/')); STR(sqlite3_db_filename(db, "nothing")); STR(sqlite3_db_filename(db, "temp"));
  STR(sqlite3_uri_parameter(name, "mode")); STR(sqlite3_uri_parameter(name, "nothing")); STR(sqlite3_uri_parameter(0, "mode"));
  INT(sqlite3_uri_boolean(name, "flag", 0)); INT(sqlite3_uri_boolean(name, "nothing", 7)); INT(sqlite3_uri_boolean(name, "number", 0));
  INT(sqlite3_uri_int64(name, "number", 5)); INT(sqlite3_uri_int64(name, "nothing", 5));
  STR(sqlite3_uri_key(name, 0)); STR(sqlite3_uri_key(name, 3)); STR(sqlite3_uri_key(name, 4)); STR(sqlite3_uri_key(name, -1));
  STR(strrchr(sqlite3_filename_database(name), '/')); STR(strrchr(sqlite3_filename_journal(name), '/')); STR(strrchr(sqlite3_filename_wal(name), '/'));
  sqlite3_close(db);
  const char *parameters[] = {"k", "v", "l", "w"};
  char *made = (char *)sqlite3_create_filename("a.db", "a.db-journal", "a.db-wal", 2, parameters);
  STR(made); STR(sqlite3_uri_parameter(made, "l")); STR(sqlite3_filename_journal(made)); STR(sqlite3_filename_wal(made)); STR(sqlite3_filename_database(made));
  sqlite3_free_filename(made); sqlite3_free_filename(0);
}

static void codes(sqlite3 *db) {
  run(db, "CREATE TABLE u(a UNIQUE, b NOT NULL); INSERT INTO u VALUES(1, 1)");
  run(db, "INSERT INTO u VALUES(1, 2)");
  RC(sqlite3_errcode(db)); RC(sqlite3_extended_errcode(db)); STR(sqlite3_errmsg(db)); show_wide("errmsg16", sqlite3_errmsg16(db));
  RC(sqlite3_extended_result_codes(db, 1));
  run(db, "INSERT INTO u VALUES(2, NULL)");
  RC(sqlite3_errcode(db));
  RC(sqlite3_extended_result_codes(db, 0));
  run(db, "SELECT * FROM nothing");
  INT(sqlite3_error_offset(db));
  run(db, "SELECT 1");
  INT(sqlite3_error_offset(db)); INT(sqlite3_system_errno(db));
  RC(sqlite3_set_errmsg(db, SQLITE_FULL, "so be it")); RC(sqlite3_errcode(db)); STR(sqlite3_errmsg(db));
  RC(sqlite3_set_errmsg(db, SQLITE_FULL, 0)); STR(sqlite3_errmsg(db));
  RC(sqlite3_errcode(0)); STR(sqlite3_errmsg(0));
}

static void settings(sqlite3 *db) {
  int now = -1, high = -1, used = -1;
  sqlite3_int64 now64 = -1, high64 = -1;
  INT(sqlite3_limit(db, SQLITE_LIMIT_COLUMN, -1)); INT(sqlite3_limit(db, SQLITE_LIMIT_COLUMN, 5)); INT(sqlite3_limit(db, SQLITE_LIMIT_COLUMN, 2000));
  INT(sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 1000)); INT(sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 10)); INT(sqlite3_limit(db, 99, 1));
  RC(sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, &now)); INT(now); RC(sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &now)); INT(now);
  RC(sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, -1, &now)); INT(now); RC(sqlite3_db_config(db, 5555, 1, &now));
  RC(sqlite3_db_status(db, SQLITE_DBSTATUS_SCHEMA_USED, &now, &high, 0)); RC(sqlite3_db_status(db, 99, &now, &high, 0));
  RC(sqlite3_db_status64(db, SQLITE_DBSTATUS_STMT_USED, &now64, &high64, 0)); INT(now64); RC(sqlite3_db_status64(db, 99, &now64, &high64, 0));
  run(db, "CREATE TABLE big(a); INSERT INTO big VALUES(zeroblob(50000)); SELECT length(a || '') FROM big");
  RC(sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_USED, &now, &high, 0)); RC(sqlite3_db_release_memory(db)); RC(sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_USED, &used, &high, 0)); INT(used < now);
  run(db, "DROP TABLE big"); RC(sqlite3_db_cacheflush(db));
  RC(sqlite3_busy_timeout(db, 10)); RC(sqlite3_busy_handler(db, never, 0)); RC(sqlite3_busy_timeout(db, 0)); RC(sqlite3_setlk_timeout(db, 0, 0));
  SET(sqlite3_db_mutex(db));
  INT(sqlite3_mutex_try(sqlite3_db_mutex(db))); sqlite3_mutex_leave(sqlite3_db_mutex(db));
  STR(sqlite3_db_name(db, 0)); STR(sqlite3_db_name(db, 1)); STR(sqlite3_db_name(db, 2)); STR(sqlite3_db_name(db, -1));
  INT(sqlite3_db_readonly(db, "main")); INT(sqlite3_db_readonly(db, "nothing"));
  INT(sqlite3_txn_state(db, 0)); INT(sqlite3_txn_state(db, "nothing"));
  run(db, "BEGIN; SELECT count(*) FROM u"); INT(sqlite3_get_autocommit(db)); INT(sqlite3_txn_state(db, "main"));
  run(db, "INSERT INTO u VALUES(5, 5)"); INT(sqlite3_txn_state(db, 0)); run(db, "COMMIT"); INT(sqlite3_get_autocommit(db));
  INT(sqlite3_last_insert_rowid(db)); sqlite3_set_last_insert_rowid(db, 77); INT(sqlite3_last_insert_rowid(db));
  run(db, "UPDATE u SET b = b + 1"); INT(sqlite3_changes(db)); INT(sqlite3_changes64(db)); INT(sqlite3_total_changes(db)); INT(sqlite3_total_changes64(db));
  RC(sqlite3_set_clientdata(db, "key", "data", given_back)); STR(sqlite3_get_clientdata(db, "key")); SET(sqlite3_get_clientdata(db, "no"));
  RC(sqlite3_set_clientdata(db, "key", "more", given_back)); RC(sqlite3_set_clientdata(db, "key", 0, 0)); SET(sqlite3_get_clientdata(db, "key"));
  sqlite3_interrupt(db); INT(sqlite3_is_interrupted(db));
}

static void files(sqlite3 *db) {
  sqlite3_file *file = 0; sqlite3_vfs *vfs = 0; char *name = 0; int number = -1; unsigned version = 0;
  RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file)); SET(file);
  RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_VFS_POINTER, &vfs)); STR(vfs ? vfs->zName : 0);
  RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_VFSNAME, &name)); STR(name); sqlite3_free(name);
  RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_DATA_VERSION, &version)); RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &number));
  RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &number)); INT(number);
  RC(sqlite3_file_control(db, "nothing", SQLITE_FCNTL_VFS_POINTER, &vfs)); RC(sqlite3_file_control(db, "main", 9999, 0));
  INT(sqlite3_database_file_object(sqlite3_db_filename(db, "main")) == file);
}

static int turn(sqlite3 *db, int which, int on) { int now = -1; RC(sqlite3_db_config(db, which, on, &now)); return now; }

/* What the switches of sqlite3_db_config do. */
static void switches(void) {
  sqlite3 *db = fresh();
  run(db, "CREATE TABLE s(a); CREATE TABLE log(a); CREATE VIEW w AS SELECT a FROM s; CREATE TRIGGER tr AFTER INSERT ON s BEGIN INSERT INTO log VALUES(new.a); END");
  for (int which = SQLITE_DBCONFIG_ENABLE_FKEY; which <= SQLITE_DBCONFIG_MAX + 1; which++)
    if (which != SQLITE_DBCONFIG_STMT_SCANSTATUS) INT(turn(db, which, -1));
  RC(sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 1, 0));
  INT(turn(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)); run(db, "INSERT INTO s VALUES(1)"); INT(turn(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1)); run(db, "INSERT INTO s VALUES(2)"); rows(db, "SELECT a FROM log");
  INT(turn(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0)); run(db, "SELECT * FROM w"); INT(turn(db, SQLITE_DBCONFIG_ENABLE_VIEW, 1)); run(db, "SELECT * FROM w");
  INT(turn(db, SQLITE_DBCONFIG_DQS_DML, 0)); run(db, "SELECT \"text\""); INT(turn(db, SQLITE_DBCONFIG_DQS_DML, 5)); run(db, "SELECT \"text\"");
  INT(turn(db, SQLITE_DBCONFIG_DQS_DDL, 0)); run(db, "CREATE INDEX i ON s(\"text\")");
  INT(turn(db, SQLITE_DBCONFIG_DEFENSIVE, 1)); run(db, "PRAGMA writable_schema = 1; DELETE FROM sqlite_schema");
  run(db, "BEGIN"); INT(turn(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1)); run(db, "COMMIT; PRAGMA foreign_keys");
  INT(turn(db, SQLITE_DBCONFIG_REVERSE_SCANORDER, 1)); rows(db, "SELECT a FROM s");
  RC(sqlite3_close(db));
}

/* A file that somebody else has locked, with and without looking at locks. */
static void unlocked(void) {
  sqlite3 *holder = 0, *db = 0; char name[2048];
  RC(sqlite3_open(scratch("lock.db"), &holder)); run(holder, "CREATE TABLE t(a); INSERT INTO t VALUES(1); BEGIN EXCLUSIVE");
  RC(sqlite3_open(scratch("lock.db"), &db)); run(db, "SELECT a FROM t"); RC(sqlite3_close(db));
  snprintf(name, sizeof name, "file:%s?nolock=yes", scratch("lock.db"));
  RC(sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, 0)); run(db, "SELECT a FROM t"); RC(sqlite3_close(db));
  RC(sqlite3_close(holder));
}

void opening(void) {
  sqlite3 *db = 0; sqlite3_stmt *stmt = 0;
  RC(sqlite3_open(":memory:", &db)); SET(db); RC(sqlite3_close(db)); RC(sqlite3_close(0)); RC(sqlite3_close_v2(0));
  RC(sqlite3_open16(wide(":memory:"), &db)); rows(db, "PRAGMA encoding"); RC(sqlite3_close_v2(db));
  RC(sqlite3_open("/nowhere/at/all", &db)); RC(sqlite3_errcode(db)); STR(sqlite3_errmsg(db)); INT(sqlite3_system_errno(db)); RC(sqlite3_close(db));
  RC(sqlite3_open_v2(scratch("absent.db"), &db, SQLITE_OPEN_READWRITE, 0)); STR(sqlite3_errmsg(db)); sqlite3_close(db);
  RC(sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE, "no such vfs")); STR(sqlite3_errmsg(db)); sqlite3_close(db);
  RC(sqlite3_open_v2(":memory:", &db, 0, 0)); sqlite3_close(db);
  RC(sqlite3_open(scratch("open.db"), &db));
  codes(db); settings(db); files(db);
  RC(sqlite3_prepare_v2(db, "SELECT 1", -1, &stmt, 0));
  RC(sqlite3_close(db)); STR(sqlite3_errmsg(db));
  RC(sqlite3_close_v2(db)); RC(sqlite3_step(stmt)); RC(sqlite3_finalize(stmt));
  RC(sqlite3_open_v2(scratch("open.db"), &db, SQLITE_OPEN_READONLY, 0)); INT(sqlite3_db_readonly(db, "main")); run(db, "DELETE FROM u"); sqlite3_close(db);
  switches(); unlocked(); names();
}
