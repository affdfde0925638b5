//! Change data capture: what is captured, in which mode, and what transactions and failures leave of it.

mod support;

use support::run_ours;
use turso_core::{Connection, Database, OpenOptions};

fn open() -> Connection {
    Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap()
}

/// The rows and errors of a script, one line each.
fn answers(connection: &Connection, sql: &str) -> String {
    let lines = run_ours(connection, sql).into_iter().flat_map(|(rows, error)| rows.into_iter().chain(error));
    lines.collect::<Vec<_>>().join("\n")
}

/// What was captured: number, transaction, type, table, id, and the images as JSON.
fn captured(connection: &Connection) -> String {
    let image = |column: &str| {
        format!(
            "CASE WHEN table_name = 'sqlite_schema' THEN {column} IS NOT NULL
            ELSE bin_record_json_object(table_columns_json_array(table_name), {column}) END"
        )
    };
    let (before, after) = (image("before"), image("after"));
    answers(
        connection,
        &format!(
            "SELECT format('%d/%d %d %s %s', change_id, change_txn_id, change_type, table_name,
            CASE typeof(id) WHEN 'blob' THEN hex(id) ELSE id END), {before}, {after} FROM turso_cdc"
        ),
    )
    .replace("'", "")
}

#[track_caller]
fn check(setup: &str, mode: &str, script: &str, expected: &[&str]) {
    let connection = open();
    assert_eq!(answers(&connection, setup), "");
    assert_eq!(answers(&connection, &format!("PRAGMA capture_data_changes_conn('{mode}')")), "");
    answers(&connection, script);
    assert_eq!(captured(&connection).lines().collect::<Vec<_>>(), expected, "{script}");
    assert_eq!(answers(&connection, "PRAGMA integrity_check"), "'ok'");
}

#[test]
fn the_pragma_makes_the_tables_and_answers_mode_table_and_version() {
    let connection = open();
    let ask = "PRAGMA capture_data_changes_conn";
    assert_eq!(answers(&connection, ask), "'off'|NULL|NULL");
    assert_eq!(answers(&connection, "PRAGMA unstable_capture_data_changes_conn('full')"), "");
    assert_eq!(answers(&connection, ask), "'full'|'turso_cdc'|'v2'");
    assert_eq!(answers(&connection, "PRAGMA capture_data_changes_conn('id,my \"log')"), "");
    assert_eq!(answers(&connection, ask), "'id'|'my \"log'|'v2'");
    assert_eq!(answers(&connection, "CREATE TABLE t(a); INSERT INTO t VALUES (1)"), "");
    assert_eq!(answers(&connection, "SELECT count(*) FROM \"my \"\"log\"; SELECT count(*) FROM turso_cdc"), "4\n0");
    assert_eq!(answers(&connection, "SELECT * FROM turso_cdc_version ORDER BY 1"), "'my \"log'|'v2'\n'turso_cdc'|'v2'");
    let names = "SELECT group_concat(name || ' ' || type || ' ' || pk) FROM pragma_table_info('turso_cdc')";
    assert_eq!(
        answers(&connection, names),
        "'change_id INTEGER 1,change_time INTEGER 0,change_txn_id INTEGER 0,change_type INTEGER 0,table_name TEXT 0,id  0,before BLOB 0,after BLOB 0,updates BLOB 0'"
    );
    for bad in ["nope", "", "full,", "FULL,x,"] {
        let text = "1 unexpected pragma value: expected '<mode>' or '<mode>,<cdc-table-name>' parameter where mode is one of off|id|before|after|full";
        assert_eq!(answers(&connection, &format!("PRAGMA capture_data_changes_conn('{bad}')")), text, "{bad}");
    }
    assert_eq!(answers(&connection, "DROP TABLE \"my \"\"log\"; SELECT * FROM turso_cdc_version"), "'turso_cdc'|'v2'");
    assert_eq!(answers(&connection, "INSERT INTO t VALUES (2)"), "1 no such table: my \"log");
    assert_eq!(answers(&connection, "SELECT count(*) FROM t; PRAGMA capture_data_changes_conn('off')"), "1");
    assert_eq!(answers(&connection, "INSERT INTO t VALUES (2); SELECT count(*) FROM t"), "2");
}

