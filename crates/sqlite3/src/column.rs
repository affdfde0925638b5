//! Columns of a result: values of the current row, names, declared types and where they come from.
//!
//! A value is looked at in place as long as C asks for numbers; asked for text or bytes, it becomes a [`CValue`] that stays
//! until the next step.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::{null, null_mut};

use turso_core::Program;
use turso_value::{Value, ValueType};

use crate::boundary::entry;
use crate::codes::RANGE;
use crate::handle::{Handle, Stmt, StmtState};
use crate::utf16;
use crate::value::{CValue, type_code};

/// What about a column is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    Name,
    DeclaredType,
    Database,
    Table,
    Origin,
}

/// Texts about columns as handed out.
#[derive(Default)]
pub struct ColumnTexts {
    texts: Vec<(Fact, usize, CString)>,
    wide: Vec<(Fact, usize, Box<[u16]>)>,
}

impl ColumnTexts {
    /// The program is another one now.
    pub fn clear(&mut self) {
        self.texts.clear();
        self.wide.clear();
    }
}

impl Stmt {
    /// Number of columns.
    pub fn column_count(&self) -> c_int {
        self.ask_program(turso_core::column_count).unwrap_or(0) as c_int
    }

    /// Something of a value of the current row; `absent` where there is none.
    fn column<T>(&self, index: c_int, absent: T, look: impl FnOnce(&Value) -> T) -> T {
        let Ok(inner) = self.inner.try_borrow() else { return absent };
        let value = usize::try_from(index).ok().and_then(|index| inner.row().get(index));
        match value.filter(|_| self.state.get() == StmtState::Row) {
            Some(value) => look(value),
            None => {
                self.db().fail_code(RANGE);
                absent
            }
        }
    }

    /// A column's value as an object; without a row, or out of range, a NULL.
    pub fn column_value(&self, index: c_int) -> *const CValue {
        let Ok(inner) = self.inner.try_borrow() else { return null() };
        let row = if self.state.get() == StmtState::Row { inner.row() } else { &[] };
        let Some((index, value)) = usize::try_from(index).ok().and_then(|i| row.get(i).map(|value| (i, value))) else {
            self.db().fail_code(RANGE);
            return no_value();
        };
        let mut columns = self.columns.borrow_mut();
        while columns.len() <= index {
            columns.push(Box::default());
        }
        let Some(cell) = columns.get(index) else { return no_value() };
        if cell.row_number.get() != self.row_number.get() {
            // SAFETY: the row stays as it is until the next step, which moves the row number on.
            unsafe { cell.borrow_from(value) };
            cell.row_number.set(self.row_number.get());
            cell.subtype.set(inner.row_subtype(index));
            let object = inner.row_object(index);
            if object.is_some() || cell.object().is_some() {
                cell.carry(object.cloned());
            }
        }
        &**cell
    }

    fn with_value<T>(&self, index: c_int, absent: T, look: impl FnOnce(&CValue) -> T) -> T {
        // SAFETY: NULL or a value that lives as long as the statement.
        unsafe { self.column_value(index).as_ref() }.map_or(absent, look)
    }

    /// Asks the program, also while it runs.
    pub fn ask_program<T>(&self, ask: impl FnOnce(&Program) -> T) -> Option<T> {
        match self.inner.try_borrow() {
            Ok(inner) => Some(ask(inner.program())),
            Err(_) => self.outside.borrow().as_ref().map(|outside| ask(outside.program())),
        }
    }

    fn column_text(&self, index: c_int, fact: Fact) -> Option<CString> {
        self.ask_program(|program| text_of_column(program, index, fact)).flatten()
    }

    fn column_fact(&self, index: c_int, fact: Fact) -> *const c_char {
        let Ok(key) = usize::try_from(index) else { return null() };
        {
            let texts = self.column_texts.borrow();
            if let Some((.., text)) = texts.texts.iter().find(|(f, i, _)| (*f, *i) == (fact, key)) {
                return text.as_ptr();
            }
        }
        let Some(text) = self.column_text(index, fact) else { return null() };
        let pointer = text.as_ptr();
        self.column_texts.borrow_mut().texts.push((fact, key, text));
        pointer
    }

    fn column_fact_wide(&self, index: c_int, fact: Fact) -> *const c_void {
        let Ok(key) = usize::try_from(index) else { return null() };
        {
            let texts = self.column_texts.borrow();
            if let Some((.., text)) = texts.wide.iter().find(|(f, i, _)| (*f, *i) == (fact, key)) {
                return text.as_ptr().cast();
            }
        }
        let Some(text) = self.column_text(index, fact) else { return null() };
        let text: Box<[u16]> = utf16::encode(text.as_bytes()).into();
        let pointer = text.as_ptr();
        self.column_texts.borrow_mut().wide.push((fact, key, text));
        pointer.cast()
    }
}

fn text_of_column(program: &Program, index: c_int, fact: Fact) -> Option<CString> {
    let index = usize::try_from(index).ok().filter(|index| *index < turso_core::column_count(program))?;
    let origin = || program.columns.get(index).and_then(|c| c.origin.as_ref());
    let text = match fact {
        Fact::Name => turso_core::column_name(program, index)?,
        _ if program.explain != 0 => return None,
        Fact::DeclaredType => turso_core::column_declared_type(program, index)?,
        Fact::Database => &origin()?.0,
        Fact::Table => &origin()?.1,
        Fact::Origin => &origin()?.2,
    };
    Some(crate::error::c_string(text.as_bytes()))
}

