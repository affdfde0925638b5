//! Reading a column of a source: from a table's record, an index entry, registers, or an ephemeral table.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_functions::SchemaPlace;
use turso_parser::ast;
use turso_program::control::class;
use turso_program::cursor::{Column, IdxRowid, IfNullRow, Rowid};
use turso_program::data::{ApplyAffinity, Copy, Null, RealAffinity};
use turso_program::virtual_table::VColumn;
use turso_program::{Affinities, CursorId, Reg, Regs};
use turso_schema::{Index, IndexKey, StrictType, Table};
use turso_value::arith::negate;
use turso_value::number::{Number, parse_literal};
use turso_value::{Affinity, Value};

use super::emitter::Place;
use super::{Emitter, SourceBinding};
use crate::bind::{Binder, affinity_of};
use crate::plan::{
    ColumnIndex, Core, Expr, IndexHint, IndexedExpr, JoinKind, Relation, Source, SourceId, Visit, walk_expr,
};

/// Generated columns that read generated columns: the schema admits no cycle, a damaged one might.
const MAX_GENERATED_DEPTH: u32 = 50;

impl Emitter<'_> {
    /// Read a column of a source (bound before with [`Emitter::bind_source`]).
    pub fn column_into(&mut self, source: SourceId, column: ColumnIndex, dest: Reg) -> Result<()> {
        match self.moved_place(source, column) {
            Some(Place::Register(from)) => {
                self.copy(from, dest);
                return Ok(());
            }
            Some(Place::Field(cursor, field)) => {
                self.builder.emit(Column { cursor, column: field, dest, default: None });
                return Ok(());
            }
            None => {}
        }
        match self.source_binding(source) {
            None => Err(Error::sql("a column is read outside of its source's loop")),
            Some(SourceBinding::Registers { .. }) => {
                match self.column_register(source, column) {
                    Some(from) => self.copy(from, dest),
                    None => {
                        self.builder.emit(Null { dest: Regs::new(dest, 1) });
                    }
                }
                Ok(())
            }
            Some(SourceBinding::Ephemeral { cursor, reals }) => {
                let (cursor, reals) = (*cursor, reals.clone());
                match column {
                    ColumnIndex::Rowid => self.builder.emit(Rowid { cursor, dest }),
                    ColumnIndex::Column(column) => self.builder.emit(Column { cursor, column, dest, default: None }),
                };
                if matches!(column, ColumnIndex::Column(column) if reals.contains(&column)) {
                    self.builder.emit(RealAffinity { reg: dest });
                }
                Ok(())
            }
            Some(&SourceBinding::Virtual { cursor }) => {
                match column {
                    ColumnIndex::Rowid => self.builder.emit(Rowid { cursor, dest }),
                    ColumnIndex::Column(column) => {
                        let unchanged = column & ColumnIndex::UNCHANGED != 0;
                        let column = column & !ColumnIndex::UNCHANGED;
                        self.builder.emit(VColumn { cursor, column, dest, unchanged })
                    }
                };
                Ok(())
            }
            Some(SourceBinding::Fields { cursor, fields, reals }) => {
                let (cursor, reals) = (*cursor, reals.clone());
                let Some(field) = fields.iter().position(|f| *f == column) else {
                    return Err(Error::sql("an automatic index lacks a column"));
                };
                self.builder.emit(Column { cursor, column: field as u16, dest, default: None });
                if matches!(column, ColumnIndex::Column(column) if reals.contains(&column)) {
                    self.builder.emit(RealAffinity { reg: dest });
                }
                Ok(())
            }
            Some(SourceBinding::Cursor { cursor, table, covering }) => {
                let (cursor, table, covering) = (*cursor, table.clone(), covering.clone());
                match covering {
                    Some((index_cursor, index)) => {
                        self.index_column(source, (index_cursor, cursor), &index, &table, column, dest)
                    }
                    None => self.table_column(source, cursor, &table, column, dest),
                }
            }
        }
    }

    /// The register that holds the column already, if one does.
    pub(super) fn column_register(&self, source: SourceId, column: ColumnIndex) -> Option<Reg> {
        match self.moved_place(source, column) {
            Some(Place::Register(reg)) => return Some(reg),
            Some(Place::Field(..)) => return None,
            None => {}
        }
        match (self.source_binding(source), column) {
            (Some(SourceBinding::Registers { rowid, .. }), ColumnIndex::Rowid) => *rowid,
            (Some(SourceBinding::Registers { first, .. }), ColumnIndex::Column(i)) => Some(Reg(first.0 + u32::from(i))),
            _ => None,
        }
    }

    /// Load the columns that a filter is certain to read, and that are read elsewhere too, into registers that hold them as
    /// long as the loop stays on this row.
    pub(super) fn keep_filter_columns(&mut self, core: &Core, source: SourceId, filter: &Expr) -> Result<()> {
        match filter {
            Expr::Compare { left, right, .. } => {
                self.keep_column(core, source, left)?;
                self.keep_column(core, source, right)
            }
            Expr::Between { expr, .. } | Expr::IsNull { expr, .. } | Expr::IsTrue { expr, .. } => {
                self.keep_column(core, source, expr)
            }
            Expr::Unary { expr, .. } | Expr::Collate { expr, .. } => self.keep_filter_columns(core, source, expr),
            Expr::In { left, .. } => left.iter().try_for_each(|e| self.keep_column(core, source, e)),
            Expr::Or(left, _) => self.keep_filter_columns(core, source, left),
            _ => Ok(()),
        }
    }

    fn keep_column(&mut self, core: &Core, from: SourceId, e: &Expr) -> Result<()> {
        let Expr::Column { source, column, .. } = e.without_collate() else { return Ok(()) };
        if *source != from || self.column_register(*source, *column).is_some() {
            return Ok(());
        }
        struct Uses(SourceId, ColumnIndex, u32);
        impl Visit for Uses {
            fn expr(&mut self, e: &Expr) {
                match e {
                    Expr::Column { source, column, .. } if *source == self.0 && *column == self.1 => self.2 += 1,
                    _ => walk_expr(self, e),
                }
            }
        }
        let mut uses = Uses(*source, *column, 0);
        uses.core(core);
        if uses.2 < 2 {
            return Ok(());
        }
        let reg = self.builder.register();
        self.column_into(*source, *column, reg)?;
        self.moved.push((*source, *column, Place::Register(reg)));
        Ok(())
    }

    fn moved_place(&self, source: SourceId, column: ColumnIndex) -> Option<Place> {
        if self.moved.is_empty() {
            return None;
        }
        self.moved.iter().rev().find(|(s, c, _)| *s == source && *c == column).map(|(_, _, place)| *place)
    }

    pub(super) fn copy(&mut self, from: Reg, to: Reg) {
        if from != to {
            self.builder.emit(Copy { from, to, count: 1 });
        }
    }

    fn table_column(
        &mut self,
        source: SourceId,
        cursor: CursorId,
        table: &Arc<Table>,
        column: ColumnIndex,
        dest: Reg,
    ) -> Result<()> {
        let i = match column {
            ColumnIndex::Column(i) if table.rowid_alias != Some(usize::from(i)) => usize::from(i),
            _ => {
                self.builder.emit(Rowid { cursor, dest });
                return Ok(());
            }
        };
        let Some(definition) = table.columns.get(i) else {
            let indexed = self.indexed_expr(source, table, i)?;
            return self.expr_into(&indexed.expr, dest);
        };
        if definition.generated.as_ref().is_some_and(|g| !g.stored) {
            return self.generated_column(source, cursor, table, i, dest);
        }
        let field = if table.has_rowid() {
            stored_position(table, i)
        } else {
            let primary = table.indexes.first();
            primary.and_then(|p| index_position(p, i)).ok_or_else(|| Error::sql("a primary key lacks a column"))?
        };
        let default = default_value(table, i);
        self.builder.emit(Column { cursor, column: field, dest, default });
        if definition.affinity == Affinity::Real {
            self.builder.emit(RealAffinity { reg: dest });
        }
        Ok(())
    }

    fn index_column(
        &mut self,
        source: SourceId,
        (cursor, table_cursor): (CursorId, CursorId),
        index: &Index,
        table: &Arc<Table>,
        column: ColumnIndex,
        dest: Reg,
    ) -> Result<()> {
        let i = match column {
            ColumnIndex::Column(i) if table.rowid_alias != Some(usize::from(i)) => usize::from(i),
            _ => {
                self.builder.emit(IdxRowid { cursor, dest });
                return Ok(());
            }
        };
        if i >= table.columns.len() {
            let indexed = self.indexed_expr(source, table, i)?;
            let Some(field) = indexed.column_of(index) else { return self.expr_into(&indexed.expr, dest) };
            self.builder.emit(Column { cursor, column: field as u16, dest, default: None });
            if affinity_of(&indexed.expr) == Affinity::Real {
                self.builder.emit(RealAffinity { reg: dest });
            }
            return Ok(());
        }
        let Some(field) = index_position(index, i) else {
            if table.columns.get(i).is_some_and(|c| c.generated.as_ref().is_some_and(|g| !g.stored)) {
                return self.generated_column(source, cursor, table, i, dest);
            }
            // The index does not cover: a seek of the table's cursor is pending.
            return self.table_column(source, table_cursor, table, ColumnIndex::Column(i as u16), dest);
        };
        self.builder.emit(Column { cursor, column: field, dest, default: None });
        if table.columns.get(i).is_some_and(|c| c.affinity == Affinity::Real) {
            self.builder.emit(RealAffinity { reg: dest });
        }
        Ok(())
    }

    /// The expression of an index that is a column behind the declared ones.
    fn indexed_expr(&self, source: SourceId, table: &Table, column: usize) -> Result<Arc<IndexedExpr>> {
        let found = self.indexed.iter().rev().find(|(id, _)| *id == source);
        let indexed = found.and_then(|(_, list)| list.get(column.checked_sub(table.columns.len())?));
        indexed.cloned().ok_or_else(|| Error::sql("a table lacks a column"))
    }

    /// Compute a virtual generated column from the other columns of its row. In the row of NULLs of an outer join it is NULL
    /// too, whatever its expression makes of NULLs.
    fn generated_column(
        &mut self,
        source: SourceId,
        cursor: CursorId,
        table: &Arc<Table>,
        i: usize,
        dest: Reg,
    ) -> Result<()> {
        let Some(column) = table.columns.get(i) else { return Err(Error::sql("a table lacks a column")) };
        let Some(generated) = &column.generated else { return Err(Error::sql("a column is not generated")) };
        if self.generated_depth >= MAX_GENERATED_DEPTH {
            return Err(Error::sql(format!("generated column loop on \"{}\"", column.name)));
        }
        let temporary = self.context.catalogue.schema(super::ddl::TEMP).table(&table.name);
        let db = match temporary.is_some_and(|found| Arc::ptr_eq(found, table)) {
            true => super::ddl::TEMP,
            false => super::ddl::MAIN,
        };
        let row = Source {
            id: source,
            name: table.name.clone(),
            aliased: false,
            relation: Relation::Table { db, table: table.clone() },
            join: JoinKind::Inner,
            on: Vec::new(),
            hint: IndexHint::Free,
            exists: false,
            indexed: Vec::new(),
        };
        let bound = {
            let mut binder = Binder::for_text(self.context, &[]);
            binder.place = Some(SchemaPlace::GeneratedColumn);
            binder.push_scope(vec![row]);
            self.context.stored(db, || binder.bind_expr(&generated.expr))?
        };
        let done = self.builder.label();
        self.builder.emit(IfNullRow { cursor, target: done, dest });
        self.generated_depth += 1;
        let result = self.expr_into(&bound, dest);
        self.generated_depth -= 1;
        result?;
        self.apply_affinity(dest, column.affinity);
        self.builder.bind(done);
        Ok(())
    }

    /// Whoever reads a row's REAL columns from registers, where nothing is converted yet, reads integers there as reals.
    pub(super) fn read_integers_as_reals(&mut self, table: &Table, columns: Regs) {
        for (c, _) in table.columns.iter().enumerate().filter(|(_, c)| c.affinity == Affinity::Real) {
            self.builder.emit(RealAffinity { reg: columns.at(c) });
        }
    }

    /// One affinity for one register.
    pub(super) fn apply_affinity(&mut self, reg: Reg, affinity: Affinity) {
        if !matches!(affinity, Affinity::Blob | Affinity::None) {
            self.builder.emit(ApplyAffinity { regs: reg, affinities: Affinities(Arc::new([affinity])) });
        }
    }
}

