//! The texts of `EXPLAIN QUERY PLAN` for loops, in the newest SQLite's wording.

use turso_schema::{Index, IndexKey, Table};

use super::Emitter;
use crate::plan::{
    Access, AutoIndex, Bound, ColumnIndex, Core, EqualTerm, IndexAccess, JoinKind, JoinPlan, Level, Query, Relation,
    Source,
};

impl Emitter<'_> {
    /// Add the node of one level.
    pub(super) fn explain_level(&mut self, source: &Source, level: &Level, min_max: bool) {
        if !self.builder.explains() {
            return;
        }
        // An OR has a node per arm, and a subquery shows how it is made before it is scanned.
        if matches!(level.access, Access::MultiOr { .. } | Access::Produced { .. }) {
            return;
        }
        let suffix = join_suffix(level.join);
        if min_max && matches!(level.access, Access::Scan { .. } | Access::IndexScan { .. }) {
            self.builder.plan_node(describe_first(source, &level.access));
            return;
        }
        self.explain_access(source, &level.access, suffix);
    }

    /// Add the node of one path.
    pub(super) fn explain_access(&mut self, source: &Source, access: &Access, suffix: &str) {
        if !self.builder.explains() {
            return;
        }
        if let Access::AutoIndex(auto) = access
            && auto.names_filter()
        {
            self.builder.plan_node(bloom_filter(source, auto));
        }
        let text = describe(source, access);
        self.builder.plan_node(format!("{text}{suffix}"));
    }

    /// Add the node of one arm of an OR.
    pub(super) fn explain_arm(&mut self, source: &Source, access: &Access) {
        self.builder.plan_node_with(|| describe_as(format_args!("{}", source.name), source, access));
    }

    /// What a subquery is called.
    pub(super) fn number_of(&self, query: &Query) -> u32 {
        if query.number == 0 { self.context.next_subquery_number() } else { query.number }
    }

    /// Open the node of an IN's subquery.
    pub(super) fn explain_list_subquery(&mut self, query: &Query) -> turso_error::Result<()> {
        let number = self.number_of(query);
        let kind = if query.outer.is_empty() { "LIST SUBQUERY" } else { "CORRELATED LIST SUBQUERY" };
        self.builder.open_plan_node_with(|| format!("{kind} {number}"));
        Ok(())
    }
}

/// The nodes of a plan's loops, without their nesting and without those of subqueries.
pub fn describe_loops(core: &Core, plan: &JoinPlan) -> Vec<String> {
    let mut lines = Vec::new();
    for level in &plan.levels {
        let Some(source) = core.sources.get(level.position) else { continue };
        if let Access::MultiOr { arms } = &level.access {
            lines.push("MULTI-INDEX OR".to_string());
            for (i, arm) in arms.iter().enumerate() {
                lines.push(format!("INDEX {}", i + 1));
                lines.push(describe_as(format_args!("{}", source.name), source, &arm.access));
            }
            continue;
        }
        if let Access::AutoIndex(auto) = &level.access
            && auto.names_filter()
        {
            lines.push(bloom_filter(source, auto));
        }
        let text = if plan.min_max { describe_first(source, &level.access) } else { describe(source, &level.access) };
        lines.push(format!("{text}{}", join_suffix(level.join)));
    }
    lines
}

/// A scan of which only the first row is wanted calls itself a search.
fn describe_first(source: &Source, access: &Access) -> String {
    let text = describe(source, access).replacen("SCAN", "SEARCH", 1);
    match access {
        Access::IndexScan { index, .. } if is_primary(source, index) => text + " USING PRIMARY KEY",
        _ => text,
    }
}

fn bloom_filter(source: &Source, auto: &AutoIndex) -> String {
    let columns: Vec<String> = auto.key.iter().map(|k| format!("{}=?", column_name(source, k.column))).collect();
    format!("BLOOM FILTER ON {} ({})", source.name, columns.join(" AND "))
}

/// What is said about outer joins behind a path.
pub(super) fn join_suffix(join: JoinKind) -> &'static str {
    if matches!(join, JoinKind::Left | JoinKind::Full) { " LEFT-JOIN" } else { "" }
}

/// `SCAN t`, `SEARCH t USING INDEX i (a=? AND b>?)`, …
fn describe(source: &Source, access: &Access) -> String {
    let exists = if source.exists { " EXISTS" } else { "" };
    describe_as(format_args!("{}{exists}", source.name), source, access)
}

