//! The schema: which tables can be made anew, from which roots, and what is made before and after their rows come.
//!
//! An entry is believed if its statement is what its type says and works on a scratch database in memory that has got all
//! earlier ones.

use turso_core::parser::ast::{CreateTableBody, Statement};
use turso_core::{Connection, Database, OpenOptions, Result, StepResult, Value};

use crate::cells::Kind;
use crate::pages::Pages;
use crate::tables::{Column, Table};
use crate::walk::{PageSet, walk};

/// A statement of the schema.
struct Definition {
    sql: Vec<u8>,
    is_index: bool,
    /// It has to be there before the rows come.
    early: bool,
}

impl Definition {
    /// A statement that the file holds, with a comment at its end closed.
    fn stored(mut sql: Vec<u8>, is_index: bool, early: bool) -> Self {
        let close = turso_core::parser::comment_end(&sql);
        sql.extend_from_slice(close.as_bytes());
        Self { sql, is_index, early }
    }
}

/// What is to be done.
pub(crate) struct Plan {
    definitions: Vec<Definition>,
    /// Tables that get rows.
    pub tables: Vec<Table>,
    /// Roots of trees whose content other trees have as well.
    pub other_roots: Vec<u32>,
    scratch: Connection,
}

/// A row of `sqlite_schema`.
struct Entry {
    kind: Vec<u8>,
    name: Value,
    table_name: Value,
    root: u32,
    sql: Option<Vec<u8>>,
}

impl Plan {
    /// Read the entries from page 1 on, and try them.
    pub fn read(pages: &mut dyn Pages, used: &mut PageSet) -> Result<Self> {
        let mut entries = entries(pages, used)?;
        entries.sort_by_key(|entry| (entry.kind != b"table", !is_sequence(entry)));
        let scratch = Database::open(":memory:", OpenOptions::default())?.connect()?;
        scratch.execute_batch("PRAGMA writable_schema = ON")?;
        let mut plan = Self { definitions: Vec::new(), tables: Vec::new(), other_roots: Vec::new(), scratch };
        let (tables, rest): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.kind == b"table");
        for entry in tables {
            plan.table(entry);
        }
        // The counters of AUTOINCREMENT come last: rows that are inserted count.
        plan.tables.sort_by_key(|table| table.name.eq_ignore_ascii_case("sqlite_sequence"));
        let (unique, rest): (Vec<Entry>, Vec<Entry>) =
            rest.into_iter().partition(|entry| matches!(parsed(entry), Some(Statement::CreateIndex(i)) if i.unique));
        for entry in unique.into_iter().chain(rest) {
            plan.other(entry);
        }
        Ok(plan)
    }

    /// The statements that come before the rows.
    pub fn before_rows(&self, all_indexes: bool) -> impl Iterator<Item = &[u8]> {
        self.definitions.iter().filter(move |d| d.early || (all_indexes && d.is_index)).map(|d| &d.sql[..])
    }

    /// Those that come after them.
    pub fn after_rows(&self, all_indexes: bool) -> impl Iterator<Item = &[u8]> {
        self.definitions.iter().filter(move |d| !(d.early || (all_indexes && d.is_index))).map(|d| &d.sql[..])
    }

    /// This name, or with a number where a table has it.
    pub fn unused_name(&self, wanted: &str) -> String {
        let taken = |name: &str| self.names().iter().any(|taken| taken.eq_ignore_ascii_case(name));
        if !taken(wanted) {
            return wanted.to_owned();
        }
        (0u32..).map(|i| format!("{wanted}_{i}")).find(|name| !taken(name)).unwrap_or_default()
    }

    fn names(&self) -> Vec<String> {
        texts(&self.scratch, "SELECT name FROM sqlite_schema").into_iter().flatten().collect()
    }

    fn table(&mut self, entry: Entry) {
        let Some(sql) = &entry.sql else { return };
        match parsed(&entry) {
            Some(Statement::CreateTable(table)) => {
                let plain = !table.temporary
                    && table.name.schema.is_none()
                    && matches!(table.body, CreateTableBody::Columns { .. });
                let name = table.name.name.text.to_string();
                if !plain || self.scratch.execute_batch(sql).is_err() {
                    return;
                }
                self.tables.push(describe(&self.scratch, name, entry.root));
                self.definitions.push(Definition::stored(sql.clone(), false, true));
            }
            Some(Statement::CreateVirtualTable(_)) => {
                let mut text = b"INSERT INTO sqlite_schema VALUES('table', ".to_vec();
                crate::sink::write_literal(&entry.name, false, &mut text);
                text.extend_from_slice(b", ");
                crate::sink::write_literal(&entry.table_name, false, &mut text);
                text.extend_from_slice(b", 0, ");
                crate::sink::write_literal(&Value::Text(sql.clone()), false, &mut text);
                text.push(b')');
                self.definitions.push(Definition { sql: text, is_index: false, early: true });
            }
            _ => {}
        }
    }

    fn other(&mut self, entry: Entry) {
        let (index, unique) = match parsed(&entry) {
            Some(Statement::CreateIndex(index)) => (true, index.unique),
            Some(Statement::CreateView(_) | Statement::CreateTrigger(_)) => (false, false),
            // An index that belongs to a constraint.
            None if entry.sql.is_none() && entry.kind == b"index" => (true, true),
            _ => return,
        };
        if index && entry.kind == b"index" && entry.root > 1 {
            self.other_roots.push(entry.root);
        }
        if let Some(sql) = entry.sql
            && self.scratch.execute_batch(&sql).is_ok()
        {
            self.definitions.push(Definition::stored(sql, index, unique));
        }
    }
}

