//! Foreign keys (`foreignkeys.html`): counting violations while rows change, and actions.
//!
//! A row that is added to a child table without its parent, and a parent row that is removed from its children, add to a counter;
//! a change that mends a violation subtracts. The statement fails if its counter is not zero at the end, the transaction if that
//! of the deferred keys is not. Actions (CASCADE, SET NULL, …) are AFTER triggers made up on the spot.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_parser::ast::{self, BinaryOp, Name, TriggerEvent, TriggerStep, TriggerTime};
use turso_program::control::{Goto, IsNull, MustBeInt, OnError, Raise, RaiseError};
use turso_program::cursor::{Close, Found, NotExists, OpenRead, TreeKind};
use turso_program::data::{ApplyAffinity, Copy};
use turso_program::expression::{Comparison, Eq, Ne, Nulls};
use turso_program::write::{FkCounter, FkIfZero};
use turso_program::{DbIndex, Label, Reg, Regs, Root};
use turso_schema::{ForeignKey, ForeignKeyAction, Index, IndexKey, Table, define_trigger};
use turso_value::Affinity;

use super::ddl::EXACT;
use super::row::{RowRegs, key_info, table_source, table_tree};
use super::trigger::{Event, Triggers};
use super::{Emitter, SourceBinding};
use crate::bind::Binder;
use crate::optimize::{UsedColumns, plan_core};
use crate::plan::{Core, Wish};

/// The foreign keys that a change of a table's rows has to follow.
#[derive(Clone, Default)]
pub(crate) struct ForeignKeys {
    /// Keys of the table itself, the last one first: in this order SQLite looks at them.
    child: Vec<ForeignKey>,
    /// Tables that refer to it, with the position of their key.
    parent: Vec<(Arc<Table>, usize)>,
}

/// How a child finds its parent.
pub enum ParentKey {
    /// By rowid.
    Rowid,
    /// By a unique index; for each index column the position in the foreign key.
    Index(Arc<Index>, Vec<usize>),
}

impl ForeignKeys {
    /// The keys that concern the table; none while they are not enforced.
    pub fn of(e: &Emitter<'_>, db: DbIndex, table: &Table) -> Self {
        if !e.context.options.foreign_keys {
            return Self::default();
        }
        let child = table.foreign_keys.iter().rev().cloned().collect();
        Self { child, parent: referring(e, db, table) }
    }

    /// Nothing to follow.
    pub fn is_empty(&self) -> bool {
        self.child.is_empty() && self.parent.is_empty()
    }

    /// Keep the keys whose tables fit together.
    pub fn usable(mut self, e: &Emitter<'_>, db: DbIndex, table: &Table) -> Self {
        let schema = e.context.catalogue.schema(db);
        self.child.retain(|key| schema.table(&key.parent).is_some_and(|p| parent_key(p, table, key).is_ok()));
        self.parent.retain(|(child, position)| {
            child.foreign_keys.get(*position).is_some_and(|key| parent_key(table, child, key).is_ok())
        });
        self
    }

    /// Keep what an UPDATE of these columns concerns. If there is anything, every key that refers to the table must be one that
    /// can, also where the UPDATE has nothing to do with it.
    pub fn for_update(mut self, table: &Table, changed: &dyn Fn(usize) -> bool) -> Result<Self> {
        let referring = self.parent.clone();
        self.parent.retain(|(child, position)| {
            child.foreign_keys.get(*position).is_some_and(|key| parent_columns(table, key).iter().any(|&c| changed(c)))
        });
        let own_parent_changes = self.parent.iter().any(|(child, _)| child.name == table.name);
        self.child.retain(|key| {
            let refers_to_itself = key.parent.eq_ignore_ascii_case(&table.name);
            key.columns.iter().any(|&c| changed(c)) || (refers_to_itself && own_parent_changes)
        });
        if !self.is_empty() {
            for (child, position) in &referring {
                if let Some(key) = child.foreign_keys.get(*position) {
                    parent_key(table, child, key)?;
                }
            }
        }
        Ok(self)
    }

