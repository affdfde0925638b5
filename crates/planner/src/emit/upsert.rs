//! ON CONFLICT … DO: what happens instead of a uniqueness error.

use turso_error::{Error, Result};
use turso_parser::ast::{self, UpsertAction};
use turso_program::Reg;
use turso_program::Regs;
use turso_program::cursor::{NotExists, NotFound};
use turso_schema::{IndexKey, Table};

use super::Emitter;
use super::constraints::NewRow;
use super::row::{Target, table_source};
use super::update::RowUpdate;
use crate::context::PlanContext;
use crate::plan::ColumnIndex;

/// Which uniqueness constraint a clause is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    /// All that no earlier clause is for.
    Any,
    /// The rowid.
    Rowid,
    /// The index at this position of the target.
    Index(usize),
}

/// The clauses of an INSERT.
pub(crate) struct Upserts<'u> {
    clauses: Vec<(Key, &'u ast::Upsert)>,
    /// The statement's alias or the table's name, for the expressions of DO UPDATE.
    name: Option<&'u ast::Name>,
}

impl<'u> Upserts<'u> {
    /// No clause.
    pub fn none() -> Self {
        Upserts { clauses: Vec::new(), name: None }
    }

    /// True without clauses.
    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    /// Match the clauses with the table's constraints.
    pub fn prepare(context: &PlanContext<'_>, target: &Target, insert: &'u ast::Insert) -> Result<Self> {
        let mut clauses = Vec::with_capacity(insert.upserts.len());
        for (i, upsert) in insert.upserts.iter().enumerate() {
            let Some(key) = key_of(target, upsert)? else {
                let which =
                    if insert.upserts.len() == 1 { String::new() } else { format!("{} ", crate::bind::ordinal(i + 1)) };
                return Err(Error::sql(format!(
                    "{which}ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint"
                )));
            };
            clauses.push((key, upsert));
            ask_about_target(context, target, upsert)?;
        }
        let name = insert.alias.as_ref().or(Some(&insert.table.name));
        Ok(Upserts { clauses, name })
    }

    /// The order of uniqueness checks with these clauses: those that the clauses name, in their order, then the rowid (`None`),
    /// then the other indexes.
    pub fn check_order(&self, indexes: usize) -> Vec<Option<usize>> {
        let mut order: Vec<Option<usize>> = Vec::with_capacity(indexes + 1);
        let named = self.clauses.iter().filter_map(|(key, _)| match key {
            Key::Any => None,
            Key::Rowid => Some(None),
            Key::Index(position) => Some(Some(*position)),
        });
        for item in named.chain([None]).chain((0..indexes).map(Some)) {
            if !order.contains(&item) {
                order.push(item);
            }
        }
        order
    }

    /// All clauses have targets but perhaps the last.
    pub fn has_target(&self) -> bool {
        self.clauses.first().is_some_and(|(key, _)| *key != Key::Any)
    }

    /// What is assigned instead of the insertion when the rowid is taken.
    pub fn sets_at_rowid(&self) -> Option<&'u [ast::Assignment]> {
        match &self.find(Key::Rowid)?.action {
            UpsertAction::Update { sets, .. } => Some(sets),
            UpsertAction::Nothing => None,
        }
    }

    /// Some clause takes care of a rowid that is taken.
    pub fn handles_rowid(&self) -> bool {
        self.find(Key::Rowid).is_some()
    }

    fn find(&self, key: Key) -> Option<&'u ast::Upsert> {
        self.clauses.iter().find(|(k, _)| *k == key || *k == Key::Any).map(|(_, u)| *u)
    }

    /// The rowid is taken and the cursor on its row. True when a clause takes care of it.
    pub fn on_rowid(&mut self, e: &mut Emitter<'_>, new: &NewRow<'_>) -> Result<bool> {
        let Some(upsert) = self.find(Key::Rowid) else { return Ok(false) };
        self.act(e, new, upsert)?;
        Ok(true)
    }

    /// The key of an index is taken by the row with this rowid or primary key. True when a clause takes care of it.
    pub fn on_index(
        &mut self,
        e: &mut Emitter<'_>,
        new: &NewRow<'_>,
        position: usize,
        rowid: Reg,
        key: Option<Regs>,
    ) -> Result<bool> {
        let Some(upsert) = self.find(Key::Index(position)) else { return Ok(false) };
        if matches!(upsert.action, UpsertAction::Update { .. }) {
            match key {
                None => e.builder.emit(NotExists { cursor: new.target.cursor, rowid, miss: new.skip }),
                Some(key) => e.builder.emit(NotFound { cursor: new.target.cursor, key, target: new.skip }),
            };
        }
        self.act(e, new, upsert)?;
        Ok(true)
    }

    fn act(&self, e: &mut Emitter<'_>, new: &NewRow<'_>, upsert: &ast::Upsert) -> Result<()> {
        if let UpsertAction::Update { sets, where_clause } = &upsert.action {
            let target = new.target;
            let (row, excluded) = (e.context.new_source(), e.context.new_source());
            let name = self.name.map_or(&*target.table.name, |n| &n.text);
            let text = super::trigger::statement_text(e);
            let mut binder = super::trigger::statement_binder(e, &text, None)?;
            binder.push_scope(vec![table_source(row, name, true, target.db, &target.table)]);
            // As with NEW, columns of `excluded` have no affinity in comparisons; and no collation.
            let mut bare = (*target.table).clone();
            bare.columns.iter_mut().for_each(|c| {
                c.affinity = turso_value::Affinity::None;
                c.collation = turso_value::Collation::Binary;
            });
            let bare = std::sync::Arc::new(bare);
            // A table that is called so is meant before the row that could not be inserted.
            if !name.eq_ignore_ascii_case("excluded") {
                binder.push_qualified(table_source(excluded, "excluded", true, target.db, &bare));
            }
            e.bind_source(row, target.binding());
            e.read_integers_as_reals(&target.table, new.row.columns);
            e.bind_source(excluded, new.row.binding(&target.table));
            if let Some(condition) = where_clause {
                let condition = binder.bind_item(condition)?;
                e.jump_if_false(&condition, new.skip, true)?;
            }
            let mut update = RowUpdate::prepare(e, &mut binder, target, row, sets)?;
            update.conflict = Some(turso_program::control::OnError::Abort);
            e.statement.may_abort.set(true);
            update.emit(e, new.skip, new.returning)?;
        }
        e.goto(new.skip);
        Ok(())
    }
}

