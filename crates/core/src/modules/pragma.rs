//! `pragma_NAME`: the rows of a pragma as a table.
//!
//! The table runs the pragma as a statement of its own inside the instruction that scans it. There is one for every pragma
//! that answers and has no effect; its columns are the pragma's, then hidden ones for the argument and the schema.

use std::sync::Arc;

use turso_error::Result;
use turso_value::Value;
use turso_vtab::{
    Answer, Argument, Arguments, Connected, ConstraintOp, Cursor, Module, ModuleKind, Output, Question, Session,
    VirtualTable,
};

use crate::connection::State;
use crate::statement::{InnerStatement, StepResult};

/// What a pragma takes.
#[derive(Debug, Clone, Copy)]
enum Takes {
    Nothing,
    Argument,
    Schema,
    Both,
}

use Takes::{Argument as Arg, Both, Nothing, Schema};

/// The pragmas that are tables too: name, columns (none: the name itself), what they take.
const TABLES: &[(&str, &[&str], Takes)] = &[
    ("analysis_limit", &[], Nothing),
    ("application_id", &[], Nothing),
    ("auto_vacuum", &[], Schema),
    ("automatic_index", &[], Nothing),
    ("busy_timeout", &["timeout"], Nothing),
    ("cache_size", &[], Schema),
    ("cache_spill", &[], Schema),
    ("cell_size_check", &[], Nothing),
    ("checkpoint_fullfsync", &[], Nothing),
    ("collation_list", &["seq", "name"], Nothing),
    ("compile_options", &[], Nothing),
    ("count_changes", &[], Nothing),
    ("data_version", &[], Nothing),
    ("database_list", &["seq", "name", "file"], Nothing),
    ("default_cache_size", &["cache_size"], Schema),
    ("defer_foreign_keys", &[], Nothing),
    ("empty_result_callbacks", &[], Nothing),
    ("encoding", &[], Nothing),
    ("execution_tier", &[], Nothing),
    ("foreign_key_check", &["table", "rowid", "parent", "fkid"], Both),
    ("foreign_key_list", &["id", "seq", "table", "from", "to", "on_update", "on_delete", "match"], Both),
    ("foreign_keys", &[], Nothing),
    ("freelist_count", &[], Nothing),
    ("full_column_names", &[], Nothing),
    ("fullfsync", &[], Nothing),
    ("function_list", &["name", "builtin", "type", "enc", "narg", "flags"], Nothing),
    ("hard_heap_limit", &[], Nothing),
    ("i_am_a_dummy", &["require_where"], Nothing),
    ("ignore_check_constraints", &[], Nothing),
    ("index_info", &["seqno", "cid", "name"], Both),
    ("index_list", &["seq", "name", "unique", "origin", "partial"], Both),
    ("index_xinfo", &["seqno", "cid", "name", "desc", "coll", "key"], Both),
    ("integrity_check", &[], Both),
    ("journal_mode", &[], Schema),
    ("journal_size_limit", &[], Schema),
    ("legacy_alter_table", &[], Nothing),
    ("locking_mode", &[], Schema),
    ("max_page_count", &[], Schema),
    ("module_list", &["name"], Nothing),
    ("optimize", &[], Arg),
    ("page_count", &[], Schema),
    ("page_size", &[], Schema),
    ("pragma_list", &["name"], Nothing),
    ("query_only", &[], Nothing),
    ("quick_check", &[], Both),
    ("read_uncommitted", &[], Nothing),
    ("recursive_triggers", &[], Nothing),
    ("require_where", &[], Nothing),
    ("reverse_unordered_selects", &[], Nothing),
    ("schema_version", &[], Nothing),
    ("secure_delete", &[], Nothing),
    ("short_column_names", &[], Nothing),
    ("soft_heap_limit", &[], Nothing),
    ("synchronous", &[], Schema),
    ("table_info", &["cid", "name", "type", "notnull", "dflt_value", "pk"], Both),
    ("table_list", &["schema", "name", "type", "ncol", "wr", "strict"], Arg),
    ("table_xinfo", &["cid", "name", "type", "notnull", "dflt_value", "pk", "hidden"], Both),
    ("temp_store", &[], Nothing),
    ("threads", &[], Nothing),
    ("trusted_schema", &[], Nothing),
    ("user_version", &[], Nothing),
    ("writable_schema", &[], Nothing),
];

/// The module of a name that begins with `pragma_`.
pub(super) fn module(name: &str) -> Option<Arc<dyn Module>> {
    let pragma = name.get(..7).filter(|p| p.eq_ignore_ascii_case("pragma_")).and_then(|_| name.get(7..))?;
    let at = TABLES.iter().position(|(known, ..)| known.eq_ignore_ascii_case(pragma))?;
    Some(Arc::new(Pragma { at }))
}

/// The module, and its table.
#[derive(Clone, Copy)]
struct Pragma {
    at: usize,
}

impl Pragma {
    fn name(self) -> &'static str {
        TABLES.get(self.at).map_or("", |t| t.0)
    }

    fn columns(self) -> &'static [&'static str] {
        match TABLES.get(self.at) {
            Some((name, [], _)) => std::slice::from_ref(name),
            Some((_, columns, _)) => columns,
            None => &[],
        }
    }

    fn hidden(self) -> &'static [&'static str] {
        match TABLES.get(self.at).map(|t| t.2) {
            Some(Arg) => &["arg"],
            Some(Schema) => &["schema"],
            Some(Both) => &["arg", "schema"],
            Some(Nothing) | None => &[],
        }
    }
}