/// The description of a path in a source that shows itself as `name`.
fn describe_as(name: std::fmt::Arguments<'_>, source: &Source, access: &Access) -> String {
    match access {
        Access::Scan { .. } | Access::Produced { .. } | Access::MultiOr { .. } => format!("SCAN {name}"),
        Access::Virtual(scan) => {
            let text = scan.text.as_deref().unwrap_or("");
            match scan.hexadecimal {
                true => format!("SCAN {name} VIRTUAL TABLE INDEX {:#x}:{text}", scan.number),
                false => format!("SCAN {name} VIRTUAL TABLE INDEX {}:{text}", scan.number),
            }
        }
        Access::IndexScan { index, covering, .. } => {
            if is_primary(source, index) {
                return format!("SCAN {name}");
            }
            let kind = if *covering { "COVERING INDEX" } else { "INDEX" };
            format!("SCAN {name} USING {kind} {}", index.name)
        }
        Access::Rowid { .. } | Access::RowidIn { .. } => format!("SEARCH {name} USING INTEGER PRIMARY KEY (rowid=?)"),
        Access::RowidRange { low, high, .. } => {
            let mut parts = Vec::new();
            if low.is_some() {
                parts.push("rowid>?");
            }
            if high.is_some() {
                parts.push("rowid<?");
            }
            if parts.is_empty() {
                return format!("SCAN {name}");
            }
            format!("SEARCH {name} USING INTEGER PRIMARY KEY ({})", parts.join(" AND "))
        }
        Access::Index(search) => {
            let kind = match (is_primary(source, &search.index), search.covering) {
                (true, _) => "PRIMARY KEY".to_string(),
                (false, true) => format!("COVERING INDEX {}", search.index.name),
                (false, false) => format!("INDEX {}", search.index.name),
            };
            let conditions = conditions(source, search);
            if conditions.is_empty() {
                return format!("SEARCH {name} USING {kind}");
            }
            format!("SEARCH {name} USING {kind} ({conditions})")
        }
        Access::AutoIndex(auto) => {
            // SQLite takes the conditions of an EXISTS for such that leave out rows.
            let partial = !auto.partial.is_empty() || source.exists;
            let kind = if partial { "AUTOMATIC PARTIAL COVERING INDEX" } else { "AUTOMATIC COVERING INDEX" };
            let columns: Vec<String> =
                auto.key.iter().map(|k| format!("{}=?", column_name(source, k.column))).collect();
            format!("SEARCH {name} USING {kind} ({})", columns.join(" AND "))
        }
    }
}

fn is_primary(source: &Source, index: &Index) -> bool {
    matches!(&source.relation, Relation::Table { table, .. } if super::loops::is_primary_tree(table, index))
}

fn conditions(source: &Source, search: &IndexAccess) -> String {
    let column = |j: usize| index_column_name(source, &search.index, j);
    let mut parts: Vec<String> = (0..search.skip).map(|j| format!("ANY({})", column(j))).collect();
    let mut at = search.skip;
    for term in &search.equal {
        let _: &EqualTerm = term;
        parts.push(format!("{}=?", column(at)));
        at += 1;
    }
    for (bound, op) in [(&search.low, '>'), (&search.high, '<')] {
        if let Some(Bound { values, .. }) = bound {
            if values.len() == 1 {
                parts.push(format!("{}{op}?", column(at)));
            } else {
                let names: Vec<String> = (0..values.len()).map(|j| column(at + j)).collect();
                parts.push(format!("({}){op}({})", names.join(","), vec!["?"; values.len()].join(",")));
            }
        }
    }
    parts.join(" AND ")
}

fn index_column_name(source: &Source, index: &Index, j: usize) -> String {
    let Relation::Table { table, .. } = &source.relation else { return String::new() };
    match index.columns.get(j).map(|c| &c.key) {
        Some(IndexKey::Column(i)) => table_column_name(table, *i),
        Some(IndexKey::Expr(_)) => "<expr>".to_string(),
        Some(IndexKey::Rowid) => "rowid".to_string(),
        None => match index.trailing.get(j - index.columns.len()) {
            Some(i) => table_column_name(table, *i),
            None => "rowid".to_string(),
        },
    }
}

fn table_column_name(table: &Table, column: usize) -> String {
    table.columns.get(column).map_or_else(|| "rowid".to_string(), |c| c.name.to_string())
}

pub(super) fn column_name(source: &Source, column: ColumnIndex) -> String {
    let ColumnIndex::Column(i) = column else { return "rowid".to_string() };
    match &source.relation {
        Relation::Table { table, .. } => table_column_name(table, usize::from(i)),
        Relation::Query { query, .. } => {
            query.columns.get(usize::from(i)).map(|c| c.name.to_string()).unwrap_or_default()
        }
        Relation::Cte(cte) => cte.columns.get(usize::from(i)).map(|c| c.name.to_string()).unwrap_or_default(),
        Relation::Virtual { connected, .. } => table_column_name(&connected.table, usize::from(i)),
        Relation::Recursive { columns, .. } => {
            columns.get(usize::from(i)).map(|c| c.name.to_string()).unwrap_or_default()
        }
    }
}
