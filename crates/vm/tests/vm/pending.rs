//! The same programs with every first touch of a page pending, and hardly any page kept, must give the same rows and the
//! same file, byte for byte.

use std::path::Path;
use std::sync::Arc;

use turso_io::{Io, MemoryIo, OpenFlags, PendingIo};
use turso_program::control::*;
use turso_program::cursor::*;
use turso_program::data::{Copy, Integer};
use turso_program::expression::*;
use turso_program::sorter::*;
use turso_program::write::*;
use turso_program::{Program, ProgramBuilder, Regs, Root};
use turso_storage::{DatabaseFile, OpenOptions, Pager, WriteMode};
use turso_value::{KeyInfo, Value};
use turso_vm::Vm;

use crate::expression::{load, plain};
use crate::host::{TestHost, program, run};
use crate::trees::{column, emit_row, fill, fill_index, open_index, open_table, scan};

/// A file with a table of some hundred rows (a few of them long) under `Root(..)` and an index over it.
struct Fixture {
    table: Root,
    index: Root,
    key: Arc<KeyInfo>,
}

const ROWS: i64 = 400;

fn open(io: Arc<dyn Io>) -> TestHost {
    let options = OpenOptions { create: true, ..OpenOptions::default() };
    let file = DatabaseFile::open(io, Path::new("test.db"), options).unwrap();
    let mut pager = Pager::open(file);
    pager.set_cache_pages(1);
    pager.block_on(|pager| pager.begin_write(WriteMode::Reserved)).unwrap();
    let mut host = TestHost::over(pager);
    host.poll_interval = 1;
    host
}

fn text(i: i64) -> Value {
    let len = if i % 50 == 7 { 9000 } else { 20 + (i * 37 % 200) as usize };
    Value::from(format!("{:03}", i * 7 % ROWS) + &"x".repeat(len))
}

fn create(io: Arc<dyn Io>) -> Fixture {
    let mut host = open(io);
    let (table, index) = (host.tree(true), host.tree(false));
    let key = Arc::new(KeyInfo::binary(2));
    let rows: Vec<_> = (1..=ROWS).map(|i| (i, vec![Value::Integer(i * 7 % 100), text(i)])).collect();
    fill(&mut host, table, &rows);
    let entries: Vec<_> = (1..=ROWS).map(|i| vec![text(i), Value::Integer(i)]).collect();
    fill_index(&mut host, index, &key, &entries);
    host.pager.block_on(Pager::commit).unwrap();
    Fixture { table, index, key }
}

fn contents(io: &dyn Io) -> Vec<u8> {
    let file = io.open(Path::new("test.db"), OpenFlags { read_only: true, ..OpenFlags::default() }).unwrap();
    let mut bytes = vec![0; file.size().unwrap() as usize];
    file.read_at(&mut bytes, 0).unwrap();
    bytes
}

/// Runs the program on the blocking and on the pending back end.
#[track_caller]
fn check(build: impl Fn(&Fixture) -> Arc<Program>) -> String {
    let mut outcomes = Vec::new();
    for pending in [false, true] {
        let memory: Arc<dyn Io> = Arc::new(MemoryIo::new());
        let fixture = create(memory.clone());
        let io: Arc<dyn Io> = if pending { Arc::new(PendingIo::new(memory.clone())) } else { memory.clone() };
        let mut host = open(io);
        host.randoms = vec![4; 300];
        let rows = run(&mut host, &mut Vm::new(build(&fixture)));
        assert_eq!(host.waits > 0, pending, "waited {} times", host.waits);
        host.pager.block_on(Pager::commit).unwrap();
        drop(host);
        outcomes.push((rows, contents(&*memory)));
    }
    assert_eq!(outcomes[0].0, outcomes[1].0);
    assert!(outcomes[0].1 == outcomes[1].1, "files differ");
    outcomes.swap_remove(0).0
}

#[test]
fn scans_and_long_columns() {
    let rows = check(|f| {
        program(|b| {
            let (cursor, row) = (b.cursor(), b.registers(3));
            open_table(b, cursor, f.table);
            scan(b, cursor, |b| {
                b.emit(Rowid { cursor, dest: row.at(0) });
                column(b, cursor, 1, row.at(1));
                column(b, cursor, 0, row.at(2));
                emit_row(b, row);
            });
            b.emit(Halt {});
        })
    });
    let expected: Vec<String> = (1..=ROWS).map(|i| format!("{i},{:?},{}", text(i), i * 7 % 100)).collect();
    assert_eq!(rows, expected.join(" "));
}

