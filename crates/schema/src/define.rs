//! From a CREATE TABLE statement to a [`Table`], with SQLite's checks in SQLite's order.
//!
//! Used for loading a schema and for running CREATE TABLE; only root pages are missing from the result. Expressions are kept as
//! written: whether they refer to columns and functions that exist is the planner's business (`no such column: x`).
//!
//! Automatic indexes are numbered in the order in which their constraints stand in the text. One whose columns and collations
//! equal those of an earlier one is not made. `INTEGER PRIMARY KEY` is no index but the rowid, except in a WITHOUT ROWID table,
//! where its index is numbered last. `INTEGER PRIMARY KEY DESC` in a column definition is an ordinary unique index: an old
//! mistake of SQLite that files depend on.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_parser::ast::{
    self, ColumnConstraintKind, ColumnDef, ConflictResolution, CreateTable, CreateTableBody, Expr, ForeignKeyClause,
    Literal, OrderingTerm, ReferenceAction, SortOrder, TableConstraintKind, TypeName,
};
use turso_value::Affinity;

use crate::collation::written_collation;
use crate::index::{Index, IndexColumn, IndexKey, IndexOrigin, KnownKey};
use crate::table::{Check, Column, ForeignKey, ForeignKeyAction, Generated, Relation, StrictType, Table};
use crate::text::constraint_text;

/// SQLite's default limit on columns of a table.
const MAX_COLUMNS: usize = 2000;

/// The table that a CREATE TABLE statement with a column list describes. `source` is the text that the statement was parsed from,
/// `sql` the text for `sqlite_schema`. Root pages are 0.
pub fn define_table(statement: &CreateTable, source: &[u8], sql: &str) -> Result<Table> {
    let CreateTableBody::Columns { columns, constraints, options, .. } = &statement.body else {
        return Err(Error::sql("CREATE TABLE AS has no columns of its own"));
    };
    let mut definition = Definition::new(&statement.name.name.text, source, sql, options.strict);
    for column in columns {
        definition.add_column(column)?;
    }
    for constraint in constraints {
        definition.add_table_constraint(&constraint.kind, constraint.name.as_ref())?;
        definition.last_name = None;
    }
    definition.finish(options.without_rowid)
}

/// A table in the making.
struct Definition<'a> {
    table: Table,
    source: &'a [u8],
    has_primary_key: bool,
    /// The PRIMARY KEY's own columns when it is the rowid alias (it has no index then).
    alias_key: Option<IndexColumn>,
    /// The name that the last constraint of the last column had.
    last_name: Option<Arc<str>>,
}

impl<'a> Definition<'a> {
    fn new(name: &str, source: &'a [u8], sql: &str, strict: bool) -> Self {
        let table = Table { strict, ..Table::bare(name, Relation::Rowid, sql) };
        Definition { table, source, has_primary_key: false, alias_key: None, last_name: None }
    }

    fn add_column(&mut self, definition: &ColumnDef) -> Result<()> {
        if self.table.columns.len() >= MAX_COLUMNS {
            return Err(Error::sql(format!("too many columns on {}", self.table.name)));
        }
        if self.table.column_index(&definition.name.text).is_some() {
            return Err(Error::sql(format!("duplicate column name: {}", definition.name.text)));
        }
        let column = self.column(definition)?;
        self.table.columns.push(column);
        let position = self.table.columns.len() - 1;
        // A name holds for the constraints that follow in the column, too.
        let mut name = None;
        for constraint in &definition.constraints {
            name = constraint.name.as_ref().or(name);
            self.add_column_constraint(position, definition, &constraint.kind, name)?;
        }
        self.last_name = name.map(|n| (&*n.text).into());
        Ok(())
    }