/// Where a column stands in the record of a rowid table: virtual columns are not stored.
pub(crate) fn stored_position(table: &Table, i: usize) -> u16 {
    let virtual_before =
        table.columns.iter().take(i).filter(|c| c.generated.as_ref().is_some_and(|g| !g.stored)).count();
    (i - virtual_before) as u16
}

/// Where a column stands in the entries of an index.
pub(crate) fn index_position(index: &Index, i: usize) -> Option<u16> {
    let in_key = index.columns.iter().position(|c| matches!(c.key, IndexKey::Column(k) if k == i));
    let field = in_key.or_else(|| index.trailing.iter().position(|&t| t == i).map(|t| index.columns.len() + t));
    field.map(|f| f as u16)
}

/// The storage classes ([`class`]) that a column of a STRICT table can have.
pub(crate) fn strict_classes(kind: StrictType) -> u32 {
    class::NULL
        | match kind {
            StrictType::Any => class::INTEGER | class::REAL | class::TEXT | class::BLOB,
            StrictType::Int | StrictType::Integer => class::INTEGER,
            // Whole numbers are stored as integers.
            StrictType::Real => class::REAL | class::INTEGER,
            StrictType::Text => class::TEXT,
            StrictType::Blob => class::BLOB,
        }
}

/// What a record written before ALTER TABLE ADD COLUMN has for the column.
pub fn default_value(table: &Table, i: usize) -> Option<Arc<Value>> {
    let column = table.columns.get(i)?;
    let default = column.default.as_deref()?;
    let mut value = match written_number(default).filter(|_| column.affinity == Affinity::Text) {
        Some(text) => Value::text(text.into_bytes()),
        None => constant_default(default)?,
    };
    column.affinity.apply(&mut value);
    Some(Arc::new(value))
}

