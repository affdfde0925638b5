//! What the optimizer knows about one source: its table, size and indexes, with the expressions of those bound.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_schema::{Index, IndexKey, IndexOrigin, Schema, Table};
use turso_value::Collation;

use super::cost::{IndexShape, LogEst, TableSize, index_entry_size, index_shape, table_size};
use super::terms::{KeyRef, Mask, Terms, commuted};
use super::{ColumnSet, UsedColumns};
use crate::bind::Binder;
use crate::context::{ConnectedTable, PlanContext};
use crate::plan::{ColumnIndex, Core, Expr, IndexHint, IndexedExpr, JoinKind, Relation, Source, same_expr};
use turso_program::expression::CompareOp;

/// One source of the core.
#[derive(Debug)]
pub(super) struct SourceInfo<'a> {
    pub source: &'a Source,
    /// The table, if it is one of the catalogue.
    pub table: Option<&'a Arc<Table>>,
    /// The virtual table, if it is one.
    pub virtual_table: Option<&'a Arc<ConnectedTable>>,
    pub size: TableSize,
    pub used: ColumnSet,
    /// Sources that must be in loops outside of this one.
    pub after: Mask,
    /// Indexes that may be used, in the order in which SQLite tries them.
    pub indexes: Vec<IndexInfo>,
}

/// One index of a source.
#[derive(Debug)]
pub(super) struct IndexInfo {
    pub index: Arc<Index>,
    /// The key, and for searches what stands behind it in the entries (rowid, primary key).
    pub keys: Vec<IndexKeyInfo>,
    /// Conjuncts of a partial index's WHERE.
    pub partial: Vec<Expr>,
    pub covering: bool,
    /// It covers as SQLite sees it, to which the index of a UNIQUE constraint has its own columns only, not the primary key behind
    /// them: so it is decided whether all of its entries are read instead of the table's.
    pub scan_covers: bool,
    /// The tree of a WITHOUT ROWID table itself.
    pub primary: bool,
    pub entry_size: LogEst,
    pub shape: IndexShape,
}

/// One column of an index's entries.
#[derive(Debug)]
pub(super) struct IndexKeyInfo {
    pub key: BoundKey,
    pub collation: Collation,
    pub descending: bool,
}

/// What a column of an index holds.
#[derive(Debug)]
pub(super) enum BoundKey {
    Column(ColumnIndex),
    Expr(Box<Expr>),
}

impl BoundKey {
    pub fn as_ref(&self) -> KeyRef<'_> {
        match self {
            BoundKey::Column(c) => KeyRef::Column(*c),
            BoundKey::Expr(e) => KeyRef::Expr(e),
        }
    }
}

impl SourceInfo<'_> {
    /// The column with NOT NULL, or the rowid: never NULL in the table itself.
    pub fn never_null(&self, key: &BoundKey) -> bool {
        match (key, self.table) {
            (BoundKey::Column(ColumnIndex::Rowid), _) => true,
            (BoundKey::Column(ColumnIndex::Column(c)), Some(table)) => {
                table.columns.get(usize::from(*c)).is_some_and(|c| c.not_null.is_some())
            }
            _ => false,
        }
    }
}

/// Collect what is known about the sources of a core, except their indexes.
pub(super) fn sources<'a>(
    core: &'a Core,
    used: &UsedColumns,
    context: &PlanContext<'_>,
) -> Result<Vec<SourceInfo<'a>>> {
    // Up to the last RIGHT JOIN, and just behind it, sources keep their order; what comes later stays later.
    let last_right = core.sources.iter().rposition(|s| super::is_right(s.join));
    let mut infos: Vec<SourceInfo<'a>> = Vec::with_capacity(core.sources.len());
    // A source after a CROSS JOIN stays behind everything before the join.
    let mut barrier: Mask = 0;
    for (position, source) in core.sources.iter().enumerate() {
        let before: Mask = (1 << position) - 1;
        if source.join == JoinKind::Cross {
            barrier = before;
        }
        let mut after = match source.join {
            JoinKind::Inner | JoinKind::Cross => barrier,
            JoinKind::Left | JoinKind::Right | JoinKind::Full => before,
        };
        if let Some(last) = last_right {
            after |= if position <= last + 1 { before } else { (1 << (last + 2)) - 1 };
        }
        if source.exists {
            after |= read_beside(core, position);
        }
        let mut info = SourceInfo {
            source,
            table: None,
            virtual_table: None,
            size: TableSize { rows: 0, row_size: 0, analyzed: false },
            used: used.of(source.id),
            after,
            indexes: Vec::new(),
        };
        match &source.relation {
            Relation::Table { db, table } => {
                let schema = context.catalogue.schema(*db);
                info.table = Some(table);
                info.size = table_size(schema, table);
            }
            Relation::Virtual { connected, .. } => info.virtual_table = Some(connected),
            _ => {
                let rows = super::produced_rows(&source.relation, context);
                info.size = TableSize { rows, row_size: 33, analyzed: false };
            }
        }
        infos.push(info);
    }
    Ok(infos)
}

