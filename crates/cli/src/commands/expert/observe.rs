//! What the planner asks of tables while it prepares statements.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use turso_core::vtab::{
    Answer, Arguments, Connected, ConstraintOp, Cursor, Module, ModuleKind, Question, Session, VirtualTable,
};
use turso_core::{Collation, Connection, Error, Result};

use super::{definitions, double_quote, empty, rows, text_of};

/// What was asked of a table at once.
pub struct Scan {
    pub table: String,
    /// Columns that must be equal to something, with the collation of the comparison.
    pub equal: Vec<(u16, Collation)>,
    /// Columns with a bound.
    pub bounds: Vec<(u16, Collation)>,
    /// The order wanted: columns, and whether they descend.
    pub order: Vec<(u16, bool)>,
}

/// Statements, and all that was asked for them.
pub struct Statements {
    pub texts: Vec<String>,
    pub scans: Vec<Scan>,
}

/// Prepares the statements of a text where every table is one that takes notes.
pub fn statements(user: &Connection, text: &[u8]) -> Result<Statements> {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let mut tables = HashMap::new();
    let names = rows(
        user,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY rowid",
        &[],
    )?;
    let names: Vec<String> = names.iter().filter_map(|row| row.first()).filter_map(text_of).collect();
    for name in &names {
        tables.insert(name.clone(), declaration(user, name)?);
    }
    let observed = empty()?;
    observed.create_module("expert", Arc::new(Observer { tables, notes: notes.clone() }))?;
    for name in &names {
        observed.execute_batch(format!("CREATE VIRTUAL TABLE {} USING expert", double_quote(name)))?;
    }
    for view in definitions(user, "type = 'view'")? {
        // A view that cannot be made is one that no statement can use.
        let _ = observed.execute_batch(view);
    }
    let mut texts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let prepared = observed.prepare(rest)?;
        if prepared.statement.is_some() {
            let sql = rest.get(..prepared.tail).unwrap_or(rest).trim_ascii();
            texts.push(String::from_utf8_lossy(sql).into_owned());
        }
        rest = rest.get(prepared.tail..).unwrap_or(&[]);
    }
    let scans = std::mem::take(&mut *notes.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Statements { texts, scans })
}

/// The columns of a table, as a virtual one declares them.
fn declaration(user: &Connection, table: &str) -> Result<String> {
    let mut columns = Vec::new();
    for row in rows(user, "SELECT name, type FROM pragma_table_xinfo(?1)", &[turso_core::Value::text(table)])? {
        let name = row.first().and_then(text_of).unwrap_or_default();
        let kind = row.get(1).and_then(text_of).unwrap_or_default();
        let collation = user.column_metadata(Some("main"), table, Some(&name))?.collation;
        columns.push(format!("{} {kind} COLLATE {}", double_quote(&name), double_quote(&collation)));
    }
    Ok(format!("CREATE TABLE x({})", columns.join(", ")))
}

struct Observer {
    /// Declarations by name.
    tables: HashMap<String, String>,
    notes: Arc<Mutex<Vec<Scan>>>,
}

impl Module for Observer {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Created
    }

    fn connect(&self, _: &mut dyn Session, arguments: &Arguments<'_>) -> Result<Connected> {
        let declaration = self.tables.get(arguments.table).ok_or_else(|| Error::sql("no such table"))?;
        let table = Observed { name: arguments.table.to_owned(), notes: self.notes.clone() };
        Ok(Connected::new(Arc::new(table), declaration.clone()))
    }
}

struct Observed {
    name: String,
    notes: Arc<Mutex<Vec<Scan>>>,
}

impl VirtualTable for Observed {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        let mut scan = Scan { table: self.name.clone(), equal: Vec::new(), bounds: Vec::new(), order: Vec::new() };
        let mut answer = Answer::new(question);
        let mut used = 0;
        for (i, constraint) in question.constraints.iter().enumerate() {
            let (true, Some(column)) = (constraint.usable, constraint.column) else { continue };
            let list = match constraint.op {
                ConstraintOp::Equal | ConstraintOp::Is | ConstraintOp::IsNull => &mut scan.equal,
                ConstraintOp::Less
                | ConstraintOp::LessOrEqual
                | ConstraintOp::Greater
                | ConstraintOp::GreaterOrEqual => &mut scan.bounds,
                _ => continue,
            };
            list.push((column, constraint.collation.clone()));
            used += 1;
            if let Some(usage) = answer.usage.get_mut(i) {
                usage.argument = used;
            }
        }
        let columns = question.order_by.iter().map_while(|term| Some((term.column?, term.descending)));
        scan.order.extend(columns);
        // What finds more is worth more.
        answer.cost = 1_000_000.0 / (used as f64 + 1.0);
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(scan);
        Ok(Some(answer))
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        Err(Error::sql("the table is for planning only"))
    }

    fn is_writable(&self) -> bool {
        true
    }
}
