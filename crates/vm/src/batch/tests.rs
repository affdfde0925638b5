//! Kernels against the operations of the row tier, on vectors of one class, with NULLs among them, and of all classes.

use turso_program::batch::BatchCompare;
use turso_program::expression::{CompareOp, Nulls};
use turso_value::arith::{self, Arithmetic, Bitwise};
use turso_value::{Affinity, Collation, TextEncoding, Value};

use super::compare::{How, compare};
use super::vector::Vector;
use super::{arithmetic, logic};
use crate::compare::order_operands;

fn integers() -> Vec<Value> {
    [0, 1, -1, 2, 7, 300, -(1 << 40), (1 << 53) + 1, i64::MAX, i64::MIN].map(Value::Integer).to_vec()
}

fn reals() -> Vec<Value> {
    [0.0, -0.0, 0.5, -2.5, 7.0, 9007199254740992.0, 9.3e18, 1e308, -1e308, f64::INFINITY, f64::NEG_INFINITY]
        .map(Value::Real)
        .to_vec()
}

fn texts() -> Vec<Value> {
    ["", " ", "7", " 7.0 ", "7x", "abc", "ABC", "abc  ", "1e2", "a\0b"].map(Value::from).to_vec()
}

fn blobs() -> Vec<Value> {
    [&b""[..], b"7", b"abc", b"\xff"].map(Value::blob).to_vec()
}

/// Sets of values that vectors are made of: each class alone, each with NULL, numbers, everything.
fn sets() -> Vec<Vec<Value>> {
    let classes = [integers(), reals(), texts(), blobs()];
    let mut sets: Vec<Vec<Value>> = classes.to_vec();
    sets.extend(classes.iter().map(|class| [class.clone(), vec![Value::Null]].concat()));
    sets.push([integers(), reals()].concat());
    sets.push([classes.concat(), vec![Value::Null]].concat());
    sets.push(vec![Value::Null]);
    sets
}

/// Two vectors with every pair of values.
fn pairs(a: &[Value], b: &[Value]) -> (Vector, Vector, Vec<(Value, Value)>) {
    let (mut x, mut y, mut list) = (Vector::default(), Vector::default(), Vec::new());
    for a in a {
        for b in b {
            x.push(a.as_ref()).unwrap();
            y.push(b.as_ref()).unwrap();
            list.push((a.clone(), b.clone()));
        }
    }
    (x, y, list)
}

/// Each row of `out` is what `expected` says, to the last bit.
#[track_caller]
fn check(out: &Vector, list: &[(Value, Value)], what: &str, mut expected: impl FnMut(&Value, &Value) -> Value) {
    assert_eq!(out.len(), list.len(), "{what}");
    for (row, (a, b)) in list.iter().enumerate() {
        let (found, wanted) = (out.get(row).to_owned(), expected(a, b));
        assert_eq!(format!("{found:?}"), format!("{wanted:?}"), "{a:?} {what} {b:?}");
        assert!(out.classes & out.tags[row] != 0, "{a:?} {what} {b:?}");
    }
}

#[test]
fn arithmetic_is_that_of_the_row_tier() {
    for a in sets() {
        for b in sets() {
            let (x, y, list) = pairs(&a, &b);
            let mut out = Vector::default();
            for op in
                [Arithmetic::Add, Arithmetic::Subtract, Arithmetic::Multiply, Arithmetic::Divide, Arithmetic::Remainder]
            {
                arithmetic::arithmetic(op, &x, &y, list.len(), &mut out).unwrap();
                check(&out, &list, &format!("{op:?}"), |a, b| {
                    let mut wanted = Value::Null;
                    arith::arithmetic(op, a.as_ref(), b.as_ref(), &mut wanted);
                    wanted
                });
            }
            for op in [Bitwise::And, Bitwise::Or, Bitwise::ShiftLeft, Bitwise::ShiftRight] {
                arithmetic::bitwise(op, &x, &y, list.len(), &mut out).unwrap();
                check(&out, &list, &format!("{op:?}"), |a, b| {
                    let mut wanted = Value::Null;
                    arith::bitwise(op, a.as_ref(), b.as_ref(), &mut wanted);
                    wanted
                });
            }
        }
    }
}

