//! Changesets that come whole or in pieces.

use turso_core::Result;
use turso_value::varint;

use crate::DEFAULT_CHUNK;
use crate::format::corrupt;

/// Where a changeset comes from in pieces.
pub trait Source {
    /// Fill the front of the buffer and answer how much; 0 at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize>;
}

/// The bytes of a changeset, read from front to back.
pub struct Input<'a> {
    whole: &'a [u8],
    stream: Option<Stream<'a>>,
    /// Where the next byte lies, in `whole` or the stream's buffer.
    at: usize,
}

struct Stream<'a> {
    source: Box<dyn Source + 'a>,
    buffer: Vec<u8>,
    chunk: usize,
    ended: bool,
}

impl<'a> Input<'a> {
    /// All of it.
    pub fn whole(bytes: &'a [u8]) -> Self {
        Self { whole: bytes, stream: None, at: 0 }
    }

    /// In pieces of about `chunk` bytes.
    pub fn stream(source: impl Source + 'a, chunk: usize) -> Self {
        let chunk = if chunk == 0 { DEFAULT_CHUNK } else { chunk };
        let stream = Stream { source: Box::new(source), buffer: Vec::new(), chunk, ended: false };
        Self { whole: &[], stream: Some(stream), at: 0 }
    }

    fn ahead(&self) -> &[u8] {
        let bytes = self.stream.as_ref().map_or(self.whole, |stream| &stream.buffer);
        bytes.get(self.at..).unwrap_or_default()
    }

    /// Have so many bytes ahead, or all that there are.
    fn fetch(&mut self, count: usize) -> Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        while !stream.ended && stream.buffer.len().saturating_sub(self.at) < count {
            if self.at >= stream.chunk {
                stream.buffer.drain(..self.at);
                self.at = 0;
            }
            // What is announced may be more than ever comes: piece by piece.
            let before = stream.buffer.len();
            stream.buffer.resize(before + stream.chunk, 0);
            let room = stream.buffer.get_mut(before..).unwrap_or_default();
            let got = stream.source.read(room)?.min(stream.chunk);
            stream.buffer.truncate(before + got);
            stream.ended = got == 0;
        }
        Ok(())
    }

    /// Nothing follows.
    pub(crate) fn is_at_end(&mut self) -> Result<bool> {
        self.fetch(1)?;
        Ok(self.ahead().is_empty())
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&[u8]> {
        self.fetch(count)?;
        let from = self.at;
        let bytes = self.stream.as_ref().map_or(self.whole, |stream| &stream.buffer);
        let taken = from.checked_add(count).and_then(|to| bytes.get(from..to)).ok_or_else(corrupt)?;
        self.at = from + count;
        Ok(taken)
    }

    pub(crate) fn varint(&mut self) -> Result<u64> {
        self.fetch(varint::MAX_LEN)?;
        let (value, length) = varint::read(self.ahead()).ok_or_else(corrupt)?;
        self.at += length;
        Ok(value)
    }

    /// The bytes before the next NUL, which is skipped.
    pub(crate) fn take_until_nul(&mut self) -> Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            self.fetch(searched + 1)?;
            let ahead = self.ahead();
            if let Some(at) = ahead.iter().skip(searched).position(|&b| b == 0) {
                let name = ahead.get(..searched + at).unwrap_or_default().to_vec();
                self.at += searched + at + 1;
                return Ok(name);
            }
            if ahead.len() <= searched {
                return Err(corrupt());
            }
            searched = ahead.len();
        }
    }
}
