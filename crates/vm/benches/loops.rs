//! The interpreter's hot loops against SQLite's, in one run: `cargo bench -p turso_vm --bench loops [FILTER]`.
//!
//! Programs are assembled by hand in the shape that SQLite compiles the same statement to, over tables in memory.

#[path = "../tests/vm/host.rs"]
#[allow(dead_code)]
mod host;

use std::sync::Arc;
use std::time::Instant;

use host::{TestHost, program};
use turso_functions::{Lookup, lookup};
use turso_program::control::*;
use turso_program::cursor::*;
use turso_program::data::*;
use turso_program::expression::*;
use turso_program::sorter::*;
use turso_program::write::*;
use turso_program::{CollationId, DbIndex, Program, ProgramBuilder, Regs, Root};
use turso_value::{Affinity, KeyInfo, Value};
use turso_vm::{Step, Vm};

/// Fewer rows and one run make it fit for an instruction counter: `LOOPS_ROWS=20000 LOOPS_RUNS=1 valgrind ...`.
fn setting(name: &str, default: i64) -> i64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn rows() -> i64 {
    setting("LOOPS_ROWS", 1_000_000)
}
const MAIN: DbIndex = DbIndex(0);

fn table(root: Root) -> OpenRead {
    OpenRead { cursor: turso_program::CursorId(0), root, db: MAIN, kind: TreeKind::Table }
}

/// The best of some runs, in seconds.
fn best(mut f: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..setting("LOOPS_RUNS", 5) {
        let start = Instant::now();
        f();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}

fn drain(host: &mut TestHost, vm: &mut Vm) -> Vec<Value> {
    let mut last = Vec::new();
    loop {
        match vm.step(host) {
            Ok(Step::Row) => {
                last.clear();
                last.extend_from_slice(vm.row());
            }
            Ok(Step::Done) => break,
            Err(error) => panic!("{error}"),
        }
    }
    vm.reset();
    last
}

/// A function of its own, for instruction counters to look at.
#[inline(never)]
fn run_ours(host: &mut TestHost, vm: &mut Vm) {
    while vm.step(host).unwrap() == Step::Row {}
    vm.reset();
}

/// A function of its own, for instruction counters to look at.
#[inline(never)]
fn run_sqlite(statement: &mut rusqlite::Statement<'_>) {
    let mut rows = statement.query([]).unwrap();
    while rows.next().unwrap().is_some() {}
}

struct Bench {
    host: TestHost,
    sqlite: rusqlite::Connection,
    filter: String,
    root: Root,
}

impl Bench {
    /// Times a statement on SQLite and a program here, which must give the same last row.
    fn compare(&mut self, name: &str, sql: &str, program: Arc<Program>) {
        if !name.contains(&self.filter) {
            return;
        }
        let mut vm = Vm::new(program);
        let ours = drain(&mut self.host, &mut vm);
        let steps = {
            while vm.step(&mut self.host).unwrap() == Step::Row {}
            let steps = vm.steps();
            vm.reset();
            steps
        };
        let mut statement = self.sqlite.prepare(sql).unwrap();
        let mut theirs = Vec::new();
        let mut rows = statement.query([]).unwrap();
        let columns = rows.as_ref().unwrap().column_count();
        while let Some(row) = rows.next().unwrap() {
            theirs = (0..columns).map(|i| row.get::<_, rusqlite::types::Value>(i).unwrap()).collect();
        }
        drop(rows);
        assert_eq!(ours.len(), theirs.len());
        let theirs_text: Vec<String> = theirs
            .iter()
            .map(|value| match value {
                rusqlite::types::Value::Integer(i) => i.to_string(),
                rusqlite::types::Value::Text(t) => format!("'{t}'"),
                other => format!("{other:?}"),
            })
            .collect();
        let ours_text: Vec<String> = ours.iter().map(|value| format!("{value:?}")).collect();
        assert_eq!(ours_text, theirs_text, "{name}");
        let here = best(|| run_ours(&mut self.host, &mut vm));
        let there = best(|| run_sqlite(&mut statement));
        println!(
            "{name:28} {:8.1} ms   SQLite {:8.1} ms   x{:4.2}   {:5.2} ns/instruction",
            here * 1e3,
            there * 1e3,
            there / here,
            here * 1e9 / steps as f64
        );
    }
}

fn aggregate(b: &mut ProgramBuilder, name: &[u8], arity: usize) -> turso_program::CallId {
    let function = match lookup(name, arity) {
        Lookup::Found(function) => function,
        _ => panic!("no such function"),
    };
    b.call(function, arity, CollationId(0))
}

fn fill(host: &mut TestHost) -> Root {
    let root = host.tree(true);
    let fill = program(|b| {
        let cursor = b.cursor();
        let (n, i, values, record) = (b.register(), b.register(), b.registers(4), b.register());
        b.emit(OpenWrite { cursor, root, db: MAIN, root_in_register: false, kind: TreeKind::Table });
        b.emit(Integer { value: rows(), dest: n });
        b.emit(Integer { value: 0, dest: i });
        let prime = b.register();
        b.emit(Integer { value: 7919, dest: prime });
        let modulus = b.register();
        b.emit(Integer { value: 1_000_003, dest: modulus });
        let text = b.constant(Value::text("some text of usual length"));
        b.emit(Const { constant: text, dest: values.at(2) });
        b.emit(Real { value: 1.5, dest: values.at(3) });
        let top = b.label_here();
        b.emit(AddImm { reg: i, amount: 1 });
        b.emit(Multiply { left: i, right: prime, dest: values.at(1) });
        b.emit(Remainder { left: values.at(1), right: modulus, dest: values.at(1) });
        b.emit(MakeRecord { values, dest: record, affinities: None });
        b.emit(Insert { cursor, record, rowid: i, position: Position::Append, change: None });
        let end = b.label();
        b.emit(DecrJumpZero { reg: n, target: end });
        b.emit(Goto { target: top });
        b.bind(end);
        b.emit(Halt {});
    });
    let start = Instant::now();
    drain(host, &mut Vm::new(fill));
    println!("fill {:39.1} ms", start.elapsed().as_secs_f64() * 1e3);
    root
}

fn main() {
    let filter = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    let mut host = TestHost::new();
    let root = fill(&mut host);
    let sqlite = rusqlite::Connection::open_in_memory().unwrap();
    let start = Instant::now();
    sqlite
        .execute_batch(&format!(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, b, c, d);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})
             INSERT INTO t SELECT i, i * 7919 % 1000003, 'some text of usual length', 1.5 FROM n;",
            rows()
        ))
        .unwrap();
    println!("SQLite's fill {:30.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let mut bench = Bench { host, sqlite, filter, root };
    scans(&mut bench);
    points(&mut bench);
    sorts(&mut bench);
}

