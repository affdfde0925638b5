//! PRAGMA: the register of names, and what kind of program each one is.
//!
//! | kind | what the program does |
//! |---|---|
//! | [`Kind::Flag`], [`Kind::Value`] | asks or tells the connection: a connection call named for the pragma. Without argument registers it asks, with one it tells; its one result register gets the value in force |
//! | [`Kind::Header`] | reads or writes a field of the database header |
//! | [`Kind::Catalogue`] | hands out rows that are known when the statement is planned |
//! | [`Kind::Special`] | has code of its own |
//!
//! An unknown pragma does nothing, as in SQLite.

mod catalogue;
mod foreign_key_check;
mod integrity;
mod optimize;
mod special;

use std::sync::Arc;

use turso_error::Result;
use turso_parser::ast::{Pragma, PragmaValue};
use turso_program::control::{Halt, IsNull, ResultRow};
use turso_program::data::Integer;
use turso_program::schema::{ConnectionCall, Cookie, HostCall, ReadCookie, SetCookie};
use turso_program::{DbIndex, Program, Reg, Regs, ResultColumn};
use turso_value::Value;

use super::Emitter;
use super::ddl::MAIN;
use crate::context::PlanContext;
use crate::resolve::find_database;

/// What a pragma is.
#[derive(Clone, Copy)]
enum Kind {
    /// On or off; asking gives a row, telling none.
    Flag,
    /// A setting with any value. `tells`: telling gives a row as well.
    Value { tells: bool, reading: Reading },
    /// A command to the connection without a row.
    Command,
    /// A field of the header; `writable` ones can be set.
    Header { cookie: Cookie, writable: bool },
    /// Rows from the catalogue.
    Catalogue(fn(&mut Arguments<'_, '_>) -> Result<Rows>),
    /// Code of its own.
    Special(fn(&mut Emitter<'_>, &Call<'_>) -> Result<()>),
    /// Accepted, does nothing.
    Nothing,
}

/// How the argument of a setting is read.
#[derive(Clone, Copy)]
enum Reading {
    /// As it is written: words and numbers.
    Text,
    /// A number that it begins with, 0 where that needs more than 32 bits.
    Small,
    /// A number of 32 bits that it begins with; anything else only asks.
    Leading,
    /// A number that it begins with.
    Large,
    /// A number; anything else only asks.
    Exact,
    /// It is not looked at.
    Ignored,
}

use Kind::{Catalogue, Command, Flag, Header, Nothing, Special};

/// A setting that answers only when asked.
const ASK: Kind = Kind::Value { tells: false, reading: Reading::Text };
/// A setting that answers when told, too.
const TELL: Kind = Kind::Value { tells: true, reading: Reading::Text };

/// A setting whose argument is read in another way.
const fn number(tells: bool, reading: Reading) -> Kind {
    Kind::Value { tells, reading }
}