    /// A row leaves its place (DELETE, or the old row of UPDATE).
    pub fn check_removed(&self, e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, row: RowRegs) -> Result<()> {
        for key in &self.child {
            count_orphan(e, db, table, key, row, -1)?;
        }
        for (child, position) in &self.parent {
            if let Some(key) = child.foreign_keys.get(*position) {
                count_children(e, db, table, child, key, row, 1)?;
            }
        }
        Ok(())
    }

    /// The only row that an INSERT adds, before it is stored: what lacks a parent fails at once.
    pub fn check_only_row(&self, e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, row: RowRegs) -> Result<()> {
        for key in &self.child {
            if is_deferred(e, key) {
                count_orphan(e, db, table, key, row, 1)?;
                continue;
            }
            let fine = e.builder.label();
            let values: Vec<Reg> = key.columns.iter().map(|&c| column_register(table, row, c)).collect();
            find_parent(e, db, table, key, &values, Some(row), fine)?;
            e.statement.may_abort.set(true);
            e.builder.emit(RaiseError { message: None, raise: Arc::new(broken_key()) });
            e.builder.bind(fine);
        }
        // Nothing can be missing at the end of the last statement but for a key that waits: only there a row can become a parent.
        self.check_children(e, db, table, row, &|e, key| is_deferred(e, key))
    }

    /// The tables that the table's own keys refer to are there, and have what they refer to.
    pub fn require_parents(&self, e: &Emitter<'_>, db: DbIndex, table: &Table) -> Result<()> {
        self.child.iter().try_for_each(|key| parent_of(e, db, table, key).map(|_| ()))
    }

    /// A row takes its place (INSERT, or the new row of UPDATE).
    pub fn check_added(&self, e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>, row: RowRegs) -> Result<()> {
        for key in &self.child {
            count_orphan(e, db, table, key, row, 1)?;
        }
        self.check_children(e, db, table, row, &|_, _| true)
    }