#[test]
fn each_mode_keeps_its_images() {
    let setup = "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c REAL)";
    let script = "INSERT INTO t VALUES (1, 'x', 2); UPDATE t SET b = 'y'; DELETE FROM t";
    let (x, y) = ("{\"a\":1,\"b\":\"x\",\"c\":2.0}", "{\"a\":1,\"b\":\"y\",\"c\":2.0}");
    for (mode, images) in [
        ("id", [("NULL", "NULL"), ("NULL", "NULL"), ("NULL", "NULL")]),
        ("before", [("NULL", "NULL"), (x, "NULL"), (y, "NULL")]),
        ("after", [("NULL", x), ("NULL", y), ("NULL", "NULL")]),
        ("full", [("NULL", x), (x, y), (y, "NULL")]),
    ] {
        let mut expected = Vec::new();
        for (i, (kind, (before, after))) in [1, 0, -1].iter().zip(images).enumerate() {
            let first = 2 * i + 1;
            expected.push(format!("{first}/{first} {kind} t 1|{before}|{after}"));
            expected.push(format!("{}/{first} 2  |NULL|NULL", first + 1));
        }
        check(setup, mode, script, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn updates_tell_which_columns_changed() {
    let connection = open();
    answers(
        &connection,
        "CREATE TABLE t(a, b, c); INSERT INTO t VALUES (1, 'x', NULL); PRAGMA capture_data_changes_conn('full');
         UPDATE t SET b = 'y', c = c",
    );
    let names = "'[\"fa\",\"fb\",\"fc\",\"a\",\"b\",\"c\"]'";
    assert_eq!(
        answers(
            &connection,
            &format!("SELECT bin_record_json_object({names}, updates) FROM turso_cdc WHERE change_type = 0")
        ),
        "'{\"fa\":0,\"fb\":1,\"fc\":0,\"a\":null,\"b\":\"y\",\"c\":null}'"
    );
}

#[test]
fn effects_of_every_sort_are_captured() {
    let setup = "CREATE TABLE p(a INTEGER PRIMARY KEY, b UNIQUE);
        CREATE TABLE c(x REFERENCES p(a) ON DELETE CASCADE, y);
        CREATE TABLE log(what);
        CREATE TRIGGER g AFTER INSERT ON p BEGIN INSERT INTO log VALUES (new.b); END;
        PRAGMA foreign_keys = ON";
    check(
        setup,
        "id",
        "INSERT INTO p VALUES (1, 'one'); INSERT INTO c VALUES (1, 2);
         REPLACE INTO p VALUES (2, 'one');
         INSERT INTO p VALUES (2, 'two') ON CONFLICT DO UPDATE SET b = 'three';
         UPDATE p SET a = 7;
         DELETE FROM log",
        &[
            "1/1 1 p 1|NULL|NULL",
            "2/1 1 log 1|NULL|NULL",
            "3/1 2  |NULL|NULL",
            "4/4 1 c 1|NULL|NULL",
            "5/4 2  |NULL|NULL",
            "6/6 -1 p 1|NULL|NULL",
            "7/6 -1 c 1|NULL|NULL",
            "8/6 1 p 2|NULL|NULL",
            "9/6 1 log 2|NULL|NULL",
            "10/6 2  |NULL|NULL",
            "11/11 0 p 2|NULL|NULL",
            "12/11 2  |NULL|NULL",
            "13/13 -1 p 2|NULL|NULL",
            "14/13 1 p 7|NULL|NULL",
            "15/13 2  |NULL|NULL",
            "16/16 -1 log 1|NULL|NULL",
            "17/16 -1 log 2|NULL|NULL",
            "18/16 2  |NULL|NULL",
        ],
    );
}

#[test]
fn rows_without_rowid_are_named_by_their_key() {
    check(
        "CREATE TABLE w(a, b TEXT PRIMARY KEY, c AS (a + 1), d AS (a + 2) STORED) WITHOUT ROWID",
        "full",
        "INSERT INTO w VALUES (5, 'k'); UPDATE w SET a = 6; UPDATE w SET b = 'm'; DELETE FROM w",
        &[
            "1/1 1 w 020F6B|NULL|{\"a\":5,\"b\":\"k\",\"d\":7}",
            "2/1 2  |NULL|NULL",
            "3/3 0 w 020F6B|{\"a\":5,\"b\":\"k\",\"d\":7}|{\"a\":6,\"b\":\"k\",\"d\":8}",
            "4/3 2  |NULL|NULL",
            "5/5 -1 w 020F6B|{\"a\":6,\"b\":\"k\",\"d\":8}|NULL",
            "6/5 1 w 020F6D|NULL|{\"a\":6,\"b\":\"m\",\"d\":8}",
            "7/5 2  |NULL|NULL",
            "8/8 -1 w 020F6D|{\"a\":6,\"b\":\"m\",\"d\":8}|NULL",
            "9/8 2  |NULL|NULL",
        ],
    );
}

#[test]
fn counters_that_the_engine_writes_are_captured() {
    let setup = "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT, b)";
    let script = "INSERT INTO t(b) VALUES ('x'), ('y'); INSERT INTO t VALUES (9, 'z'); UPDATE t SET a = 20 WHERE a = 9;
        ALTER TABLE t RENAME TO u; DROP TABLE u";
    let connection = open();
    answers(&connection, &format!("{setup}; PRAGMA capture_data_changes_conn('full'); {script}"));
    let image = |column: &str| format!("bin_record_json_object('[\"name\",\"seq\"]', {column})");
    let sql = format!(
        "SELECT change_type, {}, {} FROM turso_cdc WHERE table_name = 'sqlite_sequence' ORDER BY change_id",
        image("before"),
        image("after")
    );
    assert_eq!(
        answers(&connection, &sql).replace('\'', ""),
        r#"1|NULL|{"name":"t","seq":2}
0|{"name":"t","seq":2}|{"name":"t","seq":9}
0|{"name":"t","seq":9}|{"name":"u","seq":9}
-1|{"name":"u","seq":9}|NULL"#
    );
}

#[test]
fn what_is_undone_leaves_nothing() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY)",
        "id",
        "INSERT INTO t VALUES (1), (2), (1);
         BEGIN; INSERT INTO t VALUES (1); ROLLBACK;
         BEGIN; SAVEPOINT s; INSERT INTO t VALUES (1); ROLLBACK TO s; COMMIT;
         BEGIN; INSERT INTO t VALUES (1); SAVEPOINT s; INSERT INTO t VALUES (2); ROLLBACK TO s; INSERT INTO t VALUES (3);
         INSERT OR FAIL INTO t VALUES (4), (3), (5); COMMIT;
         BEGIN; COMMIT; UPDATE t SET a = a WHERE 0",
        &[
            "1/1 1 t 1|NULL|NULL",
            "2/1 1 t 3|NULL|NULL",
            "3/1 1 t 4|NULL|NULL",
            "4/1 2  |NULL|NULL",
            "5/-1 2  |NULL|NULL",
        ],
    );
}