fn by_index(b: &mut ProgramBuilder, f: &Fixture, body: impl FnOnce(&mut ProgramBuilder, turso_program::CursorId)) {
    let (t, i) = (b.cursor(), b.cursor());
    open_table(b, t, f.table);
    open_index(b, i, f.index, &f.key);
    scan(b, i, |b| {
        b.emit(DeferredSeek { index: i, table: t });
        body(b, t);
    });
}

#[test]
fn index_order_with_deferred_seeks_and_a_sorter() {
    check(|f| {
        program(|b| {
            let (sorter, row, record) = (b.cursor(), b.registers(2), b.register());
            b.emit(SorterOpen { cursor: sorter, columns: 2, keep: None, key: Arc::new(KeyInfo::binary(1)) });
            by_index(b, f, |b, t| {
                column(b, t, 0, row.at(0));
                b.emit(Rowid { cursor: t, dest: row.at(1) });
                b.emit(MakeRecord { values: row, dest: record, affinities: None });
                b.emit(SorterInsert { cursor: sorter, record });
            });
            let end = b.label();
            b.emit(SorterSort { cursor: sorter, empty: end });
            let top = b.label_here();
            column(b, sorter, 0, row.at(0));
            column(b, sorter, 1, row.at(1));
            emit_row(b, row);
            b.emit(SorterNext { cursor: sorter, target: top });
            b.bind(end);
            b.emit(Halt {});
        })
    });
}

#[test]
fn deletes_through_the_index_while_it_is_scanned() {
    let rows = check(|f| {
        program(|b| {
            let (t, i, writer) = (b.cursor(), b.cursor(), b.cursor());
            let (key, n, limit) = (b.registers(2), b.register(), b.register());
            open_table(b, t, f.table);
            open_index(b, i, f.index, &f.key);
            open_index(b, writer, f.index, &f.key);
            load(b, 60, limit);
            load(b, 0, n);
            scan(b, i, |b| {
                let keep = b.label();
                b.emit(DeferredSeek { index: i, table: t });
                column(b, t, 0, key.at(0));
                b.emit(Ge { left: key.at(0), right: limit, target: keep, how: plain() });
                column(b, i, 0, key.at(0));
                b.emit(IdxRowid { cursor: i, dest: key.at(1) });
                b.emit(Delete { cursor: t, keep_position: false, overwritten: false, change: None });
                b.emit(IdxDelete { cursor: writer, key, must_exist: true });
                b.emit(AddImm { reg: n, amount: 1 });
                b.bind(keep);
            });
            emit_row(b, Regs::new(n, 1));
            for cursor in [t, i] {
                b.emit(Count { cursor, dest: n });
                emit_row(b, Regs::new(n, 1));
            }
            b.emit(Halt {});
        })
    });
    assert_eq!(rows, "240 160 160");
}

#[test]
fn inserts_with_random_rowids_updates_and_clearing() {
    let rows = check(|f| {
        program(|b| {
            let (t, i) = (b.cursor(), b.cursor());
            let (rowid, row, record, n) = (b.register(), b.registers(2), b.register(), b.register());
            open_table(b, t, f.table);
            open_index(b, i, f.index, &f.key);
            load(b, i64::MAX, rowid);
            load(b, 1, row.at(0));
            load(b, Value::from("long ".repeat(4000)), row.at(1));
            b.emit(MakeRecord { values: row, dest: record, affinities: None });
            b.emit(Insert { cursor: t, record, rowid, position: Position::Unknown, change: None });
            // Rowid 3 is taken: every draw fails, a hundred times.
            b.emit(Integer { value: 3, dest: n });
            let top = b.label_here();
            b.emit(Integer { value: 200, dest: rowid });
            b.emit(Insert { cursor: t, record, rowid, position: Position::Unknown, change: None });
            b.emit(Copy { from: row.at(0), to: row.at(0), count: 1 });
            b.emit(IdxInsert { cursor: i, record, key: row, position: Position::Unknown, change: None });
            let end = b.label();
            b.emit(DecrJumpZero { reg: n, target: end });
            b.emit(AddImm { reg: row.at(0), amount: 1 });
            b.emit(MakeRecord { values: row, dest: record, affinities: None });
            b.emit(Goto { target: top });
            b.bind(end);
            b.emit(Count { cursor: i, dest: n });
            emit_row(b, Regs::new(n, 1));
            b.emit(Clear { root: f.index, db: crate::trees::MAIN, root_in_register: false, change: None });
            b.emit(Count { cursor: i, dest: n });
            emit_row(b, Regs::new(n, 1));
            b.emit(NewRowid { cursor: t, dest: rowid, at_least: None });
            b.emit(Halt {});
        })
    });
    assert_eq!(rows, "403 0 error 13 database or disk is full Abort");
}
