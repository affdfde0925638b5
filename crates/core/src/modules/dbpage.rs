//! `sqlite_dbpage`: the pages of a database as they are, to be read and replaced (`dbpage.html`).
//!
//! A write is an ordinary change of pages: it takes part in transactions and savepoints. Beyond the documentation, as the
//! newest SQLite has it: an INSERT writes the page that it names, also one behind the end, and NULL in place of a page cuts the
//! database off before it. The database has its new size at once.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_storage::{PageNo, WriteMode};
use turso_value::Value;
use turso_vtab::{
    Answer, Argument, Arguments, Change, Connected, ConstraintOp, Cursor, Module, ModuleKind, OnConflict, Output,
    Question, Risk, Session, VirtualTable,
};

use crate::connection::State;

/// The module.
pub(super) struct DbPage;

/// Bits of the scan's number: which columns are given.
const PAGE: i32 = 1;
const SCHEMA: i32 = 2;

/// A page may be written this far behind the end: what lies between comes into being as well.
const MAX_GAP: u32 = 1 << 16;

impl Module for DbPage {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Both
    }

    fn connect(&self, _: &mut dyn Session, _: &Arguments<'_>) -> Result<Connected> {
        let declaration = "CREATE TABLE x(pgno INTEGER PRIMARY KEY,data BLOB,schema HIDDEN)";
        let mut connected = Connected::new(Arc::new(DbPage), declaration);
        connected.risk = Risk::DirectOnly;
        connected.uses_all_databases = true;
        Ok(connected)
    }
}

impl VirtualTable for DbPage {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        let mut answer = Answer::new(question);
        let mut page = None;
        for (i, constraint) in question.constraints.iter().enumerate() {
            if constraint.op != ConstraintOp::Equal {
                continue;
            }
            match constraint.column {
                Some(2) if !constraint.usable => return Ok(None),
                Some(2) => {
                    answer.number |= SCHEMA;
                    answer.usage[i].argument = 1;
                    answer.usage[i].omit = true;
                }
                Some(0) | None if constraint.usable => page = Some(i),
                _ => {}
            }
        }
        answer.cost = 1.0e6;
        answer.rows = 1_000_000;
        if let Some(i) = page {
            answer.usage[i].argument = if answer.number & SCHEMA != 0 { 2 } else { 1 };
            answer.number |= PAGE;
            answer.cost = 1.0;
            answer.rows = 1;
            answer.unique = true;
        }
        // A page number stands for one row only: terms behind it change nothing.
        answer.order_consumed =
            question.order_by.first().is_some_and(|term| matches!(term.column, Some(0) | None) && !term.descending);
        Ok(Some(answer))
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        Ok(Box::new(Pages::default()))
    }

    fn is_writable(&self) -> bool {
        true
    }

    fn update(&self, session: &mut dyn Session, change: &Change<'_>, _: OnConflict) -> Result<i64> {
        let state = super::state_of(session)?;
        if state.settings.switches.defensive {
            return Err(Error::sql("read-only"));
        }
        let (number, columns) = match change {
            Change::Delete { .. } => return Err(Error::sql("cannot delete")),
            Change::Insert { columns, .. } => (columns.first().map_or(0, Value::to_integer), *columns),
            Change::Update { key, new_key, columns, .. } => {
                if key.to_integer() != new_key.to_integer() {
                    return Err(Error::sql("cannot insert"));
                }
                (key.to_integer(), *columns)
            }
        };
        let [_, data, schema] = columns else { return Err(Error::sql("cannot insert")) };
        let database = match schema {
            Value::Null => Some(0),
            name => find_database(state, name),
        };
        let database = database.ok_or_else(|| Error::sql("no such schema"))?;
        let pager = &state.databases[database].pager;
        let bad_number = || Error::sql("bad page number");
        let page = u32::try_from(number).ok().filter(|page| *page >= 1 && *page < u32::MAX).ok_or_else(bad_number)?;
        let page = PageNo(page);
        let inserts = matches!(change, Change::Insert { .. });
        let content = match data {
            Value::Blob(bytes) if bytes.len() == pager.page_size() as usize => Some(&bytes[..]),
            Value::Null if inserts && page.0 > 1 => None,
            _ => return Err(Error::sql("bad page value")),
        };
        // Such changes are no rows that a commit could repeat on newer pages: a concurrent transaction goes on as a plain one.
        let ddl = std::mem::replace(&mut state.stepping_ddl, true);
        let begun = state.begin_write(database, WriteMode::Reserved);
        state.stepping_ddl = ddl;
        begun?;
        let pager = &mut state.databases[database].pager;
        match content {
            Some(bytes) => {
                if page == pager.lock_byte_page() || page.0.saturating_sub(pager.page_count()) > MAX_GAP {
                    return Err(bad_number());
                }
                pager.check_growth(page.0.saturating_sub(pager.page_count()))?;
                pager.replace_page(page, bytes);
            }
            None if page.0 <= pager.page_count() => pager.truncate(page.0 - 1),
            None => {}
        }
        Ok(number)
    }
}

/// The database with this name.
fn find_database(state: &State, name: &Value) -> Option<usize> {
    let mut text = Vec::new();
    name.as_ref().write_text(&mut text);
    state.find_database(&String::from_utf8_lossy(&text))
}

/// A scan of the pages `next..=last` of a database.
#[derive(Default)]
struct Pages {
    database: usize,
    next: u32,
    last: u32,
}

impl Cursor for Pages {
    fn filter(
        &mut self,
        session: &mut dyn Session,
        number: i32,
        _: Option<&str>,
        arguments: &[Argument],
    ) -> Result<()> {
        let state = super::state_of(session)?;
        let mut arguments = arguments.iter().map(Argument::value);
        *self = Self { database: 0, next: 1, last: 0 };
        if number & SCHEMA != 0 {
            let Some(database) = arguments.next().and_then(|name| find_database(state, name)) else { return Ok(()) };
            self.database = database;
        }
        state.begin_read(self.database)?;
        self.last = state.databases[self.database].pager.page_count();
        if number & PAGE != 0 {
            let page = arguments.next().map_or(0, Value::to_integer);
            match u32::try_from(page) {
                Ok(page) if page >= 1 && page <= self.last => (self.next, self.last) = (page, page),
                _ => self.last = 0,
            }
        }
        Ok(())
    }

    fn next(&mut self, _: &mut dyn Session) -> Result<()> {
        self.next += 1;
        Ok(())
    }

    fn at_end(&self) -> bool {
        self.next > self.last
    }

    fn column(&mut self, session: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        let state = super::state_of(session)?;
        let Some(database) = state.databases.get_mut(self.database) else { return Ok(()) };
        match index {
            0 => output.value.set_integer(i64::from(self.next)),
            1 => {
                let pager = &mut database.pager;
                let no = PageNo(self.next);
                if no == pager.lock_byte_page() {
                    output.value.set_blob(&vec![0; pager.page_size() as usize]);
                } else {
                    let page = pager.page(no);
                    let page = state.pending_on(self.database, page)?;
                    output.value.set_blob(&page);
                }
            }
            _ => output.value.set_text(database.name.as_bytes()),
        }
        Ok(())
    }

    fn rowid(&mut self, _: &mut dyn Session) -> Result<i64> {
        Ok(i64::from(self.next))
    }
}
