//! Conditions as the optimizer sees them: what each conjunct reads, and how it could help to find rows of one source.
//!
//! A [`Term`] is a conjunct. A [`Usable`] is one way of using it: `column op value` for a column of one source, where the value
//! can be had from the other sources. One term may be usable in several ways (`a = b` from both sides, BETWEEN as two ends of
//! a range), and with `parts` it is known when the path chosen has taken care of all of it, so that it need not be checked.
//!
//! Only a comparison that an index decides exactly as the expression would is usable: the affinity that the comparison applies
//! must be one that the column's stored values already satisfy (`datatype3.html`, section 4), and its collation the index's.

use std::borrow::Cow;

use turso_functions::FunctionFlags;
use turso_program::expression::CompareOp;
use turso_value::{Affinity, Collation, Value};

use super::terms_like::{pattern_range, pattern_selectivity};
use crate::context::PlanOptions;
use crate::plan::{ColumnIndex, CompareHow, Core, Expr, InSet, JoinKind, Relation, RowValue, Source, same_expr};

/// Bits of source positions.
pub(super) type Mask = u64;

/// One conjunct.
#[derive(Debug, Clone)]
pub(super) struct Term<'a> {
    pub expr: Cow<'a, Expr>,
    /// Local sources read.
    pub reads: Mask,
    /// Position of the source in whose ON clause it stands; `None` for WHERE.
    pub on_of: Option<usize>,
    /// When a path has used all these parts, the term holds. 0: it is always checked.
    pub parts: u8,
    /// Follows from other terms: it helps to find rows and is never checked.
    pub derived: bool,
    /// How much it reduces the number of rows, if it is not used by a path (a negative logarithm).
    pub selectivity: i32,
    /// Equality with something: halves or quarters the rows at least.
    pub equality: Option<i32>,
    /// What `selectivity` and `equality` are in a deep join.
    pub guess: i32,
}

/// What an index column would have to hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum KeyRef<'u> {
    Column(ColumnIndex),
    Expr(&'u Expr),
}

/// How a usable term restricts its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    Is,
    IsNull,
    In,
    Low { inclusive: bool },
    High { inclusive: bool },
}

/// One way of using a term.
#[derive(Debug, Clone)]
pub(super) struct Usable<'a> {
    pub term: usize,
    /// The term that says so; another one than `term` where it follows by way of an equality.
    pub origin: usize,
    pub part: u8,
    pub source: usize,
    /// The column, or an expression over the source that an index might hold.
    pub key: Key<'a>,
    pub op: Op,
    /// The value; of IN the whole term; of IS NULL nothing.
    pub value: Option<Cow<'a, Expr>>,
    /// Local sources that the value reads.
    pub needs: Mask,
    pub affinity: Affinity,
    pub collation: Collation,
    /// Further columns and values of a row value comparison.
    pub more: Vec<RowPart<'a>>,
    /// The row value has further elements that no index can serve.
    pub more_than_known: bool,
    /// From LIKE or GLOB.
    pub pattern: bool,
    /// The column stood on the right.
    pub commuted: bool,
}

/// A later element of a row value comparison.
#[derive(Debug, Clone)]
pub(super) struct RowPart<'a> {
    pub column: ColumnIndex,
    pub value: Cow<'a, Expr>,
    pub affinity: Affinity,
    pub collation: Collation,
}

/// The left side of a usable term.
#[derive(Debug, Clone)]
pub(super) enum Key<'a> {
    Column(ColumnIndex),
    Expr(Cow<'a, Expr>),
}

impl Usable<'_> {
    /// True when the term restricts this key.
    pub fn restricts(&self, key: KeyRef<'_>) -> bool {
        match (&self.key, key) {
            (Key::Column(a), KeyRef::Column(b)) => *a == b,
            (Key::Expr(a), KeyRef::Expr(b)) => same_expr(a, b),
            _ => false,
        }
    }
}

/// All terms of a core.
#[derive(Debug)]
pub(super) struct Terms<'a> {
    core: &'a Core,
    options: &'a PlanOptions,
    /// Sources that have indexes on expressions.
    expression_keys: Mask,
    /// Virtual tables: they judge for themselves what a comparison is good for.
    virtual_sources: Mask,
    pub terms: Vec<Term<'a>>,
    pub usable: Vec<Usable<'a>>,
    /// Something of an enclosing query is read: the core may run many times.
    pub correlated: bool,
}

