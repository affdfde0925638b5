//! Changesets as they are recorded, combined and rebased. The expected texts are what SQLite answers to the same.

use std::fmt::Write;

use turso_core::{Connection, Database, OpenOptions, Result, ResultCode, Value};
use turso_session::{
    Change, Field, Group, Input, Kind, Operation, Output, Reader, ReaderOptions, Rebaser, Session, Sink, Source, invert,
};

fn connect() -> Connection {
    Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap()
}

/// A changeset and a patchset of what `sql` does after `setup`.
fn record(setup: &str, sql: &str) -> (Vec<u8>, Vec<u8>) {
    let connection = connect();
    connection.execute_batch(setup).unwrap();
    let session = Session::new(&connection, "main");
    session.attach(None);
    connection.execute_batch(sql).unwrap();
    (session.changeset().unwrap(), session.patchset().unwrap())
}

fn show_field(out: &mut String, field: &Field) {
    match field {
        None => out.push('-'),
        Some(Value::Null) => out.push_str("NULL"),
        Some(Value::Integer(i)) => write!(out, "{i}").unwrap(),
        Some(Value::Real(r)) => write!(out, "{r:?}").unwrap(),
        Some(Value::Text(text)) => write!(out, "'{}'", String::from_utf8_lossy(text)).unwrap(),
        Some(Value::Blob(blob)) => write!(out, "x'{blob:02x?}'").unwrap(),
    }
}

fn show_change(change: &Change) -> String {
    let mut out = format!("{:?}{} {}", change.operation, if change.indirect { "*" } else { "" }, "");
    out.push_str(&String::from_utf8_lossy(&change.table.name));
    for record in [&change.old, &change.new].into_iter().filter(|record| !record.is_empty()) {
        out.push_str(" (");
        for (column, field) in record.iter().enumerate() {
            out.push_str(if column > 0 { " " } else { "" });
            show_field(&mut out, field);
        }
        out.push(')');
    }
    out
}

fn show(changeset: &[u8]) -> Vec<String> {
    let mut reader = Reader::new(Input::whole(changeset), ReaderOptions::default());
    let mut lines = Vec::new();
    while let Some(change) = reader.next_change().unwrap() {
        lines.push(show_change(change));
    }
    lines
}

#[track_caller]
fn check_changeset(setup: &str, sql: &str, expected: &[&str]) {
    assert_eq!(show(&record(setup, sql).0), expected, "{sql}");
}

const T: &str = "CREATE TABLE t(a PRIMARY KEY, b, c); INSERT INTO t VALUES(1, 1, 1), (2, 2, 2), (3, 3, 3);";

#[test]
fn the_bytes_are_those_of_sqlite() {
    let (changeset, patchset) =
        record("CREATE TABLE t(a PRIMARY KEY, b, c); INSERT INTO t VALUES(1, 2, 3)", "UPDATE t SET b = 5");
    assert_eq!(
        changeset,
        b"T\x03\x01\0\0t\0\x17\0\x01\0\0\0\0\0\0\0\x01\x01\0\0\0\0\0\0\0\x02\0\0\x01\0\0\0\0\0\0\0\x05\0"
    );
    assert_eq!(patchset, b"P\x03\x01\0\0t\0\x17\0\x01\0\0\0\0\0\0\0\x01\x01\0\0\0\0\0\0\0\x05\0");
    let (changeset, patchset) = record(
        "CREATE TABLE t(a, b REAL, c TEXT, PRIMARY KEY(c, a)); INSERT INTO t VALUES(1, 5, 8)",
        "DELETE FROM t; INSERT INTO t VALUES(x'00', NULL, 'x')",
    );
    let inserted = b"\x12\0\x04\x01\0\x05\x03\x01x";
    let header = b"\x03\x02\0\x01t\0";
    let deleted = b"\x09\0\x01\0\0\0\0\0\0\0\x01\x02\x40\x14\0\0\0\0\0\0\x03\x018";
    assert_eq!(changeset, [b"T", &header[..], inserted, deleted].concat());
    assert_eq!(patchset, [b"P", &header[..], inserted, b"\x09\0\x01\0\0\0\0\0\0\0\x01\x03\x018"].concat());
}

