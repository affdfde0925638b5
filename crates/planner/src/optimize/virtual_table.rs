//! What a virtual table offers: it is asked with several sets of usable constraints, and each answer is a path.
//!
//! A constraint whose value comes from another source is usable only inside that source's loop. So the table is asked first
//! with everything usable; where its answer leans on other sources, or runs through the values of an IN one by one, it is asked
//! again with less, down to what needs no other source. The search then picks the answer that fits its loops.

use turso_error::{Error, Result};
use turso_functions::Function;
use turso_program::expression::CompareOp;
use turso_value::{Collation, Value};
use turso_vtab::{Answer, Constraint, ConstraintOp, Distinct, OrderTerm, Question};

use super::cost::{log_est, log_est_real};
use super::path::{Path, PathKind};
use super::source::SourceInfo;
use super::terms::{Key, Mask, Op, Terms, Usable};
use crate::bind::column_expr;
use crate::context::{Catalogue, ConnectedTable};
use crate::plan::{ColumnIndex, Expr, UnaryOp, VirtualArgument, VirtualScan, Wish};

/// A scan that the table has offered.
#[derive(Debug, Clone)]
pub(super) struct VirtualPath {
    pub scan: VirtualScan,
    /// Terms, with their parts, that the table makes sure of.
    pub omitted: Vec<(usize, u8)>,
    /// Rows come in the wished order.
    pub ordered: bool,
}

/// A constraint that the table may be offered.
struct Candidate {
    term: usize,
    part: u8,
    column: Option<u16>,
    op: ConstraintOp,
    /// The value; of an IN the whole term.
    value: Expr,
    needs: Mask,
    collation: Collation,
    is_in: bool,
    /// An end of the range of a pattern, which has to be looked at all the same.
    is_hint: bool,
}

/// Ways of scanning a virtual table.
pub(super) fn paths(
    catalogue: &dyn Catalogue,
    info: &SourceInfo<'_>,
    connected: &ConnectedTable,
    position: usize,
    terms: &Terms<'_>,
    wish: &Wish,
) -> Result<Vec<Path>> {
    let candidates = candidates(info, connected, position, terms);
    let order = order_of(info, connected, wish);
    // What the table cannot be asked is left to be done with its rows, which a limit must not cut off before.
    let all_asked =
        terms.terms.iter().enumerate().all(|(i, term)| {
            term.derived || term.reads & (1 << position) == 0 || candidates.iter().any(|c| c.term == i)
        });
    let limit = wish.row_limit.clone().filter(|_| all_asked && order.0.len() == wish.order.len());
    let asker = Asker { catalogue, info, connected, position, candidates, order, limit };
    let mut found = Vec::new();
    let all = Mask::MAX;
    let Some(best) = asker.ask(all, true, &mut found)? else {
        // Not even with everything: with nothing it may still be possible.
        asker.ask(0, true, &mut found)?;
        return Ok(found);
    };
    if best.needs == 0 && !best.steps_through_in {
        return Ok(found);
    }
    let mut seen_zero = best.needs == 0;
    let mut seen_zero_without_in = false;
    let mut best_without_in = None;
    if best.steps_through_in
        && let Some(without) = asker.ask(all, false, &mut found)?
    {
        best_without_in = Some(without.needs);
        if without.needs == 0 {
            seen_zero = true;
            seen_zero_without_in = true;
        }
    }
    let mut masks: Vec<Mask> = asker.candidates.iter().map(|c| c.needs).filter(|&m| m != 0).collect();
    masks.sort_unstable();
    masks.dedup();
    for mask in masks {
        if mask == best.needs || Some(mask) == best_without_in {
            continue;
        }
        if let Some(found) = asker.ask(mask, true, &mut found)?
            && found.needs == 0
        {
            seen_zero = true;
            seen_zero_without_in |= !found.steps_through_in;
        }
    }
    if !seen_zero
        && let Some(found) = asker.ask(0, true, &mut found)?
        && !found.steps_through_in
    {
        seen_zero_without_in = true;
    }
    if !seen_zero_without_in && best.steps_through_in {
        asker.ask(0, false, &mut found)?;
    }
    Ok(found)
}

