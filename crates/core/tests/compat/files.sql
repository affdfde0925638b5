-- # Files
-- > SQLite makes a file, each engine changes its copy, SQLite checks both (`integrity_check`) and finds the same content.
-- = rollback journal: delete
INSERT INTO t(a) VALUES (9); UPDATE u SET x = x + 1; PRAGMA journal_mode; BEGIN; DELETE FROM t; ROLLBACK; SELECT count(*) FROM t;
-- = rollback journal: truncate, persist, memory, off
PRAGMA journal_mode = truncate; INSERT INTO t(a) VALUES (9); PRAGMA journal_mode = persist; INSERT INTO t(a) VALUES (10); PRAGMA journal_mode = memory; INSERT INTO t(a) VALUES (11); PRAGMA journal_mode = off; INSERT INTO t(a) VALUES (12);
-- = write-ahead log
PRAGMA journal_mode = wal; CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'x');
-- ---
PRAGMA journal_mode; INSERT INTO t(b) VALUES ('y'); PRAGMA wal_checkpoint(truncate); INSERT INTO t(b) VALUES ('z'); PRAGMA journal_mode = delete; INSERT INTO t(b) VALUES ('w');
-- = synchronous, wal_autocheckpoint
PRAGMA journal_mode = wal; CREATE TABLE t(a);
-- ---
PRAGMA synchronous; PRAGMA synchronous = 1; PRAGMA synchronous; PRAGMA synchronous = extra; PRAGMA synchronous; PRAGMA wal_autocheckpoint; PRAGMA wal_autocheckpoint = 50; PRAGMA wal_autocheckpoint; PRAGMA mmap_size = 0;
-- = page sizes 512 .. 65536
PRAGMA page_size = 512; CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, zeroblob(5000));
-- ---
PRAGMA page_size; INSERT INTO t(b) SELECT b FROM t; SELECT count(*) FROM t;
-- + 65536
PRAGMA page_size = 65536; CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, zeroblob(5000));
-- ---
PRAGMA page_size; INSERT INTO t(b) SELECT b FROM t; SELECT count(*) FROM t;
-- = reserved bytes at the end of pages
-- ! read from the header and kept; no pragma sets them
-- = UTF-8, UTF-16le, UTF-16be
PRAGMA encoding = 'UTF-16be'; CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'é😀');
-- ---
PRAGMA encoding; INSERT INTO t(b) VALUES ('ж'); SELECT b, length(b) FROM t ORDER BY b; CREATE INDEX tb ON t(b);
-- + UTF-16le
PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'é😀');
-- ---
PRAGMA encoding; INSERT INTO t(b) VALUES ('ж'); SELECT b, length(b) FROM t ORDER BY b; CREATE INDEX tb ON t(b);
-- = auto-vacuum
PRAGMA auto_vacuum = 1; CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, zeroblob(50000)), (2, 'x'); CREATE TABLE u(x);
-- ---
DELETE FROM t WHERE a = 1; DROP TABLE u; PRAGMA page_count; PRAGMA freelist_count; CREATE TABLE w(b); INSERT INTO w VALUES (zeroblob(9000));
-- + incremental
PRAGMA auto_vacuum = 2; CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, zeroblob(50000)), (2, 'x');
-- ---
DELETE FROM t WHERE a = 1; PRAGMA freelist_count; PRAGMA page_count;
-- = WITHOUT ROWID, STRICT, generated columns, descending and partial indexes
CREATE TABLE w(k TEXT PRIMARY KEY, v INT, g AS (v * 2) STORED) WITHOUT ROWID, STRICT; CREATE INDEX wv ON w(v DESC) WHERE v > 1; INSERT INTO w VALUES ('a', 1), ('b', 2);
-- ---
INSERT INTO w VALUES ('c', 3); UPDATE w SET v = v + 1; SELECT * FROM w; PRAGMA integrity_check; DELETE FROM w WHERE k = 'a';
-- = sqlite_sequence, sqlite_stat1, sqlite_stat4
CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT, b); CREATE INDEX tb ON t(b); INSERT INTO t(b) VALUES (1), (1), (2); ANALYZE;
-- ---
INSERT INTO t(b) VALUES (7); SELECT * FROM sqlite_sequence; SELECT * FROM sqlite_stat1; SELECT * FROM sqlite_stat4; ANALYZE t; SELECT * FROM sqlite_stat4; UPDATE sqlite_sequence SET seq = 50; INSERT INTO t(b) VALUES (8); SELECT * FROM t;
-- = old schema formats (descending indexes ignored)
-- ! not tested
-- = virtual tables in the file
CREATE VIRTUAL TABLE f USING fts5(x); CREATE TABLE t(a); INSERT INTO t VALUES (1); INSERT INTO f VALUES ('word');
-- ---
-- ---
SELECT * FROM t; INSERT INTO t VALUES (2); SELECT count(*) FROM f_content; DROP TABLE t;
-- + using one
CREATE VIRTUAL TABLE f USING fts5(x); INSERT INTO f VALUES ('word');
-- ---
SELECT * FROM f;
-- = encryption
-- ! not there: `file is not a database`