/// The NULL that stands where no value is. It never changes, so all may share it.
fn no_value() -> *const CValue {
    struct Shared(CValue);
    // SAFETY: it is NULL, of which no form is ever made, so looking at it changes nothing.
    unsafe impl Sync for Shared {}
    // SAFETY: as above.
    unsafe impl Send for Shared {}
    static NULL: std::sync::LazyLock<Shared> = std::sync::LazyLock::new(|| Shared(CValue::default()));
    &NULL.0
}

entry! {
    /// Bytes of a column.
    fn sqlite3_column_blob(stmt: Handle<Stmt>, index: i32) -> *const c_void | null(); {
        stmt.get().map_or(null(), |stmt| stmt.with_value(index, null(), CValue::blob))
    }

    /// A column as a real.
    fn sqlite3_column_double(stmt: Handle<Stmt>, index: i32) -> f64 | 0.0; {
        stmt.get().map_or(0.0, |stmt| stmt.column(index, 0.0, Value::to_real))
    }

    /// A column as an integer of 32 bits.
    fn sqlite3_column_int(stmt: Handle<Stmt>, index: i32) -> c_int | 0; {
        stmt.get().map_or(0, |stmt| stmt.column(index, 0, |value| value.to_integer() as c_int))
    }

    /// A column as an integer.
    fn sqlite3_column_int64(stmt: Handle<Stmt>, index: i32) -> i64 | 0; {
        stmt.get().map_or(0, |stmt| stmt.column(index, 0, Value::to_integer))
    }

    /// A column as text.
    fn sqlite3_column_text(stmt: Handle<Stmt>, index: i32) -> *const u8 | null(); {
        stmt.get().map_or(null(), |stmt| stmt.with_value(index, null(), CValue::text))
    }

    /// A column as UTF-16.
    fn sqlite3_column_text16(stmt: Handle<Stmt>, index: i32) -> *const c_void | null(); {
        stmt.get().map_or(null(), |stmt| stmt.with_value(index, null(), |value| value.text16(utf16::NATIVE)))
    }

    /// A column as an object.
    fn sqlite3_column_value(stmt: Handle<Stmt>, index: i32) -> *mut CValue | null_mut(); {
        stmt.get().map_or(null_mut(), |stmt| stmt.column_value(index).cast_mut())
    }

    /// Bytes of a column's text or blob.
    fn sqlite3_column_bytes(stmt: Handle<Stmt>, index: i32) -> c_int | 0; {
        stmt.get().map_or(0, |stmt| stmt.with_value(index, 0, CValue::bytes))
    }

    /// Bytes of a column's text as UTF-16.
    fn sqlite3_column_bytes16(stmt: Handle<Stmt>, index: i32) -> c_int | 0; {
        stmt.get().map_or(0, |stmt| stmt.with_value(index, 0, CValue::bytes16))
    }

    /// Type of a column.
    fn sqlite3_column_type(stmt: Handle<Stmt>, index: i32) -> c_int | 5; {
        const NULL: c_int = ValueType::Null as c_int;
        stmt.get().map_or(NULL, |stmt| stmt.column(index, NULL, |value| type_code(value.value_type())))
    }

    /// Name of a column.
    fn sqlite3_column_name(stmt: Handle<Stmt>, index: i32) -> *const c_char | null(); {
        stmt.get().map_or(null(), |stmt| stmt.column_fact(index, Fact::Name))
    }

    /// Name of a column as UTF-16.
    fn sqlite3_column_name16(stmt: Handle<Stmt>, index: i32) -> *const c_void | null(); {
        stmt.get().map_or(null(), |stmt| stmt.column_fact_wide(index, Fact::Name))
    }

    /// The database that a column comes from.
    fn sqlite3_column_database_name(stmt: Handle<Stmt>, index: i32) -> *const c_char | null(); {
        stmt.get().map_or(null(), |stmt| stmt.column_fact(index, Fact::Database))
    }

    /// The database that a column comes from, as UTF-16.
    fn sqlite3_column_database_name16(stmt: Handle<Stmt>, index: i32) -> *const c_void | null(); {
        stmt.get().map_or(null(), |stmt| stmt.column_fact_wide(index, Fact::Database))
    }

    /// The table that a column comes from.
    fn sqlite3_column_table_name(stmt: Handle<Stmt>, index: i32) -> *const c_char | null(); {
        stmt.get().map_or(null(), |stmt| stmt.column_fact(index, Fact::Table))
    }

    /// The table that a column comes from, as UTF-16.
    fn sqlite3_column_table_name16(stmt: Handle<Stmt>, index: i32) -> *const c_void | null(); {
        stmt.get().map_or(null(), |stmt| stmt.column_fact_wide(index, Fact::Table))
    }

    /// The table column that a column comes from.
    fn sqlite3_column_origin_name(stmt: Handle<Stmt>, index: i32) -> *const c_char | null(); {
        stmt.get().map_or(null(), |stmt| stmt.column_fact(index, Fact::Origin))
    }

    /// The table column that a column comes from, as UTF-16.
    fn sqlite3_column_origin_name16(stmt: Handle<Stmt>, index: i32) -> *const c_void | null(); {
        stmt.get().map_or(null(), |stmt| stmt.column_fact_wide(index, Fact::Origin))
    }

    /// Declared type of a column.
    fn sqlite3_column_decltype(stmt: Handle<Stmt>, index: i32) -> *const c_char | null(); {
        stmt.get().map_or(null(), |stmt| stmt.column_fact(index, Fact::DeclaredType))
    }

    /// Declared type of a column as UTF-16.
    fn sqlite3_column_decltype16(stmt: Handle<Stmt>, index: i32) -> *const c_void | null(); {
        stmt.get().map_or(null(), |stmt| stmt.column_fact_wide(index, Fact::DeclaredType))
    }
}
