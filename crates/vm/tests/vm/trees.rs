//! Cursors over trees: scans, seeks, columns, ephemeral trees.

use std::sync::Arc;

use turso_program::control::*;
use turso_program::cursor::*;
use turso_program::data::Null;
use turso_program::write::*;
use turso_program::{Addr, CursorId, DbIndex, ProgramBuilder, Reg, Regs, Root};
use turso_value::{KeyInfo, Value};

use crate::expression::load;
use crate::host::{TestHost, check, check_on, check_once};

pub const MAIN: DbIndex = DbIndex(0);

pub fn emit_row(b: &mut ProgramBuilder, regs: Regs) {
    b.emit(ResultRow { values: regs });
}

/// Fill a table: rowid and the values of each row.
pub fn fill(host: &mut TestHost, root: Root, rows: &[(i64, Vec<Value>)]) {
    check_once(
        host,
        |b| {
            let cursor = b.cursor();
            let columns = rows.first().map_or(0, |(_, values)| values.len());
            let (values, record, rowid) = (b.registers(columns), b.register(), b.register());
            b.emit(OpenWrite { cursor, root, db: MAIN, root_in_register: false, kind: TreeKind::Table });
            for (id, row) in rows {
                for (i, value) in row.iter().enumerate() {
                    load(b, value.clone(), values.at(i));
                }
                load(b, *id, rowid);
                b.emit(MakeRecord { values, dest: record, affinities: None });
                b.emit(Insert { cursor, record, rowid, position: Position::Unknown, change: None });
            }
            b.emit(Halt {});
        },
        "",
    );
}

/// Fill an index with these entries.
pub fn fill_index(host: &mut TestHost, root: Root, key: &Arc<KeyInfo>, entries: &[Vec<Value>]) {
    check_once(
        host,
        |b| {
            let cursor = b.cursor();
            let columns = entries.first().map_or(0, Vec::len);
            let (values, record) = (b.registers(columns), b.register());
            open_index(b, cursor, root, key);
            for entry in entries {
                for (i, value) in entry.iter().enumerate() {
                    load(b, value.clone(), values.at(i));
                }
                b.emit(MakeRecord { values, dest: record, affinities: None });
                b.emit(IdxInsert { cursor, record, key: values, position: Position::Unknown, change: None });
            }
            b.emit(Halt {});
        },
        "",
    );
}

pub fn open_table(b: &mut ProgramBuilder, cursor: CursorId, root: Root) {
    b.emit(OpenWrite { cursor, root, db: MAIN, root_in_register: false, kind: TreeKind::Table });
}

pub fn open_index(b: &mut ProgramBuilder, cursor: CursorId, root: Root, key: &Arc<KeyInfo>) {
    let kind = TreeKind::Index(key.clone());
    b.emit(OpenWrite { cursor, root, db: MAIN, root_in_register: false, kind });
}

/// `for each row from here: body`, with the loop's instructions around it.
pub fn scan(b: &mut ProgramBuilder, cursor: CursorId, body: impl FnOnce(&mut ProgramBuilder)) {
    let end = b.label();
    b.emit(Rewind { cursor, empty: end });
    let top = b.label_here();
    body(b);
    b.emit(Next { cursor, target: top });
    b.bind(end);
}

pub fn column(b: &mut ProgramBuilder, cursor: CursorId, column: u16, dest: Reg) {
    b.emit(Column { cursor, column, dest, default: None });
}

/// A program that prints a table: rowid and `columns` columns.
pub fn print_table(root: Root, columns: usize) -> impl FnOnce(&mut ProgramBuilder) {
    move |b| {
        let cursor = b.cursor();
        let regs = b.registers(columns + 1);
        b.emit(OpenRead { cursor, root, db: MAIN, kind: TreeKind::Table });
        scan(b, cursor, |b| {
            b.emit(Rowid { cursor, dest: regs.at(0) });
            for i in 0..columns {
                column(b, cursor, i as u16, regs.at(i + 1));
            }
            emit_row(b, regs);
        });
        b.emit(Halt {});
    }
}

fn five(host: &mut TestHost) -> Root {
    let root = host.tree(true);
    let rows: Vec<_> =
        [10, 20, 30, 40, 50].map(|i| (i, vec![Value::Integer(i * i), Value::from(format!("t{i}"))])).into();
    fill(host, root, &rows);
    root
}