#[test]
fn a_row_is_told_once_with_its_first_and_last_values() {
    check_changeset(T, "UPDATE t SET b = 7 WHERE a = 1; UPDATE t SET b = 8 WHERE a = 1", &["Update t (1 1 -) (- 8 -)"]);
    check_changeset(T, "UPDATE t SET b = 7 WHERE a = 1; UPDATE t SET b = 1 WHERE a = 1", &[]);
    check_changeset(T, "INSERT INTO t VALUES(9, 9, 9); DELETE FROM t WHERE a = 9", &[]);
    check_changeset(T, "DELETE FROM t WHERE a = 2; INSERT INTO t VALUES(2, 2, 'x')", &["Update t (2 - 2) (- - 'x')"]);
    check_changeset(T, "UPDATE t SET a = 9 WHERE a = 2", &["Insert t (9 2 2)", "Delete t (2 2 2)"]);
    check_changeset(T, "INSERT INTO t VALUES(NULL, 1, 1)", &[]);
    check_changeset(T, "REPLACE INTO t VALUES(1, 4, 1)", &["Update t (1 1 -) (- 4 -)"]);
}

#[test]
fn what_cannot_be_told_apart_is_not_told() {
    check_changeset("CREATE TABLE n(x, y)", "INSERT INTO n VALUES(1, 2)", &[]);
    check_changeset(
        "CREATE TABLE g(a INTEGER PRIMARY KEY, b, s AS (b + 1) STORED, c)",
        "INSERT INTO g VALUES(1, 2, 3)",
        &["Insert g (1 2 3)"],
    );
    check_changeset(
        "CREATE TABLE w(a, b, PRIMARY KEY(b)) WITHOUT ROWID; INSERT INTO w VALUES(1, 2)",
        "UPDATE w SET a = 3",
        &["Update w (1 2) (3 -)"],
    );
}

#[test]
fn statistics_are_told_although_their_table_has_no_key() {
    check_changeset(
        "CREATE TABLE t(a, b); CREATE INDEX i ON t(b); INSERT INTO t VALUES(1, 2), (3, 3)",
        "ANALYZE; UPDATE sqlite_stat1 SET idx = NULL",
        &["Insert sqlite_stat1 ('t' x'[]' '2 1')"],
    );
}

#[test]
fn rowids_serve_as_keys_where_that_is_asked_for() {
    let connection = connect();
    connection.execute_batch("CREATE TABLE n(x, y); INSERT INTO n VALUES(1, 2)").unwrap();
    let session = Session::new(&connection, "main");
    session.set_records_rowids(true).unwrap();
    session.attach(Some("n"));
    connection.execute_batch("UPDATE n SET y = 3; INSERT INTO n VALUES(4, 5)").unwrap();
    let expected = ["Update n (1 - 2) (- - 3)", "Insert n (2 4 5)"];
    assert_eq!(show(&session.changeset().unwrap()), expected);
    assert_eq!(session.set_records_rowids(false).unwrap_err().code(), ResultCode::MISUSE);
}

#[test]
fn triggers_and_the_session_make_changes_indirect() {
    let setup = "CREATE TABLE t(a PRIMARY KEY, b); CREATE TABLE u(a PRIMARY KEY);
        CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO u VALUES(new.a); END";
    check_changeset(setup, "INSERT INTO t VALUES(1, 2)", &["Insert t (1 2)", "Insert* u (1)"]);
    let connection = connect();
    connection.execute_batch(T).unwrap();
    let session = Session::new(&connection, "main");
    session.attach(Some("T"));
    session.set_indirect(true);
    connection.execute_batch("UPDATE t SET b = 5 WHERE a < 3").unwrap();
    session.set_indirect(false);
    connection.execute_batch("UPDATE t SET b = 6 WHERE a = 1").unwrap();
    // Direct once is direct for good; the name is as it was attached.
    let expected = ["Update T (1 1 -) (- 6 -)", "Update* T (2 2 -) (- 5 -)"];
    assert_eq!(show(&session.changeset().unwrap()), expected);
}

#[test]
fn a_session_can_be_switched_off_and_told_which_tables_to_record() {
    let connection = connect();
    connection.execute_batch("CREATE TABLE t1(a PRIMARY KEY); CREATE TABLE t2(a PRIMARY KEY)").unwrap();
    let session = Session::new(&connection, "main");
    session.set_table_filter(Some(std::sync::Arc::new(|table: &str| table == "t2")));
    connection.execute_batch("INSERT INTO t1 VALUES(1); INSERT INTO t2 VALUES(2)").unwrap();
    session.set_enabled(false);
    connection.execute_batch("INSERT INTO t2 VALUES(3)").unwrap();
    assert!(!session.is_empty());
    assert_eq!(show(&session.changeset().unwrap()), ["Insert t2 (2)"]);
    drop(session);
    connection.execute_batch("INSERT INTO t2 VALUES(4)").unwrap();
}

