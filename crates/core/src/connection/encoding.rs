//! The text encoding of a connection: one for all its databases, that of `main`.
//!
//! The header names it once the file has its first table (`fileformat2.html` section 1.3.13; 0 until then). Before that
//! `PRAGMA encoding` may choose, also when the file has pages already; the first table that the connection makes in any of its
//! databases, even one that is rolled back, ends the choice.

use turso_error::{Error, Result};
use turso_value::TextEncoding;

use super::state::State;

/// What `PRAGMA encoding` has chosen, and whether it still may.
#[derive(Debug, Default)]
pub(crate) struct EncodingChoice {
    chosen: TextEncoding,
    fixed: bool,
}

impl State {
    /// The encoding of the text in one database: its header's, and in a file without tables the connection's.
    pub fn text_encoding(&self, db: usize) -> TextEncoding {
        let named = self.databases.get(db).and_then(|d| encoding_of(d.pager.header().text_encoding));
        named.unwrap_or(if db == 0 { self.encoding_choice.chosen } else { self.environment.encoding })
    }

    /// `PRAGMA encoding = ...`: without effect once there is text.
    pub fn choose_encoding(&mut self, encoding: TextEncoding) {
        let settled = self.databases.first().is_some_and(|d| d.pager.header().text_encoding != 0);
        if !settled && !self.encoding_choice.fixed {
            self.encoding_choice.chosen = encoding;
            self.follow_encoding(encoding);
        }
    }

    /// A header got its encoding: the first table is being made.
    pub fn fix_encoding(&mut self) {
        self.encoding_choice.fixed = true;
    }

    /// After a catalogue has been read: `main` decides, and attached databases must agree.
    pub fn take_encoding(&mut self, db: usize) -> Result<()> {
        let encoding = self.text_encoding(db);
        if db == 0 && encoding != self.environment.encoding {
            self.follow_encoding(encoding);
        } else if db > 1 && encoding != self.environment.encoding {
            return Err(Error::sql("attached databases must use the same text encoding as main database"));
        }
        Ok(())
    }

    /// Catalogues of databases without an encoding of their own are read again under the new one.
    fn follow_encoding(&mut self, encoding: TextEncoding) {
        self.environment.encoding = encoding;
        for entry in &mut self.databases {
            if entry.pager.header().text_encoding == 0 && entry.schema.as_ref().is_some_and(|s| s.encoding != encoding)
            {
                entry.schema = None;
            }
        }
        self.generation = self.generation.wrapping_add(1);
    }
}

/// The header's text encoding number, of which two bits count; `None` in a file without tables.
pub(crate) fn encoding_of(number: u32) -> Option<TextEncoding> {
    match number & 3 {
        _ if number == 0 => None,
        2 => Some(TextEncoding::Utf16Le),
        3 => Some(TextEncoding::Utf16Be),
        _ => Some(TextEncoding::Utf8),
    }
}