#[test]
fn a_scan_reads_rows_in_rowid_order_and_missing_columns_as_their_default() {
    let mut host = TestHost::new();
    let root = five(&mut host);
    check_on(
        &mut host,
        print_table(root, 3),
        "10,100,'t10',NULL 20,400,'t20',NULL 30,900,'t30',NULL 40,1600,'t40',NULL 50,2500,'t50',NULL",
    );
    check_on(
        &mut host,
        |b| {
            let (cursor, r) = (b.cursor(), b.register());
            open_table(b, cursor, root);
            let end = b.label();
            b.emit(Last { cursor, empty: end });
            let top = b.label_here();
            b.emit(Column { cursor, column: 2, dest: r, default: Some(Arc::new(Value::text("dflt"))) });
            emit_row(b, Regs::new(r, 1));
            b.emit(Rowid { cursor, dest: r });
            emit_row(b, Regs::new(r, 1));
            b.emit(Prev { cursor, target: top });
            b.bind(end);
            // Past the end everything is NULL.
            b.emit(Rowid { cursor, dest: r });
            emit_row(b, Regs::new(r, 1));
            b.emit(Halt {});
        },
        "'dflt' 50 'dflt' 40 'dflt' 30 'dflt' 20 'dflt' 10 NULL",
    );
}

#[test]
fn ranges_over_rowids_take_any_bound() {
    let mut host = TestHost::new();
    let root = five(&mut host);
    type Seek = fn(CursorId, Regs, Addr) -> turso_program::Instruction;
    let seeks: [Seek; 4] = [
        |cursor, key, miss| SeekGe { cursor, key, miss }.into(),
        |cursor, key, miss| SeekGt { cursor, key, miss }.into(),
        |cursor, key, miss| SeekLe { cursor, key, miss }.into(),
        |cursor, key, miss| SeekLt { cursor, key, miss }.into(),
    ];
    let bounds = [
        (Value::Integer(20), "20 30 20 10"),
        (Value::Integer(25), "30 30 20 20"),
        (Value::Integer(5), "10 10 -1 -1"),
        (Value::Integer(55), "-1 -1 50 50"),
        (Value::Real(20.0), "20 30 20 10"),
        (Value::Real(20.5), "30 30 20 20"),
        (Value::Real(19.5), "20 20 10 10"),
        (Value::Real(-1e30), "10 10 -1 -1"),
        (Value::Real(1e30), "-1 -1 50 50"),
        (Value::text("20"), "20 30 20 10"),
        (Value::text("x"), "-1 -1 50 50"),
        (Value::blob(*b"x"), "-1 -1 50 50"),
        (Value::Null, "-1 -1 -1 -1"),
    ];
    for (bound, expected) in bounds {
        check_on(
            &mut host,
            |b| {
                let (cursor, key, r) = (b.cursor(), b.register(), b.register());
                open_table(b, cursor, root);
                for seek in seeks {
                    let (miss, end) = (b.label(), b.label());
                    load(b, bound.clone(), key);
                    b.emit(seek(cursor, Regs::new(key, 1), miss));
                    b.emit(Rowid { cursor, dest: r });
                    b.emit(Goto { target: end });
                    b.bind(miss);
                    load(b, -1, r);
                    b.bind(end);
                    emit_row(b, Regs::new(r, 1));
                }
                b.emit(Halt {});
            },
            expected,
        );
    }
}

#[test]
fn a_rowid_is_found_through_any_lossless_value() {
    let mut host = TestHost::new();
    let root = five(&mut host);
    check_on(
        &mut host,
        |b| {
            let (cursor, key, r) = (b.cursor(), b.register(), b.register());
            open_table(b, cursor, root);
            for value in [
                Value::Integer(20),
                Value::Real(20.0),
                Value::text("20"),
                Value::Real(20.5),
                Value::text("x"),
                Value::Null,
            ] {
                let miss = b.label();
                load(b, value, key);
                load(b, 0, r);
                b.emit(SeekRowid { cursor, rowid: key, miss });
                column(b, cursor, 0, r);
                b.bind(miss);
                emit_row(b, Regs::new(r, 1));
            }
            b.emit(Halt {});
        },
        "400 400 400 0 0 0",
    );
}

fn index_of_six(host: &mut TestHost) -> (Root, Arc<KeyInfo>) {
    let root = host.tree(false);
    let key = Arc::new(KeyInfo::binary(2));
    let entries = [("b", 2), ("a", 1), ("b", 3), ("c", 4), ("b", 1), ("d", 9)];
    let entries: Vec<_> = entries.iter().map(|(t, i)| vec![Value::text(*t), Value::Integer(*i)]).collect();
    fill_index(host, root, &key, &entries);
    (root, key)
}

