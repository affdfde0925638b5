//! Pragmas, against SQLite.

mod support;

use support::check;

#[test]
fn catalogue_pragmas() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT NOT NULL DEFAULT 'x', c UNIQUE);
         CREATE TABLE w(a, b, PRIMARY KEY(b, a)) WITHOUT ROWID;
         CREATE TABLE g(a varchar ( 10 , 20 ) DEFAULT -5, b DEFAULT ( 1 + 2 ), c DEFAULT abc, d DEFAULT +3, f DEFAULT \"dq\", g DEFAULT x'00', h DEFAULT NULL, i DEFAULT current_time);
         CREATE TABLE x(a, b GENERATED ALWAYS AS (a+1) STORED, c AS (b*2));
         CREATE TABLE ch(x REFERENCES t(a) ON DELETE CASCADE, y, FOREIGN KEY (x,y) REFERENCES w ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED);
         CREATE TABLE rep(a UNIQUE, b UNIQUE ON CONFLICT REPLACE, c UNIQUE);
         PRAGMA table_info(t); PRAGMA table_xinfo(t); PRAGMA table_info(w); PRAGMA table_xinfo(g); PRAGMA table_info(x); PRAGMA table_xinfo(x);
         PRAGMA index_list(t); PRAGMA index_list(w); PRAGMA index_list(rep);
         PRAGMA index_info(sqlite_autoindex_t_1); PRAGMA index_xinfo(sqlite_autoindex_t_1); PRAGMA index_xinfo(sqlite_autoindex_w_1);
         PRAGMA foreign_key_list(ch); PRAGMA table_info(nosuch); PRAGMA index_list; PRAGMA table_xinfo(sqlite_schema);
         PRAGMA collation_list;
         SELECT name FROM pragma_pragma_list
         WHERE name NOT IN ('io_backend', 'concurrent_isolation', 'concurrent_upgrade', 'execution_tier', 'snapshot_age_limit', 'wal_status',
                            'require_where', 'i_am_a_dummy')
           AND name NOT LIKE '%capture_data_changes_conn';",
    );
}

#[test]
fn header_pragmas() {
    check(
        "PRAGMA user_version; PRAGMA user_version = 5; PRAGMA user_version; PRAGMA user_version = 'abc'; PRAGMA user_version;
         PRAGMA user_version = -3; PRAGMA user_version; PRAGMA application_id(7); PRAGMA application_id; PRAGMA schema_version;
         CREATE TABLE t(a); PRAGMA schema_version; PRAGMA page_count; PRAGMA freelist_count; DROP TABLE t; PRAGMA freelist_count;
         PRAGMA encoding; PRAGMA nosuch; PRAGMA nosuch.user_version; PRAGMA integrity_check; PRAGMA quick_check;
         PRAGMA integrity_check(nosuch);",
    );
}

#[test]
fn settings_are_stored_and_answered() {
    check(
        "PRAGMA foreign_keys; PRAGMA foreign_keys = ON; PRAGMA foreign_keys; PRAGMA foreign_keys = off; PRAGMA foreign_keys; PRAGMA foreign_keys(2);
         PRAGMA recursive_triggers = yes; PRAGMA recursive_triggers = no; PRAGMA recursive_triggers; PRAGMA case_sensitive_like; PRAGMA case_sensitive_like = 1; SELECT 'a' LIKE 'A';
         PRAGMA cache_size; PRAGMA cache_size = 100; PRAGMA cache_size; PRAGMA synchronous; PRAGMA synchronous = off; PRAGMA synchronous; PRAGMA synchronous = normal; PRAGMA synchronous;
         PRAGMA busy_timeout = 100; PRAGMA busy_timeout; PRAGMA locking_mode; PRAGMA temp_store; PRAGMA temp_store = memory; PRAGMA temp_store;
         PRAGMA wal_autocheckpoint; PRAGMA wal_autocheckpoint = 50; PRAGMA journal_size_limit; PRAGMA secure_delete; PRAGMA threads; PRAGMA analysis_limit;
         PRAGMA soft_heap_limit; PRAGMA hard_heap_limit; PRAGMA shrink_memory; PRAGMA optimize; PRAGMA trusted_schema; PRAGMA query_only; PRAGMA automatic_index;
         PRAGMA page_size; PRAGMA auto_vacuum; PRAGMA foreign_key_check; PRAGMA default_cache_size; PRAGMA count_changes; PRAGMA read_uncommitted; PRAGMA legacy_file_format;",
    );
}