    /// The column with what does not concern the table. COLLATE counts for keys that stand before it, too.
    fn column(&self, definition: &ColumnDef) -> Result<Column> {
        let declared = declared_type(&definition.type_name);
        let affinity = Affinity::of_declared_type(declared.as_deref().unwrap_or("").as_bytes());
        let mut column = Column::plain(&*definition.name.text, declared, affinity);
        for constraint in &definition.constraints {
            match &constraint.kind {
                ColumnConstraintKind::Collate(name) => {
                    (column.collation, column.collation_written) = written_collation(&name.text);
                }
                ColumnConstraintKind::NotNull { on_conflict } => column.not_null = Some(*on_conflict),
                ColumnConstraintKind::Default { expr, parenthesized, text } => {
                    if *parenthesized && !is_constant(expr) {
                        return Err(Error::sql(format!("default value of column [{}] is not constant", column.name)));
                    }
                    column.default = Some(Arc::new(expr.clone()));
                    column.default_text = Some(String::from_utf8_lossy(text.of(self.source)).trim().into());
                    if column.generated.is_some() {
                        return Err(Error::sql("cannot use DEFAULT on a generated column"));
                    }
                }
                ColumnConstraintKind::Generated { expr, storage, .. } => {
                    if column.default.is_some() || column.generated.is_some() {
                        return Err(Error::sql(format!("error in generated column \"{}\"", column.name)));
                    }
                    let stored = *storage == Some(ast::GeneratedStorage::Stored);
                    column.generated = Some(Generated { expr: Arc::new(expr.clone()), stored });
                }
                _ => {}
            }
        }
        Ok(column)
    }