fn plain() -> Comparison {
    Comparison { affinity: Affinity::Blob, collation: CollationId(0), nulls: Nulls::Fall }
}

fn scans(bench: &mut Bench) {
    let root = bench.root;
    bench.compare(
        "sum(b)",
        "SELECT sum(b) FROM t",
        program(|b| {
            let (cursor, state, arg) = (b.cursor(), b.register(), b.register());
            let sum = aggregate(b, b"sum", 1);
            b.emit(table(root));
            b.emit(Null { dest: Regs::new(state, 1) });
            let end = b.label();
            b.emit(Rewind { cursor, empty: end });
            let top = b.label_here();
            b.emit(Column { cursor, column: 1, dest: arg, default: None });
            b.emit(AggStep { call: sum, args: arg, state });
            b.emit(Next { cursor, target: top });
            b.bind(end);
            b.emit(AggFinal { call: sum, state });
            b.emit(ResultRow { values: Regs::new(state, 1) });
            b.emit(Halt {});
        }),
    );
    bench.compare(
        "count(*) where b % 7 = 3",
        "SELECT count(*) FROM t WHERE b % 7 = 3",
        program(|b| {
            let (cursor, state, r) = (b.cursor(), b.register(), b.register());
            let (seven, three) = (b.register(), b.register());
            let count = aggregate(b, b"count", 0);
            b.emit(table(root));
            b.emit(Null { dest: Regs::new(state, 1) });
            b.emit(Integer { value: 7, dest: seven });
            b.emit(Integer { value: 3, dest: three });
            let end = b.label();
            b.emit(Rewind { cursor, empty: end });
            let top = b.label_here();
            let next = b.label();
            b.emit(Column { cursor, column: 1, dest: r, default: None });
            b.emit(Remainder { left: r, right: seven, dest: r });
            b.emit(Ne { left: r, right: three, target: next, how: plain() });
            b.emit(AggStep { call: count, args: r, state });
            b.bind(next);
            b.emit(Next { cursor, target: top });
            b.bind(end);
            b.emit(AggFinal { call: count, state });
            b.emit(ResultRow { values: Regs::new(state, 1) });
            b.emit(Halt {});
        }),
    );
    bench.compare(
        "rows: id, b, c",
        "SELECT id, b, c FROM t",
        program(|b| {
            let (cursor, row) = (b.cursor(), b.registers(3));
            b.emit(table(root));
            let end = b.label();
            b.emit(Rewind { cursor, empty: end });
            let top = b.label_here();
            b.emit(Rowid { cursor, dest: row.at(0) });
            b.emit(Column { cursor, column: 1, dest: row.at(1), default: None });
            b.emit(Column { cursor, column: 2, dest: row.at(2), default: None });
            b.emit(ResultRow { values: row });
            b.emit(Next { cursor, target: top });
            b.bind(end);
            b.emit(Halt {});
        }),
    );
    bench.compare(
        "c = text",
        "SELECT count(*) FROM t WHERE c <> 'some text of usual length'",
        program(|b| {
            let (cursor, state, r, k) = (b.cursor(), b.register(), b.register(), b.register());
            let count = aggregate(b, b"count", 0);
            let text = b.constant(Value::text("some text of usual length"));
            b.emit(table(root));
            b.emit(Null { dest: Regs::new(state, 1) });
            b.emit(Const { constant: text, dest: k });
            let end = b.label();
            b.emit(Rewind { cursor, empty: end });
            let top = b.label_here();
            let next = b.label();
            b.emit(Column { cursor, column: 2, dest: r, default: None });
            b.emit(Eq { left: r, right: k, target: next, how: plain() });
            b.emit(AggStep { call: count, args: r, state });
            b.bind(next);
            b.emit(Next { cursor, target: top });
            b.bind(end);
            b.emit(AggFinal { call: count, state });
            b.emit(ResultRow { values: Regs::new(state, 1) });
            b.emit(Halt {});
        }),
    );
}