impl Module for Pragma {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Eponymous
    }

    fn connect(&self, _: &mut dyn Session, _: &Arguments<'_>) -> Result<Connected> {
        let mut columns: Vec<String> = self.columns().iter().map(|c| format!("\"{c}\"")).collect();
        columns.extend(self.hidden().iter().map(|c| format!("{c} HIDDEN")));
        Ok(Connected::new(Arc::new(*self), format!("CREATE TABLE x({})", columns.join(","))))
    }
}

impl VirtualTable for Pragma {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        let mut answer = Answer::new(question);
        answer.cost = 1.0;
        let hidden = self.hidden();
        if hidden.is_empty() {
            return Ok(Some(answer));
        }
        let first = self.columns().len();
        let mut seen = [None; 2];
        for (i, constraint) in question.constraints.iter().enumerate() {
            let Some(at) = constraint.column.and_then(|c| usize::from(c).checked_sub(first)) else { continue };
            if constraint.op != ConstraintOp::Equal {
                continue;
            }
            if !constraint.usable {
                return Ok(None);
            }
            if let Some(slot) = seen.get_mut(at) {
                *slot = Some(i);
            }
        }
        let Some(arg) = seen[0] else {
            answer.cost = 2_147_483_647.0;
            answer.rows = 2_147_483_647;
            return Ok(Some(answer));
        };
        for (argument, i) in std::iter::once(arg).chain(seen[1]).enumerate() {
            answer.usage[i].argument = argument + 1;
            answer.usage[i].omit = true;
        }
        answer.cost = 20.0;
        answer.rows = 20;
        Ok(Some(answer))
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        Ok(Box::new(PragmaCursor { pragma: *self, arguments: [Value::Null, Value::Null], statement: None, row: 0 }))
    }
}

struct PragmaCursor {
    pragma: Pragma,
    /// The values of the hidden columns.
    arguments: [Value; 2],
    /// `None` at the end.
    statement: Option<InnerStatement>,
    row: i64,
}

/// The state behind the session.
fn state(session: &mut dyn Session) -> Result<&mut State> {
    super::state_of(session)
}

impl PragmaCursor {
    fn text(&self) -> String {
        let hidden = self.pragma.hidden();
        let mut schema = None;
        let mut argument = None;
        for (name, value) in hidden.iter().zip(&self.arguments) {
            if !value.is_null() {
                let mut bytes = Vec::new();
                value.as_ref().write_text(&mut bytes);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                *(if *name == "schema" { &mut schema } else { &mut argument }) = Some(text);
            }
        }
        let mut sql = String::from("PRAGMA ");
        if let Some(schema) = schema {
            sql.push_str(&format!("'{}'.", schema.replace('\'', "''")));
        }
        sql.push_str(self.pragma.name());
        if let Some(argument) = argument {
            sql.push_str(&format!("='{}'", argument.replace('\'', "''")));
        }
        sql
    }

    fn advance(&mut self, session: &mut dyn Session) -> Result<()> {
        let Some(statement) = &mut self.statement else { return Ok(()) };
        let state = state(session)?;
        match statement.step(state) {
            Ok(StepResult::Row) => {
                self.row += 1;
                Ok(())
            }
            Ok(StepResult::Done) => {
                self.statement = None;
                Ok(())
            }
            Err(error) => {
                if !error.is_pending() {
                    self.statement = None;
                }
                Err(error)
            }
        }
    }
}

impl Cursor for PragmaCursor {
    fn filter(&mut self, session: &mut dyn Session, _: i32, _: Option<&str>, arguments: &[Argument]) -> Result<()> {
        // Run again while the pragma waits for a page, this goes on with the statement that it has begun.
        if self.statement.is_none() || self.row > 0 {
            self.close(session);
            for (i, slot) in self.arguments.iter_mut().enumerate() {
                *slot = arguments.get(i).map_or(Value::Null, |a| a.value().clone());
            }
            self.row = 0;
            let sql = self.text();
            self.statement = Some(InnerStatement::prepare(state(session)?, &sql)?);
        }
        self.advance(session)
    }

    fn next(&mut self, session: &mut dyn Session) -> Result<()> {
        self.advance(session)
    }

    fn at_end(&self) -> bool {
        self.statement.is_none()
    }

    fn column(&mut self, _: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        let columns = self.pragma.columns().len();
        let value = match index.checked_sub(columns) {
            None => self.statement.as_ref().and_then(|s| s.row().get(index)),
            Some(hidden) => self.arguments.get(hidden),
        };
        if let Some(value) = value {
            output.value.assign(value.as_ref());
        }
        Ok(())
    }

    fn rowid(&mut self, _: &mut dyn Session) -> Result<i64> {
        Ok(self.row)
    }

    fn close(&mut self, session: &mut dyn Session) {
        if let (Some(mut statement), Ok(state)) = (self.statement.take(), state(session)) {
            statement.close(state);
        }
    }
}