#[test]
fn comparisons_are_those_of_the_row_tier() {
    let ops = [CompareOp::Eq, CompareOp::Ne, CompareOp::Lt, CompareOp::Le, CompareOp::Gt, CompareOp::Ge];
    let affinities = [Affinity::Blob, Affinity::Text, Affinity::Numeric, Affinity::Real, Affinity::None];
    for a in sets() {
        for b in sets() {
            let (x, y, list) = pairs(&a, &b);
            let mut out = Vector::default();
            for affinity in affinities {
                for collation in [Collation::Binary, Collation::NoCase, Collation::RTrim] {
                    // The encoding matters to BINARY alone.
                    let wide = if collation.is_binary() { TextEncoding::Utf16Le } else { TextEncoding::Utf8 };
                    for (encoding, null_equal) in [(TextEncoding::Utf8, false), (wide, true)] {
                        {
                            let how = BatchCompare { affinity, collation: collation.clone() };
                            let nulls = if null_equal { Nulls::Equal } else { Nulls::Fall };
                            for op in ops {
                                compare(op, &x, &y, How::new(&how, encoding, null_equal), list.len(), &mut out);
                                check(&out, &list, &format!("{op:?} {how:?} {encoding:?} {null_equal}"), |a, b| {
                                    let order = order_operands(a, b, (affinity, nulls), &collation, encoding);
                                    order.map_or(Value::Null, |order| {
                                        Value::boolean(match op {
                                            CompareOp::Eq => order.is_eq(),
                                            CompareOp::Ne => order.is_ne(),
                                            CompareOp::Lt => order.is_lt(),
                                            CompareOp::Le => order.is_le(),
                                            CompareOp::Gt => order.is_gt(),
                                            CompareOp::Ge => order.is_ge(),
                                        })
                                    })
                                });
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn truths_and_choices_are_those_of_the_row_tier() {
    for a in sets() {
        for b in sets() {
            let (x, y, list) = pairs(&a, &b);
            let mut out = Vector::default();
            let truth = |truth: Option<bool>| truth.map_or(Value::Null, Value::boolean);
            for or in [false, true] {
                logic::logic(or, &x, &y, list.len(), &mut out);
                check(&out, &list, if or { "OR" } else { "AND" }, |a, b| match (a.truth(), b.truth()) {
                    (Some(x), _) | (_, Some(x)) if x == or => Value::boolean(or),
                    (Some(_), Some(_)) => Value::boolean(!or),
                    _ => Value::Null,
                });
            }
            logic::not(&x, list.len(), &mut out);
            check(&out, &list, "NOT", |a, _| truth(a.truth().map(|truth| !truth)));
            logic::is_true(&x, true, true, list.len(), &mut out);
            check(&out, &list, "IS NOT TRUE", |a, _| Value::boolean(!a.truth().unwrap_or(true)));
            logic::is_null(&x, false, list.len(), &mut out);
            check(&out, &list, "IS NULL", |a, _| Value::boolean(a.is_null()));
            logic::select(&x, &x, &y, list.len(), &mut out).unwrap();
            check(&out, &list, "CASE", |a, b| if a.truth() == Some(true) { a.clone() } else { b.clone() });
        }
    }
}

#[test]
fn rows_are_kept_and_gathered() {
    for set in sets() {
        let mut vector = Vector::default();
        set.iter().for_each(|value| vector.push(value.as_ref()).unwrap());
        let picked: Vec<u32> = (0..set.len() as u32).filter(|row| row % 3 != 1).collect();
        let mut gathered = Vector::default();
        gathered.push(Value::text("first").as_ref()).unwrap();
        gathered.gather(&vector, &picked).unwrap();
        vector.keep(&picked);
        assert_eq!((vector.len(), gathered.len()), (picked.len(), picked.len() + 1));
        for (to, &from) in picked.iter().enumerate() {
            let wanted = format!("{:?}", set[from as usize]);
            assert_eq!(format!("{:?}", vector.get(to)), wanted);
            assert_eq!(format!("{:?}", gathered.get(to + 1)), wanted);
        }
    }
}
