//! File names as VFSes see them: the name, its URI parameters, the names of journal and log, in one block.
//!
//! ```text
//! \0\0\0\0 name \0 key \0 value \0 ... \0 journal \0 wal \0 \0
//!          ^ the pointer that everybody holds
//! ```
//! Whoever has a pointer to the name finds the rest behind it; whoever has one to the journal or log goes back to four NULs.

use std::ffi::{CStr, c_char, c_int};
use std::ptr::null;

use crate::boundary::{Text, entry};

const BEFORE: usize = 4;

/// A name with what belongs to it.
pub struct FileName {
    block: Box<[u8]>,
}

impl FileName {
    /// A block. Without a name there are no names of journal and log either.
    pub fn new(name: &[u8], parameters: &[(Vec<u8>, Vec<u8>)]) -> Self {
        let beside = |suffix: &[u8]| if name.is_empty() { Vec::new() } else { [name, suffix].concat() };
        Self { block: build(name, &beside(b"-journal"), &beside(b"-wal"), parameters).into() }
    }

    /// The name.
    pub fn name(&self) -> &[u8] {
        let rest = self.block.get(BEFORE..).unwrap_or_default();
        rest.split(|&b| b == 0).next().unwrap_or_default()
    }

    /// It came with URI parameters.
    pub fn has_parameters(&self) -> bool {
        parameters(self.as_ptr()).next().is_some()
    }

    /// The pointer that everybody holds.
    pub fn as_ptr(&self) -> *const c_char {
        self.block.get(BEFORE..).map_or(null(), |rest| rest.as_ptr().cast())
    }
}

fn build(name: &[u8], journal: &[u8], wal: &[u8], parameters: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut block = vec![0; BEFORE];
    let mut put = |text: &[u8]| {
        block.extend_from_slice(text);
        block.push(0);
    };
    put(name);
    for (key, value) in parameters {
        put(key);
        put(value);
    }
    put(b"");
    put(journal);
    put(wal);
    put(b"");
    block
}

/// The string after this one.
///
/// # Safety
/// `text` lies in a block of the shape above and is not its last string.
unsafe fn after(text: *const c_char) -> *const c_char {
    // SAFETY: strings follow each other in a block.
    unsafe { text.add(CStr::from_ptr(text).count_bytes() + 1) }
}

/// Goes through the parameters of a name.
fn parameters(name: *const c_char) -> impl Iterator<Item = (*const c_char, *const c_char)> {
    // SAFETY: the interface's contract: the name comes from a block. The empty key ends the parameters.
    let mut at = if name.is_null() { null() } else { unsafe { after(name) } };
    std::iter::from_fn(move || {
        // SAFETY: as above.
        unsafe {
            if at.is_null() || *at == 0 {
                return None;
            }
            let key = at;
            let value = after(key);
            at = after(value);
            Some((key, value))
        }
    })
}

/// Back to the name from the journal's or log's.
fn start(name: *const c_char) -> *const c_char {
    let mut at = name;
    // SAFETY: the interface's contract: `name` lies in a block, which begins with four NULs.
    unsafe {
        while !(1..=4).all(|back| *at.sub(back) == 0) {
            at = at.sub(1);
        }
    }
    at
}

/// The string behind the parameters, and the one behind that.
fn journal_and_wal(name: *const c_char) -> (*const c_char, *const c_char) {
    // SAFETY: as in `parameters`.
    unsafe {
        let mut at = after(start(name));
        while *at != 0 {
            at = after(after(at));
        }
        let journal = at.add(1);
        (journal, after(journal))
    }
}

/// The value of a parameter.
pub fn parameter(name: *const c_char, wanted: Text) -> Option<*const c_char> {
    let wanted = wanted.bytes()?;
    parameters(name).find(|&(key, _)| Text::new(key).bytes() == Some(wanted)).map(|(_, value)| value)
}

/// What counts as yes and no in URIs and pragmas.
pub fn truth(text: &[u8]) -> Option<bool> {
    match text.to_ascii_lowercase().as_slice() {
        b"yes" | b"true" | b"on" => Some(true),
        b"no" | b"false" | b"off" => Some(false),
        digits if digits.first().is_some_and(u8::is_ascii_digit) => {
            Some(turso_value::number::parse_integer_prefix(digits) != 0)
        }
        _ => None,
    }
}

entry! {
    /// Value of a URI parameter.
    fn sqlite3_uri_parameter(name: *const c_char, key: Text) -> *const c_char | null(); {
        parameter(name, key).unwrap_or(null())
    }

    /// Value of a URI parameter as yes or no.
    fn sqlite3_uri_boolean(name: *const c_char, key: Text, default: i32) -> c_int | 0; {
        let default = default != 0;
        let value = parameter(name, key).and_then(|value| Text::new(value).bytes());
        value.map_or(default, |value| truth(value).unwrap_or(default)).into()
    }

    /// Value of a URI parameter as a number.
    fn sqlite3_uri_int64(name: *const c_char, key: Text, default: i64) -> i64 | 0; {
        let value = parameter(name, key).and_then(|value| Text::new(value).bytes());
        let number = value.and_then(turso_value::number::parse_literal);
        match number {
            Some(turso_value::Number::Integer(i)) => i,
            _ => default,
        }
    }

    /// Name of a URI parameter by its place.
    fn sqlite3_uri_key(name: *const c_char, index: i32) -> *const c_char | null(); {
        let Ok(index) = usize::try_from(index) else { return null() };
        parameters(name).nth(index).map_or(null(), |(key, _)| key)
    }

    /// The database's name from any of the three.
    fn sqlite3_filename_database(name: *const c_char) -> *const c_char | null(); {
        if name.is_null() { null() } else { start(name) }
    }

    /// The journal's name from any of the three.
    fn sqlite3_filename_journal(name: *const c_char) -> *const c_char | null(); {
        if name.is_null() { null() } else { journal_and_wal(name).0 }
    }

    /// The log's name from any of the three.
    fn sqlite3_filename_wal(name: *const c_char) -> *const c_char | null(); {
        if name.is_null() { null() } else { journal_and_wal(name).1 }
    }

    /// A block of the application's making.
    fn sqlite3_create_filename(
        name: Text,
        journal: Text,
        wal: Text,
        count: i32,
        texts: *const *const c_char,
    ) -> *const c_char | null(); {
        let count = usize::try_from(count).unwrap_or(0);
        // SAFETY: the caller passes two strings for each parameter.
        let text = |at: usize| unsafe { Text::new(*texts.add(at)).bytes() }.unwrap_or_default().to_vec();
        let parameters: Vec<_> = (0..count).map(|i| (text(2 * i), text(2 * i + 1))).collect();
        let part = |text: Text| text.bytes().unwrap_or_default();
        let block = build(part(name), part(journal), part(wal), &parameters);
        let copy = crate::memory::copy_of(&block);
        if copy.is_null() {
            return null();
        }
        // SAFETY: the block is longer than its head.
        unsafe { copy.add(BEFORE) }
    }

    /// Frees a block of `sqlite3_create_filename`.
    fn sqlite3_free_filename(name: *const c_char) | (); {
        if !name.is_null() {
            // SAFETY: the caller passes what `sqlite3_create_filename` answered, which points behind the block's head.
            crate::memory::free(unsafe { start(name).sub(BEFORE) }.cast_mut().cast());
        }
    }
}
