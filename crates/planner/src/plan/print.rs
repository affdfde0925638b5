//! Bound expressions as text: what tests compare and what people read when a plan surprises them.
//!
//! `s0.2` is column 2 of source 0, `s0.rowid` its rowid, `?1` a parameter. A comparison shows the affinity and collation that
//! it applies where they are not the plain ones: `(s0.1 =[C] '5')`.

use std::fmt;

use turso_program::expression::CompareOp;
use turso_value::{Affinity, Value};

use super::{BinaryOp, ColumnIndex, CompareHow, Expr, InSet, RowValue, UnaryOp};

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Literal(value) => write_value(f, value),
            Expr::Column { source, column: ColumnIndex::Rowid, .. } => write!(f, "s{}.rowid", source.0),
            Expr::Column { source, column: ColumnIndex::Column(i), .. } => write!(f, "s{}.{i}", source.0),
            Expr::Parameter(n) => write!(f, "?{n}"),
            Expr::Unary { op, expr } => {
                let op = match op {
                    UnaryOp::Negate => "-",
                    UnaryOp::BitNot => "~",
                    UnaryOp::Not => "NOT ",
                    UnaryOp::Plus => "+",
                    UnaryOp::Plain => "PLAIN ",
                    UnaryOp::ReadBlob => "READ BLOB ",
                };
                write!(f, "{op}{expr}")
            }
            Expr::Binary { op, left, right } => write!(f, "({left} {} {right})", binary_text(*op)),
            Expr::And(left, right) => write!(f, "({left} AND {right})"),
            Expr::Or(left, right) => write!(f, "({left} OR {right})"),
            Expr::Compare { op, left, right, how, null_equal } => {
                write!(f, "({left} {}{} {right})", compare_text(*op, *null_equal), How(how))
            }
            Expr::CompareRows { op, left, right, null_equal, .. } => {
                write!(f, "({left} {} {right})", compare_text(*op, *null_equal))
            }
            Expr::Between { expr, low, high, negated, .. } => {
                write!(f, "({expr} {}BETWEEN {low} AND {high})", not(*negated))
            }
            Expr::In { left, set, negated, .. } => {
                match left.as_slice() {
                    [one] => write!(f, "({one}")?,
                    many => write!(f, "(({})", List(many))?,
                }
                write!(f, " {}IN (", not(*negated))?;
                match set {
                    InSet::List(list) => write!(f, "{}", List(list))?,
                    InSet::Query(_) => f.write_str("SELECT ..")?,
                }
                f.write_str("))")
            }
            Expr::Exists { negated, .. } => write!(f, "{}EXISTS(SELECT ..)", not(*negated)),
            Expr::Subquery(_) | Expr::Shared(_) => f.write_str("(SELECT ..)"),
            Expr::Case { base, arms, otherwise, .. } => {
                f.write_str("CASE")?;
                if let Some(base) = base {
                    write!(f, " {base}")?;
                }
                for arm in arms {
                    write!(f, " WHEN {} THEN {}", arm.when, arm.then)?;
                }
                if let Some(otherwise) = otherwise {
                    write!(f, " ELSE {otherwise}")?;
                }
                f.write_str(" END")
            }
            Expr::Cast { expr, affinity } => write!(f, "CAST({expr} AS {affinity:?})"),
            Expr::Collate { expr, collation, .. } => write!(f, "{expr} COLLATE {}", collation.name()),
            Expr::FirstOf { values, .. } => write!(f, "first of ({})", List(values)),
            Expr::Function { function, args, .. } => write!(f, "{}({})", function.name, List(args)),
            Expr::Aggregate { core, index } => write!(f, "aggregate({}.{index})", core.0),
            Expr::Window { core, index } => write!(f, "window({}.{index})", core.0),
            Expr::IsNull { expr, negated } => write!(f, "({expr} IS {}NULL)", not(*negated)),
            Expr::IsTrue { expr, if_null, negate } => write!(f, "truth({expr}, {if_null}, {negate})"),
            Expr::Raise { .. } => f.write_str("RAISE(..)"),
            Expr::Register { reg, .. } => write!(f, "{reg}"),
        }
    }
}

impl fmt::Display for RowValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowValue::List(list) => write!(f, "({})", List(list)),
            RowValue::Subquery(_) => f.write_str("(SELECT ..)"),
        }
    }
}

/// Expressions with commas.
pub(super) struct List<'a>(pub &'a [Expr]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, e) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{e}")?;
        }
        Ok(())
    }
}

struct How<'a>(&'a CompareHow);

impl fmt::Display for How<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CompareHow { affinity, collation } = self.0;
        let plain = matches!(affinity, Affinity::Blob | Affinity::None);
        match (plain, collation.is_binary()) {
            (true, true) => Ok(()),
            (false, true) => write!(f, "[{}]", affinity.code() as char),
            (true, false) => write!(f, "[{}]", collation.name()),
            (false, false) => write!(f, "[{} {}]", affinity.code() as char, collation.name()),
        }
    }
}

fn not(negated: bool) -> &'static str {
    if negated { "NOT " } else { "" }
}

fn compare_text(op: CompareOp, null_equal: bool) -> &'static str {
    match (op, null_equal) {
        (CompareOp::Eq, true) => "IS",
        (CompareOp::Ne, true) => "IS NOT",
        (CompareOp::Eq, false) => "=",
        (CompareOp::Ne, false) => "<>",
        (CompareOp::Lt, _) => "<",
        (CompareOp::Le, _) => "<=",
        (CompareOp::Gt, _) => ">",
        (CompareOp::Ge, _) => ">=",
    }
}

fn binary_text(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::Remainder => "%",
        BinaryOp::Concat => "||",
        BinaryOp::BitAnd => "&",
        BinaryOp::BitOr => "|",
        BinaryOp::ShiftLeft => "<<",
        BinaryOp::ShiftRight => ">>",
    }
}

fn write_value(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Null => f.write_str("NULL"),
        Value::Integer(i) => write!(f, "{i}"),
        Value::Real(r) => write!(f, "{r:?}"),
        Value::Text(t) => write!(f, "'{}'", String::from_utf8_lossy(t).replace('\'', "''")),
        Value::Blob(b) => {
            f.write_str("x'")?;
            for byte in b {
                write!(f, "{byte:02x}")?;
            }
            f.write_str("'")
        }
    }
}