#[test]
fn definitions_of_every_sort_are_captured() {
    let connection = open();
    answers(&connection, "PRAGMA capture_data_changes_conn('full')");
    answers(
        &connection,
        "CREATE TABLE t(a, b); CREATE INDEX i ON t(a); CREATE VIEW v AS SELECT * FROM t;
         CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;
         ALTER TABLE t RENAME COLUMN b TO c; ALTER TABLE t ADD COLUMN d;
         CREATE TABLE f AS SELECT 1 AS x, 2.0 AS y; DROP TRIGGER g; DROP TABLE t",
    );
    let sql = "SELECT change_type, table_name, id,
        bin_record_json_object('[\"k\",\"n\",\"t\",\"r\"]', coalesce(after, before)) ->> 'n',
        bin_record_json_object('[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"sql\"]', updates) ->> 'sql'
        FROM turso_cdc WHERE change_type <> 2 AND table_name = 'sqlite_schema'";
    let expected = "1|'sqlite_schema'|5|'t'|NULL
1|'sqlite_schema'|6|'i'|NULL
1|'sqlite_schema'|7|'v'|NULL
1|'sqlite_schema'|8|'g'|NULL
0|'sqlite_schema'|5|'t'|'ALTER TABLE t RENAME COLUMN b TO c'
0|'sqlite_schema'|5|'t'|'ALTER TABLE t ADD COLUMN d'
1|'sqlite_schema'|9|'f'|NULL
-1|'sqlite_schema'|8|'g'|NULL
-1|'sqlite_schema'|5|'t'|NULL
-1|'sqlite_schema'|6|'i'|NULL";
    assert_eq!(answers(&connection, sql), expected);
    assert_eq!(
        answers(
            &connection,
            "SELECT change_type, table_name FROM turso_cdc WHERE change_id > 12 AND change_type <> 2 LIMIT 2"
        ),
        "1|'sqlite_schema'\n1|'f'"
    );
}

