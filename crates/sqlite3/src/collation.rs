//! Collations of the application.

use std::cmp::Ordering;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::NonNull;
use std::sync::Arc;

use turso_value::{CollationFunction, TextEncoding};

use crate::boundary::{Text, entry};
use crate::codes::{Destructor, INTERNAL, MISUSE, OK, UTF8, destroy};
use crate::handle::{Db, Handle};
use crate::utf16;

/// Compares two texts, each with its length in bytes.
type Compare = Option<unsafe extern "C" fn(*mut c_void, c_int, *const c_void, c_int, *const c_void) -> c_int>;
type Needed = Option<unsafe extern "C" fn(*mut c_void, *mut Db, c_int, *const c_char)>;
type Needed16 = Option<unsafe extern "C" fn(*mut c_void, *mut Db, c_int, *const c_void)>;

/// What a collation was registered with, until it is replaced or its connection closes.
pub struct Registered {
    key: Vec<u8>,
    user_data: *mut c_void,
    destructor: Destructor,
}

impl Drop for Registered {
    fn drop(&mut self) {
        destroy(self.destructor, self.user_data);
    }
}

struct Foreign {
    name: String,
    encoding: TextEncoding,
    user_data: *mut c_void,
    compare: unsafe extern "C" fn(*mut c_void, c_int, *const c_void, c_int, *const c_void) -> c_int,
}

// SAFETY: the connection's mutex lets one thread in at a time; without it the application keeps the others out.
unsafe impl Send for Foreign {}
// SAFETY: as above.
unsafe impl Sync for Foreign {}

impl CollationFunction for Foreign {
    fn name(&self) -> &str {
        &self.name
    }

    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        let call = |a: &[u8], b: &[u8]| {
            let (a_length, b_length) = (a.len() as c_int, b.len() as c_int);
            // SAFETY: the interface's contract: two texts of these lengths.
            unsafe { (self.compare)(self.user_data, a_length, a.as_ptr().cast(), b_length, b.as_ptr().cast()) }
        };
        let order = match self.encoding {
            TextEncoding::Utf8 => call(a, b),
            wide => {
                let encode = |text: &[u8]| {
                    let mut out = Vec::with_capacity(text.len() * 2);
                    wide.encode(text, &mut out);
                    out
                };
                call(&encode(a), &encode(b))
            }
        };
        order.cmp(&0)
    }
}

fn define(
    db: &Handle<Db>,
    name: Option<&[u8]>,
    encoding: c_int,
    user_data: *mut c_void,
    compare: Compare,
    destructor: Destructor,
) -> c_int {
    let Some(db) = db.get() else { return MISUSE };
    let (Some(name), Some(encoding)) = (name, utf16::encoding(encoding)) else { return db.fail_code(MISUSE) };
    let key = name.to_ascii_lowercase();
    let text = String::from_utf8_lossy(name).into_owned();
    let result = match compare {
        Some(compare) => {
            let collation = Foreign { name: text, encoding, user_data, compare };
            db.connection.create_collation(Arc::new(collation))
        }
        None => db.connection.remove_collation(&text),
    };
    if result.is_ok() {
        let old = {
            let mut collations = db.collations.borrow_mut();
            let at = collations.iter().position(|known| known.key == key);
            let old = at.map(|at| collations.remove(at));
            if compare.is_some() {
                collations.push(Registered { key, user_data, destructor });
            }
            old
        };
        drop(old);
    }
    // Unlike with functions, the data stays the caller's where this fails.
    db.outcome(result)
}

/// Who is asked for collations that are not known.
struct NeededCallback {
    db: NonNull<Db>,
    user_data: *mut c_void,
    narrow: Needed,
    wide: Needed16,
}

// SAFETY: as for `Foreign`.
unsafe impl Send for NeededCallback {}
// SAFETY: as above.
unsafe impl Sync for NeededCallback {}

impl NeededCallback {
    fn ask(&self, name: &str) {
        if let Some(callback) = self.narrow {
            let name = crate::error::c_string(name.as_bytes());
            // SAFETY: the interface's contract.
            unsafe { callback(self.user_data, self.db.as_ptr(), UTF8, name.as_ptr()) }
        }
        if let Some(callback) = self.wide {
            let name = utf16::encode(name.as_bytes());
            let encoding = if utf16::NATIVE == TextEncoding::Utf16Le { 2 } else { 3 };
            // SAFETY: as above.
            unsafe { callback(self.user_data, self.db.as_ptr(), encoding, name.as_ptr().cast()) }
        }
    }
}

fn set_needed(db: &Handle<Db>, user_data: *mut c_void, narrow: Needed, wide: Needed16) -> c_int {
    let Some(db) = db.get() else { return MISUSE };
    let callback = NeededCallback { db: NonNull::from(db), user_data, narrow, wide };
    let wanted = narrow.is_some() || wide.is_some();
    db.connection.set_collation_needed(wanted.then(|| {
        let ask: turso_core::hooks::CollationNeeded = Arc::new(move |name: &str| callback.ask(name));
        ask
    }));
    OK
}

entry! {
    /// Registers a collation.
    fn sqlite3_create_collation(db: Handle<Db>, name: Text, encoding: i32, user_data: *mut c_void, compare: Compare) -> c_int | INTERNAL; {
        define(&db, name.bytes(), encoding, user_data, compare, None)
    }

    /// Registers a collation with a destructor of its data.
    fn sqlite3_create_collation_v2(
        db: Handle<Db>, name: Text, encoding: i32, user_data: *mut c_void, compare: Compare, destructor: Destructor,
    ) -> c_int | INTERNAL; {
        define(&db, name.bytes(), encoding, user_data, compare, destructor)
    }

    /// Registers a collation under a name that is UTF-16.
    fn sqlite3_create_collation16(
        db: Handle<Db>, name: *const c_void, encoding: i32, user_data: *mut c_void, compare: Compare,
    ) -> c_int | INTERNAL; {
        let name = utf16::bytes(name, -1, true).map(|bytes| utf16::decode(bytes, utf16::NATIVE));
        define(&db, name.as_deref(), encoding, user_data, compare, None)
    }

    /// Asks for collations that are not known.
    fn sqlite3_collation_needed(db: Handle<Db>, user_data: *mut c_void, callback: Needed) -> c_int | INTERNAL; {
        set_needed(&db, user_data, callback, None)
    }

    /// Asks for collations that are not known, with names that are UTF-16.
    fn sqlite3_collation_needed16(db: Handle<Db>, user_data: *mut c_void, callback: Needed16) -> c_int | INTERNAL; {
        set_needed(&db, user_data, None, callback)
    }
}