/// All pragmas, sorted by name.
const PRAGMAS: &[(&str, Kind)] = &[
    ("analysis_limit", number(true, Reading::Exact)),
    ("application_id", Header { cookie: Cookie::ApplicationId, writable: true }),
    ("auto_vacuum", Special(special::auto_vacuum)),
    ("automatic_index", Flag),
    ("busy_timeout", number(true, Reading::Leading)),
    ("cache_size", number(false, Reading::Small)),
    ("cache_spill", ASK),
    ("capture_data_changes_conn", Special(special::capture_data_changes)),
    ("case_sensitive_like", Flag),
    ("cell_size_check", Flag),
    ("checkpoint_fullfsync", Flag),
    ("collation_list", Catalogue(catalogue::collation_list)),
    ("compile_options", Catalogue(catalogue::compile_options)),
    ("concurrent_isolation", TELL),
    ("concurrent_upgrade", Flag),
    ("count_changes", Flag),
    ("data_version", number(true, Reading::Ignored)),
    ("database_list", Special(special::database_list)),
    ("default_cache_size", Special(special::default_cache_size)),
    ("defer_foreign_keys", Flag),
    ("empty_result_callbacks", Flag),
    ("encoding", Special(special::encoding)),
    ("execution_tier", TELL),
    ("foreign_key_check", Special(foreign_key_check::foreign_key_check)),
    ("foreign_key_list", Catalogue(catalogue::foreign_key_list)),
    ("foreign_keys", Flag),
    ("freelist_count", Header { cookie: Cookie::FreelistCount, writable: false }),
    ("full_column_names", Flag),
    ("fullfsync", Flag),
    ("function_list", Catalogue(catalogue::function_list)),
    ("hard_heap_limit", number(true, Reading::Exact)),
    ("i_am_a_dummy", Flag),
    ("ignore_check_constraints", Flag),
    ("incremental_vacuum", Special(special::incremental_vacuum)),
    ("index_info", Catalogue(catalogue::index_info)),
    ("index_list", Catalogue(catalogue::index_list)),
    ("index_xinfo", Catalogue(catalogue::index_xinfo)),
    ("integrity_check", Special(integrity::integrity_check)),
    ("io_backend", ASK),
    ("journal_mode", Special(special::journal_mode)),
    ("journal_size_limit", number(true, Reading::Large)),
    ("legacy_alter_table", Flag),
    ("legacy_file_format", Nothing),
    ("locking_mode", TELL),
    ("max_page_count", Special(special::max_page_count)),
    ("mmap_size", number(true, Reading::Large)),
    ("module_list", Catalogue(catalogue::module_list)),
    ("optimize", Special(optimize::optimize)),
    ("page_count", Special(special::page_count)),
    ("page_size", number(false, Reading::Small)),
    ("pragma_list", Catalogue(catalogue::pragma_list)),
    ("query_only", Flag),
    ("quick_check", Special(integrity::quick_check)),
    ("read_uncommitted", Flag),
    ("recursive_triggers", Flag),
    ("require_where", Flag),
    ("reverse_unordered_selects", Flag),
    ("schema_version", Header { cookie: Cookie::SchemaVersion, writable: true }),
    ("secure_delete", TELL),
    ("short_column_names", Flag),
    ("shrink_memory", Command),
    ("snapshot_age_limit", number(true, Reading::Exact)),
    ("soft_heap_limit", number(true, Reading::Exact)),
    ("synchronous", ASK),
    ("table_info", Catalogue(catalogue::table_info)),
    ("table_list", Catalogue(catalogue::table_list)),
    ("table_xinfo", Catalogue(catalogue::table_xinfo)),
    ("temp_store", ASK),
    ("temp_store_directory", ASK),
    ("threads", number(true, Reading::Exact)),
    ("trusted_schema", Flag),
    ("unstable_capture_data_changes_conn", Special(special::capture_data_changes)),
    ("user_version", Header { cookie: Cookie::UserVersion, writable: true }),
    ("wal_autocheckpoint", number(true, Reading::Small)),
    ("wal_checkpoint", Special(special::wal_checkpoint)),
    ("wal_status", Special(special::wal_status)),
    ("writable_schema", Flag),
];

/// Lists of what is in the schemas.
const OF_SCHEMAS: [&str; 7] =
    ["foreign_key_list", "index_info", "index_list", "index_xinfo", "table_info", "table_list", "table_xinfo"];

/// The names of all pragmas.
fn names() -> impl Iterator<Item = &'static str> {
    PRAGMAS.iter().map(|(name, _)| *name)
}

/// One use of a pragma.
struct Call<'c> {
    /// Its name in lower case.
    name: &'static str,
    /// The schema that was named.
    schema: Option<DbIndex>,
    /// The argument's text.
    value: Option<&'c str>,
}

impl Call<'_> {
    fn db(&self) -> DbIndex {
        self.schema.unwrap_or(MAIN)
    }
}

/// What a catalogue pragma is given.
struct Arguments<'m, 'e> {
    e: &'m Emitter<'e>,
    schema: Option<DbIndex>,
    value: Option<&'m str>,
}

/// What it answers: column names and rows.
struct Rows {
    columns: &'static [&'static str],
    rows: Vec<Vec<Value>>,
}

/// The program of a PRAGMA statement.
pub(crate) fn plan_pragma(context: &PlanContext<'_>, pragma: &Pragma) -> Result<Box<Program>> {
    let schema = pragma.name.schema.as_ref().map(|name| find_database(context, name)).transpose()?;
    let mut e = Emitter::new(context);
    let wanted = pragma.name.name.text.to_ascii_lowercase();
    if let Ok(position) = PRAGMAS.binary_search_by(|(name, _)| (*name).cmp(wanted.as_str()))
        && let Some((name, kind)) = PRAGMAS.get(position)
    {
        let call = Call { name, schema, value: pragma.value.as_ref().map(PragmaValue::text) };
        emit(&mut e, &call, *kind)?;
    }
    e.builder.emit(Halt {});
    Ok(e.finish())
}