impl<'a> Terms<'a> {
    /// No terms yet.
    pub fn new(core: &'a Core, options: &'a PlanOptions, expression_keys: Mask) -> Self {
        let count = core.filter.len();
        let is_virtual = |s: &Source| matches!(s.relation, Relation::Virtual { .. });
        let virtual_sources =
            core.sources.iter().enumerate().fold(0, |mask, (i, s)| mask | Mask::from(is_virtual(s)) << (i & 63));
        Self {
            core,
            virtual_sources,
            options,
            expression_keys,
            terms: Vec::with_capacity(count),
            usable: Vec::with_capacity(count),
            correlated: false,
        }
    }

    /// Add a conjunct; an AND in it is taken apart.
    pub fn add(&mut self, expr: &'a Expr, on_of: Option<usize>) {
        if let Expr::And(left, right) = expr {
            self.add(left, on_of);
            self.add(right, on_of);
            return;
        }
        let index = self.terms.len();
        let reads = self.reads(expr);
        let (inner, likelihood) = unwrap_likely(expr);
        let term = Term {
            expr: Cow::Borrowed(expr),
            reads,
            on_of,
            parts: 0,
            derived: false,
            selectivity: likelihood.unwrap_or_else(|| pattern_selectivity(inner)),
            equality: None,
            guess: likelihood.unwrap_or_else(|| super::cost::guess(inner)),
        };
        self.terms.push(term);
        if likelihood.is_none() && !self.reads_one_source_twice(inner) {
            self.terms[index].equality = equality_reduction(inner);
        }
        self.analyze(inner, index);
    }

    /// A comparison between values of one source tells nothing about how many rows are equal.
    fn reads_one_source_twice(&self, e: &Expr) -> bool {
        match e {
            Expr::Compare { left, right, .. } => self.sources_of(left) & self.sources_of(right) != 0,
            _ => false,
        }
    }

    /// Local sources that an expression reads.
    pub fn sources_of(&self, expr: &Expr) -> Mask {
        let mut mask = 0;
        expr.for_each_column(|source, _| {
            if let Some(at) = self.core.sources.iter().position(|s| s.id == source) {
                mask |= 1 << at;
            }
        });
        mask
    }

    /// Local sources that an expression reads; notes whether it reads something else.
    pub fn reads(&mut self, expr: &Expr) -> Mask {
        let mut mask = 0;
        let (core, mut correlated) = (self.core, self.correlated);
        expr.for_each_column(|source, _| match core.sources.iter().position(|s| s.id == source) {
            Some(at) => mask |= 1 << at,
            None => correlated = true,
        });
        self.correlated = correlated;
        mask
    }

    /// Many loops: see [`super::cost::guess`].
    pub fn is_deep(&self) -> bool {
        self.core.sources.len() >= super::cost::DEEP_JOIN
    }

