//! Changes of rows: rowids, counters, the change stream, cursors that look on.

use std::sync::Arc;

use turso_program::control::*;
use turso_program::cursor::*;
use turso_program::data::Integer;
use turso_program::schema::{Cookie, CreateBtree, Destroy, ReadCookie, SetCookie};
use turso_program::write::*;
use turso_program::{Affinities, Reg, Regs, Root};
use turso_value::{Affinity, KeyInfo, Value};
use turso_vm::{Interest, Step, Vm};

use crate::expression::load;
use crate::host::{TestHost, check_on, check_once, program};
use crate::trees::{MAIN, column, emit_row, fill, fill_index, open_index, open_table, print_table, scan};

fn change(cause: Cause) -> Option<Arc<RowChange>> {
    Some(Arc::new(RowChange { db: MAIN, table: Arc::from("t"), cause, counts: true, sets_last_rowid: true }))
}

/// Insert one row under a new rowid, printing it.
fn insert_new(host: &mut TestHost, root: Root, counter: Option<i64>, expected: &str) {
    check_once(
        host,
        |b| {
            let (cursor, rowid, record, ctr) = (b.cursor(), b.register(), b.register(), b.register());
            open_table(b, cursor, root);
            if let Some(value) = counter {
                load(b, value, ctr);
            }
            b.emit(NewRowid { cursor, dest: rowid, at_least: counter.map(|_| ctr) });
            b.emit(MakeRecord { values: Regs::new(rowid, 1), dest: record, affinities: None });
            b.emit(Insert { cursor, record, rowid, position: Position::Append, change: change(Cause::Insert) });
            emit_row(b, Regs::new(rowid, 1));
            if counter.is_some() {
                emit_row(b, Regs::new(ctr, 1));
            }
            b.emit(Halt {});
        },
        expected,
    );
}

#[test]
fn new_rowids_follow_the_largest_then_are_random_then_run_out() {
    let mut host = TestHost::new();
    let root = host.tree(true);
    insert_new(&mut host, root, None, "1");
    insert_new(&mut host, root, None, "2");
    insert_new(&mut host, root, Some(1), "3 3");
    insert_new(&mut host, root, Some(100), "101 101");
    assert_eq!(host.counters.last_insert_rowid, 101);
    fill(&mut host, root, &[(i64::MAX, vec![Value::Null])]);
    // 3 is taken, so the second draw counts.
    host.randoms = vec![8, 4];
    insert_new(&mut host, root, None, "5");
    host.randoms = vec![4; 200];
    insert_new(&mut host, root, None, "error 13 database or disk is full Abort");
    assert_eq!(host.randoms.len(), 100);
    insert_new(&mut host, root, Some(5), "error 13 database or disk is full Abort");
    let other = host.tree(true);
    insert_new(&mut host, other, Some(i64::MAX), "error 13 database or disk is full Abort");
}

#[test]
fn real_columns_store_whole_numbers_as_integers() {
    let mut host = TestHost::new();
    let root = host.tree(true);
    check_on(
        &mut host,
        |b| {
            let (cursor, values, record, rowid) = (b.cursor(), b.registers(3), b.register(), b.register());
            open_table(b, cursor, root);
            load(b, 5, values.at(0));
            load(b, 1.5, values.at(1));
            load(b, Value::text("7"), values.at(2));
            let affinities = Some(Affinities(Arc::from([Affinity::Real, Affinity::Real, Affinity::Integer])));
            b.emit(MakeRecord { values, dest: record, affinities });
            emit_row(b, values);
            emit_row(b, Regs::new(record, 1));
            b.emit(Integer { value: 1, dest: rowid });
            b.emit(Insert { cursor, record, rowid, position: Position::Unknown, change: None });
            b.emit(Halt {});
        },
        "5.0,1.5,7 x'04010701053ff800000000000007'",
    );
}