#[test]
fn a_column_that_is_added_meanwhile_has_its_default() {
    check_changeset(
        "CREATE TABLE t(a PRIMARY KEY, b); INSERT INTO t VALUES(1, 2)",
        "UPDATE t SET b = 5; ALTER TABLE t ADD COLUMN c DEFAULT 7; UPDATE t SET c = 8; INSERT INTO t VALUES(3, 4, 5)",
        &["Update t (1 2 7) (- 5 8)", "Insert t (3 4 5)"],
    );
    let connection = connect();
    connection.execute_batch(T).unwrap();
    let session = Session::new(&connection, "main");
    session.attach(None);
    connection.execute_batch("DELETE FROM t; DROP TABLE t").unwrap();
    assert_eq!(session.changeset().unwrap_err().code(), ResultCode::SCHEMA);
}

/// The order of the changes of a table is not documented, but seen: tests and stored changesets have SQLite's.
#[test]
fn the_order_of_changes_is_that_of_sqlite() {
    let order = |count: u32| -> Vec<i64> {
        let rows: Vec<_> = (1..=count).map(|i| format!("({i})")).collect();
        let (changeset, _) =
            record("CREATE TABLE t(a PRIMARY KEY)", &format!("INSERT INTO t VALUES {}", rows.join(",")));
        let mut reader = Reader::new(Input::whole(&changeset), ReaderOptions::default());
        let mut keys = Vec::new();
        while let Some(change) = reader.next_change().unwrap() {
            let Some(Value::Integer(key)) = change.new_field(0) else { panic!("{change:?}") };
            keys.push(*key);
        }
        keys
    };
    assert_eq!(order(10), [9, 8, 10, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(order(128)[..12], [9, 64, 45, 100, 65, 8, 101, 44, 11, 66, 47, 102]);
    // Beyond 128 rows the table has grown.
    assert_eq!(order(129)[..12], [9, 64, 65, 8, 11, 66, 67, 10, 13, 68, 69, 12]);
    assert_eq!(order(300)[..12], [9, 155, 8, 154, 300, 153, 11, 152, 10, 297, 13, 159]);
}

#[test]
fn inverting_exchanges_before_and_after() {
    let (changeset, patchset) =
        record(T, "UPDATE t SET c = 'x' WHERE a = 1; DELETE FROM t WHERE a = 2; INSERT INTO t VALUES(4, 4, 4)");
    let mut output = Output::whole();
    invert(Input::whole(&changeset), &mut output).unwrap();
    let inverted = output.finish().unwrap();
    let expected = ["Update t (1 - 'x') (- - 1)", "Insert t (2 2 2)", "Delete t (4 4 4)"];
    assert_eq!(show(&inverted), expected);
    let error = invert(Input::whole(&patchset), &mut Output::whole()).unwrap_err();
    assert_eq!(error.code(), ResultCode::CORRUPT);
}

#[track_caller]
fn check_group(setup: &str, first: &str, second: &str, expected: &[&str]) {
    let connection = connect();
    connection.execute_batch(setup).unwrap();
    let mut group = Group::new();
    for sql in [first, second] {
        let session = Session::new(&connection, "main");
        session.attach(None);
        connection.execute_batch(sql).unwrap();
        group.add(Input::whole(&session.changeset().unwrap())).unwrap();
    }
    assert_eq!(show(&group.changeset().unwrap()), expected, "{first}; {second}");
}

#[test]
fn changes_of_one_row_combine() {
    check_group(T, "INSERT INTO t VALUES(9, 1, 1)", "UPDATE t SET b = 2 WHERE a = 9", &["Insert t (9 2 1)"]);
    check_group(T, "INSERT INTO t VALUES(9, 1, 1)", "DELETE FROM t WHERE a = 9", &[]);
    check_group(T, "UPDATE t SET b = 5 WHERE a = 1", "UPDATE t SET c = 6 WHERE a = 1", &["Update t (1 1 1) (- 5 6)"]);
    check_group(T, "UPDATE t SET b = 5 WHERE a = 1", "UPDATE t SET b = 1 WHERE a = 1", &[]);
    check_group(T, "UPDATE t SET b = 5 WHERE a = 1", "DELETE FROM t WHERE a = 1", &["Delete t (1 1 1)"]);
    check_group(T, "DELETE FROM t WHERE a = 1", "INSERT INTO t VALUES(1, 1, 7)", &["Update t (1 - 1) (- - 7)"]);
    check_group(T, "DELETE FROM t WHERE a = 1", "INSERT INTO t VALUES(1, 1, 1)", &[]);
}

#[test]
fn a_group_holds_changesets_or_patchsets_of_tables_that_fit() {
    let (changeset, patchset) = record(T, "DELETE FROM t WHERE a = 1");
    let mut group = Group::new();
    group.add(Input::whole(&patchset)).unwrap();
    assert_eq!(group.add(Input::whole(&changeset)).unwrap_err().code(), ResultCode::ERROR);
    let (wider, _) = record("CREATE TABLE t(a PRIMARY KEY, b, c, d DEFAULT 9)", "INSERT INTO t VALUES(1, 2, 3, 4)");
    let mut group = Group::new();
    group.add(Input::whole(&changeset)).unwrap();
    assert_eq!(group.add(Input::whole(&wider)).unwrap_err().code(), ResultCode::SCHEMA);
    // With the schema, missing columns have their defaults.
    let connection = connect();
    connection.execute_batch("CREATE TABLE t(a PRIMARY KEY, b, c, d DEFAULT 9)").unwrap();
    let mut group = Group::new();
    group.set_schema(&connection, "main").unwrap();
    group.add(Input::whole(&changeset)).unwrap();
    assert_eq!(show(&group.changeset().unwrap()), ["Delete t (1 1 1 9)"]);
}

#[test]
fn changes_can_be_told_value_by_value() {
    let connection = connect();
    connection.execute_batch(T).unwrap();
    let mut group = Group::new();
    assert_eq!(group.begin_change(Operation::Insert, "t", false).unwrap_err().message(), "no such table: t");
    group.set_schema(&connection, "main").unwrap();
    let mut change = group.begin_change(Operation::Update, "t", true).unwrap();
    change.set(false, 0, Value::Integer(1)).unwrap();
    change.set(false, 1, Value::Integer(2)).unwrap();
    change.set(true, 1, Value::Null).unwrap();
    assert_eq!(change.set(true, 3, Value::Null).unwrap_err().code(), ResultCode::RANGE);
    group.finish_change(change).unwrap();
    assert_eq!(show(&group.changeset().unwrap()), ["Update* t (1 2 -) (- NULL -)"]);
    let mut change = group.begin_change(Operation::Delete, "t", false).unwrap();
    assert_eq!(change.set(true, 0, Value::Null).unwrap_err().code(), ResultCode::ERROR);
    change.set(false, 0, Value::Integer(1)).unwrap();
    let error = group.finish_change(change).unwrap_err();
    assert_eq!(error.message(), "invalid change: column 1 is undefined");
}

#[track_caller]
fn check_rebase(rebase: &[u8], local: &str, expected: &[&str]) {
    let (local, _) = record(T, local);
    let mut rebaser = Rebaser::new();
    let header = b"T\x03\x01\0\0t\0";
    rebaser.configure(Input::whole(&[header, rebase].concat())).unwrap();
    let mut output = Output::whole();
    rebaser.rebase(Input::whole(&local), &mut output).unwrap();
    assert_eq!(show(&output.finish().unwrap()), expected);
}

#[test]
fn local_changes_are_rebased_on_how_conflicts_were_resolved() {
    // Records about key 1: b became 'r', by an INSERT or UPDATE that was omitted or that replaced; the row was deleted.
    let updated = |replaced: u8| [&[18, replaced, 1, 0, 0, 0, 0, 0, 0, 0, 1, 3, 1][..], b"r", b"\0"].concat();
    let deleted = |replaced: u8| [&[9, replaced, 1, 0, 0, 0, 0, 0, 0, 0, 1][..], b"\x05\x05"].concat();
    check_rebase(&updated(0), "UPDATE t SET b = 'l' WHERE a = 1", &["Update t (1 'r' -) (- 'l' -)"]);
    check_rebase(&updated(1), "UPDATE t SET b = 'l' WHERE a = 1", &[]);
    check_rebase(&updated(1), "UPDATE t SET b = 'l', c = 'm' WHERE a = 1", &["Update t (1 - 1) (- - 'm')"]);
    check_rebase(&updated(0), "DELETE FROM t WHERE a = 1", &["Delete t (1 'r' 1)"]);
    check_rebase(&deleted(0), "DELETE FROM t WHERE a = 1", &[]);
    check_rebase(&deleted(0), "UPDATE t SET b = 'l' WHERE a = 1", &["Insert t (1 'l' NULL)"]);
    check_rebase(&deleted(1), "UPDATE t SET b = 'l' WHERE a = 1", &[]);
    check_rebase(&updated(0), "UPDATE t SET b = 'l' WHERE a = 2", &["Update t (2 2 -) (- 'l' -)"]);
}

#[test]
fn differences_between_tables_are_recorded() {
    let connection = connect();
    connection.execute_batch(T).unwrap();
    connection
        .execute_batch(
            "ATTACH ':memory:' AS other; CREATE TABLE other.t(a PRIMARY KEY, b, c);
             INSERT INTO other.t VALUES(2, 2, 'x'), (3, 3, 3), (4, 4, 4); CREATE TABLE other.u(a PRIMARY KEY);
             CREATE TABLE u(a, b PRIMARY KEY)",
        )
        .unwrap();
    let session = Session::new(&connection, "main");
    session.diff("other", "t").unwrap();
    let expected = ["Insert t (1 1 1)", "Update t (2 - 'x') (- - 2)", "Delete t (4 4 4)"];
    assert_eq!(show(&session.changeset().unwrap()), expected);
    assert_eq!(session.diff("other", "u").unwrap_err().message(), "table schemas do not match");
    assert_eq!(session.diff("nowhere", "t").unwrap_err().message(), "no such table: nowhere.t");
    session.diff("other", "nothing").unwrap();
}

/// Gives what it has in pieces of one byte.
struct Drops<'a>(&'a [u8]);

impl Source for Drops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let (Some((first, rest)), Some(place)) = (self.0.split_first(), buffer.first_mut()) else { return Ok(0) };
        (*place, self.0) = (*first, rest);
        Ok(1)
    }
}