/// Its other effects (here: a string in double quotes, in a view of another table) follow from the statement only.
#[test]
fn an_alter_that_leaves_its_table_as_it_was_is_captured() {
    let connection = open();
    answers(
        &connection,
        "CREATE TABLE t(a, b); CREATE TABLE u(a); CREATE VIEW v AS SELECT \"e e\" FROM t;
         PRAGMA capture_data_changes_conn('full'); ALTER TABLE u RENAME COLUMN a TO a",
    );
    let sql = "SELECT change_type,
        bin_record_json_object('[\"k\",\"n\",\"t\",\"r\",\"sql\"]', after) ->> 'sql',
        bin_record_json_object('[\"a\",\"b\",\"c\",\"d\",\"changed\",\"f\",\"g\",\"h\",\"i\",\"sql\"]', updates) ->> '$.changed',
        bin_record_json_object('[\"a\",\"b\",\"c\",\"d\",\"changed\",\"f\",\"g\",\"h\",\"i\",\"sql\"]', updates) ->> '$.sql'
        FROM turso_cdc WHERE table_name = 'sqlite_schema'";
    let expected = "0|'CREATE TABLE u(a)'|1|'ALTER TABLE u RENAME COLUMN a TO a'
0|'CREATE VIEW v AS SELECT 'e e' FROM t'|1|'CREATE VIEW v AS SELECT 'e e' FROM t'";
    assert_eq!(answers(&connection, sql), expected);
}

#[test]
fn capture_does_not_show_in_the_counters() {
    let connection = open();
    answers(&connection, "CREATE TABLE t(a INTEGER PRIMARY KEY); PRAGMA capture_data_changes_conn('full')");
    let sql = "INSERT INTO t VALUES (5), (6); SELECT changes(), total_changes(), last_insert_rowid()";
    assert_eq!(answers(&connection, sql), "2|3|6");
}

#[test]
fn numbers_are_never_given_out_twice() {
    let connection = open();
    answers(&connection, "CREATE TABLE t(a); PRAGMA capture_data_changes_conn('id'); INSERT INTO t VALUES (1)");
    answers(&connection, "DELETE FROM turso_cdc; INSERT INTO t VALUES (2)");
    assert_eq!(answers(&connection, "SELECT change_id, change_type FROM turso_cdc"), "3|1\n4|2");
}

