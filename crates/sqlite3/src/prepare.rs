//! Preparing statements.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::null_mut;

use turso_core::{Error, ResultCode, Switch};

use crate::boundary::{Out, Text, entry};
use crate::codes::{INTERNAL, MISUSE, TOOBIG};
use crate::config::Switches;
use crate::handle::{Bare, Db, Handle, Stmt};
use crate::utf16;

/// `SQLITE_PREPARE_NO_VTAB`: virtual tables are not there.
const NO_VTAB: u32 = 0x04;

/// Prepares the first statement of a text. Answers the code, and how many bytes of the text it took.
pub fn prepare(db: &Db, sql: &[u8], legacy: bool, flags: u32, place: Out<*mut Stmt>) -> (c_int, usize) {
    place.set(null_mut());
    if sql.len() > db.limits.sql_length() {
        return (fail(db, sql, &Error::from_code(ResultCode(TOOBIG))), 0);
    }
    if !db.switches.borrow().is_on(Switches::COMMENTS)
        && let Some((start, end)) = first_comment(sql)
    {
        let text = String::from_utf8_lossy(sql.get(start..end).unwrap_or_default()).into_owned();
        let error = Error::sql(format!("unrecognized token: \"{text}\"")).with_sql_offset(start as u32);
        return (db.fail(&error), start);
    }
    // What follows a statement that is refused for its meaning can be prepared in turn.
    let tail = || turso_core::parser::parse(sql).map_or(sql.len(), |parsed| parsed.tail);
    let answer = match crate::pragma::answer_of_file(db, sql) {
        Ok(answer) => answer.map(|answer| crate::pragma::statement_for(answer.as_deref())),
        Err(error) => return (db.fail(&error), tail()),
    };
    let prepared = match &answer {
        Some(statement) => db.connection.prepare(statement),
        None => db.connection.prepare(sql),
    };
    match prepared {
        Ok(prepared) => {
            let taken = if answer.is_some() { tail() } else { prepared.tail };
            if let Some(mut statement) = prepared.statement {
                if flags & NO_VTAB != 0
                    && let Some(table) = statement.program().virtual_table()
                {
                    return (db.fail(&Error::sql(format!("no such table: {table}"))), taken);
                }
                if legacy {
                    statement.keep_program();
                }
                let shown = answer.and(sql.get(..taken));
                place.set(Stmt::new(db, statement, shown, legacy, flags).as_ptr());
            }
            (db.ok(), taken)
        }
        Err(error) => (fail(db, sql, &error), tail()),
    }
}

/// Notes why a text cannot be prepared, in the log too, and answers the code.
fn fail(db: &Db, sql: &[u8], error: &Error) -> c_int {
    if !error.is(ResultCode::BUSY) {
        crate::config::log(error.code().0, &[error.message().as_bytes(), b" in \"", sql, b"\""].concat());
    }
    db.fail(error)
}

/// The first comment of the first statement, for connections on which comments are no part of the language.
fn first_comment(sql: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    loop {
        let next = turso_core::parser::token_start(sql, at) as usize;
        let blanks = sql.get(at as usize..next)?;
        if let Some(start) = blanks.windows(2).position(|pair| pair == b"--" || pair == b"/*") {
            let rest = blanks.get(start..)?;
            let length = match rest.starts_with(b"--") {
                true => rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len()),
                false => rest.windows(2).skip(2).position(|pair| pair == b"*/").map_or(rest.len(), |end| end + 4),
            };
            return Some((at as usize + start, at as usize + start + length));
        }
        if sql.get(next).is_none_or(|&b| b == b';') {
            return None;
        }
        at = turso_core::parser::token_end(sql, next as u32);
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
    let (Some(db), Some(text)) = (db.required(), sql.up_to(length)) else { return MISUSE };
    // (Where a NUL ends it, the length is not looked at.)
    if usize::try_from(length) == Ok(text.len()) && text.len() > db.limits.sql_length() {
        return db.fail_with(TOOBIG, "statement too long");
    }
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
    let (Some(db), Some(bytes)) = (db.required(), utf16::bytes(sql, i64::from(length), true)) else { return MISUSE };
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

    /// The text without its values.
    fn sqlite3_normalized_sql(stmt: Handle<Stmt>) -> *const c_char | null_mut(); {
        stmt.get().map_or(null_mut(), |stmt| stmt.normalized.get_or_init(|| normalized(stmt)).as_ptr())
    }
}

fn normalized(stmt: &Stmt) -> CString {
    let sql = stmt.sql.as_bytes();
    let texts = double_quoted_texts(stmt.db(), sql);
    crate::error::c_string(&turso_core::parser::normalize(sql, &|name| texts.iter().any(|text| text == name)))
}

/// What stands in double quotes and is no name, but a text: what is not found once such texts are forbidden.
fn double_quoted_texts(db: &Db, sql: &[u8]) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    if !sql.contains(&b'"') || !db.connection.is_on(Switch::DoubleQuotedStringsInQueries) {
        return texts;
    }
    let mut sql = sql.to_vec();
    let refusal = |sql: &[u8]| db.connection.refusal_with(Switch::DoubleQuotedStringsInQueries, false, sql);
    while let Some(Error::Failed(failure)) = refusal(&sql) {
        let found = failure.sql_offset.and_then(|at| {
            let rest = sql.get_mut(at as usize..).filter(|rest| rest.first() == Some(&b'"'))?;
            let end = turso_core::parser::token_end(rest, 0) as usize;
            rest.get_mut(..end).filter(|text| text.len() >= 2)
        });
        let Some(token) = found else { break };
        let inner = token.get(1..token.len() - 1).unwrap_or_default();
        texts.push(String::from_utf8_lossy(inner).replace("\"\"", "\"").into_bytes());
        // The same text in single quotes, so that the next one is found.
        for byte in token.iter_mut().filter(|byte| **byte == b'\'') {
            *byte = b' ';
        }
        if let [first, .., last] = token {
            (*first, *last) = (b'\'', b'\'');
        }
    }
    texts
}
