//! A column of values: for each row its storage class and a word that holds the value, or says where its bytes are.
//!
//! ```text
//!   classes  which classes occur (or might)          kernels look here and choose a loop
//!   tags     [ class ]
//!   words    [ integer | bits of a real | place in `bytes`: offset << 32 | length | 0 for NULL ]
//!   bytes    text, as in memory, and blobs
//! ```
//! Columns of SQLite hold any class in any row. Where all rows have the same one, which is nearly always, a kernel is a loop over
//! words; otherwise it looks at the tags too.

use turso_error::{Error, Result, ResultCode};
use turso_value::{Value, ValueRef};

/// A set of storage classes, or one of them.
pub(crate) type Class = u8;

pub(crate) const NULL: Class = 1;
pub(crate) const INTEGER: Class = 2;
pub(crate) const REAL: Class = 4;
pub(crate) const TEXT: Class = 8;
pub(crate) const BLOB: Class = 16;
/// Integers and reals.
pub(crate) const NUMBER: Class = INTEGER | REAL;

/// The bytes that one vector may hold; a pipeline that needs more gives up.
const MOST_BYTES: usize = 64 << 20;

/// See the module's header.
#[derive(Debug, Default, Clone)]
pub(crate) struct Vector {
    pub classes: Class,
    pub tags: Vec<Class>,
    pub words: Vec<u64>,
    pub bytes: Vec<u8>,
}

/// The first eight bytes of a text as a number, which ascends with the text; bytes that it lacks count as 0.
#[inline(always)]
pub(crate) fn first_bytes(text: &[u8]) -> u64 {
    if let Some(first) = text.first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let unused = 8 * (8 - text.len() as u32);
    match (text.first_chunk(), text.last_chunk()) {
        // Both ends, which say the same where they overlap.
        (Some(first), Some(last)) => {
            u64::from(u32::from_be_bytes(*first)) << 32 | u64::from(u32::from_be_bytes(*last)) << unused
        }
        _ if text.is_empty() => 0,
        _ => text.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)) << unused,
    }
}

impl Vector {
    /// No rows; buffers stay.
    pub fn clear(&mut self) {
        self.classes = 0;
        self.tags.clear();
        self.words.clear();
        self.bytes.clear();
    }

    /// How many rows there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.tags.len()
    }

    /// No row is of a class outside of these.
    #[inline]
    pub fn is_only(&self, classes: Class) -> bool {
        self.classes & !classes == 0
    }

    /// The value of a row; NULL past the end.
    #[inline]
    pub fn get(&self, row: usize) -> ValueRef<'_> {
        let (Some(&tag), Some(&word)) = (self.tags.get(row), self.words.get(row)) else { return ValueRef::Null };
        match tag {
            INTEGER => ValueRef::Integer(word as i64),
            REAL => ValueRef::Real(f64::from_bits(word)),
            TEXT => ValueRef::Text(self.span(word)),
            BLOB => ValueRef::Blob(self.span(word)),
            _ => ValueRef::Null,
        }
    }

    /// The bytes that a word of a text or blob stands for.
    #[inline(always)]
    pub fn span(&self, word: u64) -> &[u8] {
        let from = (word >> 32) as usize;
        self.bytes.get(from..from + (word as u32) as usize).unwrap_or(&[])
    }

    /// Adds a row.
    #[inline(always)]
    pub fn push_word(&mut self, tag: Class, word: u64) {
        self.classes |= tag;
        self.tags.push(tag);
        self.words.push(word);
    }

    /// Adds a row that is a text or blob.
    #[inline]
    pub fn push_bytes(&mut self, tag: Class, bytes: &[u8]) -> Result<()> {
        let word = self.place(bytes)?;
        self.push_word(tag, word);
        Ok(())
    }

    /// Keeps bytes; the word that stands for them.
    #[inline]
    pub fn place(&mut self, bytes: &[u8]) -> Result<u64> {
        let from = self.bytes.len();
        if from + bytes.len() > MOST_BYTES {
            return Err(Error::from_code(ResultCode::TOOBIG));
        }
        self.bytes.extend_from_slice(bytes);
        Ok((from as u64) << 32 | bytes.len() as u64)
    }

    /// Adds a row. A NaN is NULL.
    #[inline]
    pub fn push(&mut self, value: ValueRef<'_>) -> Result<()> {
        match value {
            ValueRef::Null => self.push_word(NULL, 0),
            ValueRef::Integer(i) => self.push_word(INTEGER, i as u64),
            ValueRef::Real(r) => self.push_real(r),
            ValueRef::Text(bytes) => self.push_bytes(TEXT, bytes)?,
            ValueRef::Blob(bytes) => self.push_bytes(BLOB, bytes)?,
        }
        Ok(())
    }

    /// Adds a real, or NULL for NaN.
    #[inline]
    pub fn push_real(&mut self, r: f64) {
        if r.is_nan() { self.push_word(NULL, 0) } else { self.push_word(REAL, r.to_bits()) }
    }

    /// Adds 1, 0 or NULL.
    #[inline]
    pub fn push_truth(&mut self, truth: Option<bool>) {
        match truth {
            Some(truth) => self.push_word(INTEGER, u64::from(truth)),
            None => self.push_word(NULL, 0),
        }
    }

    /// The same value in so many rows.
    pub fn fill(&mut self, value: &Value, rows: usize) -> Result<()> {
        self.clear();
        self.push(value.as_ref())?;
        let (tag, word) = (self.classes, self.words.first().copied().unwrap_or(0));
        self.tags.resize(rows, tag);
        self.words.resize(rows, word);
        Ok(())
    }

    /// Keeps the rows of an ascending list.
    pub fn keep(&mut self, rows: &[u32]) {
        let words = &mut self.words[..];
        for (to, &from) in rows.iter().enumerate() {
            words[to] = words[from as usize];
        }
        self.words.truncate(rows.len());
        if self.classes.count_ones() > 1 {
            let tags = &mut self.tags[..];
            for (to, &from) in rows.iter().enumerate() {
                tags[to] = tags[from as usize];
            }
        }
        self.tags.truncate(rows.len());
    }

    /// Rows of another vector, in any order, are added.
    pub fn gather(&mut self, from: &Vector, rows: &[u32]) -> Result<()> {
        self.classes |= from.classes;
        self.tags.extend(rows.iter().map(|&row| from.tags[row as usize]));
        if from.is_only(NUMBER | NULL) {
            self.words.extend(rows.iter().map(|&row| from.words[row as usize]));
            return Ok(());
        }
        for &row in rows {
            let (tag, word) = (from.tags[row as usize], from.words[row as usize]);
            let word = if tag & (TEXT | BLOB) != 0 { self.place(from.span(word))? } else { word };
            self.words.push(word);
        }
        Ok(())
    }

    /// The numbers of the rows, of the first `of`, in which the value counts as true, as WHERE sees it.
    pub fn true_rows(&self, of: usize, rows: &mut Vec<u32>) {
        rows.clear();
        rows.resize(of, 0);
        let mut count = 0;
        if self.is_only(INTEGER | NULL) {
            // (The word of a NULL is 0.)
            for (row, &word) in self.words[..of].iter().enumerate() {
                rows[count] = row as u32;
                count += usize::from(word != 0);
            }
        } else {
            for row in 0..of {
                rows[count] = row as u32;
                count += usize::from(self.get(row).truth() == Some(true));
            }
        }
        rows.truncate(count);
    }

    /// About how many bytes of memory this takes.
    pub fn memory(&self) -> usize {
        self.tags.capacity() + self.words.capacity() * size_of::<u64>() + self.bytes.capacity()
    }
}
