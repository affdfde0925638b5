//! Which rules this process has applied: for tests that want to meet all of them. Without the feature `reached` nothing is noted.

use crate::plan::{Access, IndexAccess, JoinPlan};

macro_rules! rules {
    ($( $(#[$doc:meta])* $name:ident $text:literal, )*) => {
        /// A rewrite, or a way to find rows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Rule {
            $( $(#[$doc])* $name, )*
        }

        const NAMES: &[(Rule, &str)] = &[$( (Rule::$name, $text), )*];
    };
}

rules! {
    /// `fold`
    Fold "a constant expression folded",
    /// `strength`
    Strength "an outer join reduced",
    /// `flatten`
    Flatten "a subquery flattened",
    /// `union_all`, the query
    UnionAll "a query multiplied by the arms of a UNION ALL",
    /// `union_all`, `count(*)`
    UnionCount "counts of a UNION ALL added",
    /// `exists_join`
    ExistsJoin "EXISTS joined",
    /// `factor_or`
    FactorOr "a join condition taken out of an OR",
    /// `push_down`
    PushDown "a condition pushed into a subquery",
    /// `omit_join`
    OmitJoin "an unread LEFT JOIN omitted",
    /// `indexed`
    Indexed "an expression read from an index",
    /// `distinct`
    Distinct "a redundant DISTINCT dropped",
    /// `optimize::terms`
    Transitive "a condition derived from an equality of columns",
    /// `ORDER BY` or `GROUP BY` without a sorter
    Order "an order delivered by the loops",
    /// `min(x)`, `max(x)`
    MinMax "an extreme found at the end of an index",
    /// Of a table.
    Scan "a scan",
    /// Backwards.
    Reverse "a scan or search backwards",
    /// Of an index that has all that is read.
    CoveringScan "a scan of a covering index",
    /// Of an index for its order.
    OrderScan "a scan of an index for its order",
    /// `rowid = x`
    Rowid "a row by its rowid",
    /// `rowid IN (...)`
    RowidIn "rows by rowids of a set",
    /// `rowid > x`
    RowidRange "a range of rowids",
    /// `a = x`
    Equal "an equality on an index",
    /// `a IS x`
    Is "IS on an index",
    /// `a IS NULL`
    Null "IS NULL on an index",
    /// `a IN (...)`
    In "IN on an index",
    /// `a > x`
    Range "a range of an index",
    /// `(a, b) > (x, y)`
    RowRange "a range of rows of values",
    /// `a LIKE 'x%'`
    Pattern "LIKE or GLOB by an index",
    /// No condition on the first column.
    Skip "a skip-scan",
    /// `CREATE INDEX ... WHERE`
    Partial "a partial index",
    /// On an expression.
    Expression "an index on an expression",
    /// The table is not read.
    Covering "a search in a covering index",
    /// Made for the statement.
    Automatic "an automatic index",
    /// Of only some rows.
    AutomaticPartial "a partial automatic index",
    /// In front of an automatic index.
    Bloom "a Bloom filter",
    /// Several indexes.
    MultiOr "OR by several indexes",
    /// The rows of a subquery as they come.
    CoRoutine "a co-routine",
    /// The rows of a subquery, kept.
    Materialized "a materialized subquery",
    /// A table of a module.
    Virtual "a scan of a virtual table",
}

#[cfg(feature = "reached")]
static REACHED: std::sync::Mutex<Vec<Rule>> = std::sync::Mutex::new(Vec::new());

/// A rule has been applied.
#[cfg(feature = "reached")]
pub(crate) fn note(rule: Rule) {
    let mut reached = REACHED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !reached.contains(&rule) {
        reached.push(rule);
    }
}

/// A rule has been applied.
#[cfg(not(feature = "reached"))]
#[inline(always)]
pub(crate) fn note(_: Rule) {}

/// The rules that were not applied yet; all of them without the feature.
pub fn missing() -> Vec<&'static str> {
    #[cfg(feature = "reached")]
    let reached = REACHED.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    #[cfg(not(feature = "reached"))]
    let reached: Vec<Rule> = Vec::new();
    NAMES.iter().filter(|(rule, _)| !reached.contains(rule)).map(|(_, name)| *name).collect()
}

/// Note what a plan uses.
pub(crate) fn note_plan(plan: &JoinPlan) {
    if !cfg!(feature = "reached") {
        return;
    }
    if plan.order_satisfied > 0 {
        note(Rule::Order);
    }
    if plan.min_max {
        note(Rule::MinMax);
    }
    plan.levels.iter().for_each(|level| note_access(&level.access));
}

fn note_access(access: &Access) {
    if let Access::Scan { reverse: true }
    | Access::IndexScan { reverse: true, .. }
    | Access::RowidIn { reverse: true, .. }
    | Access::RowidRange { reverse: true, .. }
    | Access::Index(IndexAccess { reverse: true, .. }) = access
    {
        note(Rule::Reverse);
    }
    match access {
        Access::Scan { .. } => note(Rule::Scan),
        Access::IndexScan { covering, .. } => note(if *covering { Rule::CoveringScan } else { Rule::OrderScan }),
        Access::Rowid { .. } => note(Rule::Rowid),
        Access::RowidIn { .. } => note(Rule::RowidIn),
        Access::RowidRange { .. } => note(Rule::RowidRange),
        Access::Index(index) => note_index(index),
        Access::AutoIndex(index) => {
            note(Rule::Automatic);
            if !index.partial.is_empty() {
                note(Rule::AutomaticPartial);
            }
            if index.names_filter() {
                note(Rule::Bloom);
            }
        }
        Access::MultiOr { arms } => {
            note(Rule::MultiOr);
            arms.iter().for_each(|arm| note_access(&arm.access));
        }
        Access::Produced { materialized } => {
            note(if *materialized { Rule::Materialized } else { Rule::CoRoutine });
        }
        Access::Virtual(_) => note(Rule::Virtual),
    }
}

fn note_index(access: &IndexAccess) {
    use crate::plan::EqualTerm;
    for term in &access.equal {
        note(match term {
            EqualTerm::Equal(..) => Rule::Equal,
            EqualTerm::Is(..) => Rule::Is,
            EqualTerm::Null => Rule::Null,
            EqualTerm::In(_) => Rule::In,
        });
    }
    for bound in access.low.iter().chain(&access.high) {
        note(if bound.values.len() > 1 { Rule::RowRange } else { Rule::Range });
    }
    let index = &access.index;
    let expression = index.columns.iter().any(|c| matches!(c.key, turso_schema::IndexKey::Expr(_)));
    let found = [
        (access.pattern, Rule::Pattern),
        (access.skip > 0, Rule::Skip),
        (access.covering, Rule::Covering),
        (index.partial.is_some(), Rule::Partial),
        (expression, Rule::Expression),
    ];
    found.into_iter().filter(|(is, _)| *is).for_each(|(_, rule)| note(rule));
}
