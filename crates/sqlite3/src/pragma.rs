//! PRAGMA statements and the files that they are about (`SQLITE_FCNTL_PRAGMA`): a VFS of the application sees each of them as it
//! is prepared, and may answer it in the engine's place.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::null_mut;

use turso_core::parser::ast::{Pragma, Statement};
use turso_core::{Error, ResultCode};

use crate::boundary::Text;
use crate::codes::{NOTFOUND, OK};
use crate::error::c_string;
use crate::handle::Db;
use crate::memory;

/// `SQLITE_FCNTL_PRAGMA`
const CONTROL: c_int = 14;

/// What the file says to a statement: `None` for a statement that is none of its business, otherwise the text that answers it,
/// if it has one.
pub fn answer_of_file(db: &Db, sql: &[u8]) -> Result<Option<Option<String>>, Error> {
    // Files of our own VFS have no pragmas.
    if db.foreign_io.is_none() || !may_be_pragma(sql) {
        return Ok(None);
    }
    let Ok(Some(Statement::Pragma(pragma))) = turso_core::parser::parse(sql).map(|parsed| parsed.statement) else {
        return Ok(None);
    };
    let schema = pragma.name.schema.as_ref().map(|schema| schema.text.as_bytes());
    match db.database_index(schema) {
        Some(0) => ask(db, &pragma),
        _ => Ok(None),
    }
}

/// Cheap: most statements are none.
fn may_be_pragma(sql: &[u8]) -> bool {
    let word = sql.get(turso_core::parser::token_start(sql, 0) as usize..).unwrap_or_default();
    word.get(..6).is_some_and(|word| word.eq_ignore_ascii_case(b"pragma"))
}

fn ask(db: &Db, pragma: &Pragma) -> Result<Option<Option<String>>, Error> {
    let name = c_string(pragma.name.name.text.as_bytes());
    let value: Option<CString> = pragma.value.as_ref().map(|value| c_string(value.text().as_bytes()));
    let value = value.as_ref().map_or(null_mut(), |value| value.as_ptr().cast_mut());
    // The answer, the name, the argument.
    let mut texts: [*mut c_char; 4] = [null_mut(), name.as_ptr().cast_mut(), value, null_mut()];
    let code = db.file_control(0, CONTROL, texts.as_mut_ptr().cast::<c_void>());
    let answer = Text::new(texts[0]).string();
    memory::free(texts[0].cast());
    match code {
        OK => Ok(Some(answer)),
        NOTFOUND => Ok(None),
        code => Err(match answer {
            Some(message) => Error::new(ResultCode(code), message),
            None => Error::from_code(ResultCode(code)),
        }),
    }
}

/// The statement that answers with this text.
pub fn statement_for(answer: Option<&str>) -> String {
    match answer {
        Some(text) => format!("SELECT '{}' AS result", text.replace('\'', "''")),
        None => "SELECT 1 AS result WHERE 0".to_string(),
    }
}