#[test]
fn a_capture_table_with_indexes_keeps_them() {
    let connection = open();
    answers(
        &connection,
        "CREATE TABLE t(a); PRAGMA capture_data_changes_conn('full'); CREATE INDEX by_table ON turso_cdc(table_name);
         INSERT INTO t VALUES (1), (2); BEGIN; UPDATE t SET a = 3; COMMIT",
    );
    assert_eq!(answers(&connection, "SELECT count(*) FROM turso_cdc INDEXED BY by_table WHERE table_name = 't'"), "4");
    assert_eq!(answers(&connection, "SELECT change_txn_id FROM turso_cdc WHERE change_type = 2"), "1\n4");
    assert_eq!(answers(&connection, "PRAGMA integrity_check"), "'ok'");
}

#[test]
fn a_table_without_registration_is_of_version_1() {
    let connection = open();
    answers(
        &connection,
        "CREATE TABLE turso_cdc(change_id INTEGER PRIMARY KEY AUTOINCREMENT, change_time INTEGER, change_type INTEGER,
             table_name TEXT, id, before BLOB, after BLOB, updates BLOB);
         CREATE TABLE t(a); PRAGMA capture_data_changes_conn('id'); INSERT INTO t VALUES (1)",
    );
    assert_eq!(answers(&connection, "PRAGMA capture_data_changes_conn"), "'id'|'turso_cdc'|'v1'");
    assert_eq!(answers(&connection, "SELECT change_id, change_type, table_name, id FROM turso_cdc"), "1|1|'t'|1");
    assert_eq!(
        answers(&connection, "PRAGMA capture_data_changes_conn('id,t')"),
        "1 table t is not a table for captured changes"
    );
}

#[test]
fn the_journal_mode_may_change_while_capturing() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("j.db");
    let connection = Database::open(path.to_str().unwrap(), OpenOptions::default()).unwrap().connect().unwrap();
    answers(&connection, "CREATE TABLE t(a); PRAGMA capture_data_changes_conn('id')");
    for mode in ["delete", "wal", "truncate", "wal"] {
        assert_eq!(answers(&connection, &format!("PRAGMA journal_mode = {mode}")), format!("'{mode}'"));
        assert_eq!(answers(&connection, "INSERT INTO t VALUES (1)"), "");
    }
    assert_eq!(answers(&connection, "SELECT count(*) FROM turso_cdc WHERE change_type = 1"), "4");
}

#[test]
fn concurrent_transactions_are_captured_in_the_order_of_their_commits() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("c.db");
    let database = Database::open(path.to_str().unwrap(), OpenOptions::default()).unwrap();
    let (one, two) = (database.connect().unwrap(), database.connect().unwrap());
    answers(&one, "PRAGMA journal_mode = wal; CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    for connection in [&one, &two] {
        assert_eq!(answers(connection, "PRAGMA capture_data_changes_conn('full'); BEGIN CONCURRENT"), "");
    }
    assert_eq!(
        answers(&one, "INSERT INTO t VALUES (1, 'one'); SAVEPOINT s; INSERT INTO t VALUES (9, 'x'); ROLLBACK TO s"),
        ""
    );
    assert_eq!(answers(&two, "INSERT INTO t VALUES (2, 'two'); COMMIT"), "");
    assert_eq!(answers(&one, "INSERT INTO t VALUES (3, 'three'); COMMIT"), "");
    let expected = [
        "1/1 1 t 2|NULL|{\"a\":2,\"b\":\"two\"}",
        "2/1 2  |NULL|NULL",
        "3/3 1 t 1|NULL|{\"a\":1,\"b\":\"one\"}",
        "4/3 1 t 3|NULL|{\"a\":3,\"b\":\"three\"}",
        "5/3 2  |NULL|NULL",
    ];
    assert_eq!(captured(&one).lines().collect::<Vec<_>>(), expected);
    assert_eq!(answers(&one, "PRAGMA integrity_check"), "'ok'");
}

