//! Join plans as text: a line per loop with its path and values, and the conditions checked there.

use std::fmt;

use super::print_query::{Terms, joined};
use super::{Access, Bound, EqualTerm, Expr, IndexAccess, JoinKind, JoinPlan, Level, VirtualArgument};

impl fmt::Display for JoinPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.constant_filters.is_empty() {
            conditions(f, "", "if", &self.constant_filters)?;
        }
        for (depth, level) in self.levels.iter().enumerate() {
            write_level(f, &"  ".repeat(depth), level)?;
        }
        if !self.delivered_order.is_empty() {
            writeln!(f, "ordered by {}", Terms(&self.delivered_order))?;
        }
        if self.single_row {
            writeln!(f, "one row")?;
        }
        Ok(())
    }
}

fn write_level(f: &mut fmt::Formatter<'_>, indent: &str, level: &Level) -> fmt::Result {
    let join = match level.join {
        JoinKind::Inner | JoinKind::Cross => "",
        JoinKind::Left => "left ",
        JoinKind::Right => "right ",
        JoinKind::Full => "full ",
    };
    writeln!(f, "{indent}{join}s{} {}", level.source.0, level.access)?;
    conditions(f, indent, " check", &level.filters)?;
    conditions(f, indent, " after", &level.after_outer)
}

fn conditions(f: &mut fmt::Formatter<'_>, indent: &str, word: &str, list: &[Expr]) -> fmt::Result {
    if list.is_empty() {
        return Ok(());
    }
    write!(f, "{indent}{word} ")?;
    joined(f, list, ", ")?;
    writeln!(f)
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Access::Scan { reverse } => write!(f, "scan{}", backwards(*reverse)),
            Access::IndexScan { index, covering, reverse } => {
                write!(f, "scan {}{}{}", covers(*covering), index.name, backwards(*reverse))
            }
            Access::Rowid { key } => write!(f, "rowid = {key}"),
            Access::RowidIn { term, reverse } => write!(f, "rowid {term}{}", backwards(*reverse)),
            Access::RowidRange { low, high, reverse } => {
                write!(f, "rowid{}{}{}", Low(low), High(high), backwards(*reverse))
            }
            Access::Index(search) => write!(f, "{search}"),
            Access::AutoIndex(auto) => {
                f.write_str("automatic index")?;
                for key in &auto.key {
                    let how = if key.nulls { "IS" } else { "=" };
                    write!(f, " {:?} {how} {}", key.column, key.value)?;
                }
                if !auto.partial.is_empty() {
                    f.write_str(" of rows with ")?;
                    joined(f, &auto.partial, " AND ")?;
                }
                Ok(())
            }
            Access::MultiOr { arms } => {
                f.write_str("any of")?;
                for arm in arms {
                    f.write_str(" [")?;
                    if !arm.before.is_empty() {
                        f.write_str("if ")?;
                        joined(f, &arm.before, " AND ")?;
                        f.write_str(": ")?;
                    }
                    write!(f, "{}", arm.access)?;
                    if !arm.filters.is_empty() {
                        f.write_str(" check ")?;
                        joined(f, &arm.filters, ", ")?;
                    }
                    f.write_str("]")?;
                }
                Ok(())
            }
            Access::Virtual(scan) => {
                write!(f, "virtual {}:{}", scan.number, scan.text.as_deref().unwrap_or(""))?;
                for argument in &scan.arguments {
                    match argument {
                        VirtualArgument::One(value) => write!(f, " {value}")?,
                        VirtualArgument::Each { term, .. } => write!(f, " each of {term}")?,
                        VirtualArgument::All(term) => write!(f, " all of {term}")?,
                    }
                }
                Ok(())
            }
            Access::Produced { materialized } => f.write_str(if *materialized { "materialized" } else { "coroutine" }),
        }
    }
}

impl fmt::Display for IndexAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", covers(self.covering), self.index.name)?;
        if self.skip > 0 {
            write!(f, " skip {}", self.skip)?;
        }
        for term in &self.equal {
            match term {
                EqualTerm::Equal(e, _) => write!(f, " = {e}")?,
                EqualTerm::Is(e, _) => write!(f, " IS {e}")?,
                EqualTerm::Null => f.write_str(" IS NULL")?,
                EqualTerm::In(e) => write!(f, " {e}")?,
            }
        }
        write!(f, "{}{}{}", Low(&self.low), High(&self.high), backwards(self.reverse))
    }
}

struct Low<'a>(&'a Option<Bound>);
struct High<'a>(&'a Option<Bound>);

impl fmt::Display for Low<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_bound(f, self.0.as_ref(), '>')
    }
}

impl fmt::Display for High<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_bound(f, self.0.as_ref(), '<')
    }
}

fn write_bound(f: &mut fmt::Formatter<'_>, bound: Option<&Bound>, op: char) -> fmt::Result {
    let Some(bound) = bound else { return Ok(()) };
    write!(f, " {op}{} ", if bound.inclusive { "=" } else { "" })?;
    joined(f, &bound.values, ", ")
}

fn covers(covering: bool) -> &'static str {
    if covering { "covering " } else { "" }
}

fn backwards(reverse: bool) -> &'static str {
    if reverse { " backwards" } else { "" }
}
