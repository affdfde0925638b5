//! Jumps, subroutines, coroutines, errors.

use std::sync::Arc;

use turso_error::ResultCode;
use turso_program::control::*;
use turso_program::data::*;
use turso_program::expression::AddImm;
use turso_program::{ProgramBuilder, Reg, Regs};
use turso_value::Value;
use turso_vm::{Step, Vm};

use crate::host::{TestHost, check, check_once, program};

fn row(b: &mut ProgramBuilder, reg: Reg) {
    b.emit(ResultRow { values: Regs::new(reg, 1) });
}

#[test]
fn a_loop_counts_down() {
    check(
        |b| {
            let r = b.register();
            b.emit(Integer { value: 3, dest: r });
            let top = b.label_here();
            row(b, r);
            let end = b.label();
            b.emit(DecrJumpZero { reg: r, target: end });
            b.emit(Goto { target: top });
            b.bind(end);
            b.emit(Halt {});
        },
        "3 2 1",
    );
}

#[test]
fn subroutines_return_behind_their_call() {
    check(
        |b| {
            let (ret, r) = (b.register(), b.register());
            let sub = b.label();
            b.emit(Integer { value: 1, dest: r });
            b.emit(Gosub { return_to: ret, target: sub });
            b.emit(Gosub { return_to: ret, target: sub });
            b.emit(Halt {});
            b.bind(sub);
            row(b, r);
            b.emit(AddImm { reg: r, amount: 1 });
            b.emit(Return { return_to: ret, or_fall_through: false });
        },
        "1 2",
    );
}

#[test]
fn a_return_without_a_call_falls_through() {
    check(
        |b| {
            let (ret, r) = (b.register(), b.register());
            b.emit(Null { dest: Regs::new(ret, 1) });
            b.emit(Return { return_to: ret, or_fall_through: true });
            b.emit(Integer { value: 5, dest: r });
            row(b, r);
            b.emit(Halt {});
        },
        "5",
    );
}

#[test]
fn coroutines_alternate_with_their_consumer_and_end_for_good() {
    check(
        |b| {
            let (co, r) = (b.register(), b.register());
            let (main, start, end, again) = (b.label(), b.label(), b.label(), b.label());
            b.emit(InitCoroutine { state: co, skip: main, start });
            b.bind(start);
            for value in [10, 20] {
                b.emit(Integer { value, dest: r });
                b.emit(Yield { state: co, on_end: None });
            }
            b.emit(EndCoroutine { state: co });
            b.bind(main);
            let top = b.label_here();
            b.emit(Yield { state: co, on_end: Some(end) });
            row(b, r);
            b.emit(Goto { target: top });
            b.bind(end);
            // Asked once more it has still ended.
            b.emit(Yield { state: co, on_end: Some(again) });
            b.emit(Integer { value: -1, dest: r });
            b.bind(again);
            row(b, r);
            b.emit(Halt {});
        },
        "10 20 20",
    );
}

#[test]
fn once_runs_once() {
    check(
        |b| {
            let (n, r) = (b.register(), b.register());
            b.emit(Integer { value: 4, dest: n });
            b.emit(Integer { value: 0, dest: r });
            let top = b.label_here();
            let over = b.label();
            b.emit(Once { target: over });
            b.emit(AddImm { reg: r, amount: 1 });
            b.bind(over);
            row(b, r);
            let end = b.label();
            b.emit(DecrJumpZero { reg: n, target: end });
            b.emit(Goto { target: top });
            b.bind(end);
            b.emit(Halt {});
        },
        "1 1 1 1",
    );
}

#[test]
fn null_jumps_as_told() {
    check(
        |b| {
            let (null, r) = (b.register(), b.register());
            b.emit(Null { dest: Regs::new(null, 1) });
            for (i, jump_if_null) in [true, false].into_iter().enumerate() {
                for (j, negate) in [true, false].into_iter().enumerate() {
                    let (to, next) = (b.label(), b.label());
                    b.emit(Integer { value: (10 * i + j) as i64, dest: r });
                    match negate {
                        true => b.emit(IfNot { reg: null, target: to, jump_if_null }),
                        false => b.emit(If { reg: null, target: to, jump_if_null }),
                    };
                    b.emit(Goto { target: next });
                    b.bind(to);
                    row(b, r);
                    b.bind(next);
                }
            }
            b.emit(Halt {});
        },
        "0 1",
    );
}

