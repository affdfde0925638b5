//! SET: the new values of an UPDATE's columns.

use turso_error::{Error, Result};
use turso_parser::ast::{self, AssignmentTarget};
use turso_program::data::{Copy, Null};
use turso_program::{DbIndex, Reg, Regs};
use turso_schema::Table;

use super::upsert::is_rowid_name;
use super::{Destination, Emitter};
use crate::bind::{Binder, column_expr};
use crate::context::PlanContext;
use crate::plan::{Body, ColumnIndex, Core, Expr, IndexHint, JoinKind, Query, Relation, RowValue, Source};

/// The new value of a column.
#[derive(Debug, Clone)]
pub(super) enum SetValue {
    /// Computed for each row.
    Expr(Expr),
    /// A column of the first row of a row subquery.
    Row { query: usize, column: usize },
    /// In this register when the row's turn comes.
    Register(Reg),
}

/// The assignments of SET, by column.
pub(crate) struct Assignments {
    pub(super) columns: Vec<Option<SetValue>>,
    pub(super) rowid: Option<SetValue>,
    /// As SET writes them: `UPDATE OF` looks for names, and does not know that the rowid has several.
    names: Vec<Box<str>>,
    /// Row subqueries and where their first row goes.
    queries: Vec<(Query, Regs)>,
}

impl Assignments {
    pub(super) fn is_set(&self, column: usize) -> bool {
        self.columns.get(column).is_some_and(Option::is_some)
    }

    /// SET writes this name.
    pub(super) fn writes(&self, name: &str) -> bool {
        self.names.iter().any(|n| n.eq_ignore_ascii_case(name))
    }

    fn all(&self) -> impl Iterator<Item = &SetValue> {
        self.columns.iter().chain([&self.rowid]).flatten()
    }

    pub(super) fn has_subquery(&self) -> bool {
        !self.queries.is_empty() || self.all().any(|v| matches!(v, SetValue::Expr(e) if e.has_subquery()))
    }

