//! ON CONFLICT … DO: what happens instead of a uniqueness error.

use turso_error::{Error, Result};
use turso_functions::SchemaPlace;
use turso_parser::ast::{self, UpsertAction};
use turso_program::Reg;
use turso_program::Regs;
use turso_program::cursor::{NotExists, NotFound};
use turso_schema::{Index, IndexKey, Table};

use super::Emitter;
use super::constraints::NewRow;
use super::row::{Target, bind_table_expr, table_source};
use super::update::RowUpdate;
use crate::context::PlanContext;
use crate::plan::{ColumnIndex, Expr, SourceId, same_expr};

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
    pub fn prepare(e: &Emitter<'_>, target: &Target, insert: &'u ast::Insert) -> Result<Self> {
        let mut clauses = Vec::with_capacity(insert.upserts.len());
        let name = insert.alias.as_ref().unwrap_or(&insert.table.name);
        for (i, upsert) in insert.upserts.iter().enumerate() {
            let Some(key) = key_of(e, target, name, upsert)? else {
                let which =
                    if insert.upserts.len() == 1 { String::new() } else { format!("{} ", crate::bind::ordinal(i + 1)) };
                return Err(Error::sql(format!(
                    "{which}ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint"
                )));
            };
            clauses.push((key, upsert));
        }
        Ok(Upserts { clauses, name: Some(name) })
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

    /// The row that has the rowid would be changed instead of the insertion.
    pub fn updates_at_rowid(&self) -> bool {
        self.find(Key::Rowid).is_some_and(|upsert| matches!(upsert.action, UpsertAction::Update { .. }))
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

/// The constraint that a clause names, if there is one. `name`: what the statement calls the table.
fn key_of(e: &Emitter<'_>, target: &Target, name: &ast::Name, upsert: &ast::Upsert) -> Result<Option<Key>> {
    let Some(wanted) = &upsert.target else { return Ok(Some(Key::Any)) };
    if let Some(nulls) = wanted.columns.iter().find_map(|term| term.nulls) {
        let which = if nulls == ast::NullsOrder::First { "FIRST" } else { "LAST" };
        return Err(Error::sql(format!("unsupported use of NULLS {which}")));
    }
    let wanted = Wanted::bind(e, target, name, wanted)?;
    if let [column] = wanted.columns.as_slice()
        && matches!(column, Expr::Column { column: ColumnIndex::Rowid, .. })
    {
        return Ok(Some(Key::Rowid));
    }
    for (position, open) in target.indexes.iter().enumerate() {
        if open.index.unique
            && open.index.columns.len() == wanted.columns.len()
            && wanted.fits(e.context, target, &open.index)?
        {
            return Ok(Some(Key::Index(position)));
        }
    }
    Ok(None)
}

/// A conflict target whose names have been looked up.
struct Wanted {
    source: SourceId,
    columns: Vec<Expr>,
    condition: Option<Expr>,
}

impl Wanted {
    fn bind(e: &Emitter<'_>, target: &Target, name: &ast::Name, written: &ast::UpsertTarget) -> Result<Self> {
        let source = e.context.new_source();
        let text = super::trigger::statement_text(e);
        let mut binder = super::trigger::statement_binder(e, &text, None)?;
        binder.place = Some(SchemaPlace::Index);
        binder.push_scope(vec![table_source(source, &name.text, false, target.db, &target.table)]);
        let columns = written.columns.iter().map(|term| binder.bind_expr(&term.expr)).collect::<Result<_>>()?;
        let condition = written.where_clause.as_ref().map(|condition| binder.bind_expr(condition)).transpose()?;
        Ok(Wanted { source, columns, condition })
    }

    /// The index has these columns, in whatever order, and this condition.
    fn fits(&self, context: &PlanContext<'_>, target: &Target, index: &Index) -> Result<bool> {
        let stored = |expr| bind_table_expr(context, SchemaPlace::Index, target.db, &target.table, self.source, expr);
        if let Some(condition) = &index.partial {
            let Some(wanted) = &self.condition else { return Ok(false) };
            if !same_expr(wanted, &stored(condition)?) {
                return Ok(false);
            }
        }
        for column in &index.columns {
            let key = match &column.key {
                IndexKey::Expr(expr) => Some(stored(expr)?),
                _ => None,
            };
            let fits = |wanted: &Expr| {
                let (wanted, collation) = match wanted {
                    Expr::Collate { expr, collation, .. } => (&**expr, Some(collation)),
                    wanted => (wanted, None),
                };
                let same = match (&column.key, wanted) {
                    // An index that holds the rowid alias is never meant.
                    (IndexKey::Column(c), Expr::Column { column: ColumnIndex::Column(named), .. }) => {
                        usize::from(*named) == *c
                    }
                    _ => key.as_ref().is_some_and(|key| same_expr(key, wanted)),
                };
                same && collation.is_none_or(|c| c.name().eq_ignore_ascii_case(column.collation.name()))
            };
            if !self.columns.iter().any(fits) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The name means the rowid: its alias column, or `rowid`, `_rowid_` and `oid` where no column has the name.
pub(crate) fn is_rowid_name(table: &Table, name: &str) -> bool {
    match table.column_index(name) {
        Some(c) => table.rowid_alias == Some(c),
        None => table.has_rowid() && ["rowid", "_rowid_", "oid"].iter().any(|n| n.eq_ignore_ascii_case(name)),
    }
}
