-- # Pragmas
-- > An unknown pragma does nothing, as in SQLite. "Stored": it can be set and asked for, and changes nothing else.
-- = analysis_limit
PRAGMA analysis_limit; PRAGMA analysis_limit = 100; PRAGMA analysis_limit = -1; PRAGMA analysis_limit; PRAGMA analysis_limit = 2; ANALYZE; SELECT * FROM sqlite_stat1; SELECT * FROM sqlite_stat4;
-- = application_id
PRAGMA application_id = 77; PRAGMA application_id;
-- = auto_vacuum
PRAGMA auto_vacuum; PRAGMA auto_vacuum = full; PRAGMA auto_vacuum; CREATE TABLE z(a); PRAGMA auto_vacuum; PRAGMA auto_vacuum = none; PRAGMA auto_vacuum;
-- = automatic_index
PRAGMA automatic_index; PRAGMA automatic_index = 0; PRAGMA automatic_index;
-- = busy_timeout
PRAGMA busy_timeout = 100; PRAGMA busy_timeout;
-- = cache_size
PRAGMA cache_size; PRAGMA cache_size = 100; PRAGMA cache_size; PRAGMA cache_size = -500; PRAGMA cache_size;
-- = cache_spill
PRAGMA cache_spill = 0; PRAGMA cache_spill;
-- + the default
PRAGMA cache_spill; PRAGMA cache_spill = 1000; PRAGMA cache_size = 2000; PRAGMA cache_spill;
-- = capture_data_changes_conn
-- ~ captures changes: `id`, `before`, `after`, `full` or `off`, and the table for them
PRAGMA capture_data_changes_conn('full'); PRAGMA capture_data_changes_conn; PRAGMA capture_data_changes_conn('off');
-- = case_sensitive_like
PRAGMA case_sensitive_like = 1; SELECT 'a' LIKE 'A'; PRAGMA case_sensitive_like;
-- = cell_size_check
PRAGMA cell_size_check; PRAGMA cell_size_check = 1; PRAGMA cell_size_check;
-- = checkpoint_fullfsync
PRAGMA checkpoint_fullfsync; PRAGMA checkpoint_fullfsync = 1; PRAGMA checkpoint_fullfsync;
-- ! stored
-- = collation_list
PRAGMA collation_list;
-- = compile_options
-- ! our own list
-- = count_changes
PRAGMA count_changes; PRAGMA count_changes = 1; PRAGMA count_changes;
-- + the row of counts
PRAGMA count_changes = 1; INSERT INTO t(a) VALUES (77);
-- = data_version
PRAGMA data_version; SELECT 1; PRAGMA data_version;
-- = database_list
PRAGMA database_list; CREATE TEMP TABLE z(a); PRAGMA database_list; ATTACH ':memory:' AS aux; PRAGMA database_list;
-- = default_cache_size
PRAGMA default_cache_size; PRAGMA default_cache_size = 50; PRAGMA default_cache_size;
-- = defer_foreign_keys
PRAGMA defer_foreign_keys = 1; PRAGMA defer_foreign_keys; PRAGMA foreign_keys = 1; CREATE TABLE f(i REFERENCES t); BEGIN; PRAGMA defer_foreign_keys = 1; INSERT INTO f VALUES (99); COMMIT;
-- = empty_result_callbacks
PRAGMA empty_result_callbacks; PRAGMA empty_result_callbacks = 1; PRAGMA empty_result_callbacks;
-- = encoding
PRAGMA encoding; PRAGMA encoding = 'UTF-16le'; CREATE TABLE z(a); INSERT INTO z VALUES ('é'); SELECT a FROM z; PRAGMA encoding; PRAGMA encoding = 'UTF-8'; PRAGMA encoding;
-- + text cast to a blob shows UTF-8
PRAGMA encoding = 'UTF-16le'; CREATE TABLE z(a); INSERT INTO z VALUES ('é'); SELECT hex(CAST(a AS BLOB)) FROM z;
-- + an unknown encoding when it can change no more
PRAGMA encoding = 'UTF-8'; CREATE TABLE z(a); PRAGMA encoding = 'nope';
-- = foreign_key_check
CREATE TABLE f(i REFERENCES t); INSERT INTO f VALUES (99), (1); PRAGMA foreign_key_check; PRAGMA foreign_key_check(f);
-- = foreign_key_list
CREATE TABLE f(i REFERENCES t ON DELETE CASCADE, j, FOREIGN KEY (i, j) REFERENCES u(x, y)); PRAGMA foreign_key_list(f);
-- = foreign_keys
PRAGMA foreign_keys = 1; PRAGMA foreign_keys; BEGIN; PRAGMA foreign_keys = 0; PRAGMA foreign_keys;
-- = freelist_count
PRAGMA freelist_count; DROP TABLE t; PRAGMA freelist_count;
-- = full_column_names
PRAGMA full_column_names; PRAGMA full_column_names = 1; PRAGMA full_column_names;
-- = fullfsync
PRAGMA fullfsync; PRAGMA fullfsync = 1; PRAGMA fullfsync;
-- ! stored
-- = function_list
-- ! our own list, with fewer columns of flags where extensions are missing
-- = hard_heap_limit
PRAGMA hard_heap_limit;
-- ! stored
-- = ignore_check_constraints
CREATE TABLE n(i CHECK (i > 0)); PRAGMA ignore_check_constraints = 1; INSERT INTO n VALUES (0); PRAGMA ignore_check_constraints;
-- = incremental_vacuum
PRAGMA auto_vacuum = 2; CREATE TABLE z(a); INSERT INTO z VALUES (zeroblob(50000)); DROP TABLE z; PRAGMA freelist_count;
-- + gives no empty row for each page
PRAGMA auto_vacuum = 2; CREATE TABLE z(a); INSERT INTO z VALUES (zeroblob(50000)); DROP TABLE z; PRAGMA incremental_vacuum(3); PRAGMA freelist_count;
-- = index_info
PRAGMA index_info(t_b); PRAGMA index_info(nope);
-- = index_list
CREATE TABLE z(a UNIQUE, b, PRIMARY KEY (b)); CREATE INDEX zp ON z(a) WHERE b; PRAGMA index_list(z);
-- = index_xinfo
CREATE INDEX tx ON t(lower(b), c COLLATE NOCASE DESC); PRAGMA index_xinfo(tx); PRAGMA index_xinfo(t_b);
-- + a collation is not shown as it was written
CREATE INDEX tx ON t(c COLLATE nocase); PRAGMA index_xinfo(tx);
-- = integrity_check
PRAGMA integrity_check; PRAGMA integrity_check(5);
-- + of one table
PRAGMA integrity_check(t);
-- + constraints
CREATE TABLE n(i CHECK (i > 0)); PRAGMA ignore_check_constraints = 1; INSERT INTO n VALUES (0); PRAGMA ignore_check_constraints = 0; PRAGMA integrity_check;
-- = io_backend
-- ~ which back end serves the database: `syscall`, `io_uring`, `threads`, `memory`
PRAGMA io_backend;
-- = concurrent_isolation
-- ~ `snapshot` or `serializable`: what `BEGIN CONCURRENT` promises
PRAGMA concurrent_isolation = serializable;
-- = concurrent_upgrade
-- ~ a deferred transaction that has read, was overtaken and wants to write goes on where what it has read has not changed
PRAGMA concurrent_upgrade;
-- = snapshot_age_limit
-- ~ for how many milliseconds a transaction may keep the log from being copied; then a checkpoint lets its snapshot go
PRAGMA snapshot_age_limit;
-- = execution_tier
-- ~ `auto`, `row` or `batch`: whether queries run row by row or on batches of rows, where both are possible
PRAGMA execution_tier = batch; SELECT count(*), sum(a), max(b) FROM t WHERE a > 1; PRAGMA execution_tier = auto;
-- = require_where
-- ~ a DELETE or UPDATE without WHERE is refused, but for those in triggers
PRAGMA require_where = on; DELETE FROM t WHERE 1; PRAGMA require_where;
-- = i_am_a_dummy
-- ~ another name of `require_where`
PRAGMA i_am_a_dummy = on; PRAGMA require_where;
-- = journal_mode
PRAGMA journal_mode; PRAGMA journal_mode = wal; PRAGMA journal_mode = nope;
-- + off, in memory
PRAGMA journal_mode = off;
-- ! files: see below
-- = journal_size_limit
PRAGMA journal_size_limit; PRAGMA journal_size_limit = 1000; PRAGMA journal_size_limit;
-- = legacy_alter_table
PRAGMA legacy_alter_table; PRAGMA legacy_alter_table = 1; PRAGMA legacy_alter_table;
-- + names in views
PRAGMA legacy_alter_table = 1; CREATE VIEW v AS SELECT t.a FROM t; ALTER TABLE t RENAME TO tt; SELECT sql FROM sqlite_schema WHERE name = 'v';
-- = locking_mode
PRAGMA locking_mode; PRAGMA locking_mode = exclusive; PRAGMA locking_mode = normal;
-- + an unknown mode
PRAGMA locking_mode = exclusive; PRAGMA locking_mode = nope;
-- = max_page_count
PRAGMA max_page_count; PRAGMA max_page_count = 4; PRAGMA max_page_count; CREATE TABLE z(a); INSERT INTO z VALUES (zeroblob(100000));
-- = mmap_size
-- + in memory
PRAGMA mmap_size; PRAGMA mmap_size = 65536;
-- ! stored: pages are never read through a map
-- = module_list
-- ! lists this engine's own modules
-- = optimize
PRAGMA optimize(1);
PRAGMA optimize(3);
PRAGMA optimize;
SELECT * FROM sqlite_stat1;
PRAGMA optimize(3);
INSERT INTO t(b) SELECT 'new' FROM u, u, u, u; SELECT * FROM t WHERE b = 'one'; PRAGMA optimize(3); PRAGMA optimize; SELECT * FROM sqlite_stat1;
-- = page_count
PRAGMA page_count; CREATE TABLE z(a); PRAGMA page_count; PRAGMA nope.page_count;
-- = page_size
PRAGMA page_size; PRAGMA page_size = 1024; PRAGMA page_size; CREATE TABLE z(a); PRAGMA page_size; PRAGMA page_size = 2048; PRAGMA page_size;
-- = pragma_list
-- ! our own list
-- = query_only
PRAGMA query_only; PRAGMA query_only = 1; INSERT INTO t(a) VALUES (99);
-- = quick_check
PRAGMA quick_check;
-- + of one table
PRAGMA quick_check(t);
-- = read_uncommitted
PRAGMA read_uncommitted; PRAGMA read_uncommitted = 1; PRAGMA read_uncommitted;
-- ! stored; followed by connections of the C library that share a cache
-- = recursive_triggers
PRAGMA recursive_triggers; PRAGMA recursive_triggers = 1; PRAGMA recursive_triggers;
-- = reverse_unordered_selects
PRAGMA reverse_unordered_selects = 1; PRAGMA reverse_unordered_selects; SELECT a FROM t;
-- = schema_version
PRAGMA schema_version; CREATE TABLE z(a); PRAGMA schema_version; PRAGMA schema_version = 50; PRAGMA schema_version;
-- = secure_delete
PRAGMA secure_delete = 1; PRAGMA secure_delete = 0;
-- = short_column_names
PRAGMA short_column_names; PRAGMA short_column_names = 0; PRAGMA short_column_names;
-- = shrink_memory
PRAGMA shrink_memory;
-- = soft_heap_limit
PRAGMA soft_heap_limit; PRAGMA soft_heap_limit = 1000000;
-- ! stored
-- = synchronous
BEGIN; PRAGMA synchronous = 0;
-- + in memory
PRAGMA synchronous; PRAGMA synchronous = 1; PRAGMA synchronous;
-- = table_info
PRAGMA table_info(t); CREATE TABLE z(a NOT NULL DEFAULT 5, b AS (a), c VARCHAR(3), PRIMARY KEY (c, a)); PRAGMA table_info(z); CREATE VIEW v AS SELECT a, b || 'x' FROM t; PRAGMA table_info(v);
-- = table_list
SELECT 1; CREATE TABLE w(a PRIMARY KEY) WITHOUT ROWID, STRICT; CREATE VIEW v AS SELECT 1; PRAGMA table_list(w); PRAGMA table_list(v);
-- = table_xinfo
CREATE TABLE z(a, b AS (a), c AS (a) STORED); PRAGMA table_xinfo(z);
-- = temp_store
PRAGMA temp_store; PRAGMA temp_store = memory; PRAGMA temp_store;
-- = temp_store_directory
PRAGMA temp_store_directory;
-- ! setting it does nothing
-- = threads
PRAGMA threads; PRAGMA threads = 2;
-- ! stored
-- = trusted_schema
PRAGMA trusted_schema; PRAGMA trusted_schema = 0; PRAGMA trusted_schema;
-- = unstable_capture_data_changes_conn
-- ~ another name of `capture_data_changes_conn`
PRAGMA unstable_capture_data_changes_conn('id'); PRAGMA unstable_capture_data_changes_conn;
-- = user_version
PRAGMA user_version; PRAGMA user_version = -3; PRAGMA user_version;
-- = wal_autocheckpoint
-- + in memory
PRAGMA wal_autocheckpoint; PRAGMA wal_autocheckpoint = 50; PRAGMA wal_autocheckpoint;
-- ! files: see below
-- = wal_checkpoint
PRAGMA wal_checkpoint; PRAGMA wal_checkpoint(truncate);
-- = wal_status
-- ~ frames in the log and in the database file, bytes, the oldest reader and its age in ms, what a checkpoint waits for
PRAGMA wal_status;
-- = writable_schema
PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = 'CREATE INDEX t_b ON t(c)' WHERE name = 't_b'; SELECT sql FROM sqlite_schema; PRAGMA writable_schema = reset; PRAGMA writable_schema;