    /// The terms of each arm of a disjunction.
    pub fn arms_of(&self, term: &Term<'a>) -> Vec<Terms<'a>> {
        super::path_or::arms(self.core, self.options, self.expression_keys, term)
    }

    fn analyze(&mut self, expr: &'a Expr, term: usize) {
        match expr {
            Expr::Compare { op, left, right, how, null_equal } => {
                self.comparison(term, 1, *op, left, right, how, *null_equal);
                let direct = self.usable.len();
                self.comparison(term, 1, commuted(*op), right, left, how, *null_equal);
                if let Some(usable) = self.usable.get_mut(direct) {
                    usable.commuted = true;
                }
                self.terms[term].parts = 1;
            }
            Expr::Between { expr, low, high, low_how, high_how, negated: false } => {
                self.comparison(term, 1, CompareOp::Ge, expr, low, low_how, false);
                self.comparison(term, 2, CompareOp::Le, expr, high, high_how, false);
                self.terms[term].parts = 3;
            }
            Expr::IsNull { expr, negated: false } => {
                if let Some((source, key, _)) = self.key_of(expr) {
                    let collation = collation_of(expr);
                    self.push(term, 1, source, key, Op::IsNull, None, Affinity::Blob, collation);
                    self.terms[term].parts = 1;
                }
            }
            Expr::In { left, how, negated: false, set: InSet::List(list) }
                if left.len() == 1 && list.len() == 1 && how.len() == 1 =>
            {
                self.comparison(term, 1, CompareOp::Eq, &left[0], &list[0], &how[0], false);
                self.terms[term].parts = 1;
            }
            Expr::In { left, how, negated: false, set } => {
                if let ([left], [how]) = (left.as_slice(), how.as_slice())
                    && let Some((source, key, affinity)) = self.key_of(left)
                    && (serves(affinity, how) || self.is_virtual(source))
                {
                    let needs = match set {
                        InSet::List(list) => list.iter().fold(0, |m, e| m | self.reads(e)),
                        InSet::Query(query) => self.reads_of_query(query),
                    };
                    if needs & (1 << source) == 0 {
                        let collation = how.collation.clone();
                        self.push_needing(
                            term,
                            1,
                            source,
                            key,
                            Op::In,
                            Some(Cow::Borrowed(expr)),
                            how.affinity,
                            collation,
                            needs,
                        );
                        self.terms[term].parts = 1;
                    }
                }
            }
            Expr::CompareRows { op, left: RowValue::List(left), right: RowValue::List(right), how, null_equal } => {
                self.row_comparison(term, *op, left, right, how, *null_equal);
                self.row_comparison(term, commuted(*op), right, left, how, *null_equal);
            }
            Expr::Function { function, args, .. } if function.flags.has(FunctionFlags::LIKE) => {
                self.pattern(term, function, args);
            }
            Expr::Or(..) => self.disjunction(term, expr),
            _ => {}
        }
    }

    #[allow(clippy::too_many_arguments)] // The parts of one comparison.
    fn comparison(
        &mut self,
        term: usize,
        part: u8,
        op: CompareOp,
        left: &'a Expr,
        right: &'a Expr,
        how: &CompareHow,
        null_equal: bool,
    ) {
        let op = match op {
            CompareOp::Eq if null_equal => Op::Is,
            CompareOp::Eq => Op::Equal,
            CompareOp::Lt => Op::High { inclusive: false },
            CompareOp::Le => Op::High { inclusive: true },
            CompareOp::Gt => Op::Low { inclusive: false },
            CompareOp::Ge => Op::Low { inclusive: true },
            CompareOp::Ne => return,
        };
        let Some((source, key, affinity)) = self.key_of(left) else { return };
        if serves(affinity, how) || self.is_virtual(source) {
            self.push(term, part, source, key, op, Some(Cow::Borrowed(right)), how.affinity, how.collation.clone());
        }
    }

    fn row_comparison(
        &mut self,
        term: usize,
        op: CompareOp,
        left: &'a [Expr],
        right: &'a [Expr],
        how: &[CompareHow],
        null_equal: bool,
    ) {
        if left.len() != right.len() || how.len() != left.len() {
            return;
        }
        if op == CompareOp::Eq {
            for (j, ((l, r), how)) in left.iter().zip(right).zip(how).enumerate().take(8) {
                self.comparison(term, 1 << j, op, l, r, how, null_equal);
            }
            self.terms[term].parts = if left.len() <= 8 { ((1u16 << left.len()) - 1) as u8 } else { 0 };
            return;
        }
        let op = match op {
            CompareOp::Lt => Op::High { inclusive: false },
            CompareOp::Le => Op::High { inclusive: true },
            CompareOp::Gt => Op::Low { inclusive: false },
            CompareOp::Ge => Op::Low { inclusive: true },
            CompareOp::Eq | CompareOp::Ne => return,
        };
        let (Some(l), Some(r), Some(h)) = (left.first(), right.first(), how.first()) else { return };
        let Some((source, key, affinity)) = self.key_of(l) else { return };
        if !serves(affinity, h) || right.iter().any(|e| self.reads(e) & (1 << source) != 0) {
            return;
        }
        let needs = right.iter().fold(0, |m, e| m | self.reads(e));
        self.push_needing(term, 1, source, key, op, Some(Cow::Borrowed(r)), h.affinity, h.collation.clone(), needs);
        let mut more = Vec::new();
        for ((l, r), h) in left.iter().zip(right).zip(how).skip(1) {
            match self.key_of(l) {
                Some((s, Key::Column(column), affinity)) if s == source && serves(affinity, h) => more.push(RowPart {
                    column,
                    value: Cow::Borrowed(r),
                    affinity: h.affinity,
                    collation: h.collation.clone(),
                }),
                _ => break,
            }
        }
        if self.may_drive(term, source)
            && let Some(last) = self.usable.last_mut()
        {
            last.more_than_known = more.len() + 1 < left.len();
            last.more = more;
        }
    }

    /// LIKE and GLOB with a constant prefix: a range, and the term is still checked.
    fn pattern(&mut self, term: usize, function: &turso_functions::Function, args: &'a [Expr]) {
        let Some(range) = pattern_range(&function.name, args, self.options.case_sensitive_like) else { return };
        let Some((source, key, affinity)) = self.key_of(range.text) else { return };
        if !range.any_text && affinity != Affinity::Text {
            return;
        }
        let low = Cow::Owned(Expr::Literal(Value::text(range.low)));
        let high = Cow::Owned(Expr::Literal(Value::text(range.high)));
        let (low_op, high_op) = (Op::Low { inclusive: true }, Op::High { inclusive: false });
        if !self.may_drive(term, source) {
            return;
        }
        self.push(term, 1, source, key.clone(), low_op, Some(low), Affinity::Blob, range.collation.clone());
        self.push(term, 2, source, key, high_op, Some(high), Affinity::Blob, range.collation);
        let from = self.usable.len().saturating_sub(2);
        for usable in &mut self.usable[from..] {
            usable.pattern = true;
        }
    }

    /// `c = 1 OR c = 2`: an IN.
    fn disjunction(&mut self, term: usize, expr: &'a Expr) {
        let mut arms = Vec::new();
        flatten_or(expr, &mut arms);
        // The column may be on either side of the first equality.
        for side in 0..2 {
            let Some((column, how)) = arms.first().and_then(|arm| equality_side(arm, side)).map(|(c, _, h)| (c, h))
            else {
                return;
            };
            let Some((source, Key::Column(index), affinity)) = self.key_of(column) else { continue };
            if !serves(affinity, how) {
                continue;
            }
            let mut values = Vec::with_capacity(arms.len());
            let mut needs = 0;
            for arm in &arms {
                let found = (0..2).find_map(|side| {
                    let (c, value, h) = equality_side(arm, side)?;
                    let same = matches!(self.key_of(c), Some((s, Key::Column(i), _)) if s == source && i == index);
                    (same && h == how).then_some(value)
                });
                let Some(value) = found else { break };
                needs |= self.reads(value);
                values.push(value.clone());
            }
            if values.len() < arms.len() || needs & (1 << source) != 0 {
                continue;
            }
            let list = Expr::In {
                left: vec![column.clone()],
                set: InSet::List(values),
                how: vec![how.clone()],
                negated: false,
            };
            let key = Key::Column(index);
            self.push_needing(
                term,
                1,
                source,
                key,
                Op::In,
                Some(Cow::Owned(list)),
                how.affinity,
                how.collation.clone(),
                needs,
            );
            self.terms[term].parts = 1;
            return;
        }
    }

    #[allow(clippy::too_many_arguments)] // The parts of one usable term.
    fn push(
        &mut self,
        term: usize,
        part: u8,
        source: usize,
        key: Key<'a>,
        op: Op,
        value: Option<Cow<'a, Expr>>,
        affinity: Affinity,
        collation: Collation,
    ) {
        let needs = value.as_deref().map_or(0, |v| self.reads(v));
        if needs & (1 << source) == 0 {
            self.push_needing(term, part, source, key, op, value, affinity, collation, needs);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn push_needing(
        &mut self,
        term: usize,
        part: u8,
        source: usize,
        key: Key<'a>,
        op: Op,
        value: Option<Cow<'a, Expr>>,
        affinity: Affinity,
        collation: Collation,
        needs: Mask,
    ) {
        if !self.may_drive(term, source) {
            return;
        }
        self.usable.push(Usable {
            term,
            origin: term,
            part,
            source,
            key,
            op,
            value,
            needs,
            affinity,
            collation,
            more: Vec::new(),
            more_than_known: false,
            pattern: false,
            commuted: false,
        });
    }

    pub(super) fn is_virtual(&self, source: usize) -> bool {
        self.virtual_sources & (1 << source) != 0
    }

    /// An outer join decides which conditions may leave out rows of which source before the join.
    pub fn may_drive(&self, term: usize, source: usize) -> bool {
        let on_of = self.terms[term].on_of;
        let sources = &self.core.sources;
        let is_outer = |p: usize| sources.get(p).is_some_and(|s| !matches!(s.join, JoinKind::Inner | JoinKind::Cross));
        if let Some(on) = on_of
            && is_outer(on)
        {
            return source == on;
        }
        // WHERE, or ON of an inner join: the source must not be a side that gets NULL rows before the condition is applied.
        let last = on_of.unwrap_or(sources.len().saturating_sub(1));
        let later_right = (source + 1..=last)
            .any(|p| sources.get(p).is_some_and(|s| matches!(s.join, JoinKind::Right | JoinKind::Full)));
        !is_outer(source) && !later_right
    }

    /// A column of a local source, or an expression over one that an index might hold; with its affinity.
    fn key_of(&mut self, expr: &'a Expr) -> Option<(usize, Key<'a>, Affinity)> {
        let expr = expr.without_collate();
        if let Expr::Column { source, column, affinity, .. } = expr {
            let at = self.core.sources.iter().position(|s| s.id == *source)?;
            return Some((at, Key::Column(*column), *affinity));
        }
        if self.expression_keys == 0 {
            return None;
        }
        let reads = self.reads(expr);
        (reads.count_ones() == 1 && reads & self.expression_keys != 0 && !expr.has_subquery())
            .then(|| (reads.trailing_zeros() as usize, Key::Expr(Cow::Borrowed(expr)), expr_affinity(expr)))
    }

    fn reads_of_query(&mut self, query: &crate::plan::Query) -> Mask {
        let mut mask = 0;
        let (core, mut correlated) = (self.core, false);
        query.for_each_column(|source, _| match core.sources.iter().position(|s| s.id == source) {
            Some(at) => mask |= 1 << at,
            None => correlated = true,
        });
        // Columns of the subquery's own sources count here too, so only `outer` tells.
        self.correlated |= correlated && query.outer.iter().any(|id| core.sources.iter().all(|s| s.id != *id));
        mask
    }

    /// Terms that follow from equalities between columns: `a = b AND b = 5` gives `a = 5`.
    pub fn add_transitive(&mut self) {
        const MOST: usize = 64;
        let mut equal: Vec<(usize, ColumnIndex, usize, ColumnIndex)> = Vec::new();
        for u in &self.usable {
            let outer = self.terms[u.term].on_of.is_some();
            if let (Op::Equal, Key::Column(column), Some(value)) = (u.op, &u.key, &u.value)
                && !outer
                && let Expr::Column { source, column: other, affinity, collation } = value.as_ref()
                && u.collation.is_binary()
                && collation.is_binary()
                && let Some(at) = self.core.sources.iter().position(|s| s.id == *source)
                && (same_kind(u.affinity, *affinity))
            {
                equal.push((at, *other, u.source, *column));
            }
        }
        if equal.is_empty() {
            return;
        }
        let mut derived = 0;
        let mut at = 0;
        // What is derived is looked at too, so chains are followed.
        while at < self.usable.len() && derived < MOST {
            for &(from_source, from, to_source, to) in &equal {
                let u = &self.usable[at];
                let applies = u.source == from_source
                    && matches!(u.key, Key::Column(c) if c == from)
                    && matches!(u.op, Op::Equal | Op::In | Op::Low { .. } | Op::High { .. })
                    && u.more.is_empty()
                    && !u.pattern
                    && self.terms[u.term].on_of.is_none()
                    && u.needs & (1 << to_source) == 0
                    && u.collation.is_binary();
                if !applies {
                    continue;
                }
                let known = self.usable.iter().any(|v| {
                    v.source == to_source
                        && v.op == u.op
                        && matches!(v.key, Key::Column(c) if c == to)
                        && match (v.value.as_deref(), u.value.as_deref()) {
                            // No two subqueries are the same, unless they are one.
                            (Some(Expr::In { set: InSet::Query(_), .. }), _) => v.origin == u.origin,
                            (Some(a), Some(b)) => same_expr(a, b),
                            _ => false,
                        }
                });
                if known {
                    continue;
                }
                let copy =
                    Usable { source: to_source, key: Key::Column(to), part: 0, term: self.terms.len(), ..u.clone() };
                let original = &self.terms[u.term];
                let term =
                    Term { parts: 0, derived: true, selectivity: 0, equality: None, guess: 0, ..original.clone() };
                self.terms.push(term);
                if self.may_drive(copy.term, to_source) {
                    self.usable.push(copy);
                    crate::reached::note(crate::reached::Rule::Transitive);
                    derived += 1;
                }
            }
            at += 1;
        }
    }
}

/// Both numeric, or the same.
fn same_kind(a: Affinity, b: Affinity) -> bool {
    a == b || (a.is_numeric() && b.is_numeric())
}

/// True when stored values of a column with this affinity compare by the index as the comparison compares them.
pub(super) fn serves(column: Affinity, how: &CompareHow) -> bool {
    match how.affinity {
        Affinity::None | Affinity::Blob => true,
        Affinity::Text => column == Affinity::Text,
        _ => column.is_numeric(),
    }
}

pub(super) fn commuted(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
        CompareOp::Eq | CompareOp::Ne => op,
    }
}

pub(super) fn flatten_or<'a>(expr: &'a Expr, arms: &mut Vec<&'a Expr>) {
    if let Expr::Or(left, right) = expr {
        flatten_or(left, arms);
        flatten_or(right, arms);
    } else {
        arms.push(expr);
    }
}

/// The two sides of an equality, the column on side `side`.
fn equality_side(expr: &Expr, side: usize) -> Option<(&Expr, &Expr, &CompareHow)> {
    match expr {
        Expr::Compare { op: CompareOp::Eq, left, right, how, null_equal: false } => {
            Some(if side == 0 { (left, right, how) } else { (right, left, how) })
        }
        _ => None,
    }
}

fn collation_of(expr: &Expr) -> Collation {
    match expr {
        Expr::Column { collation, .. } | Expr::Collate { collation, .. } | Expr::FirstOf { collation, .. } => {
            collation.clone()
        }
        _ => Collation::Binary,
    }
}

fn expr_affinity(expr: &Expr) -> Affinity {
    match expr {
        Expr::Column { affinity, .. }
        | Expr::Cast { affinity, .. }
        | Expr::FirstOf { affinity, .. }
        | Expr::Register { affinity, .. } => *affinity,
        Expr::Collate { expr, .. } => expr_affinity(expr),
        _ => Affinity::None,
    }
}

/// `likely(x)`, `unlikely(x)`, `likelihood(x, p)`: the condition, and the logarithm of its probability.
fn unwrap_likely(expr: &Expr) -> (&Expr, Option<i32>) {
    if let Expr::Function { function, args, .. } = expr
        && let Some(inner) = args.first()
    {
        let probability = match function.name.as_ref() {
            "likely" => Some(0.9375),
            "unlikely" => Some(0.0625),
            "likelihood" => match args.get(1) {
                Some(Expr::Literal(Value::Real(p))) => Some(*p),
                _ => None,
            },
            _ => None,
        };
        if let Some(p) = probability {
            return (inner, Some((10.0 * p.clamp(1e-9, 1.0).log2()).round() as i32));
        }
    }
    (expr, None)
}

/// An equality that no index serves keeps a quarter of the rows; with -1, 0 or 1 half of them.
fn equality_reduction(expr: &Expr) -> Option<i32> {
    let Expr::Compare { op: CompareOp::Eq, left, right, .. } = expr else { return None };
    let is_column = |e: &Expr| matches!(e.without_collate(), Expr::Column { .. });
    if !is_column(left) && !is_column(right) {
        return None;
    }
    let small = |e: &Expr| matches!(e, Expr::Literal(Value::Integer(-1..=1)));
    Some(if small(left) || small(right) { 10 } else { 20 })
}