#[derive(Default)]
struct Pieces(Vec<Vec<u8>>);

impl Sink for Pieces {
    fn write(&mut self, piece: &[u8]) -> Result<()> {
        self.0.push(piece.to_vec());
        Ok(())
    }
}

#[test]
fn changesets_can_come_and_go_in_pieces() {
    let rows: Vec<_> = (1..=200).map(|i| format!("({i}, 'value {i}')")).collect();
    let (changeset, _) =
        record("CREATE TABLE t(a PRIMARY KEY, b)", &format!("INSERT INTO t VALUES {}", rows.join(",")));
    let mut group = Group::new();
    group.add(Input::stream(Drops(&changeset), 7)).unwrap();
    let mut pieces = Pieces::default();
    let mut output = Output::stream(&mut pieces, 64);
    group.write(&mut output).unwrap();
    output.finish().unwrap();
    assert!(pieces.0.len() > 10 && pieces.0.iter().all(|piece| !piece.is_empty()));
    assert_eq!(show(&pieces.0.concat()).len(), 200);
    assert_eq!(group.changeset().unwrap(), pieces.0.concat());
}

/// Whatever the bytes are, there is an end and no panic.
#[test]
fn damaged_changesets_are_errors() {
    let (changeset, _) = record(T, "UPDATE t SET b = 'some text' WHERE a = 1; DELETE FROM t WHERE a = 2");
    for cut in 0..changeset.len() {
        let mut reader = Reader::new(Input::whole(&changeset[..cut]), ReaderOptions::default());
        while let Ok(Some(_)) = reader.next_change() {}
    }
    for at in 0..changeset.len() {
        for byte in [0, 1, 3, 5, 9, 18, 23, b'T', b'P', 0x7f, 0x80, 0xff] {
            let mut damaged = changeset.clone();
            damaged[at] = byte;
            let mut reader =
                Reader::new(Input::stream(Drops(&damaged), 16), ReaderOptions { invert: true, skip_empty: true });
            while let Ok(Some(_)) = reader.next_change() {}
            let mut group = Group::new();
            let _ = group.add(Input::whole(&damaged));
            let _ = group.changeset().unwrap();
        }
    }
    let huge = b"T\x02\x01\0t\0\x12\0\x03\xbf\xff\xff\xff\xff\xff\xff\xff\xffx";
    let mut reader = Reader::new(Input::whole(huge), ReaderOptions::default());
    assert_eq!(reader.next_change().unwrap_err().code(), ResultCode::CORRUPT);
    assert_eq!(Kind::Changeset as u8, b'T');
}