/// DDL ends the concurrency of a transaction, not what has been noted before a savepoint.
#[test]
fn what_is_noted_before_a_savepoint_stays_when_it_is_undone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let connection = Database::open(path.to_str().unwrap(), OpenOptions::default()).unwrap().connect().unwrap();
    let script =
        "CREATE TABLE t(a, b); PRAGMA capture_data_changes_conn('full'); BEGIN CONCURRENT; INSERT INTO t VALUES (1, 2);
        SAVEPOINT s; INSERT INTO t VALUES (3, 4); CREATE INDEX i ON t(a); INSERT INTO t VALUES (5, 6); ROLLBACK TO s;
        INSERT INTO t VALUES (7, 8); COMMIT";
    assert_eq!(answers(&connection, script), "");
    let expected = ["1/1 1 t 1|NULL|{\"a\":1,\"b\":2}", "2/1 1 t 2|NULL|{\"a\":7,\"b\":8}", "3/1 2  |NULL|NULL"];
    assert_eq!(captured(&connection).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn each_alter_of_a_concurrent_transaction_tells_its_text() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let connection = Database::open(path.to_str().unwrap(), OpenOptions::default()).unwrap().connect().unwrap();
    let script =
        "CREATE TABLE t(a, b); PRAGMA capture_data_changes_conn('full'); BEGIN CONCURRENT; INSERT INTO t VALUES (1, 2);
        ALTER TABLE t ADD COLUMN c; ALTER TABLE t DROP COLUMN b; DROP TABLE t; CREATE TABLE t AS SELECT 5 AS x; COMMIT";
    assert_eq!(answers(&connection, script), "");
    let told = "SELECT change_type, table_name, instr(updates, 'ADD COLUMN c') > 0, instr(updates, 'DROP COLUMN b') > 0 FROM turso_cdc";
    let expected = [
        "1|'t'|NULL|NULL",
        "0|'sqlite_schema'|1|0",
        "0|'sqlite_schema'|0|1",
        "-1|'sqlite_schema'|NULL|NULL",
        "1|'sqlite_schema'|NULL|NULL",
        "1|'t'|NULL|NULL",
        "2|NULL|NULL|NULL",
    ];
    assert_eq!(answers(&connection, told).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn writes_through_a_blob_handle_are_updates_of_the_row() {
    let connection = open();
    assert_eq!(
        answers(&connection, "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (7, 'abcdef')"),
        ""
    );
    assert_eq!(answers(&connection, "PRAGMA capture_data_changes_conn('full')"), "");
    let mut blob = connection.open_blob("main", "t", "b", 7, true).unwrap();
    blob.write_at(b"XY", 1).unwrap();
    blob.write_at(b"Z", 5).unwrap();
    assert!(blob.write_at(b"Z", 6).is_err());
    blob.close().unwrap();
    let row = |b: &str| format!("{{\"a\":7,\"b\":\"{b}\"}}");
    let expected = [
        format!("1/1 0 t 7|{}|{}", row("abcdef"), row("aXYdef")),
        format!("2/1 0 t 7|{}|{}", row("aXYdef"), row("aXYdeZ")),
        "3/1 2  |NULL|NULL".into(),
    ];
    assert_eq!(captured(&connection).lines().collect::<Vec<_>>(), expected);
    // What cannot be captured does not happen; what is undone leaves nothing.
    assert_eq!(answers(&connection, "BEGIN"), "");
    let mut blob = connection.open_blob("main", "t", "b", 7, true).unwrap();
    blob.write_at(b"!", 0).unwrap();
    blob.close().unwrap();
    assert_eq!(answers(&connection, "ROLLBACK; SELECT max(change_id) FROM turso_cdc"), "3");
    assert_eq!(answers(&connection, "DROP TABLE turso_cdc"), "");
    let mut blob = connection.open_blob("main", "t", "b", 7, true).unwrap();
    assert_eq!(blob.write_at(b"!", 0).unwrap_err().to_string(), "no such table: turso_cdc");
    let _ = blob.close();
    assert_eq!(answers(&connection, "SELECT b FROM t"), "'aXYdeZ'");
}
