//! Preparing statements.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use crate::boundary::{Out, Text, entry};
use crate::codes::{INTERNAL, MISUSE, TOOBIG};
use crate::handle::{Bare, Db, Handle, Stmt};
use crate::utf16;

/// Prepares the first statement of a text. Answers the code, and how many bytes of the text it took.
fn prepare(db: &Db, sql: &[u8], legacy: bool, flags: u32, place: Out<*mut Stmt>) -> (c_int, usize) {
    place.set(null_mut());
    if sql.len() > db.limits.sql_length() {
        return (db.fail_with(TOOBIG, "statement too long"), 0);
    }
    match db.connection.prepare(sql) {
        Ok(prepared) => {
            if let Some(mut statement) = prepared.statement {
                if legacy {
                    statement.keep_program();
                }
                place.set(Stmt::new(db, statement, legacy, flags).as_ptr());
            }
            (db.ok(), prepared.tail)
        }
        // What follows a statement that is refused for its meaning can be prepared in turn.
        Err(error) => (db.fail(&error), turso_core::parser::parse(sql).map_or(sql.len(), |parsed| parsed.tail)),
    }
}

fn prepare_text(
    db: &Handle<Db>,
    sql: Text,
    length: c_int,
    legacy: bool,
    flags: u32,
    place: Out<*mut Stmt>,
    tail: Out<*const c_char>,
) -> c_int {
    if place.is_null() {
        return MISUSE;
    }
    place.set(null_mut());
    let (Some(db), Some(text)) = (db.get(), sql.up_to(length)) else { return MISUSE };
    let (code, taken) = prepare(db, text, legacy, flags, place);
    tail.set(sql.as_ptr().wrapping_add(taken));
    code
}

fn prepare_wide(
    db: &Handle<Db>,
    sql: *const c_void,
    length: c_int,
    legacy: bool,
    flags: u32,
    place: Out<*mut Stmt>,
    tail: Out<*const c_void>,
) -> c_int {
    if place.is_null() {
        return MISUSE;
    }
    place.set(null_mut());
    let (Some(db), Some(bytes)) = (db.get(), utf16::bytes(sql, i64::from(length), true)) else { return MISUSE };
    // A mark at the beginning is text here, as in SQLite: the order is the machine's.
    let mut text = Vec::with_capacity(bytes.len());
    utf16::NATIVE.decode(bytes, &mut text);
    let (code, taken) = prepare(db, &text, legacy, flags, place);
    let before = text.get(..taken).unwrap_or(&text);
    tail.set(sql.wrapping_byte_add(utf16::NATIVE.encoded_len(before)));
    code
}

entry! {
    /// Prepares a statement; errors of its steps are told when it is reset.
    fn sqlite3_prepare(
        db: Handle<Db>, sql: Text, length: i32, place: Out<*mut Stmt>, tail: Out<*const c_char>,
    ) -> c_int | INTERNAL; {
        prepare_text(&db, sql, length, true, 0, place, tail)
    }

    /// Prepares a statement.
    fn sqlite3_prepare_v2(
        db: Handle<Db>, sql: Text, length: i32, place: Out<*mut Stmt>, tail: Out<*const c_char>,
    ) -> c_int | INTERNAL; {
        prepare_text(&db, sql, length, false, 0, place, tail)
    }

    /// Prepares a statement, with flags.
    fn sqlite3_prepare_v3(
        db: Handle<Db>, sql: Text, length: i32, flags: u32, place: Out<*mut Stmt>, tail: Out<*const c_char>,
    ) -> c_int | INTERNAL; {
        prepare_text(&db, sql, length, false, flags, place, tail)
    }

    /// As `sqlite3_prepare`, from UTF-16.
    fn sqlite3_prepare16(
        db: Handle<Db>, sql: *const c_void, length: i32, place: Out<*mut Stmt>, tail: Out<*const c_void>,
    ) -> c_int | INTERNAL; {
        prepare_wide(&db, sql, length, true, 0, place, tail)
    }

    /// As `sqlite3_prepare_v2`, from UTF-16.
    fn sqlite3_prepare16_v2(
        db: Handle<Db>, sql: *const c_void, length: i32, place: Out<*mut Stmt>, tail: Out<*const c_void>,
    ) -> c_int | INTERNAL; {
        prepare_wide(&db, sql, length, false, 0, place, tail)
    }

    /// As `sqlite3_prepare_v3`, from UTF-16.
    fn sqlite3_prepare16_v3(
        db: Handle<Db>, sql: *const c_void, length: i32, flags: u32, place: Out<*mut Stmt>, tail: Out<*const c_void>,
    ) -> c_int | INTERNAL; {
        prepare_wide(&db, sql, length, false, flags, place, tail)
    }

    /// The text that a statement was made from.
    fn sqlite3_sql(stmt: Bare<Stmt>) -> *const c_char | null_mut(); {
        stmt.live().map_or(null_mut(), |stmt| stmt.sql.as_ptr())
    }

    /// The text with the values of its parameters; to be freed.
    fn sqlite3_expanded_sql(stmt: Handle<Stmt>) -> *mut c_char | null_mut(); {
        stmt.get().map_or(null_mut(), |stmt| {
            let limit = stmt.db().limits.length();
            let text = stmt.expanded_sql().filter(|text| text.len() <= limit);
            text.map_or(null_mut(), |text| crate::memory::copy_of(&text))
        })
    }

    /// The text without its values. Debian's SQLite is built without it, so it is not kept.
    fn sqlite3_normalized_sql(_stmt: Handle<Stmt>) -> *const c_char | null_mut(); { null_mut() }
}