fn points(bench: &mut Bench) {
    let root = bench.root;
    if !"point look-up".contains(&bench.filter) {
        return;
    }
    let mut vm = Vm::new(program(|b| {
        let (cursor, id, row) = (b.cursor(), b.register(), b.registers(2));
        b.program_mut().parameters = vec![None];
        b.emit(table(root));
        b.emit(Variable { number: 1, dest: id });
        let miss = b.label();
        b.emit(SeekRowid { cursor, rowid: id, miss });
        b.emit(Column { cursor, column: 1, dest: row.at(0), default: None });
        b.emit(Column { cursor, column: 2, dest: row.at(1), default: None });
        b.emit(ResultRow { values: row });
        b.bind(miss);
        b.emit(Halt {});
    }));
    let lookups = rows() / 3;
    let key = |i: i64| i * 7919 % rows() + 1;
    #[inline(never)]
    fn run_ours_point(host: &mut TestHost, vm: &mut Vm, key: i64) {
        vm.bind(1, Value::Integer(key));
        assert_eq!(vm.step(host).unwrap(), Step::Row);
        assert_eq!(vm.step(host).unwrap(), Step::Done);
        vm.reset();
    }
    #[inline(never)]
    fn run_sqlite_point(statement: &mut rusqlite::Statement<'_>, key: i64) {
        let mut rows = statement.query([key]).unwrap();
        assert!(rows.next().unwrap().is_some());
        assert!(rows.next().unwrap().is_none());
    }
    let here = best(|| (0..lookups).for_each(|i| run_ours_point(&mut bench.host, &mut vm, key(i))));
    let mut statement = bench.sqlite.prepare("SELECT b, c FROM t WHERE id = ?").unwrap();
    let there = best(|| (0..lookups).for_each(|i| run_sqlite_point(&mut statement, key(i))));
    println!(
        "{:28} {:8.1} ms   SQLite {:8.1} ms   x{:4.2}   {:5.1} ns/look-up",
        "point look-up",
        here * 1e3,
        there * 1e3,
        there / here,
        here * 1e9 / lookups as f64
    );
}

fn sorts(bench: &mut Bench) {
    let root = bench.root;
    for (name, sql, keep, columns) in [
        ("order by b", "SELECT b, c FROM t ORDER BY b", 0, [1u16, 2]),
        ("order by c, b", "SELECT c, b FROM t ORDER BY c, b", 0, [2, 1]),
        ("order by b limit 10", "SELECT b, c FROM t ORDER BY b LIMIT 10", 10, [1, 2]),
    ] {
        bench.compare(
            name,
            sql,
            program(|b| {
                let (cursor, sorter, row, record, limit) =
                    (b.cursor(), b.cursor(), b.registers(2), b.register(), b.register());
                b.emit(Integer { value: keep, dest: limit });
                let key = Arc::new(KeyInfo::binary(if columns[0] == 2 { 2 } else { 1 }));
                b.emit(SorterOpen { cursor: sorter, columns: 2, keep: Some(limit), key });
                b.emit(table(root));
                let end = b.label();
                b.emit(Rewind { cursor, empty: end });
                let top = b.label_here();
                b.emit(Column { cursor, column: columns[0], dest: row.at(0), default: None });
                b.emit(Column { cursor, column: columns[1], dest: row.at(1), default: None });
                b.emit(MakeRecord { values: row, dest: record, affinities: None });
                b.emit(SorterInsert { cursor: sorter, record });
                b.emit(Next { cursor, target: top });
                b.bind(end);
                let none = b.label();
                b.emit(SorterSort { cursor: sorter, empty: none });
                let top = b.label_here();
                b.emit(Column { cursor: sorter, column: 0, dest: row.at(0), default: None });
                b.emit(Column { cursor: sorter, column: 1, dest: row.at(1), default: None });
                b.emit(ResultRow { values: row });
                b.emit(SorterNext { cursor: sorter, target: top });
                b.bind(none);
                b.emit(Halt {});
            }),
        );
    }
    bench.compare(
        "count to 10M",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT max(i) * 10 FROM n",
        program(|b| {
            let (i, end) = (b.register(), b.register());
            b.emit(Integer { value: 0, dest: i });
            b.emit(Integer { value: 10_000_000, dest: end });
            let top = b.label_here();
            b.emit(AddImm { reg: i, amount: 1 });
            b.emit(Lt { left: i, right: end, target: top, how: plain() });
            b.emit(ResultRow { values: Regs::new(i, 1) });
            b.emit(Halt {});
        }),
    );
}
