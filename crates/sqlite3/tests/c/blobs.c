/* Incremental blobs, backups, databases as bytes. */
#include "api.h"

void blobs(void) {
  sqlite3 *db = fresh(), *copy = fresh(); sqlite3_blob *blob = 0; char buffer[16] = {0};
  run(db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b, v AS (a + 1)); INSERT INTO t(a, b) VALUES(1, x'00010203040506'), (2, 'text'), (3, 7); CREATE VIEW w AS SELECT * FROM t; CREATE INDEX i ON t(v)");
  RC(sqlite3_blob_open(db, "main", "t", "b", 1, 1, &blob)); INT(sqlite3_blob_bytes(blob)); RC(sqlite3_blob_read(blob, buffer, 3, 2)); show_bytes("read", buffer, 3);
  RC(sqlite3_blob_write(blob, "xy", 2, 5)); RC(sqlite3_blob_write(blob, "xyz", 3, 5)); RC(sqlite3_blob_read(blob, buffer, 3, 5)); RC(sqlite3_blob_read(blob, buffer, -1, 0)); RC(sqlite3_blob_read(blob, buffer, 1, -1));
  RC(sqlite3_blob_reopen(blob, 2)); INT(sqlite3_blob_bytes(blob)); RC(sqlite3_blob_reopen(blob, 3)); STR(sqlite3_errmsg(db)); RC(sqlite3_blob_read(blob, buffer, 1, 0)); RC(sqlite3_blob_reopen(blob, 1)); RC(sqlite3_blob_close(blob));
  rows(db, "SELECT quote(b) FROM t");
  RC(sqlite3_blob_open(db, "main", "t", "b", 9, 0, &blob)); STR(sqlite3_errmsg(db)); RC(sqlite3_blob_open(db, "main", "nothing", "b", 1, 0, &blob)); STR(sqlite3_errmsg(db)); RC(sqlite3_blob_open(db, "main", "t", "x", 1, 0, &blob)); STR(sqlite3_errmsg(db));
  RC(sqlite3_blob_open(db, "main", "w", "b", 1, 0, &blob)); STR(sqlite3_errmsg(db)); RC(sqlite3_blob_open(db, "none", "t", "b", 1, 0, &blob)); STR(sqlite3_errmsg(db)); RC(sqlite3_blob_open(db, "main", "t", "v", 1, 1, &blob)); STR(sqlite3_errmsg(db));
  RC(sqlite3_blob_open(db, "main", "t", "b", 1, 0, &blob)); RC(sqlite3_blob_write(blob, "x", 1, 0)); run(db, "UPDATE t SET b = 1 WHERE a = 1"); RC(sqlite3_blob_read(blob, buffer, 1, 0)); RC(sqlite3_blob_close(blob)); RC(sqlite3_blob_close(0)); INT(sqlite3_blob_bytes(0)); RC(sqlite3_blob_read(0, buffer, 1, 0));
  sqlite3_backup *backup = sqlite3_backup_init(copy, "main", db, "main"); SET(backup);
  RC(sqlite3_backup_step(backup, 1)); INT(sqlite3_backup_pagecount(backup)); INT(sqlite3_backup_remaining(backup)); RC(sqlite3_backup_step(backup, -1)); INT(sqlite3_backup_remaining(backup)); RC(sqlite3_backup_step(backup, 1)); RC(sqlite3_backup_finish(backup));
  rows(copy, "SELECT a, quote(b) FROM t"); SET(sqlite3_backup_init(copy, "main", copy, "main")); STR(sqlite3_errmsg(copy)); SET(sqlite3_backup_init(copy, "nothing", db, "main")); STR(sqlite3_errmsg(copy)); RC(sqlite3_backup_finish(0));
  sqlite3_int64 size = 0; unsigned char *bytes = sqlite3_serialize(db, "main", &size, 0); SET(bytes); INT(size); STR(bytes); sqlite3_free(bytes); SET(sqlite3_serialize(db, "nothing", &size, 0)); INT(size);
  bytes = sqlite3_serialize(db, "main", &size, 0);
  RC(sqlite3_deserialize(copy, "main", bytes, size, size, SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE)); rows(copy, "SELECT count(*) FROM t"); run(copy, "INSERT INTO t(a) VALUES(100); SELECT count(*) FROM t");
  bytes = sqlite3_serialize(db, "main", &size, 0); RC(sqlite3_deserialize(copy, "main", bytes, size, size, SQLITE_DESERIALIZE_READONLY)); run(copy, "INSERT INTO t(a) VALUES(101)"); sqlite3_close(copy); sqlite3_free(bytes);
  RC(sqlite3_close(db));
}
