/* Write-ahead logs, checkpoints, snapshots. */
#include <sys/stat.h>
#include "api.h"

static int committed(void *p, sqlite3 *db, const char *name, int frames) { (void)db; printf("wal %s %s %d\n", (char *)p, name, frames); return SQLITE_OK; }

/* The log stays, as it is or emptied, where the last connection wants it to. */
static void staying(void) {
  for (int round = 0; round < 3; round++) {
    sqlite3 *db = 0; int on = round < 2; struct stat facts = {0};
    RC(sqlite3_open(scratch("stay.db"), &db)); run(db, "PRAGMA journal_mode = wal; CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES(zeroblob(9000))");
    if (round == 1) run(db, "PRAGMA journal_size_limit = 5000");
    RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on)); INT(on); RC(sqlite3_close(db));
    INT(stat(scratch("stay.db-wal"), &facts)); INT(facts.st_size > 0); INT(stat(scratch("stay.db-shm"), &facts));
  }
}

/* A log whose index may only be read, while somebody keeps it and while nobody does. */
static void read_only_index(void) {
  sqlite3 *db = 0, *reader = 0; char uri[1200]; int on = 1;
  snprintf(uri, sizeof uri, "file:%s?readonly_shm=1", scratch("index.db"));
  RC(sqlite3_open(scratch("indexed.db"), &db)); rows(db, "PRAGMA journal_mode = wal; CREATE TABLE t(a); INSERT INTO t VALUES(1); INSERT INTO t VALUES(2)");
  copy_file(scratch("indexed.db"), scratch("index.db")); copy_file(scratch("indexed.db-wal"), scratch("index.db-wal")); RC(sqlite3_close(db));
  RC(sqlite3_open_v2(uri, &reader, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, 0)); rows(reader, "SELECT * FROM t"); RC(sqlite3_extended_errcode(reader)); RC(sqlite3_close(reader));
  copy_file("/dev/null", scratch("index.db-shm"));
  RC(sqlite3_open_v2(uri, &reader, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, 0)); rows(reader, "SELECT * FROM t"); rows(reader, "INSERT INTO t VALUES(3)"); rows(reader, "PRAGMA wal_checkpoint"); rows(reader, "BEGIN; SELECT * FROM t; COMMIT"); RC(sqlite3_close(reader));
  RC(sqlite3_open(scratch("index.db"), &db)); run(db, "INSERT INTO t VALUES(4); SELECT * FROM t"); RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on)); RC(sqlite3_close(db));
  RC(sqlite3_open_v2(uri, &reader, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, 0)); rows(reader, "SELECT * FROM t"); RC(sqlite3_close(reader));
}

static void checkpoint(sqlite3 *db, const char *name, int mode) {
  int frames = 7, done = 7;
  printf("checkpoint %s %d: ", name ? name : "-", mode);
  RC(sqlite3_wal_checkpoint_v2(db, name, mode, &frames, &done)); INT(frames); INT(done);
}

/* Checkpoints of several databases: one that is busy keeps no other from its own. */
static void all_databases(void) {
  sqlite3 *db = 0, *other = 0;
  RC(sqlite3_open(scratch("first.db"), &db)); printf("attach "); char sql[1200]; snprintf(sql, sizeof sql, "ATTACH '%s' AS a; ATTACH '%s' AS b", scratch("second.db"), scratch("third.db")); RC(sqlite3_exec(db, sql, 0, 0, 0));
  rows(db, "PRAGMA main.journal_mode = wal; PRAGMA a.journal_mode = wal; PRAGMA b.journal_mode = wal; CREATE TABLE main.t(x); CREATE TABLE a.u(x); CREATE TABLE b.v(x); INSERT INTO u VALUES(1)");
  RC(sqlite3_open(scratch("second.db"), &other)); run(other, "BEGIN; INSERT INTO u VALUES(2)");
  for (int mode = -2; mode < 5; mode++) checkpoint(db, 0, mode);
  rows(db, "PRAGMA wal_checkpoint(truncate)"); rows(db, "PRAGMA a.wal_checkpoint(truncate)"); run(other, "COMMIT");
  checkpoint(db, "a", SQLITE_CHECKPOINT_NOOP); rows(db, "PRAGMA a.wal_checkpoint(noop)"); run(db, "INSERT INTO t VALUES(1)"); rows(db, "PRAGMA wal_checkpoint = noop"); checkpoint(db, 0, SQLITE_CHECKPOINT_TRUNCATE); checkpoint(db, "temp", SQLITE_CHECKPOINT_NOOP); checkpoint(db, "a", SQLITE_CHECKPOINT_NOOP);
  RC(sqlite3_close(other)); RC(sqlite3_close(db));
}

