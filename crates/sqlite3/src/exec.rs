//! `sqlite3_exec` and `sqlite3_get_table`: whole texts at once, all values as text.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use crate::boundary::{Out, Text, entry};
use crate::codes::{ABORT, INTERNAL, MISUSE, NOMEM, OK};
use crate::handle::{Db, Handle, Stmt};
use crate::memory;
use crate::statement::{message_copy, run};

/// Called for each row: number of columns, values, names. Not 0 ends the run.
type RowCallback = Option<unsafe extern "C" fn(*mut c_void, c_int, *mut *mut c_char, *mut *mut c_char) -> c_int>;

/// The values or the names of a statement as an array that ends with NULL.
fn texts(stmt: &Stmt, text: impl Fn(c_int) -> *const c_char) -> Vec<*mut c_char> {
    let count = stmt.column_count();
    (0..count).map(|i| text(i).cast_mut()).chain([null_mut()]).collect()
}

fn names(stmt: &Stmt) -> Vec<*mut c_char> {
    // SAFETY: a live statement.
    texts(stmt, |i| unsafe { crate::column::sqlite3_column_name(stmt.as_ptr(), i) })
}

fn values(stmt: &Stmt) -> Vec<*mut c_char> {
    // SAFETY: a live statement.
    texts(stmt, |i| unsafe { crate::column::sqlite3_column_text(stmt.as_ptr(), i) }.cast())
}

/// The rows of `sqlite3_get_table`.
#[derive(Default)]
struct Table {
    cells: Vec<*mut c_char>,
    columns: Option<c_int>,
    rows: c_int,
    mismatch: bool,
    no_memory: bool,
}

impl Table {
    fn put(&mut self, text: *const c_char) {
        let copy = Text::new(text).bytes().map_or(null_mut(), memory::copy_of);
        self.no_memory |= copy.is_null() && !text.is_null();
        self.cells.push(copy);
    }

    fn row(&mut self, stmt: &Stmt) -> bool {
        let count = stmt.column_count();
        match self.columns {
            None => {
                self.columns = Some(count);
                names(stmt).iter().take(count as usize).for_each(|&name| self.put(name));
            }
            Some(columns) if columns != count => {
                self.mismatch = true;
                return false;
            }
            Some(_) => {}
        }
        values(stmt).iter().take(count as usize).for_each(|&value| self.put(value));
        self.rows += 1;
        !self.no_memory
    }

    fn free(&mut self) {
        self.cells.drain(..).for_each(|cell| memory::free(cell.cast()));
    }

    /// The array of C: the number of cells hides before its first.
    fn into_array(mut self) -> *mut *mut c_char {
        let block = memory::allocate(((self.cells.len() + 1) * size_of::<*mut c_char>()) as u64).cast::<*mut c_char>();
        if block.is_null() {
            self.free();
            return null_mut();
        }
        // SAFETY: the block is one pointer longer than the cells.
        unsafe {
            block.write(std::ptr::without_provenance_mut(self.cells.len()));
            block.add(1).copy_from_nonoverlapping(self.cells.as_ptr(), self.cells.len());
            block.add(1)
        }
    }
}

entry! {
    /// Runs all statements of a text.
    fn sqlite3_exec(
        db: Handle<Db>, sql: Text, callback: RowCallback, argument: *mut c_void, message: Out<*mut c_char>,
    ) -> c_int | INTERNAL; {
        message.set(null_mut());
        let Some(db) = db.required() else { return MISUSE };
        let code = run(db, sql.bytes().unwrap_or_default(), |stmt| match callback {
            None => true,
            Some(callback) => {
                let (mut values, mut names) = (values(stmt), names(stmt));
                // SAFETY: the interface's contract: arrays of as many texts as there are columns.
                unsafe { callback(argument, stmt.column_count(), values.as_mut_ptr(), names.as_mut_ptr()) == 0 }
            }
        });
        if code != OK && !message.is_null() {
            message.set(message_copy(db));
        }
        code
    }

    /// Runs all statements of a text and collects their rows.
    fn sqlite3_get_table(
        db: Handle<Db>,
        sql: Text,
        result: Out<*mut *mut c_char>,
        row_count: Out<c_int>,
        column_count: Out<c_int>,
        message: Out<*mut c_char>,
    ) -> c_int | INTERNAL; {
        let Some(db) = db.required().filter(|_| !result.is_null()) else { return MISUSE };
        result.set(null_mut());
        row_count.set(0);
        column_count.set(0);
        message.set(null_mut());
        let mut table = Table::default();
        let code = run(db, sql.bytes().unwrap_or_default(), |stmt| table.row(stmt));
        if code != OK {
            table.free();
            let code = match code & 0xff {
                ABORT if table.mismatch => {
                    let text = "sqlite3_get_table() called with two or more incompatible queries";
                    db.fail_with(crate::codes::ERROR, text)
                }
                ABORT if table.no_memory => db.fail_code(NOMEM),
                _ => code,
            };
            if !message.is_null() {
                message.set(message_copy(db));
            }
            return code;
        }
        row_count.set(table.rows);
        column_count.set(table.columns.unwrap_or(0));
        let array = table.into_array();
        if array.is_null() {
            return db.fail_code(NOMEM);
        }
        result.set(array);
        OK
    }

    /// Frees the rows of `sqlite3_get_table`.
    fn sqlite3_free_table(table: *mut *mut c_char) | (); {
        if !table.is_null() {
            // SAFETY: the caller passes what `sqlite3_get_table` answered: the number of cells stands before the first.
            unsafe {
                let block = table.sub(1);
                for i in 0..(*block).addr() {
                    memory::free((*table.add(i)).cast());
                }
                memory::free(block.cast());
            }
        }
    }
}