/// The columns of a conflict target count as read.
fn ask_about_target(context: &PlanContext<'_>, target: &Target, upsert: &ast::Upsert) -> Result<()> {
    if !context.asks() {
        return Ok(());
    }
    for term in upsert.target.iter().flat_map(|t| &t.columns) {
        if let ast::Expr::Column(reference) = &term.expr
            && let Some(c) = target.table.column_index(&reference.column.text)
        {
            context.ask_to_read(target.db, &target.table, ColumnIndex::Column(c as u16))?;
        }
    }
    Ok(())
}

/// The constraint that a clause names, if there is one.
fn key_of(target: &Target, upsert: &ast::Upsert) -> Result<Option<Key>> {
    let Some(wanted) = &upsert.target else { return Ok(Some(Key::Any)) };
    if let Some(nulls) = wanted.columns.iter().find_map(|term| term.nulls) {
        let which = if nulls == ast::NullsOrder::First { "FIRST" } else { "LAST" };
        return Err(Error::sql(format!("unsupported use of NULLS {which}")));
    }
    let table = &target.table;
    if let [term] = wanted.columns.as_slice()
        && let ast::Expr::Column(reference) = &term.expr
        && table.has_rowid()
        && is_rowid_name(table, &reference.column.text)
    {
        return Ok(Some(Key::Rowid));
    }
    for (position, open) in target.indexes.iter().enumerate() {
        let index = &open.index;
        if !index.unique || index.columns.len() != wanted.columns.len() {
            continue;
        }
        // A partial index is meant when its condition is written.
        match (&index.partial, &wanted.where_clause) {
            (None, _) => {}
            (Some(condition), Some(written)) if **condition == *written => {}
            _ => continue,
        }
        let all = index.columns.iter().all(|column| {
            wanted.columns.iter().any(|term| {
                let (expr, collation) = match &term.expr {
                    ast::Expr::Collate { expr, collation } => (&**expr, Some(collation)),
                    expr => (expr, None),
                };
                let collation_fits = collation.is_none_or(|c| c.is(column.collation.name()));
                collation_fits
                    && match (&column.key, expr) {
                        (IndexKey::Column(c), ast::Expr::Column(reference)) => {
                            // An index that holds the rowid alias is never meant.
                            reference.qualifier.is_none()
                                && table.rowid_alias != Some(*c)
                                && table.column_index(&reference.column.text) == Some(*c)
                        }
                        (IndexKey::Expr(indexed), expr) => **indexed == *expr,
                        _ => false,
                    }
            })
        });
        if all {
            return Ok(Some(Key::Index(position)));
        }
    }
    // A column that does not exist is the better explanation.
    for term in &wanted.columns {
        if let ast::Expr::Column(reference) = &term.expr
            && table.column_index(&reference.column.text).is_none()
            && !is_rowid_name(table, &reference.column.text)
        {
            let name = &reference.column;
            return Err(Error::sql(format!("no such column: {}", name.text)).with_sql_offset(name.offset));
        }
    }
    Ok(None)
}

/// The name means the rowid: its alias column, or `rowid`, `_rowid_` and `oid` where no column has the name.
pub(crate) fn is_rowid_name(table: &Table, name: &str) -> bool {
    match table.column_index(name) {
        Some(c) => table.rowid_alias == Some(c),
        None => table.has_rowid() && ["rowid", "_rowid_", "oid"].iter().any(|n| n.eq_ignore_ascii_case(name)),
    }
}