#[test]
fn index_ranges_are_bounded_by_prefixes() {
    let mut host = TestHost::new();
    let (root, key) = index_of_six(&mut host);
    // b <= k <= c, forward; then the same backward.
    check_on(
        &mut host,
        |b| {
            let (cursor, k, out) = (b.cursor(), b.register(), b.registers(2));
            open_index(b, cursor, root, &key);
            let bound = Regs::new(k, 1);
            for forward in [true, false] {
                let (end, top) = (b.label(), b.label());
                load(b, Value::text(if forward { "b" } else { "c" }), k);
                match forward {
                    true => b.emit(SeekGe { cursor, key: bound, miss: end }),
                    false => b.emit(SeekLe { cursor, key: bound, miss: end }),
                };
                load(b, Value::text(if forward { "c" } else { "b" }), k);
                b.bind(top);
                match forward {
                    true => b.emit(IdxGt { cursor, key: bound, target: end }),
                    false => b.emit(IdxLt { cursor, key: bound, target: end }),
                };
                column(b, cursor, 0, out.at(0));
                b.emit(IdxRowid { cursor, dest: out.at(1) });
                emit_row(b, out);
                match forward {
                    true => b.emit(Next { cursor, target: top }),
                    false => b.emit(Prev { cursor, target: top }),
                };
                b.bind(end);
            }
            b.emit(Halt {});
        },
        "'b',1 'b',2 'b',3 'c',4 'c',4 'b',3 'b',2 'b',1",
    );
}

#[test]
fn keys_are_found_by_prefix_or_by_record() {
    let mut host = TestHost::new();
    let (root, key) = index_of_six(&mut host);
    check_on(
        &mut host,
        |b| {
            let (cursor, k, record, r) = (b.cursor(), b.registers(2), b.register(), b.register());
            open_index(b, cursor, root, &key);
            for (text, number, count) in [("b", 0, 1), ("b", 2, 2), ("b", 9, 2), ("z", 0, 1)] {
                load(b, Value::text(text), k.at(0));
                load(b, number, k.at(1));
                for packed in [false, true] {
                    let (hit, end) = (b.label(), b.label());
                    let wanted = Regs::new(k.first, count);
                    let operand = if packed { Regs::new(record, 0) } else { wanted };
                    b.emit(MakeRecord { values: wanted, dest: record, affinities: None });
                    b.emit(Found { cursor, key: operand, target: hit });
                    load(b, 0, r);
                    b.emit(Goto { target: end });
                    b.bind(hit);
                    load(b, 1, r);
                    b.bind(end);
                    emit_row(b, Regs::new(r, 1));
                }
            }
            // NULL never conflicts, though it would be found.
            let (free, end) = (b.label(), b.label());
            b.emit(Null { dest: k });
            b.emit(NoConflict { cursor, key: k, target: free });
            b.emit(Goto { target: end });
            b.bind(free);
            load(b, 7, r);
            emit_row(b, Regs::new(r, 1));
            b.bind(end);
            b.emit(Halt {});
        },
        "1 1 1 1 0 0 0 0 7",
    );
}

#[test]
fn a_deferred_seek_moves_when_a_column_is_read() {
    let mut host = TestHost::new();
    let table = five(&mut host);
    let index = host.tree(false);
    let key = Arc::new(KeyInfo::binary(2));
    let entries: Vec<_> = [(3, 10), (1, 30), (2, 50)].map(|(k, id)| vec![Value::Integer(k), Value::Integer(id)]).into();
    fill_index(&mut host, index, &key, &entries);
    check_on(
        &mut host,
        |b| {
            let (t, i, out) = (b.cursor(), b.cursor(), b.registers(3));
            open_table(b, t, table);
            open_index(b, i, index, &key);
            scan(b, i, |b| {
                b.emit(DeferredSeek { index: i, table: t });
                column(b, i, 0, out.at(0));
                b.emit(Rowid { cursor: t, dest: out.at(1) });
                column(b, t, 1, out.at(2));
                emit_row(b, out);
            });
            b.emit(Halt {});
        },
        "1,30,'t30' 2,50,'t50' 3,10,'t10'",
    );
}

#[test]
fn a_dangling_index_entry_is_damage() {
    let mut host = TestHost::new();
    let table = five(&mut host);
    let index = host.tree(false);
    let key = Arc::new(KeyInfo::binary(2));
    fill_index(&mut host, index, &key, &[vec![Value::Integer(3), Value::Integer(11)]]);
    check_on(
        &mut host,
        |b| {
            let (t, i, r) = (b.cursor(), b.cursor(), b.register());
            open_table(b, t, table);
            open_index(b, i, index, &key);
            scan(b, i, |b| {
                b.emit(DeferredSeek { index: i, table: t });
                column(b, t, 1, r);
            });
            b.emit(Halt {});
        },
        "error 11 database disk image is malformed Abort",
    );
}