/// The sources that conditions on this one read too.
fn read_beside(core: &Core, position: usize) -> Mask {
    let mut beside = 0;
    for condition in &core.filter {
        let mut reads: Mask = 0;
        condition.for_each_column(|id, _| {
            if let Some(at) = core.sources.iter().position(|s| s.id == id) {
                reads |= 1 << at;
            }
        });
        if reads & (1 << position) != 0 {
            beside |= reads;
        }
    }
    beside & !(1 << position)
}

/// Collect the indexes of the sources.
pub(super) fn add_indexes(infos: &mut [SourceInfo<'_>], context: &PlanContext<'_>) -> Result<()> {
    for info in infos {
        if let Relation::Table { db, table } = &info.source.relation {
            index_infos(info, table, context.catalogue.schema(*db), context)?;
        }
    }
    Ok(())
}

/// One table, possibly looked up by rowid: whether its indexes count is seen once its terms are known. With indexes on
/// expressions the terms themselves depend on them.
pub(super) fn may_be_one_row(core: &Core) -> bool {
    let [Source { relation: Relation::Table { table, .. }, join: JoinKind::Inner, hint: IndexHint::Free, .. }] =
        core.sources.as_slice()
    else {
        return false;
    };
    let on_expression = |index: &Arc<Index>| index.columns.iter().any(|c| matches!(c.key, IndexKey::Expr(_)));
    table.has_rowid() && !core.filter.is_empty() && !table.indexes.iter().any(on_expression)
}

fn index_infos(
    info: &mut SourceInfo<'_>,
    table: &Arc<Table>,
    schema: &Schema,
    context: &PlanContext<'_>,
) -> Result<()> {
    let hint = &info.source.hint;
    if let IndexHint::Named(name) = hint
        && !table.indexes.iter().any(|i| i.name.eq_ignore_ascii_case(name))
    {
        return Err(Error::sql(format!("no such index: {name}")));
    }
    if table.indexes.is_empty() {
        return Ok(());
    }
    let primary_root = if table.has_rowid() { None } else { table.primary_key_index().map(|p| p.root) };
    for index in table.indexes_newest_first() {
        let primary = primary_root == Some(index.root);
        let allowed = match hint {
            IndexHint::Free => true,
            IndexHint::NotIndexed => primary,
            IndexHint::Named(name) => index.name.eq_ignore_ascii_case(name),
        };
        if !allowed || index.broken.is_some() {
            continue;
        }
        let Some(keys) = bind_keys(info.source, table, index, context) else { continue };
        let Some(partial) = bind_partial(info.source, index, context) else { continue };
        let covering = primary || covers(info, table, index);
        let reads_behind = || {
            let own = |c: usize| index.columns.iter().any(|k| matches!(k.key, IndexKey::Column(i) if i == c));
            !table.has_rowid()
                && index.origin == IndexOrigin::Unique
                && !info.used.columns(table.columns.len()).all(own)
        };
        info.indexes.push(IndexInfo {
            scan_covers: covering && (primary || !reads_behind()),
            keys,
            partial,
            covering,
            primary,
            entry_size: index_entry_size(schema, table, index),
            shape: index_shape(schema, table, index, info.size.rows),
            index: index.clone(),
        });
    }
    Ok(())
}

/// True when everything that is read of the source is in the index, or can be computed from what is.
fn covers(info: &SourceInfo<'_>, table: &Table, index: &Index) -> bool {
    let holds = |c: usize| {
        (table.has_rowid() && table.rowid_alias == Some(c))
            || index.columns.iter().any(|k| matches!(k.key, IndexKey::Column(i) if i == c))
            || index.trailing.contains(&c)
    };
    let declared = table.columns.len();
    let holds_indexed = |indexed: &IndexedExpr| {
        let mut computable = true;
        let mut read = |c| computable &= matches!(c, ColumnIndex::Column(c) if holds(usize::from(c)));
        indexed.expr.for_each_column(|_, c| read(c));
        computable || indexed.column_of(index).is_some()
    };
    let mut indexed = info.source.indexed.iter().enumerate();
    info.used.columns(declared).all(holds)
        && indexed.all(|(i, indexed)| !info.used.contains(declared + i) || holds_indexed(indexed))
}

fn column_index(table: &Table, column: usize) -> ColumnIndex {
    if table.has_rowid() && table.rowid_alias == Some(column) {
        ColumnIndex::Rowid
    } else {
        ColumnIndex::Column(column as u16)
    }
}

/// The columns of an index's entries; `None` when an expression cannot be bound.
fn bind_keys(source: &Source, table: &Table, index: &Index, context: &PlanContext<'_>) -> Option<Vec<IndexKeyInfo>> {
    let mut keys = Vec::with_capacity(index.columns.len() + 1);
    for (position, column) in index.columns.iter().enumerate() {
        if matches!(&column.collation, Collation::Custom(f) if context.catalogue.collation(f.name()).is_none()) {
            return None;
        }
        let key = match &column.key {
            IndexKey::Column(i) => BoundKey::Column(column_index(table, *i)),
            IndexKey::Rowid => BoundKey::Column(ColumnIndex::Rowid),
            IndexKey::Expr(e) => {
                match source.indexed.iter().position(|known| known.column_of(index) == Some(position)) {
                    Some(i) => BoundKey::Column(ColumnIndex::Column((table.columns.len() + i) as u16)),
                    None => BoundKey::Expr(Box::new(bind_index_expr(source, index, e, context)?)),
                }
            }
        };
        keys.push(IndexKeyInfo { key, collation: column.collation.clone(), descending: column.descending });
    }
    if table.has_rowid() {
        let key = BoundKey::Column(ColumnIndex::Rowid);
        keys.push(IndexKeyInfo { key, collation: Collation::Binary, descending: false });
    } else {
        let info = table.key_info(index, turso_value::TextEncoding::Utf8);
        for (&column, sort) in index.trailing.iter().zip(info.columns.iter().skip(index.columns.len())) {
            let key = BoundKey::Column(ColumnIndex::Column(column as u16));
            keys.push(IndexKeyInfo { key, collation: sort.collation.clone(), descending: sort.descending });
        }
    }
    Some(keys)
}

/// An expression of an index, or its condition, on the rows of a source; `None` when it cannot be bound.
pub(crate) fn bind_index_expr(
    source: &Source,
    index: &Index,
    expr: &turso_parser::ast::Expr,
    context: &PlanContext<'_>,
) -> Option<Expr> {
    let text = index.sql.as_deref().unwrap_or_default();
    let mut binder = Binder::for_text(context, text.as_bytes());
    binder.any_schema = true;
    // Its table goes by its own name, whatever the query calls it.
    binder.push_scope(vec![Source { name: index.table.clone(), aliased: false, ..source.clone() }]);
    let db = match &source.relation {
        Relation::Table { db, .. } => *db,
        _ => turso_program::DbIndex(0),
    };
    let stored = || context.stored(db, || binder.bind_expr(expr));
    let mut bound = context.aside(stored).ok()?;
    crate::rewrite::rewrite_expr(&mut bound, context);
    Some(bound)
}

fn bind_partial(source: &Source, index: &Index, context: &PlanContext<'_>) -> Option<Vec<Expr>> {
    let Some(condition) = &index.partial else { return Some(Vec::new()) };
    let mut list = Vec::new();
    crate::bind::split_conjuncts(bind_index_expr(source, index, condition, context)?, &mut list);
    Some(list)
}

/// True when the terms that may restrict this source imply the conditions of a partial index.
pub(super) fn implied(info: &SourceInfo<'_>, position: usize, partial: &[Expr], terms: &Terms<'_>) -> bool {
    let _ = info;
    partial.iter().all(|condition| {
        terms.terms.iter().enumerate().any(|(i, term)| {
            !term.derived
                && term.reads & (1 << position) != 0
                && terms.may_drive(i, position)
                && implies(&term.expr, condition)
        })
    })
}

/// True when `condition` holds wherever `term` does.
fn implies(term: &Expr, condition: &Expr) -> bool {
    if same_expr(term, condition) {
        return true;
    }
    match condition {
        // `2 = a` says the same as `a = 2`. SQLite turns around neither `<>` nor what two columns are compared by.
        Expr::Compare { op, left, right, how, null_equal } if *op != CompareOp::Ne => match term {
            Expr::Compare { op: turned, left: r, right: l, how: by, null_equal: same } => {
                commuted(*turned) == *op
                    && same == null_equal
                    && how == by
                    && matches!(**l, Expr::Column { .. })
                    && !matches!(**r, Expr::Column { .. })
                    && same_expr(left, l)
                    && same_expr(right, r)
            }
            _ => false,
        },
        Expr::Or(left, right) => implies(term, left) || implies(term, right),
        Expr::IsNull { expr, negated: true } => false_on_null(term, expr),
        _ => false,
    }
}

/// True when the condition cannot hold while `value` is NULL.
pub(super) fn false_on_null(condition: &Expr, value: &Expr) -> bool {
    let is = |e: &Expr| same_expr(e.without_collate(), value.without_collate());
    match condition {
        Expr::Compare { left, right, null_equal: false, .. } => is(left) || is(right),
        Expr::Between { expr, negated: false, .. } => is(expr),
        Expr::In { left, negated: false, .. } => matches!(left.as_slice(), [e] if is(e)),
        Expr::IsNull { expr, negated: true } => is(expr),
        Expr::Function { function, args, .. } => {
            function.flags.has(turso_functions::FunctionFlags::LIKE) && args.iter().any(is)
        }
        Expr::And(left, right) => false_on_null(left, value) || false_on_null(right, value),
        Expr::Or(left, right) => false_on_null(left, value) && false_on_null(right, value),
        _ => false,
    }
}
