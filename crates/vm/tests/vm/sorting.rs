//! Sorters and row sets through their instructions.

use std::sync::Arc;

use turso_program::Regs;
use turso_program::control::*;
use turso_program::cursor::Column;
use turso_program::sorter::*;
use turso_program::write::MakeRecord;
use turso_value::{KeyInfo, Value};

use crate::expression::load;
use crate::host::check;
use crate::trees::emit_row;

fn check_sorter(keep: Option<i64>, expected: &str) {
    check(
        |b| {
            let (cursor, row, record, limit) = (b.cursor(), b.registers(2), b.register(), b.register());
            if let Some(keep) = keep {
                load(b, keep, limit);
            }
            b.emit(SorterOpen { cursor, columns: 2, keep: keep.map(|_| limit), key: Arc::new(KeyInfo::binary(1)) });
            for (i, key) in [5, 3, 9, 3, 1, 5].into_iter().enumerate() {
                load(b, key, row.at(0));
                load(b, i as i64, row.at(1));
                b.emit(MakeRecord { values: row, dest: record, affinities: None });
                b.emit(SorterInsert { cursor, record });
            }
            let end = b.label();
            b.emit(SorterSort { cursor, empty: end });
            let top = b.label_here();
            b.emit(SorterData { cursor, dest: record });
            for i in 0..2 {
                b.emit(Column { cursor, column: i, dest: row.at(i.into()), default: None });
            }
            emit_row(b, row);
            b.emit(SorterNext { cursor, target: top });
            b.bind(end);
            b.emit(Halt {});
        },
        expected,
    );
}

#[test]
fn a_sorter_sorts_and_keeps_as_many_as_are_wanted() {
    check_sorter(None, "1,4 3,1 3,3 5,0 5,5 9,2");
    check_sorter(Some(-1), "1,4 3,1 3,3 5,0 5,5 9,2");
    check_sorter(Some(4), "1,4 3,1 3,3 5,0");
    check_sorter(Some(2), "1,4 3,1");
    check_sorter(Some(10), "1,4 3,1 3,3 5,0 5,5 9,2");
}

#[test]
fn records_of_a_sorter_are_compared_by_prefix() {
    check(
        |b| {
            let (cursor, row, record, r) = (b.cursor(), b.registers(2), b.register(), b.register());
            b.emit(SorterOpen { cursor, columns: 2, keep: None, key: Arc::new(KeyInfo::binary(2)) });
            for (x, y) in [(Value::Integer(1), 1), (Value::Integer(1), 2), (Value::Null, 0)] {
                load(b, x, row.at(0));
                load(b, y, row.at(1));
                b.emit(MakeRecord { values: row, dest: record, affinities: None });
                b.emit(SorterInsert { cursor, record });
            }
            let end = b.label();
            b.emit(SorterSort { cursor, empty: end });
            let top = b.label_here();
            // A NULL is never equal, not even to itself.
            b.emit(SorterData { cursor, dest: record });
            for columns in [1, 2] {
                let (differs, next) = (b.label(), b.label());
                b.emit(SorterCompare { cursor, record, key_columns: columns, differs });
                load(b, 0, r);
                b.emit(Goto { target: next });
                b.bind(differs);
                load(b, 1, r);
                b.bind(next);
                emit_row(b, Regs::new(r, 1));
            }
            b.emit(SorterNext { cursor, target: top });
            b.bind(end);
            b.emit(Halt {});
        },
        "1 1 0 0 0 0",
    );
}

#[test]
fn row_sets_give_back_in_order_and_test() {
    check(
        |b| {
            let (set, tested, r) = (b.register(), b.register(), b.register());
            for value in [5, -3, 9, 5, 0] {
                load(b, value, r);
                b.emit(RowSetAdd { set, rowid: r });
                let seen = b.label();
                b.emit(RowSetTest { set: tested, target: seen, rowid: r });
                emit_row(b, Regs::new(r, 1));
                b.bind(seen);
            }
            let end = b.label();
            let top = b.label_here();
            b.emit(RowSetRead { set, empty: end, dest: r });
            emit_row(b, Regs::new(r, 1));
            b.emit(Goto { target: top });
            b.bind(end);
            b.emit(Halt {});
        },
        "5 -3 9 0 -3 0 5 9",
    );
}
