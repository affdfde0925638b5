//! Changesets that go whole or in pieces.

use turso_core::Result;
use turso_value::varint;

use crate::DEFAULT_CHUNK;

/// Where a changeset goes in pieces.
pub trait Sink {
    /// Take the next piece, which is not empty.
    fn write(&mut self, piece: &[u8]) -> Result<()>;
}

/// The bytes of a changeset that is being written.
pub struct Output<'s> {
    buffer: Vec<u8>,
    sink: Option<&'s mut dyn Sink>,
    chunk: usize,
}

impl<'s> Output<'s> {
    /// All of it, as [`Output::finish`] answers it.
    pub fn whole() -> Self {
        Self { buffer: Vec::new(), sink: None, chunk: 0 }
    }

    /// In pieces of about `chunk` bytes.
    pub fn stream(sink: &'s mut dyn Sink, chunk: usize) -> Self {
        let chunk = if chunk == 0 { DEFAULT_CHUNK } else { chunk };
        Self { buffer: Vec::new(), sink: Some(sink), chunk }
    }

    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.buffer.push(byte);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    pub(crate) fn varint(&mut self, value: u64) {
        varint::write(value, &mut self.buffer);
    }

    /// A change is complete: hand on what has gathered, if it is enough.
    pub(crate) fn pause(&mut self) -> Result<()> {
        match &mut self.sink {
            Some(sink) if self.buffer.len() > self.chunk => {
                sink.write(&self.buffer)?;
                self.buffer.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The end: the bytes that no sink has taken.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        if let Some(sink) = self.sink.take().filter(|_| !self.buffer.is_empty()) {
            sink.write(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(self.buffer)
    }
}
