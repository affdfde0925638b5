//! Logical queries as text, one clause per line, inner queries indented.

use std::fmt::{self, Write};

use super::print::List;
use super::{Aggregate, Body, CompoundOp, Core, Expr, IndexHint, JoinKind, OrderTerm, Query, Relation, Source};

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for cte in &self.ctes {
            writeln!(f, "WITH {} AS", cte.name)?;
            indented(f, &cte.query)?;
            if let Some(recursive) = &cte.recursive {
                for arm in &recursive.arms {
                    writeln!(f, "  RECURSIVE{}", if recursive.all { " ALL" } else { "" })?;
                    indented(f, arm)?;
                }
            }
        }
        write!(f, "{}", self.body)?;
        if !self.order_by.is_empty() {
            writeln!(f, "ORDER BY {}", Terms(&self.order_by))?;
        }
        if let Some(limit) = &self.limit {
            write!(f, "LIMIT {limit}")?;
            if let Some(offset) = &self.offset {
                write!(f, " OFFSET {offset}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Core(core) => write!(f, "{core}"),
            Body::Values(rows) => {
                f.write_str("VALUES")?;
                for (i, row) in rows.iter().enumerate() {
                    write!(f, "{}({})", if i > 0 { ", " } else { " " }, List(row))?;
                }
                writeln!(f)
            }
            Body::Compound { op, left, right, .. } => {
                let op = match op {
                    CompoundOp::Union => "UNION",
                    CompoundOp::UnionAll => "UNION ALL",
                    CompoundOp::Intersect => "INTERSECT",
                    CompoundOp::Except => "EXCEPT",
                };
                write!(f, "{left}{op}\n{right}")
            }
        }
    }
}

impl fmt::Display for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "SELECT {}{}", if self.distinct { "DISTINCT " } else { "" }, List(&self.output))?;
        for source in &self.sources {
            write!(f, "{source}")?;
        }
        clause(f, "WHERE", &self.filter, " AND ")?;
        clause(f, "GROUP BY", &self.group_by, ", ")?;
        if let Some(having) = &self.having {
            writeln!(f, "HAVING {having}")?;
        }
        for (i, Aggregate { function, args, distinct, filter, .. }) in self.aggregates.iter().enumerate() {
            write!(f, "AGGREGATE {i}: {}({}{})", function.name, if *distinct { "DISTINCT " } else { "" }, List(args))?;
            if let Some(filter) = filter {
                write!(f, " FILTER {filter}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = match self.join {
            JoinKind::Inner if self.exists => "EXISTS",
            JoinKind::Inner => "FROM",
            JoinKind::Cross => "CROSS",
            JoinKind::Left => "LEFT",
            JoinKind::Right => "RIGHT",
            JoinKind::Full => "FULL",
        };
        write!(f, "{join} s{} {}", self.id.0, self.name)?;
        match &self.hint {
            IndexHint::Free => {}
            IndexHint::NotIndexed => f.write_str(" NOT INDEXED")?,
            IndexHint::Named(name) => write!(f, " INDEXED BY {name}")?,
        }
        if !self.on.is_empty() {
            f.write_str(" ON ")?;
            joined(f, &self.on, " AND ")?;
        }
        writeln!(f)?;
        match &self.relation {
            Relation::Query { query, .. } => indented(f, query),
            Relation::Virtual { connected, args, .. } => writeln!(f, "  {}({})", connected.table.name, List(args)),
            Relation::Table { .. } | Relation::Cte(_) | Relation::Recursive { .. } => Ok(()),
        }
    }
}

pub(super) struct Terms<'a>(pub &'a [OrderTerm]);

impl fmt::Display for Terms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.0.iter().enumerate() {
            let separator = if i > 0 { ", " } else { "" };
            write!(f, "{separator}{}{}", term.expr, if term.descending { " DESC" } else { "" })?;
            if term.nulls_reversed {
                f.write_str(if term.descending { " NULLS FIRST" } else { " NULLS LAST" })?;
            }
        }
        Ok(())
    }
}

fn clause(f: &mut fmt::Formatter<'_>, word: &str, list: &[Expr], separator: &str) -> fmt::Result {
    if list.is_empty() {
        return Ok(());
    }
    write!(f, "{word} ")?;
    joined(f, list, separator)?;
    writeln!(f)
}

pub(super) fn joined(f: &mut fmt::Formatter<'_>, list: &[Expr], separator: &str) -> fmt::Result {
    for (i, e) in list.iter().enumerate() {
        write!(f, "{}{e}", if i > 0 { separator } else { "" })?;
    }
    Ok(())
}

fn indented(f: &mut fmt::Formatter<'_>, query: &Query) -> fmt::Result {
    let mut text = String::new();
    write!(text, "{query}")?;
    for line in text.lines() {
        writeln!(f, "  {line}")?;
    }
    Ok(())
}
