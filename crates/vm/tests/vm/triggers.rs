//! Trigger bodies: frames, parameters, counters, recursion, RAISE.

use std::sync::Arc;

use turso_error::ResultCode;
use turso_program::control::*;
use turso_program::cursor::OpenEphemeral;
use turso_program::data::Integer;
use turso_program::expression::{AddImm, MemMax};
use turso_program::write::*;
use turso_program::{Program, ProgramBuilder, Reg, Regs};
use turso_value::Value;

use crate::expression::load;
use crate::host::{TestHost, check_on, program, run};
use crate::trees::{emit_row, fill, open_table, print_table};
use turso_vm::Vm;

fn call(subprogram: u32, recursive: bool) -> Arc<TriggerCall> {
    Arc::new(TriggerCall { subprogram, name: Arc::from(format!("trigger{subprogram}")), recursive })
}

/// A trigger that logs its first parameter into the table, counting it.
fn logger(host: &mut TestHost) -> (Arc<Program>, turso_program::Root) {
    let root = host.tree(true);
    let body = program(|b| {
        let (cursor, eph, value, record, rowid) = (b.cursor(), b.cursor(), b.register(), b.register(), b.register());
        open_table(b, cursor, root);
        b.emit(OpenEphemeral { cursor: eph, columns: 1, key: None });
        b.emit(Param { index: 1, dest: value });
        b.emit(MakeRecord { values: Regs::new(value, 1), dest: record, affinities: None });
        b.emit(NewRowid { cursor, dest: rowid, at_least: None });
        let change = RowChange {
            db: crate::trees::MAIN,
            table: Arc::from("log"),
            cause: Cause::Insert,
            counts: true,
            sets_last_rowid: true,
        };
        b.emit(Insert { cursor, record, rowid, position: Position::Append, change: Some(Arc::new(change)) });
        b.emit(ResetCount {});
        b.emit(Halt {});
    });
    (body, root)
}

#[test]
fn a_trigger_reads_its_parameters_and_leaves_the_counters() {
    let mut host = TestHost::new();
    let (body, log) = logger(&mut host);
    host.counters.last_insert_rowid = 77;
    let mut vm = Vm::new(program(|b| {
        b.program_mut().subprograms = vec![body];
        b.program_mut().counts_changes = true;
        let (params, n) = (b.registers(2), b.register());
        load(b, 3, n);
        let top = b.label_here();
        b.emit(turso_program::data::Copy { from: n, to: params.at(1), count: 1 });
        let ignore = b.label();
        b.emit(RunTrigger { first_param: params.first, ignore, call: call(0, false) });
        emit_row(b, Regs::new(n, 1));
        b.emit(DecrJumpZero { reg: n, target: ignore });
        b.emit(Goto { target: top });
        b.bind(ignore);
        b.emit(Halt {});
    }));
    assert_eq!(run(&mut host, &mut vm), "3 2 1");
    assert_eq!((host.counters.changes, host.counters.total_changes, host.counters.last_insert_rowid), (0, 3, 77));
    check_on(&mut host, print_table(log, 1), "1,3 2,2 3,1");
}

fn recursive(depth_limit: usize, recursive: bool, levels: i64) -> String {
    let mut host = TestHost::new();
    host.limits.trigger_depth = depth_limit;
    let body = program(|b| {
        let n = b.register();
        let end = b.label();
        b.emit(Param { index: 0, dest: n });
        b.emit(AddImm { reg: n, amount: -1 });
        b.emit(MemMax { counter: Reg(2), reg: n, in_root_frame: true });
        b.emit(IfNot { reg: n, target: end, jump_if_null: true });
        b.emit(RunTrigger { first_param: n, ignore: end, call: call(0, recursive) });
        b.bind(end);
        b.emit(Halt {});
    });
    let mut vm = Vm::new(program(|b| {
        b.program_mut().subprograms = vec![body];
        let (n, max) = (b.register(), b.register());
        let end = b.label();
        load(b, levels, n);
        load(b, 0, max);
        b.emit(RunTrigger { first_param: n, ignore: end, call: call(0, recursive) });
        b.bind(end);
        emit_row(b, Regs::new(n, 2));
        b.emit(Halt {});
    }));
    let first = run(&mut host, &mut vm);
    vm.reset();
    assert_eq!(run(&mut host, &mut vm), first);
    first
}

#[test]
fn recursion_is_skipped_or_bounded() {
    assert_eq!(recursive(1000, true, 1000), "1000,999");
    assert_eq!(recursive(1000, true, 1001), "error 1 triggers nested too deep Abort");
    assert_eq!(recursive(10, false, 50), "50,49");
}

fn raising(on_error: OnError) -> Arc<Program> {
    program(|b| {
        let raise = Arc::new(Raise { code: ResultCode::CONSTRAINT_TRIGGER, on_error, message: Some(Arc::from("no")) });
        let r = b.register();
        b.emit(Integer { value: 1, dest: r });
        b.emit(RaiseError { message: None, raise });
    })
}

#[test]
fn raise_ignore_ends_the_trigger_and_skips_the_row() {
    let caller = |body: Arc<Program>| {
        program(move |b: &mut ProgramBuilder| {
            b.program_mut().subprograms = vec![body];
            let n = b.register();
            let (ignore, end) = (b.label(), b.label());
            load(b, 1, n);
            b.emit(RunTrigger { first_param: n, ignore, call: call(0, false) });
            emit_row(b, Regs::new(n, 1));
            b.emit(Goto { target: end });
            b.bind(ignore);
            load(b, 2, n);
            emit_row(b, Regs::new(n, 1));
            b.bind(end);
            b.emit(Halt {});
        })
    };
    let mut host = TestHost::new();
    assert_eq!(run(&mut host, &mut Vm::new(caller(raising(OnError::Ignore)))), "2");
    assert_eq!(run(&mut host, &mut Vm::new(caller(raising(OnError::Fail)))), "error 1811 no Fail");
    let root = host.tree(true);
    fill(&mut host, root, &[(1, vec![Value::Null])]);
}