fn is_sequence(entry: &Entry) -> bool {
    matches!(&entry.name, Value::Text(name) if name == b"sqlite_sequence")
}

/// The one statement of an entry.
fn parsed(entry: &Entry) -> Option<Statement> {
    let sql = entry.sql.as_ref()?;
    let parsed = turso_core::parser::parse(sql).ok()?;
    let rest = sql.get(parsed.tail..).unwrap_or_default();
    let whole = rest.iter().all(|byte| byte.is_ascii_whitespace() || *byte == b';');
    parsed.statement.filter(|_| whole)
}

fn entries(pages: &mut dyn Pages, used: &mut PageSet) -> Result<Vec<Entry>> {
    // Whatever page 1 is.
    used.insert(1);
    let mut entries = Vec::new();
    walk(pages, 1, Kind::Table, used, |pages, page| {
        page.records(pages, |record| {
            let mut fields = record.fields.into_iter();
            let mut next = || fields.next().unwrap_or(Value::Null);
            let (kind, name, table_name, root, sql) = (next(), next(), next(), next(), next());
            entries.push(Entry {
                kind: match kind {
                    Value::Text(kind) => kind,
                    _ => Vec::new(),
                },
                name,
                table_name,
                root: match root {
                    Value::Integer(root) => u32::try_from(root).unwrap_or(0),
                    _ => 0,
                },
                sql: match sql {
                    Value::Text(sql) => Some(sql),
                    _ => None,
                },
            });
            Ok(())
        })
    })?;
    Ok(entries)
}

/// All rows of a query, as texts; none where it fails.
fn texts(connection: &Connection, sql: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    if let Ok(prepared) = connection.prepare(sql)
        && let Some(mut statement) = prepared.statement
    {
        while let Ok(StepResult::Row) = statement.step() {
            let text = |value: &Value| {
                let mut text = Vec::new();
                value.as_ref().write_text(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            };
            rows.push(statement.row().iter().map(text).collect());
        }
    }
    rows
}

/// Where each column of a table that the scratch database has lies in its records.
fn describe(scratch: &Connection, name: String, root: u32) -> Table {
    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
    let info = texts(scratch, &format!("PRAGMA table_xinfo({quoted})"));
    let cell = |row: &[String], i: usize| row.get(i).cloned().unwrap_or_default();
    let list = texts(scratch, &format!("PRAGMA table_list({quoted})"));
    let without_rowid = list.iter().any(|row| cell(row, 1).eq_ignore_ascii_case(&name) && cell(row, 4) == "1");
    let indexes = texts(scratch, &format!("PRAGMA index_list({quoted})"));
    let key_index = indexes.iter().find(|row| cell(row, 3) == "pk").map(|row| cell(row, 1));
    let keys = info.iter().filter(|row| cell(row, 5) != "0").count();
    // The record of a table WITHOUT ROWID begins with its key.
    let order: Option<Vec<String>> = key_index.as_ref().filter(|_| without_rowid).map(|index| {
        let index = format!("PRAGMA index_xinfo(\"{}\")", index.replace('"', "\"\""));
        texts(scratch, &index).iter().map(|row| cell(row, 2)).collect()
    });
    let mut place = 0;
    let columns = info
        .iter()
        .map(|row| {
            let (hidden, name) = (cell(row, 6), cell(row, 1));
            let stored = hidden != "2";
            let field = match &order {
                Some(order) => order.iter().position(|column| column.eq_ignore_ascii_case(&name)),
                None => Some(place),
            };
            place += usize::from(stored);
            Column {
                field: field.filter(|_| stored),
                generated: hidden == "2" || hidden == "3",
                is_rowid: !without_rowid
                    && keys == 1
                    && cell(row, 5) == "1"
                    && key_index.is_none()
                    && cell(row, 2).eq_ignore_ascii_case("INTEGER"),
                name,
            }
        })
        .collect();
    Table::new(name, root, columns, without_rowid)
}
