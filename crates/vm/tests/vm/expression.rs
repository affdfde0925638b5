//! Arithmetic, logic, comparison, functions, aggregates.

use std::sync::Arc;

use turso_functions::{
    Arity, Context, Function, FunctionDef, FunctionFlags, FunctionKind, Lookup, ScalarFunction, lookup,
};
use turso_program::control::*;
use turso_program::data::*;
use turso_program::expression::{
    Add, AggFinal, AggStep, AggValue, And, Compare, CompareOp, CompareStore, Comparison, Concat, Divide, Eq, Gt, Lt,
    Nulls, Or, Remainder,
};
use turso_program::{CollationId, ProgramBuilder, Reg, Regs};
use turso_value::{Affinity, Collation, KeyColumn, KeyInfo, Value};

use crate::host::check;

/// Compare without affinity, BINARY, NULL falls through.
pub fn plain() -> Comparison {
    Comparison { affinity: Affinity::Blob, collation: CollationId(0), nulls: Nulls::Fall }
}

pub fn load(b: &mut ProgramBuilder, value: impl Into<Value>, dest: Reg) {
    match value.into() {
        Value::Null => b.emit(Null { dest: Regs::new(dest, 1) }),
        Value::Integer(value) => b.emit(Integer { value, dest }),
        Value::Real(value) => b.emit(Real { value, dest }),
        other => {
            let constant = b.constant(other);
            b.emit(Const { constant, dest })
        }
    };
}

fn check_binary(values: &[(Value, Value)], op: impl Fn(Reg, Reg, Reg) -> turso_program::Instruction, expected: &str) {
    check(
        |b| {
            let (l, r, d) = (b.register(), b.register(), b.register());
            for (left, right) in values {
                load(b, left.clone(), l);
                load(b, right.clone(), r);
                b.emit(op(l, r, d));
                b.emit(ResultRow { values: Regs::new(d, 1) });
                // The destination may be an operand.
                b.emit(op(l, r, l));
                b.emit(ResultRow { values: Regs::new(l, 1) });
            }
            b.emit(Halt {});
        },
        expected,
    );
}

#[test]
fn arithmetic_overflows_into_reals_and_divides_by_zero_into_null() {
    let pairs = [
        (Value::Integer(7), Value::Integer(2)),
        (Value::Integer(i64::MAX), Value::Integer(2)),
        (Value::Real(1.5), Value::Real(0.0)),
        (Value::text("3x"), Value::Integer(2)),
        (Value::Null, Value::Integer(2)),
        (Value::Integer(i64::MIN), Value::Integer(-1)),
    ];
    check_binary(
        &pairs,
        |left, right, dest| Add { left, right, dest }.into(),
        "9 9 9.223372036854776e18 9.223372036854776e18 1.5 1.5 5 5 NULL NULL -9.223372036854776e18 -9.223372036854776e18",
    );
    check_binary(
        &pairs,
        |left, right, dest| Divide { left, right, dest }.into(),
        "3 3 4611686018427387903 4611686018427387903 NULL NULL 1 1 NULL NULL 9.223372036854776e18 9.223372036854776e18",
    );
    check_binary(
        &pairs,
        |left, right, dest| Remainder { left, right, dest }.into(),
        "1 1 1 1 NULL NULL 1 1 NULL NULL 0 0",
    );
}

#[test]
fn concatenation_and_logic() {
    let pairs = [
        (Value::text("a"), Value::Integer(2)),
        (Value::Null, Value::Integer(0)),
        (Value::Integer(1), Value::Null),
        (Value::Real(0.5), Value::text("1")),
    ];
    check_binary(
        &pairs,
        |left, right, dest| Concat { left, right, dest }.into(),
        "'a2' 'a2' NULL NULL NULL NULL '0.51' '0.51'",
    );
    check_binary(&pairs, |left, right, dest| And { left, right, dest }.into(), "0 0 0 0 NULL NULL 1 1");
    check_binary(&pairs, |left, right, dest| Or { left, right, dest }.into(), "1 1 NULL NULL 1 1 1 1");
}

fn compare_all(how: Comparison, pairs: &[(Value, Value)]) -> Vec<(Value, Value, Comparison)> {
    pairs.iter().map(|(a, b)| (a.clone(), b.clone(), how)).collect()
}