/// What an answer leans on.
struct Leaning {
    needs: Mask,
    steps_through_in: bool,
}

struct Asker<'q, 'a> {
    catalogue: &'q dyn Catalogue,
    info: &'q SourceInfo<'a>,
    connected: &'q ConnectedTable,
    position: usize,
    candidates: Vec<Candidate>,
    order: (Vec<OrderTerm>, Distinct),
    /// Offered as a constraint of its own.
    limit: Option<Expr>,
}

impl Asker<'_, '_> {
    /// A column of the table as its rows have it.
    fn column(&self, column: Option<u16>) -> Expr {
        let column = column.map_or(ColumnIndex::Rowid, ColumnIndex::Column);
        column_expr(self.info.source, column)
    }

    /// Ask with the constraints that need no more than `available`.
    fn ask(&self, available: Mask, with_in: bool, found: &mut Vec<Path>) -> Result<Option<Leaning>> {
        if let Some(limit) = &self.limit
            && let Some(limited) = self.ask_with(available, with_in, Some(limit), found)?
        {
            return Ok(limited);
        }
        Ok(self.ask_with(available, with_in, None, found)?.flatten())
    }

    /// The same with a limit. The outer `None`: the table would apply it before all that the rows have to pass.
    fn ask_with(
        &self,
        available: Mask,
        with_in: bool,
        limit: Option<&Expr>,
        found: &mut Vec<Path>,
    ) -> Result<Option<Option<Leaning>>> {
        let usable = |c: &Candidate| c.needs & !available == 0 && (with_in || !c.is_in);
        let mut constraints: Vec<Constraint> = self
            .candidates
            .iter()
            .map(|c| Constraint {
                column: c.column,
                op: c.op,
                usable: usable(c),
                collation: c.collation.clone(),
                // IS NULL has no right side.
                value: match c.op {
                    ConstraintOp::IsNull | ConstraintOp::IsNotNull => None,
                    _ => known_value(&c.value),
                },
                is_in: c.is_in,
            })
            .collect();
        constraints.extend(limit.map(|limit| Constraint {
            column: None,
            op: ConstraintOp::Limit,
            usable: true,
            collation: Collation::Binary,
            value: known_value(limit),
            is_in: false,
        }));
        let question = Question {
            constraints,
            order_by: self.order.0.clone(),
            distinct: self.order.1,
            columns_used: self.columns_used(),
        };
        let Some(answer) = self.catalogue.best_index(self.connected, &question)? else { return Ok(Some(None)) };
        let malfunction = || Error::sql(format!("{}.xBestIndex malfunction", self.connected.table.name));
        let mut arguments: Vec<Option<VirtualArgument>> = Vec::new();
        let (mut needs, mut steps_through_in, mut omitted, mut uses_in) = (0, false, Vec::new(), false);
        for (candidate, usage) in self.candidates.iter().zip(&answer.usage) {
            let Some(at) = usage.argument.checked_sub(1) else { continue };
            if !usable(candidate) || at > self.candidates.len() {
                return Err(malfunction());
            }
            if arguments.len() <= at {
                arguments.resize_with(at + 1, || None);
            }
            let value = candidate.value.clone();
            let argument = match (candidate.is_in, usage.all_at_once) {
                (false, _) => VirtualArgument::One(value),
                (true, false) => {
                    let inexact = (!usage.omit).then(|| self.column(candidate.column));
                    VirtualArgument::Each { term: value, inexact }
                }
                (true, true) => VirtualArgument::All(value),
            };
            steps_through_in |= matches!(argument, VirtualArgument::Each { .. });
            uses_in |= candidate.is_in;
            match arguments.get_mut(at) {
                Some(slot @ None) => *slot = Some(argument),
                _ => return Err(malfunction()),
            }
            needs |= candidate.needs;
            if usage.omit && !candidate.is_hint {
                omitted.push((candidate.term, candidate.part));
            }
        }
        let limit_usage = answer.usage.get(self.candidates.len()).and_then(|usage| usage.argument.checked_sub(1));
        if let (Some(at), Some(limit)) = (limit_usage, limit) {
            let mut uses = answer.usage.iter().zip(&self.candidates);
            let filtered = uses.all(|(usage, candidate)| usage.argument > 0 || candidate.is_hint);
            if !filtered || steps_through_in || (!self.order.0.is_empty() && !answer.order_consumed) {
                return Ok(None);
            }
            if arguments.len() <= at {
                arguments.resize_with((at + 1).min(self.candidates.len() + 1), || None);
            }
            match arguments.get_mut(at) {
                Some(slot @ None) => *slot = Some(VirtualArgument::One(limit.clone())),
                _ => return Err(malfunction()),
            }
        }
        let arguments: Option<Vec<VirtualArgument>> = arguments.into_iter().collect();
        let arguments = arguments.ok_or_else(malfunction)?;
        let Answer { number, text, order_consumed, cost, rows, unique, hexadecimal, .. } = answer;
        // Several scans one after another are in no order, and give more than one row.
        let ordered = order_consumed && !steps_through_in && !self.order.0.is_empty();
        let scan = VirtualScan { number, text, hexadecimal, arguments };
        found.push(Path {
            source: self.position,
            needs,
            setup: 0,
            run: log_est_real(cost),
            out: log_est(u64::try_from(rows).unwrap_or(0)),
            one_row: unique && !uses_in,
            kind: PathKind::Virtual(Box::new(VirtualPath { scan, omitted, ordered })),
            uses: Vec::new(),
        });
        Ok(Some(Some(Leaning { needs, steps_through_in })))
    }