#[test]
fn sizes_of_caches_belong_to_their_databases() {
    check(
        "PRAGMA default_cache_size = -123; PRAGMA cache_size; PRAGMA default_cache_size; ATTACH ':memory:' AS aux;
         PRAGMA aux.cache_size; PRAGMA aux.cache_size = 77; PRAGMA aux.cache_size; PRAGMA main.cache_size; PRAGMA cache_size = -50;
         PRAGMA cache_size; PRAGMA aux.cache_size; PRAGMA synchronous = 8; PRAGMA synchronous; PRAGMA synchronous = 10;
         PRAGMA synchronous; PRAGMA synchronous = 3; PRAGMA synchronous;",
    );
}

#[test]
fn temporary_tables_go_with_their_storage() {
    check(
        "CREATE TEMP TABLE x(a); PRAGMA temp_store = 2; SELECT * FROM x; CREATE TEMP TABLE x(a); PRAGMA temp_store = 2; SELECT * FROM x;
         BEGIN; PRAGMA temp_store = 0; COMMIT; SELECT * FROM x; PRAGMA temp_store; PRAGMA temp_store = 0; SELECT * FROM x;",
    );
}

#[test]
fn changes_answer_their_count_when_asked_to() {
    check(
        "CREATE TABLE t(a UNIQUE); CREATE TABLE u(a); PRAGMA count_changes = 1; PRAGMA count_changes; INSERT INTO t VALUES (1), (2);
         CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO u VALUES (new.a), (7); END; INSERT INTO t VALUES (3); UPDATE t SET a = a + 10;
         DELETE FROM t WHERE a > 11; DELETE FROM u; INSERT OR IGNORE INTO t VALUES (11), (12) RETURNING a; REPLACE INTO t VALUES (11);
         CREATE TABLE w AS SELECT 1; PRAGMA count_changes = off; DELETE FROM t;",
    );
}

#[test]
fn changes_of_all_rows_are_refused_where_a_condition_is_required() {
    let script = "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2); PRAGMA require_where = on; PRAGMA i_am_a_dummy;
         UPDATE t SET a = a + 1; DELETE FROM t; SELECT sum(a) FROM t; UPDATE t SET a = a + 1 WHERE true;
         CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET a = 9; END; INSERT INTO t VALUES (5); SELECT sum(a) FROM t;
         PRAGMA require_where = off; DELETE FROM t; SELECT count(*) FROM t;";
    let database = turso_core::Database::open(":memory:", turso_core::OpenOptions::default()).unwrap();
    let connection = database.connect().unwrap();
    let told: Vec<String> = support::run_ours(&connection, script)
        .into_iter()
        .filter_map(|(rows, error)| error.or_else(|| rows.into_iter().next()))
        .collect();
    let refused = ["1 UPDATE without a WHERE clause is not allowed", "1 DELETE without a WHERE clause is not allowed"];
    assert_eq!(told, ["1", refused[0], refused[1], "3", "27", "0"]);
}

/// Words, numbers out of range, hexadecimal, fractions: each pragma has its own way to read its argument.
#[test]
fn arguments_are_read_as_sqlite_reads_them() {
    const NAMES: &str = "analysis_limit application_id automatic_index busy_timeout cache_size cache_spill cell_size_check \
        checkpoint_fullfsync default_cache_size defer_foreign_keys foreign_keys full_column_names \
        fullfsync ignore_check_constraints journal_size_limit legacy_alter_table max_page_count mmap_size query_only \
        read_uncommitted recursive_triggers reverse_unordered_selects secure_delete short_column_names soft_heap_limit \
        temp_store threads trusted_schema user_version wal_autocheckpoint writable_schema";
    const VALUES: &str = "0 1 2 -1 on off full yes 5 100 'x' 1.7 -5000 1000000000000 0x10 '12x' +3 0";
    for name in NAMES.split_whitespace() {
        let mut script = String::from("CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b);");
        for value in VALUES.split_whitespace() {
            // These would leave nothing to do for the next one.
            if (name, value) != ("max_page_count", "5") {
                script.push_str(&format!("PRAGMA {name} = {value}; PRAGMA {name}; PRAGMA main.{name};"));
            }
        }
        check(&script);
    }
}

#[test]
fn synchronous_without_a_file() {
    check(
        "PRAGMA synchronous; PRAGMA temp.synchronous; PRAGMA temp.synchronous = 1; PRAGMA temp.synchronous;
         ATTACH ':memory:' AS aux; PRAGMA aux.synchronous; PRAGMA aux.synchronous = 0; PRAGMA aux.synchronous; PRAGMA synchronous = 1;
         ATTACH ':memory:' AS other; PRAGMA other.synchronous; PRAGMA aux.synchronous; PRAGMA synchronous = 0; VACUUM; PRAGMA synchronous;
         BEGIN; PRAGMA synchronous = 2; PRAGMA temp.synchronous = 2; PRAGMA synchronous; COMMIT;",
    );
}
