//! Pragmas with code of their own.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_program::control::{Goto, ResultRow};
use turso_program::data::Integer;
use turso_program::expression::Or;
use turso_program::schema::{
    Checkpoint, ConnectionCall, Cookie, HostCall, IncrVacuum, JournalMode, MaxPageCount, PageCount, ReadCookie,
    SetCookie,
};
use turso_program::{DbIndex, Reg, Regs};
use turso_value::{TextEncoding, Value};

use super::{Call, exact_integer_of, integer_of, set_columns, setting, small_integer_of};
use crate::emit::Emitter;
use crate::emit::ddl::text_into;

/// The databases that a pragma without a schema is about: all.
pub(super) fn databases(e: &Emitter<'_>, call: &Call<'_>) -> Vec<DbIndex> {
    match call.schema {
        Some(db) => vec![db],
        None => (0..e.context.catalogue.database_count()).map(|i| DbIndex(i as u16)).collect(),
    }
}

pub(super) fn page_count(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    let (db, dest) = (call.db(), e.builder.register());
    e.uses_database(db, false);
    set_columns(e, &["page_count"]);
    e.builder.emit(PageCount { db, dest });
    e.builder.emit(ResultRow { values: Regs::new(dest, 1) });
    Ok(())
}

pub(super) fn max_page_count(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    let (db, limit, dest) = (call.db(), e.builder.register(), e.builder.register());
    e.uses_database(db, false);
    set_columns(e, &["max_page_count"]);
    // Zero and less only ask.
    let value = call.value.and_then(exact_integer_of).unwrap_or(0).max(0);
    e.builder.emit(Integer { value, dest: limit });
    e.builder.emit(MaxPageCount { db, limit, dest });
    e.builder.emit(ResultRow { values: Regs::new(dest, 1) });
    Ok(())
}

pub(super) fn journal_mode(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    set_columns(e, &["journal_mode"]);
    let (mode, dest) = (e.builder.register(), e.builder.register());
    // The last two ask for concurrent transactions, which run over a plain log.
    let known = ["delete", "persist", "off", "truncate", "memory", "wal", "mvcc", "experimental_mvcc"];
    let wanted = call.value.map(str::to_ascii_lowercase).filter(|v| known.contains(&v.as_str()));
    e.load(&wanted.as_deref().map_or(Value::Null, Value::from), mode, false);
    // Telling without a schema tells all databases; the answer is about main.
    let list = if wanted.is_some() { databases(e, call) } else { vec![call.db()] };
    for db in list.into_iter().rev() {
        e.builder.emit(JournalMode { db, mode, dest });
    }
    e.builder.emit(ResultRow { values: Regs::new(dest, 1) });
    Ok(())
}

pub(super) fn wal_checkpoint(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    set_columns(e, &["busy", "log", "checkpointed"]);
    let mode = match call.value.map(str::to_ascii_lowercase).as_deref() {
        Some("full") => 1,
        Some("restart") => 2,
        Some("truncate") => 3,
        Some("noop") => 4,
        _ => 0,
    };
    // The numbers are those of the first database; any of them may have been busy.
    let (values, further) = (e.builder.registers(3), e.builder.registers(3));
    for (i, db) in databases(e, call).into_iter().enumerate() {
        if i == 0 {
            e.builder.emit(Checkpoint { db, mode, dest: values.first });
        } else {
            e.builder.emit(Checkpoint { db, mode, dest: further.first });
            e.builder.emit(Or { left: values.first, right: further.first, dest: values.first });
        }
    }
    e.builder.emit(ResultRow { values });
    Ok(())
}

pub(super) fn wal_status(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    let columns = ["frames", "checkpointed", "bytes", "oldest_reader", "oldest_reader_ms", "waits_for"];
    set_columns(e, &columns);
    let values = e.builder.registers(columns.len());
    let host_call = HostCall { name: "wal_status".into(), db: call.db(), named: true };
    e.builder.emit(ConnectionCall { args: Regs::new(values.first, 0), dest: values, call: Arc::new(host_call) });
    e.builder.emit(ResultRow { values });
    Ok(())
}

pub(super) fn encoding(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    let Some(text) = call.value else {
        set_columns(e, &["encoding"]);
        let name = match e.context.catalogue.schema(super::MAIN).encoding {
            TextEncoding::Utf8 => "UTF-8",
            TextEncoding::Utf16Le => "UTF-16le",
            TextEncoding::Utf16Be => "UTF-16be",
        };
        let values = e.builder.registers(1);
        text_into(e, name, values.first);
        e.builder.emit(ResultRow { values });
        return Ok(());
    };
    let known = match text.to_ascii_lowercase().as_str() {
        "utf8" | "utf-8" => "UTF-8",
        "utf16le" | "utf-16le" => "UTF-16le",
        "utf16be" | "utf-16be" => "UTF-16be",
        "utf16" | "utf-16" => {
            if cfg!(target_endian = "big") {
                "UTF-16be"
            } else {
                "UTF-16le"
            }
        }
        _ => return Err(Error::sql(format!("unsupported encoding: {text}"))),
    };
    setting(e, call, Some(Value::from(known)), false);
    Ok(())
}