#[test]
fn null_rows_read_null_until_the_cursor_moves() {
    let mut host = TestHost::new();
    let root = five(&mut host);
    check_on(
        &mut host,
        |b| {
            let (c, unopened, out) = (b.cursor(), b.cursor(), b.registers(2));
            open_table(b, c, root);
            let end = b.label();
            b.emit(NullRow { cursor: unopened });
            b.emit(Rewind { cursor: c, empty: end });
            for _ in 0..2 {
                let skip = b.label();
                column(b, c, 0, out.at(0));
                b.emit(IfNullRow { cursor: c, target: skip, dest: out.at(0) });
                column(b, unopened, 5, out.at(1));
                b.bind(skip);
                emit_row(b, out);
                b.emit(NullRow { cursor: c });
            }
            b.emit(Rewind { cursor: c, empty: end });
            column(b, c, 0, out.at(0));
            emit_row(b, out);
            b.bind(end);
            b.emit(Halt {});
        },
        "100,NULL NULL,NULL 100,NULL",
    );
}

#[test]
fn long_values_are_read_from_their_overflow_pages() {
    let mut host = TestHost::new();
    let root = host.tree(true);
    let long = "0123456789".repeat(2000);
    fill(
        &mut host,
        root,
        &[
            (1, vec![Value::Integer(7), Value::from(long.as_str()), Value::Integer(8), Value::from(long.as_str())]),
            (2, vec![Value::Integer(9); 4]),
        ],
    );
    check_on(&mut host, print_table(root, 4), &format!("1,7,'{long}',8,'{long}' 2,9,9,9,9"));
    // Headers that spill themselves.
    let wide = host.tree(true);
    let values: Vec<Value> = (0..6000).map(|i| Value::from("x".repeat(60 + i % 10).as_str())).collect();
    fill(&mut host, wide, &[(1, values.clone())]);
    check_on(
        &mut host,
        |b| {
            let (cursor, out) = (b.cursor(), b.registers(3));
            open_table(b, cursor, wide);
            scan(b, cursor, |b| {
                for (i, column) in [0, 3000, 5999].into_iter().enumerate() {
                    b.emit(Column { cursor, column, dest: out.at(i), default: None });
                }
                emit_row(b, out);
            });
            b.emit(Halt {});
        },
        &format!("{:?},{:?},{:?}", values[0], values[3000], values[5999]),
    );
}

#[test]
fn ephemeral_trees_are_empty_when_opened_again() {
    check(
        |b| {
            let (c, dup, n, r, record) = (b.cursor(), b.cursor(), b.register(), b.register(), b.register());
            load(b, 3, n);
            let again = b.label_here();
            b.emit(OpenEphemeral { cursor: c, columns: 1, key: None });
            b.emit(OpenDup { cursor: dup, original: c });
            for _ in 0..2 {
                b.emit(NewRowid { cursor: c, dest: r, at_least: None });
                b.emit(MakeRecord { values: Regs::new(n, 1), dest: record, affinities: None });
                b.emit(Insert { cursor: c, record, rowid: r, position: Position::Append, change: None });
            }
            scan(b, dup, |b| {
                column(b, dup, 0, r);
                emit_row(b, Regs::new(r, 1));
            });
            b.emit(Count { cursor: c, dest: r });
            emit_row(b, Regs::new(r, 1));
            let end = b.label();
            b.emit(DecrJumpZero { reg: n, target: end });
            b.emit(Goto { target: again });
            b.bind(end);
            b.emit(Halt {});
        },
        "3 3 2 2 2 2 1 1 2",
    );
}

#[test]
fn an_ephemeral_index_tells_what_is_new() {
    check(
        |b| {
            let (c, k, record) = (b.cursor(), b.register(), b.register());
            b.emit(OpenEphemeral { cursor: c, columns: 1, key: Some(Arc::new(KeyInfo::binary(1))) });
            for value in [5, 3, 5, 4, 3] {
                let seen = b.label();
                let key = Regs::new(k, 1);
                load(b, value, k);
                b.emit(Found { cursor: c, key, target: seen });
                b.emit(MakeRecord { values: key, dest: record, affinities: None });
                b.emit(IdxInsert { cursor: c, record, key, position: Position::AtCursor, change: None });
                emit_row(b, key);
                b.bind(seen);
            }
            scan(b, c, |b| {
                column(b, c, 0, k);
                emit_row(b, Regs::new(k, 1));
            });
            b.emit(Halt {});
        },
        "5 3 4 3 4 5",
    );
}