#[test]
fn must_be_int_converts_jumps_or_fails() {
    check(
        |b| {
            let r = b.register();
            for value in [
                Value::text("12"),
                Value::text(" 7 "),
                Value::text("x"),
                Value::Real(3.0),
                Value::Real(3.5),
                Value::Null,
            ] {
                let constant = b.constant(value);
                let no = b.label();
                b.emit(Const { constant, dest: r });
                b.emit(MustBeInt { reg: r, otherwise: Some(no) });
                row(b, r);
                b.bind(no);
            }
            let constant = b.constant(Value::text("x"));
            b.emit(Const { constant, dest: r });
            b.emit(MustBeInt { reg: r, otherwise: None });
            b.emit(Halt {});
        },
        "12 7 3 error 20 datatype mismatch Abort",
    );
}

#[test]
fn limits_and_offsets_add_up() {
    check(
        |b| {
            let (limit, offset, sum) = (b.register(), b.register(), b.register());
            for (l, o) in [(5, 3), (5, -3), (0, 3), (-1, 0), (i64::MAX, 1)] {
                b.emit(Integer { value: l, dest: limit });
                b.emit(Integer { value: o, dest: offset });
                b.emit(OffsetLimit { limit, dest: sum, offset });
                row(b, sum);
            }
            b.emit(Halt {});
        },
        "8 5 -1 -1 -1",
    );
}

#[test]
fn a_constraint_names_its_code_text_and_remedy() {
    let raise = |message: Option<&str>| {
        Arc::new(Raise {
            code: ResultCode::CONSTRAINT_NOTNULL,
            on_error: OnError::Rollback,
            message: message.map(Arc::from),
        })
    };
    check(
        |b| {
            let r = b.register();
            b.emit(Integer { value: 1, dest: r });
            b.emit(HaltIfNull { reg: r, raise: raise(None) });
            b.emit(Null { dest: Regs::new(r, 1) });
            b.emit(HaltIfNull { reg: r, raise: raise(Some("NOT NULL constraint failed: t.a")) });
            b.emit(Halt {});
        },
        "error 1299 NOT NULL constraint failed: t.a Rollback",
    );
    check(
        |b| {
            let r = b.register();
            b.emit(Integer { value: 42, dest: r });
            b.emit(RaiseError { message: Some(r), raise: raise(None) });
        },
        "error 1299 42 Rollback",
    );
    check(
        |b| {
            b.emit(RaiseError { message: None, raise: raise(None) });
        },
        "error 1299 constraint failed Rollback",
    );
}

#[test]
fn an_endless_loop_is_interrupted() {
    let mut host = TestHost::new();
    host.interrupt_after = 3;
    check_once(
        &mut host,
        |b| {
            let top = b.label_here();
            b.emit(Goto { target: top });
        },
        "error 9 interrupted Abort",
    );
}

#[test]
fn parameters_survive_a_reset() {
    let mut vm = Vm::new(program(|b| {
        let r = b.register();
        b.program_mut().parameters = vec![Some(Arc::from("?1")), None];
        b.emit(Variable { number: 1, dest: r });
        row(b, r);
        b.emit(Variable { number: 2, dest: r });
        row(b, r);
        b.emit(Halt {});
    }));
    let mut host = TestHost::new();
    assert!(vm.bind(1, Value::text("x")));
    assert!(!vm.bind(3, Value::Null) && !vm.bind(0, Value::Null));
    for _ in 0..2 {
        assert_eq!(crate::host::run(&mut host, &mut vm), "'x' NULL");
        assert_eq!(vm.step(&mut host).unwrap(), Step::Done);
        vm.reset();
    }
}

#[test]
fn explain_lists_the_program() {
    let mut vm = Vm::new(program(|b| {
        b.program_mut().explain = 1;
        let r = b.register();
        let constant = b.constant(Value::text("x"));
        let end = b.label();
        b.emit(Goto { target: end });
        b.emit(Const { constant, dest: r });
        b.bind(end);
        b.emit(Halt {});
    }));
    let listing = crate::host::run(&mut TestHost::new(), &mut vm);
    assert_eq!(listing, "0,'Goto',2,0,0,NULL,0,NULL 1,'Const',0,1,0,NULL,0,NULL 2,'Halt',0,0,0,NULL,0,NULL");
}

#[test]
fn unsound_programs_are_found() {
    let mut b = ProgramBuilder::new();
    b.emit(Integer { value: 1, dest: Reg(9) });
    b.emit(Halt {});
    assert_eq!(b.finish().verify().unwrap_err(), "main program, instruction 0 (Integer): registers 9..10 of 1");
}