    /// A new row may be the parent that others lack, by the keys wanted.
    fn check_children(
        &self,
        e: &mut Emitter<'_>,
        db: DbIndex,
        table: &Arc<Table>,
        row: RowRegs,
        wanted: &dyn Fn(&Emitter<'_>, &ForeignKey) -> bool,
    ) -> Result<()> {
        for (child, position) in &self.parent {
            if let Some(key) = child.foreign_keys.get(*position).filter(|key| wanted(e, key)) {
                count_children(e, db, table, child, key, row, -1)?;
            }
        }
        Ok(())
    }

    /// The actions of keys that refer to the table, as AFTER triggers.
    pub fn actions(&self, e: &Emitter<'_>, db: DbIndex, table: &Arc<Table>, event: Event) -> Triggers {
        let mut list = Vec::new();
        if e.context.options.no_foreign_key_actions {
            return Triggers::made_up(list);
        }
        for (child, position) in &self.parent {
            let Some(key) = child.foreign_keys.get(*position) else { continue };
            let action = if event == Event::Delete { key.on_delete } else { key.on_update };
            let deferred_restrict = action == ForeignKeyAction::Restrict && e.context.options.defer_foreign_keys;
            if action == ForeignKeyAction::NoAction || deferred_restrict {
                continue;
            }
            let statement = action_trigger(table, child, *position, key, action, event);
            list.push((db, Arc::new(define_trigger(statement, "", 0))));
        }
        Triggers::made_up(list)
    }

    /// Violations are found at the end of the statement, which is then undone.
    pub fn note(&self, e: &Emitter<'_>) {
        if !self.is_empty() {
            e.statement.multi_write.set(true);
            e.statement.may_abort.set(true);
        }
    }
}

/// The keys that refer to the table, newest first: in this order SQLite runs their actions. (Roots rise with the age of a schema.)
fn referring(e: &Emitter<'_>, db: DbIndex, table: &Table) -> Vec<(Arc<Table>, usize)> {
    let schema = e.context.catalogue.schema(db);
    let mut list = Vec::new();
    let mut children: Vec<&Arc<Table>> = schema.tables.values().filter(|t| !t.foreign_keys.is_empty()).collect();
    children.sort_by_key(|child| std::cmp::Reverse(child.root));
    for child in children {
        for (position, key) in child.foreign_keys.iter().enumerate().rev() {
            if key.parent.eq_ignore_ascii_case(&table.name) {
                list.push((child.clone(), position));
            }
        }
    }
    list
}

/// The parent's columns that the key refers to, in the order of the key; columns that do not exist are left out.
pub fn parent_columns(parent: &Table, key: &ForeignKey) -> Vec<usize> {
    match &key.parent_columns {
        Some(names) => names.iter().filter_map(|n| parent.column_index(n)).collect(),
        None => parent
            .primary_key
            .iter()
            .filter_map(|c| match c.key {
                IndexKey::Column(c) => Some(c),
                _ => None,
            })
            .collect(),
    }
}

/// `foreign key mismatch - "c" referencing "p"`.
#[cold]
fn mismatch(child: &Table, key: &ForeignKey) -> Error {
    Error::sql(format!("foreign key mismatch - \"{}\" referencing \"{}\"", child.name, key.parent))
}

/// What makes the parent's key unique.
pub fn parent_key(parent: &Table, child: &Table, key: &ForeignKey) -> Result<ParentKey> {
    let columns = parent_columns(parent, key);
    if columns.len() != key.columns.len() || columns.is_empty() {
        return Err(mismatch(child, key));
    }
    if let [column] = columns.as_slice()
        && parent.rowid_alias == Some(*column)
    {
        return Ok(ParentKey::Rowid);
    }
    for index in &parent.indexes {
        if !index.unique || index.partial.is_some() || index.columns.len() != columns.len() {
            continue;
        }
        let mut positions = Vec::with_capacity(columns.len());
        for part in &index.columns {
            let IndexKey::Column(c) = part.key else { break };
            let declared = parent.columns.get(c).map(|c| &c.collation);
            match columns.iter().position(|&p| p == c) {
                Some(position) if declared == Some(&part.collation) => positions.push(position),
                _ => break,
            }
        }
        if positions.len() == columns.len() {
            return Ok(ParentKey::Index(index.clone(), positions));
        }
    }
    Err(mismatch(child, key))
}

fn is_deferred(e: &Emitter<'_>, key: &ForeignKey) -> bool {
    key.deferred || e.context.options.defer_foreign_keys
}

/// The register of a column of a row; the rowid alias is the rowid.
fn column_register(table: &Table, row: RowRegs, column: usize) -> Reg {
    if table.rowid_alias == Some(column) { row.rowid } else { row.columns.at(column) }
}

/// Child side: count a row of `table` that has no parent.
fn count_orphan(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    key: &ForeignKey,
    row: RowRegs,
    amount: i32,
) -> Result<()> {
    let deferred = is_deferred(e, key);
    let fine = e.builder.label();
    if amount < 0 {
        e.builder.emit(FkIfZero { deferred, target: fine });
    }
    let values: Vec<Reg> = key.columns.iter().map(|&c| column_register(table, row, c)).collect();
    let own = (amount > 0).then_some(row);
    find_parent(e, db, table, key, &values, own, fine)?;
    e.builder.emit(FkCounter { deferred, amount });
    e.builder.bind(fine);
    Ok(())
}

/// The parent table of a key, and how a parent is found in it.
fn parent_of(e: &Emitter<'_>, db: DbIndex, child: &Table, key: &ForeignKey) -> Result<(Arc<Table>, ParentKey)> {
    let catalogue = e.context.catalogue;
    let Some(parent) = catalogue.schema(db).table(&key.parent) else {
        return Err(Error::sql(format!("no such table: {}.{}", catalogue.database_name(db), key.parent)));
    };
    Ok((parent.clone(), parent_key(parent, child, key)?))
}

/// Jump to `fine` when a value is NULL or the parent exists. `own`: the row that is being added, which may be its own parent.
pub(crate) fn find_parent(
    e: &mut Emitter<'_>,
    db: DbIndex,
    child: &Arc<Table>,
    key: &ForeignKey,
    values: &[Reg],
    own: Option<RowRegs>,
    fine: Label,
) -> Result<()> {
    let (parent, found) = parent_of(e, db, child, key)?;
    for &reg in values {
        e.builder.emit(IsNull { reg, target: fine });
    }
    let own = own.filter(|_| parent.name == child.name);
    let missing = e.builder.label();
    let cursor = e.builder.cursor();
    e.uses_database(db, false);
    match found {
        ParentKey::Rowid => {
            let (Some(&value), rowid) = (values.first(), e.builder.register()) else { return Ok(()) };
            e.builder.emit(Copy { from: value, to: rowid, count: 1 });
            e.builder.emit(MustBeInt { reg: rowid, otherwise: Some(missing) });
            if let Some(own) = own {
                e.builder.emit(Eq { left: rowid, right: own.rowid, target: fine, how: EXACT });
            }
            let (root, kind) = table_tree(e, &parent, db)?;
            e.builder.emit(OpenRead { cursor, root, db, kind });
            e.builder.emit(NotExists { cursor, rowid, miss: missing });
            e.builder.emit(Goto { target: fine });
        }
        ParentKey::Index(index, positions) => {
            let block = e.builder.registers(positions.len());
            for (i, &position) in positions.iter().enumerate() {
                if let Some(&value) = values.get(position) {
                    e.builder.emit(Copy { from: value, to: block.at(i), count: 1 });
                }
            }
            let columns: Vec<usize> = index
                .columns
                .iter()
                .filter_map(|c| match c.key {
                    IndexKey::Column(c) => Some(c),
                    _ => None,
                })
                .collect();
            let affinity = |c: usize| parent.columns.get(c).map_or(Affinity::Blob, |c| c.affinity);
            if let Some(affinities) = Emitter::affinities(columns.iter().map(|&c| affinity(c))) {
                e.builder.emit(ApplyAffinity { regs: block.first, affinities });
            }
            if let Some(own) = own {
                let other = e.builder.label();
                for (i, &c) in columns.iter().enumerate() {
                    let right = column_register(&parent, own, c);
                    let how = Comparison { nulls: Nulls::Jump, ..EXACT };
                    e.builder.emit(Ne { left: block.at(i), right, target: other, how });
                }
                e.builder.emit(Goto { target: fine });
                e.builder.bind(other);
            }
            let kind = TreeKind::Index(key_info(e, &parent, &index, db)?);
            e.builder.emit(OpenRead { cursor, root: Root(index.root), db, kind });
            e.builder.emit(Found { cursor, key: block, target: fine });
        }
    }
    e.builder.bind(missing);
    e.builder.emit(Close { cursor });
    Ok(())
}

/// The names by which conditions on children call the two tables: no table has such names.
const PARENT: &str = "(parent)";
const CHILD: &str = "(child)";

fn qualified(table: &str, column: &str) -> ast::Expr {
    ast::Expr::Column(ast::ColumnRef {
        qualifier: Some(Box::new(ast::TableQualifier { schema: None, table: Name::new(table) })),
        column: Name::new(column),
    })
}

fn all(conditions: Vec<ast::Expr>) -> Option<ast::Expr> {
    conditions.into_iter().reduce(|a, b| ast::Expr::binary(BinaryOp::And, a, b))
}

/// `parent.key = child.key` for each column.
fn matching(
    parent: &Table,
    parent_name: &str,
    child: &Table,
    child_name: Option<&str>,
    key: &ForeignKey,
) -> Vec<ast::Expr> {
    parent_columns(parent, key)
        .iter()
        .zip(&key.columns)
        .filter_map(|(&p, &c)| {
            let (p, c) = (parent.columns.get(p)?, child.columns.get(c)?);
            let right = match child_name {
                Some(name) => qualified(name, &c.name),
                None => ast::Expr::column(Name::new(&*c.name)),
            };
            Some(ast::Expr::binary(BinaryOp::Equal, qualified(parent_name, &p.name), right))
        })
        .collect()
}

/// Parent side: count the children of a row of `table`.
fn count_children(
    e: &mut Emitter<'_>,
    db: DbIndex,
    table: &Arc<Table>,
    child: &Arc<Table>,
    key: &ForeignKey,
    row: RowRegs,
    amount: i32,
) -> Result<()> {
    let deferred = is_deferred(e, key);
    parent_key(table, child, key)?;
    let done = e.builder.label();
    if amount < 0 {
        e.builder.emit(FkIfZero { deferred, target: done });
    }
    let mut conditions = matching(table, PARENT, child, Some(CHILD), key);
    // The old row of an UPDATE is still there when the new one is looked at, and is no child of it.
    if child.name == table.name {
        conditions.push(not_itself(table));
    }
    let Some(condition) = all(conditions) else { return Ok(()) };
    let (parent_source, child_source) = (e.context.new_source(), e.context.new_source());
    let mut binder = Binder::for_text(e.context, b"");
    binder.push_scope(vec![table_source(child_source, CHILD, true, db, child)]);
    binder.push_qualified(table_source(parent_source, PARENT, true, db, table));
    let filter = binder.bind_conjuncts(&condition)?;
    let mut sources = binder.pop_scope();
    sources.truncate(1);
    e.bind_source(parent_source, row.binding(table));
    let mut used = UsedColumns::default();
    filter.iter().for_each(|f| used.add_expr(f));
    let core = Core { sources, filter, ..Core::new(e.context.new_core()) };
    // An index built for the statement would be out of date for its next row.
    let wish = Wish { for_write: true, ..Wish::default() };
    let plan = plan_core(&core, &used, &wish, e.context)?;
    e.loops(&core, &plan, &mut |e, _| {
        e.builder.emit(FkCounter { deferred, amount });
        Ok(())
    })?;
    e.builder.bind(done);
    Ok(())
}

/// A child that is the row itself comes and goes with it.
fn not_itself(table: &Table) -> ast::Expr {
    let differs =
        |column: &str| ast::Expr::binary(BinaryOp::IsNot, qualified(CHILD, column), qualified(PARENT, column));
    if table.has_rowid() {
        let name = ["rowid", "_rowid_", "oid"].into_iter().find(|n| table.column_index(n).is_none()).unwrap_or("rowid");
        return differs(name);
    }
    let parts = table.primary_key.iter().filter_map(|k| match k.key {
        IndexKey::Column(c) => table.columns.get(c).map(|c| differs(&c.name)),
        _ => None,
    });
    parts.reduce(|a, b| ast::Expr::binary(BinaryOp::Or, a, b)).unwrap_or(ast::Expr::NULL)
}

/// The trigger that carries out an action.
fn action_trigger(
    parent: &Table,
    child: &Table,
    position: usize,
    key: &ForeignKey,
    action: ForeignKeyAction,
    event: Event,
) -> ast::CreateTrigger {
    let table = ast::TableRef {
        name: ast::QualifiedName::bare(Name::new(&*child.name)),
        args: None,
        alias: None,
        indexed: None,
    };
    let where_clause = all(matching(parent, "old", child, None, key));
    let is_update = event == Event::Update;
    let step = match action {
        ForeignKeyAction::Cascade if !is_update => TriggerStep::Delete(Box::new(ast::Delete {
            with: None,
            table,
            where_clause,
            returning: Vec::new(),
            order_by: Vec::new(),
            limit: None,
        })),
        ForeignKeyAction::Restrict | ForeignKeyAction::NoAction => {
            TriggerStep::Select(Box::new(refusal(table, where_clause)))
        }
        _ => {
            let parents = parent_columns(parent, key);
            let sets = key.columns.iter().zip(parents).filter_map(|(&c, p)| {
                let column = child.columns.get(c)?;
                let value = match action {
                    ForeignKeyAction::Cascade => qualified("new", &parent.columns.get(p)?.name),
                    ForeignKeyAction::SetDefault => column.default.as_deref().cloned().unwrap_or(ast::Expr::NULL),
                    _ => ast::Expr::NULL,
                };
                Some(ast::Assignment { target: ast::AssignmentTarget::Column(Name::new(&*column.name)), value })
            });
            TriggerStep::Update(Box::new(ast::Update {
                with: None,
                or: None,
                table,
                sets: sets.collect(),
                from: None,
                where_clause,
                returning: Vec::new(),
                order_by: Vec::new(),
                limit: None,
            }))
        }
    };
    let when = is_update.then(|| {
        let differs = parent_columns(parent, key).into_iter().filter_map(|c| {
            let name = &parent.columns.get(c)?.name;
            Some(ast::Expr::binary(BinaryOp::IsNot, qualified("old", name), qualified("new", name)))
        });
        differs.reduce(|a, b| ast::Expr::binary(BinaryOp::Or, a, b))
    });
    // A name that no real trigger has.
    let name = format!("{}{}#{position}#{event:?}", Triggers::MADE_UP, child.name);
    ast::CreateTrigger {
        temporary: false,
        if_not_exists: false,
        name: ast::QualifiedName::bare(Name::new(name)),
        time: Some(TriggerTime::After),
        event: if is_update { TriggerEvent::Update(Vec::new()) } else { TriggerEvent::Delete },
        table: ast::QualifiedName::bare(Name::new(&*parent.name)),
        for_each_row: true,
        when: when.flatten(),
        body: vec![step],
        steps: Vec::new(),
        definition: ast::Span::default(),
    }
}

/// `SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed') FROM child WHERE …`.
fn refusal(table: ast::TableRef, where_clause: Option<ast::Expr>) -> ast::Select {
    let message = ast::Expr::Literal(ast::Literal::String(b"FOREIGN KEY constraint failed".as_slice().into()));
    let raise = ast::Expr::Raise { action: ast::RaiseAction::Abort, message: Some(Box::new(message)) };
    let query = ast::Query {
        distinct: None,
        columns: vec![ast::ResultColumn::Expr { expr: raise, alias: None, span: ast::Span::default() }],
        from: Some(ast::FromClause { first: ast::TableSource::Table(table), joins: Vec::new() }),
        where_clause,
        group_by: Vec::new(),
        group_spans: Vec::new(),
        having: None,
        windows: Vec::new(),
    };
    ast::Select {
        with: None,
        body: ast::SelectBody { first: ast::SelectCore::Query(Box::new(query)), rest: Vec::new() },
        order_by: Vec::new(),
        limit: None,
        span: ast::Span::default(),
        number: 0,
    }
}

fn broken_key() -> Raise {
    Raise {
        code: ResultCode::CONSTRAINT_FOREIGNKEY,
        on_error: OnError::Abort,
        message: Some("FOREIGN KEY constraint failed".into()),
    }
}

/// With foreign keys followed, DROP TABLE deletes the rows first when other tables refer to them; where one is left without a parent the statement fails. So it
/// does where its own keys are deferred and the transaction owes parents. True when it does so: then the program needs the bodies of
/// the actions.
pub(crate) fn drop_table(e: &mut Emitter<'_>, db: DbIndex, table: &Arc<Table>) -> Result<bool> {
    if referring(e, db, table).is_empty() {
        // Rows without a parent, of which the transaction keeps count, are gone with the table.
        let deferred = |key: &ForeignKey| key.deferred || e.context.options.defer_foreign_keys;
        if !table.foreign_keys.iter().any(deferred) {
            return Ok(false);
        }
        let no_debts = e.builder.label();
        e.builder.emit(FkIfZero { deferred: true, target: no_debts });
        super::delete::delete_all(e, db, table)?;
        e.builder.bind(no_debts);
        return Ok(true);
    }
    super::delete::delete_all(e, db, table)?;
    e.statement.multi_write.set(true);
    e.statement.may_abort.set(true);
    if !e.context.options.defer_foreign_keys {
        raise_if_broken(e);
    }
    Ok(true)
}

/// Fail when the statement has broken immediate keys.
pub(crate) fn raise_if_broken(e: &mut Emitter<'_>) {
    let fine = e.builder.label();
    e.builder.emit(FkIfZero { deferred: false, target: fine });
    e.builder.emit(RaiseError { message: None, raise: Arc::new(broken_key()) });
    e.builder.bind(fine);
}

/// For `PRAGMA foreign_key_check`: the registers of the key's columns of the row that a cursor is on.
pub(crate) fn child_values(
    e: &mut Emitter<'_>,
    table: &Arc<Table>,
    cursor: turso_program::CursorId,
    key: &ForeignKey,
) -> Result<Vec<Reg>> {
    let source = e.context.new_source();
    e.bind_source(source, SourceBinding::Cursor { cursor, table: table.clone(), covering: None });
    let block: Regs = e.builder.registers(key.columns.len());
    for (i, &c) in key.columns.iter().enumerate() {
        super::row::column_value(e, table, source, c, block.at(i))?;
    }
    Ok((0..key.columns.len()).map(|i| block.at(i)).collect())
}