    fn columns_used(&self) -> u64 {
        let count = self.connected.table.columns.len();
        self.info.used.columns(count).fold(0, |mask, c| mask | 1 << c.min(63))
    }
}

/// The value where it is known while planning.
fn known_value(value: &Expr) -> Option<Value> {
    match value {
        Expr::Literal(value) => Some(value.clone()),
        Expr::Unary { op: UnaryOp::Plus | UnaryOp::Plain, expr } => known_value(expr),
        Expr::Collate { expr, .. } => known_value(expr),
        Expr::Unary { op: UnaryOp::Negate, expr } => match known_value(expr)? {
            Value::Integer(i) => i.checked_neg().map(Value::Integer),
            Value::Real(r) => Some(Value::real(-r)),
            _ => None,
        },
        _ => None,
    }
}

fn column_number(column: ColumnIndex) -> Option<u16> {
    match column {
        ColumnIndex::Rowid => None,
        ColumnIndex::Column(c) => Some(c),
    }
}

/// The order that the table is asked for: all of the wish, or nothing.
fn order_of(info: &SourceInfo<'_>, connected: &ConnectedTable, wish: &Wish) -> (Vec<OrderTerm>, Distinct) {
    let distinct = match (wish.order_is_free, wish.different) {
        (true, true) => Distinct::Unique,
        (true, false) => Distinct::Grouped,
        (false, true) => Distinct::SortedUnique,
        (false, false) => Distinct::Sorted,
    };
    let term = |t: &crate::plan::OrderTerm| match t.expr.without_collate() {
        Expr::Column { source, column, .. } if *source == info.source.id && !t.nulls_reversed => {
            let declared = match column {
                ColumnIndex::Rowid => Some(Collation::Binary),
                ColumnIndex::Column(c) => connected.table.columns.get(usize::from(*c)).map(|c| c.collation.clone()),
            };
            (declared.as_ref() == Some(&t.collation))
                .then(|| OrderTerm { column: column_number(*column), descending: t.descending })
        }
        _ => None,
    };
    (wish.order.iter().map(term).collect::<Option<Vec<_>>>().unwrap_or_default(), distinct)
}