void logs(void) {
  all_databases();
  read_only_index();
  staying();
  sqlite3 *db = 0, *other = 0; int frames = 0, done = 0;
  RC(sqlite3_open(scratch("log.db"), &db)); run(db, "PRAGMA journal_mode = wal; CREATE TABLE t(a)"); RC(sqlite3_open(scratch("log.db"), &other));
  sqlite3_wal_hook(db, committed, "w1"); run(db, "INSERT INTO t VALUES(1)"); run(db, "INSERT INTO t VALUES(2)");
  RC(sqlite3_wal_checkpoint(db, "main")); RC(sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_PASSIVE, &frames, &done)); INT(frames); INT(done);
  RC(sqlite3_wal_checkpoint_v2(db, 0, SQLITE_CHECKPOINT_TRUNCATE, &frames, &done)); INT(frames); INT(done); RC(sqlite3_wal_checkpoint_v2(db, "nothing", 0, &frames, &done)); STR(sqlite3_errmsg(db)); RC(sqlite3_wal_checkpoint_v2(db, "main", 99, &frames, &done));
  STR(sqlite3_wal_hook(db, 0, 0)); RC(sqlite3_wal_autocheckpoint(db, 5)); RC(sqlite3_wal_autocheckpoint(db, 0));
  run(other, "BEGIN; SELECT count(*) FROM t"); run(db, "INSERT INTO t VALUES(3)"); RC(sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_RESTART, &frames, &done)); rows(other, "SELECT count(*) FROM t"); run(other, "COMMIT; SELECT count(*) FROM t");
#ifdef WITH_SNAPSHOTS
  sqlite3_snapshot *old = 0, *new = 0;
  RC(sqlite3_snapshot_get(db, "nothing", &old)); run(db, "BEGIN"); rows(db, "SELECT count(*) FROM t"); RC(sqlite3_snapshot_get(db, "main", &old)); SET(old); run(db, "COMMIT; INSERT INTO t VALUES(4)");
  run(db, "BEGIN; SELECT count(*) FROM t"); RC(sqlite3_snapshot_get(db, "main", &new)); run(db, "COMMIT"); INT(sqlite3_snapshot_cmp(old, new) < 0); INT(sqlite3_snapshot_cmp(new, old) > 0); INT(sqlite3_snapshot_cmp(old, old));
  RC(sqlite3_snapshot_open(other, "main", old)); run(other, "BEGIN"); RC(sqlite3_snapshot_open(other, "main", old)); rows(other, "SELECT count(*) FROM t"); run(other, "INSERT INTO t VALUES(9)"); run(other, "COMMIT; SELECT count(*) FROM t"); RC(sqlite3_snapshot_recover(db, "main"));
  run(db, "PRAGMA wal_checkpoint(truncate)"); run(other, "BEGIN"); RC(sqlite3_snapshot_open(other, "main", old)); run(other, "COMMIT"); sqlite3_snapshot_free(old); sqlite3_snapshot_free(new); sqlite3_snapshot_free(0);
#endif
  RC(sqlite3_close(other)); RC(sqlite3_close(db));
}