/// For each pair: the result of `<`, `=`, `>` stored, then as jumps (1 when taken).
fn check_compare(cases: Vec<(Value, Value, Comparison)>, expected: &str) {
    check(
        |b| {
            b.collation(&Collation::NoCase);
            let (l, r, d) = (b.register(), b.register(), b.registers(6));
            for (left, right, how) in cases {
                load(b, left, l);
                load(b, right, r);
                for (i, op) in [CompareOp::Lt, CompareOp::Eq, CompareOp::Gt].into_iter().enumerate() {
                    b.emit(CompareStore { left: l, right: r, dest: d.at(i), op, how });
                    let target = b.label();
                    b.emit(Integer { value: 1, dest: d.at(3 + i) });
                    match op {
                        CompareOp::Lt => b.emit(Lt { left: l, right: r, target, how }),
                        CompareOp::Eq => b.emit(Eq { left: l, right: r, target, how }),
                        _ => b.emit(Gt { left: l, right: r, target, how }),
                    };
                    b.emit(Integer { value: 0, dest: d.at(3 + i) });
                    b.bind(target);
                }
                b.emit(ResultRow { values: d });
            }
            b.emit(Halt {});
        },
        expected,
    );
}

#[test]
fn comparison_applies_affinity_collation_and_null_rules() {
    let how = |affinity, collation, nulls| Comparison { affinity, collation: CollationId(collation), nulls };
    check_compare(
        compare_all(
            plain(),
            &[
                (Value::Integer(1), Value::Integer(2)),
                (Value::Integer(2), Value::text("1")),
                (Value::text("b"), Value::text("B")),
                (Value::Null, Value::Integer(1)),
            ],
        ),
        "1,0,0,1,0,0 1,0,0,1,0,0 0,0,1,0,0,1 NULL,NULL,NULL,0,0,0",
    );
    check_compare(
        compare_all(
            how(Affinity::Numeric, 1, Nulls::Equal),
            &[
                (Value::Integer(2), Value::text("1")),
                (Value::text("10"), Value::Real(10.0)),
                (Value::text("b"), Value::text("B")),
                (Value::Null, Value::Integer(1)),
                (Value::Null, Value::Null),
            ],
        ),
        "0,0,1,0,0,1 0,1,0,0,1,0 0,1,0,0,1,0 1,0,0,1,0,0 0,1,0,0,1,0",
    );
    check_compare(
        compare_all(
            how(Affinity::Text, 0, Nulls::Jump),
            &[
                (Value::Integer(2), Value::text("10")),
                (Value::Integer(2), Value::Real(10.0)),
                (Value::Null, Value::Null),
            ],
        ),
        "0,0,1,0,0,1 1,0,0,1,0,0 NULL,NULL,NULL,1,1,1",
    );
}

#[test]
fn blocks_compare_by_key() {
    let key = Arc::new(KeyInfo {
        columns: vec![KeyColumn::default(), KeyColumn { descending: true, ..KeyColumn::default() }],
        ..KeyInfo::default()
    });
    check(
        |b| {
            let (l, r, d) = (b.registers(2), b.registers(2), b.register());
            load(b, 1, l.at(0));
            load(b, 1, r.at(0));
            load(b, 5, l.at(1));
            for value in [4, 5, 6] {
                load(b, value, r.at(1));
                b.emit(Compare { left: l.first, right: r.first, key: key.clone() });
                let (less, equal, greater, end) = (b.label(), b.label(), b.label(), b.label());
                b.emit(Jump { less, equal, greater });
                for (label, value) in [(less, -1), (equal, 0), (greater, 1)] {
                    b.bind(label);
                    load(b, value, d);
                    b.emit(Goto { target: end });
                }
                b.bind(end);
                b.emit(ResultRow { values: Regs::new(d, 1) });
            }
            b.emit(Halt {});
        },
        "-1 0 1",
    );
}