    /// Bind SET in the binder's scope.
    pub(super) fn bind<'b>(
        e: &mut Emitter<'_>,
        binder: &mut Binder<'b>,
        (db, table): (DbIndex, &Table),
        sets: &'b [ast::Assignment],
    ) -> Result<Self> {
        let mut this = Assignments {
            columns: vec![None; table.columns.len()],
            rowid: None,
            names: Vec::new(),
            queries: Vec::new(),
        };
        for set in sets {
            match &set.target {
                AssignmentTarget::Column(name) => {
                    let value = SetValue::Expr(binder.bind_item(&set.value)?);
                    if e.context.asks() && e.context.ask_to_update(db, table, &name.text)? {
                        continue;
                    }
                    this.assign(table, name, value)?;
                }
                AssignmentTarget::Row(names) => this.bind_row(e, binder, table, names, &set.value)?,
            }
        }
        Ok(this)
    }

    /// `(a, b, ...) = value`.
    fn bind_row<'b>(
        &mut self,
        e: &mut Emitter<'_>,
        binder: &mut Binder<'b>,
        table: &Table,
        names: &[ast::Name],
        value: &'b ast::Expr,
    ) -> Result<()> {
        if let [name] = names
            && !matches!(value, ast::Expr::Row(_))
        {
            return self.assign(table, name, SetValue::Expr(binder.bind_item(value)?));
        }
        let width_error = |n: usize| Error::sql(format!("{} columns assigned {n} values", names.len()));
        if !matches!(value, ast::Expr::Row(_) | ast::Expr::Subquery(_)) {
            return Err(width_error(1));
        }
        match binder.bind_row(value)? {
            RowValue::List(values) => {
                if values.len() != names.len() {
                    return Err(width_error(values.len()));
                }
                for (name, value) in names.iter().zip(values) {
                    self.assign(table, name, SetValue::Expr(value))?;
                }
            }
            RowValue::Subquery(mut query) => {
                if query.columns.len() != names.len() {
                    return Err(width_error(query.columns.len()));
                }
                let values = e.builder.registers(names.len());
                let at = self.queries.len();
                crate::rewrite::rewrite(&mut query, e.context);
                self.queries.push((*query, values));
                for (column, name) in names.iter().enumerate() {
                    self.assign(table, name, SetValue::Row { query: at, column })?;
                }
            }
        }
        Ok(())
    }

    /// A column that is set twice keeps the last value.
    fn assign(&mut self, table: &Table, name: &ast::Name, value: SetValue) -> Result<()> {
        self.names.push(name.text.clone());
        if table.has_rowid() && is_rowid_name(table, &name.text) {
            self.rowid = Some(value);
            return Ok(());
        }
        let Some(c) = table.column_index(&name.text) else {
            return Err(Error::sql(format!("no such column: {}", name.text)));
        };
        if table.columns.get(c).is_some_and(|c| c.generated.is_some()) {
            return Err(Error::sql(format!("cannot UPDATE generated column \"{}\"", name.text)));
        }
        if let Some(slot) = self.columns.get_mut(c) {
            *slot = Some(value);
        }
        Ok(())
    }

    /// Run the row subqueries for the row in hand. [`value_into`](Self::value_into) reads their results.
    pub(super) fn run_queries(&self, e: &mut Emitter<'_>) -> Result<()> {
        for (query, values) in &self.queries {
            let run = |e: &mut Emitter<'_>| {
                e.builder.emit(Null { dest: *values });
                e.query(query, &mut Destination::Registers(*values))
            };
            // What does not depend on the row is computed once, from the rows as they are before the first change.
            if query.outer.is_empty() { e.once(run)? } else { run(e)? }
        }
        Ok(())
    }

    /// Put one new value into a register.
    pub(super) fn value_into(&self, e: &mut Emitter<'_>, value: &SetValue, dest: Reg) -> Result<()> {
        let from = match value {
            SetValue::Expr(expr) => return e.expr_into(expr, dest),
            SetValue::Register(reg) => *reg,
            SetValue::Row { query, column } => match self.queries.get(*query) {
                Some((_, values)) => values.at(*column),
                None => return Err(Error::sql("row value misused")),
            },
        };
        e.builder.emit(Copy { from, to: dest, count: 1 });
        Ok(())
    }

    /// All new values as expressions, for a query that computes them: those of the columns, then the rowid.
    pub(super) fn expressions(&self, context: &PlanContext<'_>) -> Result<Vec<Expr>> {
        let of = |value: &SetValue| match value {
            SetValue::Expr(expr) => Ok(expr.clone()),
            SetValue::Row { query, column } => match self.queries.get(*query) {
                Some((query, _)) => Ok(column_of(context, query, *column)),
                None => Err(Error::sql("row value misused")),
            },
            SetValue::Register(_) => Err(Error::sql("row value misused")),
        };
        self.all().map(of).collect()
    }

    /// The same assignments when [`expressions`](Self::expressions) have been computed and their values are in registers.
    pub(super) fn from_registers(&self, values: Regs) -> Self {
        let mut next = 0;
        let mut one = |value: &Option<SetValue>| {
            value.as_ref().map(|_| {
                next += 1;
                SetValue::Register(values.at(next - 1))
            })
        };
        let columns = self.columns.iter().map(&mut one).collect();
        let rowid = one(&self.rowid);
        Assignments { columns, rowid, names: self.names.clone(), queries: Vec::new() }
    }
}

/// One column of the first row of a query, as a scalar.
fn column_of(context: &PlanContext<'_>, query: &Query, column: usize) -> Expr {
    let source = Source {
        id: context.new_source(),
        name: "".into(),
        aliased: false,
        relation: Relation::Query { query: Box::new(query.clone()), materialize: None, view: None },
        join: JoinKind::Inner,
        on: Vec::new(),
        hint: IndexHint::Free,
        exists: false,
        indexed: Vec::new(),
    };
    let output = vec![column_expr(&source, ColumnIndex::Column(column as u16))];
    let core = Core { sources: vec![source], output, ..Core::new(context.new_core()) };
    Expr::Subquery(Box::new(Query {
        body: Body::Core(Box::new(core)),
        order_by: Vec::new(),
        limit: None,
        offset: None,
        columns: query.columns.get(column).cloned().into_iter().collect(),
        outer: query.outer.clone(),
        ctes: Vec::new(),
        number: 0,
    }))
}