fn emit(e: &mut Emitter<'_>, call: &Call<'_>, kind: Kind) -> Result<()> {
    match kind {
        Nothing => {}
        Special(code) => return code(e, call),
        Catalogue(list) => {
            if OF_SCHEMAS.contains(&call.name) {
                // What is listed is what the schema says when the statement runs.
                for db in special::databases(e, call) {
                    e.uses_database(db, false);
                }
            }
            let rows = list(&mut Arguments { e, schema: call.schema, value: call.value })?;
            give_rows(e, rows);
        }
        Flag => {
            let told = call.value.map(|text| match call.name {
                // Not only off: what is known of the schema is read afresh.
                "writable_schema" if text.eq_ignore_ascii_case("reset") => Value::from("reset"),
                _ => Value::Integer(i64::from(is_on(text))),
            });
            let answers = told.is_none() && call.name != "case_sensitive_like";
            setting(e, call, told, answers);
        }
        Kind::Value { tells, reading } => {
            let told = call.value.and_then(|text| match reading {
                Reading::Text => Some(value_of(text)),
                Reading::Small => Some(Value::Integer(small_integer_of(text))),
                Reading::Leading => is_small_number(text).then(|| Value::Integer(integer_of(text))),
                Reading::Large => Some(Value::Integer(integer_of(text))),
                Reading::Exact => exact_integer_of(text).map(Value::Integer),
                Reading::Ignored => None,
            });
            let answers = told.is_none() || tells;
            setting(e, call, told, answers);
        }
        Command => setting(e, call, call.value.map(value_of), false),
        Header { cookie, writable } => header(e, call, cookie, writable),
    }
    Ok(())
}

/// Ask or tell the connection.
fn setting(e: &mut Emitter<'_>, call: &Call<'_>, told: Option<Value>, answers: bool) {
    let args = match told {
        None => Regs::new(Reg(1), 0),
        Some(value) => {
            let reg = e.builder.register();
            e.load(&value, reg, false);
            Regs::new(reg, 1)
        }
    };
    let dest = e.builder.registers(1);
    let host = Arc::new(HostCall { name: call.name.into(), db: call.db(), named: call.schema.is_some() });
    e.builder.emit(ConnectionCall { args, dest, call: host });
    if answers {
        let name = match call.name {
            "busy_timeout" => "timeout",
            "i_am_a_dummy" => "require_where",
            name => name,
        };
        set_columns(e, &[name]);
        let none = e.builder.label();
        // Where there is nothing to say (mmap_size of memory), there is no row.
        e.builder.emit(IsNull { reg: dest.first, target: none });
        e.builder.emit(ResultRow { values: dest });
        e.builder.bind(none);
    }
}

fn header(e: &mut Emitter<'_>, call: &Call<'_>, cookie: Cookie, writable: bool) {
    let reg = e.builder.register();
    let db = call.db();
    match call.value {
        Some(_) if cookie == Cookie::SchemaVersion && e.context.options.defensive => {}
        Some(text) if writable => {
            e.uses_database(db, true);
            e.builder.emit(Integer { value: small_integer_of(text), dest: reg });
            e.builder.emit(SetCookie { db, value: reg, cookie });
        }
        _ => {
            e.uses_database(db, false);
            set_columns(e, &[call.name]);
            e.builder.emit(ReadCookie { db, dest: reg, cookie });
            e.builder.emit(ResultRow { values: Regs::new(reg, 1) });
        }
    }
}

/// Hand out rows of constants.
fn give_rows(e: &mut Emitter<'_>, rows: Rows) {
    set_columns(e, rows.columns);
    let values = e.builder.registers(rows.columns.len());
    for row in rows.rows {
        for (i, value) in row.iter().enumerate().take(rows.columns.len()) {
            e.load(value, values.at(i), false);
        }
        e.builder.emit(ResultRow { values });
    }
}

/// The names of the result columns.
fn set_columns(e: &mut Emitter<'_>, names: &[&str]) {
    let column = |name: &&str| ResultColumn { name: Arc::from(*name), declared_type: None, origin: None };
    e.builder.program_mut().columns = names.iter().map(column).collect();
}

/// The truth of an argument: a number that is not 0, or a word that says so.
fn is_on(text: &str) -> bool {
    match text.to_ascii_lowercase().as_str() {
        "on" | "yes" | "true" => true,
        word if word.starts_with(|c: char| c.is_ascii_digit()) => small_integer_of(word) != 0,
        _ => false,
    }
}

/// An argument as a number where it is one, else as text.
fn value_of(text: &str) -> Value {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Value::Integer(integer_of(text));
    }
    Value::from(text)
}

/// The integer that a text begins with, where it has 32 bits at most; else 0.
fn small_integer_of(text: &str) -> i64 {
    i64::from(i32::try_from(integer_of(text)).unwrap_or(0))
}

/// It begins with a number of 32 bits.
fn is_small_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit()) && i32::try_from(integer_of(text)).is_ok()
}

/// The integer that a text is, as a whole.
fn exact_integer_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let is_number = match hexadecimal {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => digits.bytes().all(|b| b.is_ascii_digit()),
    };
    (is_number && !digits.is_empty()).then(|| integer_of(text))
}

/// The integer that a text begins with; 0 when there is none. Hexadecimal is understood.
fn integer_of(text: &str) -> i64 {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return i64::from_str_radix(digits, 16).unwrap_or(0);
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(digits.len());
    let value: i64 = digits.get(..end).unwrap_or("").parse().unwrap_or(0);
    if negative { -value } else { value }
}