#[test]
fn conversions_in_place() {
    check(
        |b| {
            let r = b.registers(3);
            load(b, Value::text("12"), r.at(0));
            load(b, 5, r.at(1));
            load(b, 5, r.at(2));
            let affinities = turso_program::Affinities(Arc::from([Affinity::Integer, Affinity::Text, Affinity::Real]));
            b.emit(ApplyAffinity { regs: r.first, affinities });
            b.emit(ResultRow { values: r });
            b.emit(Cast { reg: r.at(1), affinity: Affinity::Blob });
            b.emit(Copy { from: r.at(1), to: r.at(0), count: 1 });
            b.emit(ResultRow { values: r });
            b.emit(Halt {});
        },
        "12,'5',5.0 x'35',x'35',5.0",
    );
}

#[test]
fn strict_types_convert_or_fail() {
    let types = Arc::new(StrictTypes {
        table: Arc::from("t"),
        columns: vec![
            (Arc::from("a"), StrictType::Int),
            (Arc::from("b"), StrictType::Real),
            (Arc::from("c"), StrictType::Blob),
        ],
    });
    check(
        |b| {
            let r = b.registers(3);
            load(b, Value::text("12"), r.at(0));
            load(b, 5, r.at(1));
            load(b, Value::Null, r.at(2));
            b.emit(TypeCheck { values: r, types: types.clone() });
            b.emit(ResultRow { values: r });
            load(b, 1, r.at(2));
            b.emit(TypeCheck { values: r, types });
            b.emit(Halt {});
        },
        "12,5.0,NULL error 3091 cannot store INT value in BLOB column t.c Abort",
    );
}

#[test]
fn an_aggregate_starts_anew_when_its_register_becomes_null() {
    let Lookup::Found(count) = lookup(b"count", 1) else { panic!("count is built in") };
    check(
        |b| {
            let (state, arg, value) = (b.register(), b.register(), b.register());
            let call = b.call(count, 1, CollationId(0));
            load(b, 1, arg);
            for _ in 0..2 {
                b.emit(Null { dest: Regs::new(state, 1) });
                for _ in 0..3 {
                    b.emit(AggStep { call, args: arg, state });
                    b.emit(AggValue { call, state, dest: value });
                    b.emit(ResultRow { values: Regs::new(value, 1) });
                }
                b.emit(AggFinal { call, state });
                b.emit(ResultRow { values: Regs::new(state, 1) });
            }
            b.emit(Null { dest: Regs::new(state, 1) });
            b.emit(AggFinal { call, state });
            b.emit(ResultRow { values: Regs::new(state, 1) });
            b.emit(Halt {});
        },
        "1 2 3 3 1 2 3 3 0",
    );
}

/// `mark(x)` gives x with subtype 74; `marked(x)` tells the subtype of x.
struct Subtypes {
    marks: bool,
}

impl ScalarFunction for Subtypes {
    fn call(&self, ctx: &mut Context<'_>, args: &[Value]) -> turso_error::Result<()> {
        if self.marks {
            ctx.value(&args[0])?;
            ctx.result_subtype = 74;
            Ok(())
        } else {
            ctx.integer(i64::from(ctx.arg_subtype(0)))
        }
    }
}

#[test]
fn a_subtype_goes_with_copies_and_goes_away_with_the_value() {
    let function = |name: &'static str, marks: bool, flags: FunctionFlags| {
        Function::User(Arc::new(FunctionDef {
            name: name.into(),
            arity: Arity::exactly(1),
            flags,
            kind: FunctionKind::UserScalar(Arc::new(Subtypes { marks })),
        }))
    };
    check(
        |b| {
            let mark = b.call(function("mark", true, FunctionFlags::RESULT_SUBTYPE), 1, CollationId(0));
            let marked = b.call(function("marked", false, FunctionFlags::SUBTYPE), 1, CollationId(0));
            let (value, copy, out) = (b.register(), b.register(), b.register());
            let ask = |b: &mut ProgramBuilder, args: Reg| {
                b.emit(turso_program::expression::Function { call: marked, args, dest: out });
                b.emit(ResultRow { values: Regs::new(out, 1) });
            };
            load(b, 5, value);
            ask(b, value);
            b.emit(turso_program::expression::Function { call: mark, args: value, dest: value });
            ask(b, value);
            b.emit(Copy { from: value, to: copy, count: 1 });
            for reg in [value, copy] {
                ask(b, reg);
            }
            // The same value loaded again has no subtype.
            load(b, 5, copy);
            ask(b, copy);
            b.emit(Halt {});
        },
        "0 74 74 74 0",
    );
}