/// A number that is no integer, as it is written: in a TEXT column SQLite takes it at its word.
fn written_number(e: &ast::Expr) -> Option<String> {
    match e {
        ast::Expr::Literal(ast::Literal::Integer(t) | ast::Literal::Float(t)) => {
            let real = matches!(parse_literal(t.as_bytes()), Some(Number::Real(_)));
            (real && !t.contains('_')).then(|| t.to_string())
        }
        ast::Expr::Unary { op: ast::UnaryOp::Plus, expr } => written_number(expr),
        ast::Expr::Unary { op: ast::UnaryOp::Minus, expr } if matches!(**expr, ast::Expr::Literal(_)) => {
            written_number(expr).map(|text| format!("-{text}"))
        }
        _ => None,
    }
}

/// The value of a DEFAULT that is a literal; others cannot have been added to a table with rows.
fn constant_default(e: &ast::Expr) -> Option<Value> {
    let number = |text: &str| match parse_literal(text.as_bytes()) {
        Some(Number::Integer(i)) => Some(Value::Integer(i)),
        Some(Number::Real(r)) => Some(Value::real(r)),
        None => None,
    };
    match e {
        ast::Expr::Literal(ast::Literal::Integer(t) | ast::Literal::HexInteger(t) | ast::Literal::Float(t)) => {
            number(t)
        }
        ast::Expr::Literal(ast::Literal::String(bytes)) => Some(Value::text(bytes.to_vec())),
        ast::Expr::Literal(ast::Literal::Blob(bytes)) => Some(Value::blob(bytes.to_vec())),
        ast::Expr::Unary { op: ast::UnaryOp::Plus, expr } => constant_default(expr),
        ast::Expr::Unary { op: ast::UnaryOp::Minus, expr } => Some(match (&**expr, constant_default(expr)?) {
            // The least integer has no positive one.
            (ast::Expr::Literal(ast::Literal::Integer(t)), _) if **t == *"9223372036854775808" => {
                Value::Integer(i64::MIN)
            }
            // The sign belongs to the literal: there is a -0.0.
            (ast::Expr::Literal(ast::Literal::Float(_)), Value::Real(r)) => Value::real(-r),
            (_, positive) => {
                let mut negative = Value::Null;
                negate(positive.as_ref(), &mut negative);
                negative
            }
        }),
        _ => e.as_bool_keyword().map(|b| Value::Integer(i64::from(b))),
    }
}