#[test]
fn the_change_stream_sees_every_row() {
    let mut host = TestHost::new();
    let root = host.tree(true);
    host.interest = Interest::OldAndNew;
    check_once(
        &mut host,
        |b| {
            b.program_mut().counts_changes = true;
            let (cursor, value, record, rowid) = (b.cursor(), b.register(), b.register(), b.register());
            open_table(b, cursor, root);
            for (id, n) in [(1, 10), (2, 20), (1, 11)] {
                load(b, id, rowid);
                load(b, n, value);
                b.emit(MakeRecord { values: Regs::new(value, 1), dest: record, affinities: None });
                b.emit(Insert { cursor, record, rowid, position: Position::Unknown, change: change(Cause::Insert) });
            }
            scan(b, cursor, |b| {
                b.emit(Delete { cursor, keep_position: true, overwritten: false, change: change(Cause::Delete) });
            });
            b.emit(Halt {});
        },
        "",
    );
    assert_eq!(
        host.changes,
        [
            "Insert Some(1) - [10]",
            "Insert Some(2) - [20]",
            "Insert Some(1) [10] [11]",
            "Delete Some(1) [11] -",
            "Delete Some(2) [20] -",
        ]
    );
    assert_eq!((host.counters.changes, host.counters.total_changes), (5, 5));
    check_on(&mut host, print_table(root, 1), "");
}

#[test]
fn a_scan_goes_on_behind_rows_that_it_deletes() {
    let mut host = TestHost::new();
    let root = host.tree(true);
    let rows: Vec<_> =
        (1..=2000).map(|i| (i, vec![Value::from("some text to fill pages".repeat(1 + i as usize % 5))])).collect();
    fill(&mut host, root, &rows);
    check_once(
        &mut host,
        |b| {
            let (cursor, id, three) = (b.cursor(), b.register(), b.register());
            open_table(b, cursor, root);
            load(b, 3, three);
            scan(b, cursor, |b| {
                let keep = b.label();
                b.emit(Rowid { cursor, dest: id });
                b.emit(turso_program::expression::Remainder { left: id, right: three, dest: id });
                b.emit(IfNot { reg: id, target: keep, jump_if_null: false });
                b.emit(Delete { cursor, keep_position: true, overwritten: false, change: None });
                b.bind(keep);
            });
            b.emit(Count { cursor, dest: id });
            emit_row(b, Regs::new(id, 1));
            b.emit(Halt {});
        },
        "666",
    );
}

#[test]
fn other_cursors_find_their_rows_again() {
    let mut host = TestHost::new();
    let root = host.tree(false);
    let key = Arc::new(KeyInfo::binary(1));
    // Long keys, so that their overflow pages go with them.
    let long = |i: i64| Value::from(format!("{i:05}{}", "x".repeat(5000)));
    let entries: Vec<_> = (0..20).map(|i| vec![long(i)]).collect();
    fill_index(&mut host, root, &key, &entries);
    check_once(
        &mut host,
        |b| {
            let (reader, writer, k, n) = (b.cursor(), b.cursor(), b.register(), b.register());
            open_index(b, reader, root, &key);
            open_index(b, writer, root, &key);
            load(b, 0, n);
            scan(b, reader, |b| {
                // Deletes the reader's own entry through the other cursor.
                column(b, reader, 0, k);
                b.emit(turso_program::expression::AddImm { reg: n, amount: 1 });
                b.emit(IdxDelete { cursor: writer, key: Regs::new(k, 1), must_exist: true });
            });
            emit_row(b, Regs::new(n, 1));
            b.emit(Count { cursor: writer, dest: n });
            emit_row(b, Regs::new(n, 1));
            b.emit(IdxDelete { cursor: writer, key: Regs::new(k, 1), must_exist: false });
            b.emit(IdxDelete { cursor: writer, key: Regs::new(k, 1), must_exist: true });
            b.emit(Halt {});
        },
        "20 0 error 779 database disk image is malformed Abort",
    );
}

#[test]
fn a_column_is_decoded_anew_when_another_cursor_has_changed_the_row() {
    let mut host = TestHost::new();
    let root = host.tree(true);
    fill(&mut host, root, &[(1, vec![Value::Integer(10), Value::text("ten")])]);
    check_on(
        &mut host,
        |b| {
            let (reader, writer) = (b.cursor(), b.cursor());
            let (values, record, rowid, r) = (b.registers(2), b.register(), b.register(), b.register());
            open_table(b, reader, root);
            open_table(b, writer, root);
            scan(b, reader, |b| {
                column(b, reader, 0, r);
                load(b, Value::text("a longer text"), values.at(0));
                load(b, Value::text("ten"), values.at(1));
                load(b, 1, rowid);
                b.emit(MakeRecord { values, dest: record, affinities: None });
                b.emit(Insert { cursor: writer, record, rowid, position: Position::Unknown, change: None });
                column(b, reader, 1, r);
                emit_row(b, Regs::new(r, 1));
                column(b, reader, 0, r);
                emit_row(b, Regs::new(r, 1));
            });
            b.emit(Halt {});
        },
        "'ten' 'a longer text'",
    );
}