    fn add_column_constraint(
        &mut self,
        position: usize,
        definition: &ColumnDef,
        kind: &ColumnConstraintKind,
        name: Option<&ast::Name>,
    ) -> Result<()> {
        match kind {
            ColumnConstraintKind::PrimaryKey { order, on_conflict, autoincrement } => {
                let key = self.own_column(position, *order == Some(SortOrder::Desc));
                let may_be_alias = *order != Some(SortOrder::Desc);
                self.add_primary_key(vec![key], may_be_alias, *on_conflict, *autoincrement)
            }
            ColumnConstraintKind::Unique { on_conflict } => {
                let key = self.own_column(position, false);
                self.add_index(vec![key], IndexOrigin::Unique, *on_conflict)
            }
            ColumnConstraintKind::Check { expr, text } => {
                self.add_check(expr, *text, name.map(|n| (&*n.text).into()));
                Ok(())
            }
            ColumnConstraintKind::References(clause) => {
                if clause.columns.len() > 1 {
                    let message = format!(
                        "foreign key on {} should reference only one column of table {}",
                        definition.name.text, clause.table.text
                    );
                    return Err(Error::sql(message));
                }
                self.table.foreign_keys.push(foreign_key(vec![position], clause));
                Ok(())
            }
            ColumnConstraintKind::Deferrable(deferrable) => {
                if let Some(key) = self.table.foreign_keys.last_mut() {
                    key.deferred = deferrable.is_deferred();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add_table_constraint(&mut self, kind: &TableConstraintKind, name: Option<&ast::Name>) -> Result<()> {
        match kind {
            TableConstraintKind::Empty => Ok(()),
            TableConstraintKind::PrimaryKey { columns, autoincrement, on_conflict } => {
                if self.has_primary_key {
                    return Err(self.second_primary_key());
                }
                let key = self.key_columns(columns)?;
                self.add_primary_key(key, true, *on_conflict, *autoincrement)
            }
            TableConstraintKind::Unique { columns, on_conflict } => {
                let key = self.key_columns(columns)?;
                self.add_index(key, IndexOrigin::Unique, *on_conflict)
            }
            TableConstraintKind::Check { expr, text, .. } => {
                // The name of the last column's constraints reaches the first of the table's.
                let inherited = std::mem::take(&mut self.last_name);
                self.add_check(expr, *text, name.map(|n| (&*n.text).into()).or(inherited));
                Ok(())
            }
            TableConstraintKind::ForeignKey { columns, clause } => {
                if !clause.columns.is_empty() && clause.columns.len() != columns.len() {
                    return Err(Error::sql(
                        "number of columns in foreign key does not match the number of columns in the referenced table",
                    ));
                }
                let mut children = Vec::with_capacity(columns.len());
                for column in columns {
                    children.push(self.table.column_index(&column.text).ok_or_else(|| {
                        Error::sql(format!("unknown column \"{}\" in foreign key definition", column.text))
                    })?);
                }
                self.table.foreign_keys.push(foreign_key(children, clause));
                Ok(())
            }
        }
    }

    fn own_column(&self, position: usize, descending: bool) -> IndexColumn {
        let column = self.table.columns.get(position);
        let (collation, collation_written) =
            column.map(|c| (c.collation.clone(), c.collation_written.clone())).unwrap_or_default();
        IndexColumn { key: IndexKey::Column(position), collation, collation_written, descending }
    }

    fn key_columns(&self, terms: &[OrderingTerm]) -> Result<Vec<IndexColumn>> {
        let mut key = Vec::with_capacity(terms.len());
        for term in terms {
            if term.nulls.is_some() {
                let which = if term.nulls == Some(ast::NullsOrder::First) { "FIRST" } else { "LAST" };
                return Err(Error::sql(format!("unsupported use of NULLS {which}")));
            }
            let (expr, collation) = strip_collate(&term.expr);
            let (name, offset) = match expr {
                Expr::Column(reference) if reference.qualifier.is_none() => {
                    (reference.column.text.to_string(), Some(reference.column.offset))
                }
                Expr::Literal(Literal::String(text)) => (String::from_utf8_lossy(text).into_owned(), None),
                _ => return Err(Error::sql("expressions prohibited in PRIMARY KEY and UNIQUE constraints")),
            };
            let Some(position) = self.table.column_index(&name) else {
                let error = Error::sql(format!("no such column: {name}"));
                return Err(offset.map_or(error.clone(), |o| error.with_sql_offset(o)));
            };
            let mut column = self.own_column(position, term.order == Some(SortOrder::Desc));
            if let Some(collation) = collation {
                (column.collation, column.collation_written) = written_collation(collation);
            }
            key.push(column);
        }
        Ok(key)
    }

    fn second_primary_key(&self) -> Error {
        Error::sql(format!("table \"{}\" has more than one primary key", self.table.name))
    }

    fn add_primary_key(
        &mut self,
        key: Vec<IndexColumn>,
        may_be_alias: bool,
        conflict: Option<ConflictResolution>,
        autoincrement: bool,
    ) -> Result<()> {
        if self.has_primary_key {
            return Err(self.second_primary_key());
        }
        self.has_primary_key = true;
        for (i, part) in key.iter().enumerate() {
            if let IndexKey::Column(c) = part.key
                && let Some(column) = self.table.columns.get_mut(c)
            {
                if column.generated.is_some() {
                    return Err(Error::sql("generated columns cannot be part of the PRIMARY KEY"));
                }
                // A column named twice keeps its first place.
                if column.primary_key_position == 0 {
                    column.primary_key_position = i as u16 + 1;
                }
            }
        }
        let single = match key.as_slice() {
            [IndexColumn { key: IndexKey::Column(c), .. }] => Some(*c),
            _ => None,
        };
        let is_integer = single
            .and_then(|c| self.table.columns.get(c))
            .is_some_and(|c| c.declared_type.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("INTEGER")));
        if may_be_alias && is_integer {
            self.table.rowid_alias = single;
            self.table.autoincrement = autoincrement;
            self.table.primary_key_conflict = conflict;
            self.alias_key = key.into_iter().next();
            return Ok(());
        }
        if autoincrement {
            return Err(Error::sql("AUTOINCREMENT is only allowed on an INTEGER PRIMARY KEY"));
        }
        self.add_index(key, IndexOrigin::PrimaryKey, conflict)?;
        self.take_primary_key();
        Ok(())
    }

    /// An equal UNIQUE that stands before takes the place of the key, with the directions that it has.
    fn take_primary_key(&mut self) {
        let index = self.table.indexes.iter().find(|i| i.origin == IndexOrigin::PrimaryKey);
        self.table.primary_key = index.map(|i| i.columns.clone()).unwrap_or_default();
    }

    /// Make an automatic index, unless an equal one exists.
    fn add_index(
        &mut self,
        columns: Vec<IndexColumn>,
        origin: IndexOrigin,
        conflict: Option<ConflictResolution>,
    ) -> Result<()> {
        for existing in &mut self.table.indexes {
            let same_key = existing.columns.len() == columns.len()
                && existing
                    .columns
                    .iter()
                    .zip(&columns)
                    .all(|(a, b)| same_column(&a.key, &b.key) && a.collation == b.collation);
            if !same_key {
                continue;
            }
            let existing = Arc::make_mut(existing);
            match (existing.conflict, conflict) {
                (Some(old), Some(new)) if old != new => {
                    return Err(Error::sql("conflicting ON CONFLICT clauses specified"));
                }
                (None, _) => existing.conflict = conflict,
                _ => {}
            }
            if origin == IndexOrigin::PrimaryKey {
                existing.origin = origin;
            }
            return Ok(());
        }
        let number = self.table.indexes.len() + 1;
        self.table.indexes.push(Arc::new(Index {
            name: format!("sqlite_autoindex_{}_{number}", self.table.name).into(),
            table: self.table.name.clone(),
            root: 0,
            columns,
            trailing: Vec::new(),
            unique: true,
            conflict,
            checked_last: conflict == Some(ConflictResolution::Replace),
            origin,
            partial: None,
            sql: None,
            broken: None,
            key: KnownKey::default(),
        }));
        Ok(())
    }

    fn add_check(&mut self, expr: &Expr, text: ast::Span, name: Option<Arc<str>>) {
        self.table.checks.push(Check {
            name,
            expr: Arc::new(expr.clone()),
            text: constraint_text(text, self.source).into(),
        });
    }

    fn finish(mut self, without_rowid: bool) -> Result<Table> {
        self.finish_strict()?;
        if without_rowid {
            self.finish_without_rowid()?;
        } else if let Some(key) = self.alias_key.take() {
            self.table.primary_key = vec![key];
        }
        if !self.table.columns.is_empty() && self.table.columns.iter().all(|c| c.generated.is_some()) {
            return Err(Error::sql("must have at least one non-generated column"));
        }
        Ok(self.table)
    }

    fn finish_strict(&mut self) -> Result<()> {
        if !self.table.strict {
            return Ok(());
        }
        let alias = self.table.rowid_alias;
        for (i, column) in self.table.columns.iter_mut().enumerate() {
            let Some(declared) = column.declared_type.as_deref() else {
                return Err(Error::sql(format!("missing datatype for {}.{}", self.table.name, column.name)));
            };
            let Some((strict, affinity)) = strict_type(declared) else {
                return Err(Error::sql(format!(
                    "unknown datatype for {}.{}: \"{declared}\"",
                    self.table.name, column.name
                )));
            };
            column.strict_type = strict;
            column.affinity = affinity;
            if column.primary_key_position > 0 && alias != Some(i) && column.not_null.is_none() {
                column.not_null = Some(None);
            }
        }
        Ok(())
    }

    /// The rows live in the tree of the PRIMARY KEY, whose entries hold all columns; the other indexes end in the primary key.
    fn finish_without_rowid(&mut self) -> Result<()> {
        if self.table.autoincrement {
            return Err(Error::sql("AUTOINCREMENT not allowed on WITHOUT ROWID tables"));
        }
        if !self.has_primary_key {
            return Err(Error::sql(format!("PRIMARY KEY missing on table {}", self.table.name)));
        }
        self.table.relation = Relation::WithoutRowid;
        if let Some(key) = self.alias_key.take() {
            self.table.rowid_alias = None;
            let conflict = self.table.primary_key_conflict.take();
            self.add_index(vec![key], IndexOrigin::PrimaryKey, conflict)?;
            self.take_primary_key();
        }
        let mut key: Vec<IndexColumn> = Vec::new();
        for column in std::mem::take(&mut self.table.primary_key) {
            if !key.iter().any(|k| same_column(&k.key, &column.key) && k.collation == column.collation) {
                key.push(column);
            }
        }
        let in_key = |c: usize| key.iter().any(|k| same_column(&k.key, &IndexKey::Column(c)));
        for (c, column) in self.table.columns.iter_mut().enumerate() {
            if in_key(c) && column.not_null.is_none() {
                column.not_null = Some(None);
            }
        }
        let rest: Vec<usize> =
            (0..self.table.columns.len()).filter(|&c| !in_key(c) && !self.table.is_computed(c)).collect();
        let mut primary = None;
        for (i, index) in self.table.indexes.iter_mut().enumerate() {
            let index = Arc::make_mut(index);
            if index.origin == IndexOrigin::PrimaryKey {
                index.columns = key.clone();
                index.trailing.clone_from(&rest);
                primary = Some(i);
            } else {
                index.trailing = trailing_key(&index.columns, &key);
            }
        }
        if let Some(i) = primary {
            let index = self.table.indexes.remove(i);
            self.table.indexes.insert(0, index);
        }
        self.table.primary_key = key;
        Ok(())
    }
}

/// The columns of a WITHOUT ROWID table's primary key that an index on `columns` must still append.
pub(crate) fn trailing_key(columns: &[IndexColumn], key: &[IndexColumn]) -> Vec<usize> {
    key.iter()
        .filter(|k| !columns.iter().any(|c| same_column(&c.key, &k.key) && c.collation == k.collation))
        .filter_map(|k| match k.key {
            IndexKey::Column(c) => Some(c),
            _ => None,
        })
        .collect()
}

fn same_column(a: &IndexKey, b: &IndexKey) -> bool {
    matches!((a, b), (IndexKey::Column(a), IndexKey::Column(b)) if a == b)
}

/// An expression without its outer COLLATE operators, and the outermost collation named.
pub(crate) fn strip_collate(mut expr: &Expr) -> (&Expr, Option<&str>) {
    let mut name = None;
    while let Expr::Collate { expr: inner, collation } = expr {
        name = name.or(Some(&*collation.text));
        expr = inner;
    }
    (expr, name)
}

fn foreign_key(columns: Vec<usize>, clause: &ForeignKeyClause) -> ForeignKey {
    let action = |a: Option<ReferenceAction>| match a {
        None | Some(ReferenceAction::NoAction) => ForeignKeyAction::NoAction,
        Some(ReferenceAction::Restrict) => ForeignKeyAction::Restrict,
        Some(ReferenceAction::SetNull) => ForeignKeyAction::SetNull,
        Some(ReferenceAction::SetDefault) => ForeignKeyAction::SetDefault,
        Some(ReferenceAction::Cascade) => ForeignKeyAction::Cascade,
    };
    ForeignKey {
        columns,
        parent: (&*clause.table.text).into(),
        parent_columns: if clause.columns.is_empty() {
            None
        } else {
            Some(clause.columns.iter().map(|c| Arc::from(&*c.text)).collect())
        },
        on_delete: action(clause.on_delete),
        on_update: action(clause.on_update),
        deferred: clause.deferrable.is_some_and(|d| d.is_deferred()),
    }
}

/// The declared type; a type that is one quoted name is that name.
fn declared_type(type_name: &TypeName) -> Option<Arc<str>> {
    let text = type_name.text.trim();
    let bytes = text.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return None };
    let closing = if first == b'[' { b']' } else { first };
    let quoted = matches!(first, b'"' | b'`' | b'\'' | b'[') && bytes.len() >= 2 && last == closing;
    if quoted
        && let Some(inner) = text.get(1..text.len() - 1)
        && !inner.as_bytes().contains(&closing)
    {
        return Some(inner.into());
    }
    // The names of the standard types are shown in capitals, however they were written.
    let standard = ["ANY", "BLOB", "INT", "INTEGER", "REAL", "TEXT"].into_iter().find(|t| t.eq_ignore_ascii_case(text));
    Some(standard.unwrap_or(text).into())
}

fn strict_type(declared: &str) -> Option<(StrictType, Affinity)> {
    const TYPES: [(&str, StrictType, Affinity); 6] = [
        ("ANY", StrictType::Any, Affinity::Blob),
        ("BLOB", StrictType::Blob, Affinity::Blob),
        ("INT", StrictType::Int, Affinity::Integer),
        ("INTEGER", StrictType::Integer, Affinity::Integer),
        ("REAL", StrictType::Real, Affinity::Real),
        ("TEXT", StrictType::Text, Affinity::Text),
    ];
    TYPES.iter().find(|(name, _, _)| name.eq_ignore_ascii_case(declared)).map(|(_, s, a)| (*s, *a))
}

/// An expression without columns, parameters and subqueries. `"x"` counts as a string, `TRUE` and `FALSE` as numbers.
fn is_constant(expr: &Expr) -> bool {
    struct Finder(bool);
    impl ast::visit::Visit for Finder {
        fn expr(&mut self, expr: &Expr) {
            match expr {
                Expr::Variable(_) | Expr::Raise { .. } => self.0 = false,
                Expr::In(in_) if in_.is_over_rows() => self.0 = false,
                Expr::Column(reference) => {
                    let is_text = reference.qualifier.is_none() && reference.column.may_be_string();
                    if !is_text && expr.as_bool_keyword().is_none() {
                        self.0 = false;
                    }
                }
                _ => ast::visit::walk_expr(self, expr),
            }
        }
        fn select(&mut self, _: &ast::Select) {
            self.0 = false;
        }
    }
    let mut finder = Finder(true);
    ast::visit::Visit::expr(&mut finder, expr);
    finder.0
}