pub(super) fn default_cache_size(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    let db = call.db();
    match call.value {
        None => {
            let dest = e.builder.register();
            e.uses_database(db, false);
            set_columns(e, &["cache_size"]);
            e.builder.emit(ReadCookie { db, dest, cookie: Cookie::DefaultCacheSize });
            let set = e.builder.label();
            e.builder.emit(turso_program::control::If { reg: dest, target: set, jump_if_null: false });
            e.builder.emit(Integer { value: -2000, dest });
            e.builder.bind(set);
            e.builder.emit(ResultRow { values: Regs::new(dest, 1) });
        }
        Some(text) => {
            let value = e.builder.register();
            e.uses_database(db, true);
            let pages = small_integer_of(text).abs();
            e.builder.emit(Integer { value: pages, dest: value });
            e.builder.emit(SetCookie { db, value, cookie: Cookie::DefaultCacheSize });
            let size = Call { name: "cache_size", schema: Some(db), value: call.value };
            setting(e, &size, Some(Value::Integer(pages)), false);
        }
    }
    Ok(())
}

pub(super) fn auto_vacuum(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    let mode = call.value.map(|text| match text.to_ascii_lowercase().as_str() {
        "full" => 1,
        "incremental" => 2,
        "none" => 0,
        other => integer_of(other).clamp(0, 2),
    });
    setting(e, call, mode.map(Value::Integer), mode.is_none());
    let db = call.db();
    if let Some(mode @ (1 | 2)) = mode
        && e.context.catalogue.schema(db).tables.len() > 1
    {
        // A file that knows where its pages are pointed at from can change between the two at any time.
        e.uses_database(db, false);
        let (reg, done) = (e.builder.register(), e.builder.label());
        e.builder.emit(ReadCookie { db, dest: reg, cookie: Cookie::LargestRoot });
        e.builder.emit(turso_program::control::IfNot { reg, target: done, jump_if_null: true });
        e.writes_from_here(db);
        e.builder.emit(Integer { value: mode - 1, dest: reg });
        e.builder.emit(SetCookie { db, value: reg, cookie: Cookie::IncrementalVacuum });
        e.builder.bind(done);
    }
    Ok(())
}

pub(super) fn incremental_vacuum(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    let db = call.db();
    e.uses_database(db, true);
    let pages = call.value.map_or(0, integer_of);
    let left = e.builder.register();
    // Without a positive number there is no limit.
    e.builder.emit(Integer { value: if pages > 0 { pages } else { i64::from(i32::MAX) }, dest: left });
    let (top, done) = (e.builder.label_here(), e.builder.label());
    e.builder.emit(IncrVacuum { db, done });
    e.builder.emit(turso_program::control::DecrJumpZero { reg: left, target: done });
    e.builder.emit(Goto { target: top });
    e.builder.bind(done);
    Ok(())
}

pub(super) fn database_list(e: &mut Emitter<'_>, _: &Call<'_>) -> Result<()> {
    set_columns(e, &["seq", "name", "file"]);
    let values = e.builder.registers(3);
    for (i, db) in (0..e.context.catalogue.database_count()).map(|i| DbIndex(i as u16)).enumerate() {
        let name = e.context.catalogue.database_name(db).to_string();
        // `temp` is listed once something is in it.
        if db == crate::emit::ddl::TEMP && e.context.catalogue.schema(db).tables.len() < 2 {
            continue;
        }
        e.builder.emit(Integer { value: i as i64, dest: values.at(0) });
        text_into(e, &name, values.at(1));
        let call = Arc::new(HostCall { name: "database_file".into(), db, named: true });
        e.builder.emit(ConnectionCall { args: Regs::new(Reg(1), 0), dest: Regs::new(values.at(2), 1), call });
        e.builder.emit(ResultRow { values });
    }
    Ok(())
}

/// `PRAGMA capture_data_changes_conn`, under both of its names.
pub(super) fn capture_data_changes(e: &mut Emitter<'_>, call: &Call<'_>) -> Result<()> {
    let args = match call.value {
        None => Regs::new(Reg(1), 0),
        Some(text) => {
            let reg = e.builder.register();
            text_into(e, text, reg);
            Regs::new(reg, 1)
        }
    };
    let dest = e.builder.registers(3);
    let host = HostCall { name: "capture_data_changes_conn".into(), db: call.db(), named: call.schema.is_some() };
    e.builder.emit(ConnectionCall { args, dest, call: Arc::new(host) });
    if call.value.is_none() {
        set_columns(e, &["mode", "table", "version"]);
        e.builder.emit(ResultRow { values: dest });
    }
    Ok(())
}