fn candidates(info: &SourceInfo<'_>, connected: &ConnectedTable, position: usize, terms: &Terms<'_>) -> Vec<Candidate> {
    let mut list: Vec<Candidate> = Vec::new();
    // What SQLite takes apart, and what no index could use, it finds behind the others, the last condition first.
    let is_part = |u: &Usable<'_>| u.pattern || matches!(*terms.terms[u.term].expr, Expr::Between { .. });
    let mut parts: Vec<Candidate> = Vec::new();
    for u in terms.usable.iter().filter(|u| u.source == position) {
        let Key::Column(column) = u.key else { continue };
        let op = match u.op {
            Op::Equal | Op::In => ConstraintOp::Equal,
            Op::Is => ConstraintOp::Is,
            Op::IsNull => ConstraintOp::IsNull,
            Op::Low { inclusive: true } => ConstraintOp::GreaterOrEqual,
            Op::Low { inclusive: false } => ConstraintOp::Greater,
            Op::High { inclusive: true } => ConstraintOp::LessOrEqual,
            Op::High { inclusive: false } => ConstraintOp::Less,
        };
        // Of a row value only the first element is compared here: equal ones may still pass.
        let op = match op {
            ConstraintOp::Greater if !u.more.is_empty() || u.more_than_known => ConstraintOp::GreaterOrEqual,
            ConstraintOp::Less if !u.more.is_empty() || u.more_than_known => ConstraintOp::LessOrEqual,
            op => op,
        };
        let value = u.value.as_deref().cloned().unwrap_or(Expr::Literal(Value::Null));
        let found = Candidate {
            term: u.term,
            part: if u.more.is_empty() && !u.more_than_known { u.part } else { 0 },
            column: column_number(column),
            op,
            value,
            needs: u.needs,
            collation: u.collation.clone(),
            is_in: u.op == Op::In,
            is_hint: u.pattern,
        };
        if is_part(u) { parts.push(found) } else { list.push(found) }
    }
    list.sort_by_key(|c| c.term);
    for (i, term) in terms.terms.iter().enumerate().rev() {
        list.extend(parts.extract_if(.., |part| part.term == i));
        if term.derived || term.reads & (1 << position) == 0 || !terms.may_drive(i, position) {
            continue;
        }
        others(info, connected, position, terms, i, &mut list);
    }
    list
}

/// Comparisons that help no index but may help a virtual table.
fn others(
    info: &SourceInfo<'_>,
    connected: &ConnectedTable,
    position: usize,
    terms: &Terms<'_>,
    term: usize,
    list: &mut Vec<Candidate>,
) {
    let id = info.source.id;
    let column_of = |e: &Expr| match e.without_collate() {
        Expr::Column { source, column, .. } if *source == id => Some(column_number(*column)),
        _ => None,
    };
    let mut add = |column: Option<u16>, op: ConstraintOp, value: &Expr, collation: &Collation| {
        let needs = terms.sources_of(value);
        if needs & (1 << position) != 0 {
            return;
        }
        list.push(Candidate {
            term,
            part: WHOLE,
            column,
            op,
            value: value.clone(),
            needs,
            collation: collation.clone(),
            is_in: false,
            is_hint: false,
        });
    };
    match terms.terms[term].expr.as_ref() {
        Expr::Compare { op: CompareOp::Ne, left, right, how, null_equal } => {
            let op = if *null_equal { ConstraintOp::IsNot } else { ConstraintOp::NotEqual };
            for (a, b) in [(left, right), (right, left)] {
                if let Some(column) = column_of(a) {
                    add(column, op, b, &how.collation);
                }
            }
        }
        Expr::IsNull { expr, negated: true } => {
            if let Some(column) = column_of(expr) {
                add(column, ConstraintOp::IsNotNull, &Expr::Literal(Value::Null), &Collation::Binary);
            }
        }
        Expr::Function { function, args, collation } => match (args.as_slice(), operator(function)) {
            ([pattern, text], Some(op)) => {
                if let Some(column) = column_of(text) {
                    add(column, op, pattern, collation);
                }
            }
            ([first, second], None) => {
                if let Some(column) = column_of(first)
                    && let Some(overload) = connected.used.table.find_function(&function.name, 2)
                    && overload.constraint >= 150
                {
                    add(column, ConstraintOp::Function(overload.constraint), second, collation);
                }
            }
            _ => {}
        },
        _ => {}
    }
}

/// A part that stands for the whole term.
const WHOLE: u8 = u8::MAX;

fn operator(function: &Function) -> Option<ConstraintOp> {
    match function.name.as_ref() {
        "like" => Some(ConstraintOp::Like),
        "glob" => Some(ConstraintOp::Glob),
        "regexp" => Some(ConstraintOp::Regexp),
        "match" => Some(ConstraintOp::Match),
        _ => None,
    }
}