#[test]
fn trees_are_made_cleared_and_dropped() {
    let mut host = TestHost::new();
    check_once(
        &mut host,
        |b| {
            let (root, cursor, r, record) = (b.register(), b.cursor(), b.register(), b.register());
            b.emit(CreateBtree { db: MAIN, dest: root, index: false });
            let Reg(number) = root;
            b.emit(OpenWrite { cursor, root: Root(number), db: MAIN, root_in_register: true, kind: TreeKind::Table });
            b.emit(MakeRecord { values: Regs::new(root, 1), dest: record, affinities: None });
            for id in 1..=3 {
                load(b, id, r);
                b.emit(Insert { cursor, record, rowid: r, position: Position::Append, change: None });
            }
            b.emit(Clear { root: Root(number), db: MAIN, root_in_register: true, change: change(Cause::Truncate) });
            b.emit(ResetCount {});
            b.emit(Count { cursor, dest: r });
            emit_row(b, Regs::new(r, 1));
            b.emit(Close { cursor });
            b.emit(Destroy { db: MAIN, root, moved_from: r });
            emit_row(b, Regs::new(r, 1));
            b.emit(Halt {});
        },
        "0 0",
    );
    assert_eq!(host.counters.changes, 3);
}

#[test]
fn cookies_are_header_fields() {
    let mut host = TestHost::new();
    check_on(
        &mut host,
        |b| {
            let r = b.register();
            load(b, -5, r);
            b.emit(SetCookie { db: MAIN, value: r, cookie: Cookie::UserVersion });
            load(b, 0, r);
            b.emit(ReadCookie { db: MAIN, dest: r, cookie: Cookie::UserVersion });
            emit_row(b, Regs::new(r, 1));
            b.emit(Halt {});
        },
        "-5",
    );
}

#[test]
fn foreign_key_violations_fail_the_statement_at_its_end() {
    let mut host = TestHost::new();
    check_on(
        &mut host,
        |b| {
            let zero = b.label();
            b.emit(FkCounter { deferred: false, amount: 1 });
            b.emit(FkIfZero { deferred: false, target: zero });
            b.emit(FkCounter { deferred: true, amount: 2 });
            b.bind(zero);
            b.emit(Halt {});
        },
        "error 787 FOREIGN KEY constraint failed Abort",
    );
    assert_eq!(host.deferred, 4);
}

#[test]
fn another_statement_may_delete_the_long_entry_that_a_paused_one_stands_on() {
    let mut host = TestHost::new();
    let root = host.tree(false);
    let key = Arc::new(KeyInfo::binary(1));
    let long = |i: i64| Value::from(format!("{i:05}{}", "x".repeat(5000)));
    fill_index(&mut host, root, &key, &(0..4).map(|i| vec![long(i)]).collect::<Vec<_>>());
    let mut reader = Vm::new(program(|b| {
        let (cursor, r) = (b.cursor(), b.register());
        open_index(b, cursor, root, &key);
        scan(b, cursor, |b| {
            column(b, cursor, 0, r);
            emit_row(b, Regs::new(r, 1));
        });
        b.emit(Halt {});
    }));
    for i in 0..4 {
        assert_eq!(reader.step(&mut host).unwrap(), Step::Row);
        assert_eq!(reader.row(), [long(i)]);
        check_once(
            &mut host,
            |b| {
                let (cursor, k) = (b.cursor(), b.register());
                open_index(b, cursor, root, &key);
                load(b, long(i), k);
                b.emit(IdxDelete { cursor, key: Regs::new(k, 1), must_exist: true });
                b.emit(Halt {});
            },
            "",
        );
    }
    assert_eq!(reader.step(&mut host).unwrap(), Step::Done);
}
