//! An archive in a file: its entries, and changes that are put behind what is there.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use turso_core::{Error, Result};

use super::format::{self, Entry};

/// Where the bytes of an archive are.
#[derive(Clone)]
pub enum Source {
    File(Arc<File>),
    Bytes(Arc<[u8]>),
}

impl Source {
    /// A file.
    pub fn open(path: &str) -> Result<Self> {
        let opened = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|m| m.is_file()));
        opened.map(|file| Self::File(Arc::new(file))).ok_or_else(|| Error::sql(format!("cannot open file: {path}")))
    }

    fn size(&self) -> Result<u64> {
        match self {
            Self::File(file) => file.metadata().map(|m| m.len()).map_err(|error| Error::sql(error.to_string())),
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
        }
    }

    /// As many bytes as there are.
    fn read(&self, offset: u64, size: u64) -> Result<Vec<u8>> {
        match self {
            Self::File(file) => {
                let mut bytes = Vec::new();
                let mut file = &**file;
                let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.take(size).read_to_end(&mut bytes));
                read.map_err(|_| Error::sql("error in fread()"))?;
                Ok(bytes)
            }
            Self::Bytes(all) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(all.len());
                let end = start.saturating_add(usize::try_from(size).unwrap_or(usize::MAX)).min(all.len());
                Ok(all[start..end].to_vec())
            }
        }
    }

    /// Where the directory is.
    pub fn end(&self) -> Result<format::End> {
        let size = self.size()?;
        let tail = size.min(format::END_SEARCH as u64);
        format::End::find(&self.read(size - tail, tail)?)
    }

    /// All entries.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let end = self.end()?;
        format::directory(&self.read(u64::from(end.offset), u64::from(end.size))?, end)
    }

    /// The content of an entry as it lies in the archive.
    pub fn packed(&self, entry: &Entry) -> Result<Vec<u8>> {
        let record = self.read(u64::from(entry.offset), format::RECORD_SIZE as u64)?;
        let offset = format::content_offset(&record, entry.offset)?;
        let packed = self.read(offset, u64::from(entry.packed_size))?;
        if packed.len() as u64 != u64::from(entry.packed_size) {
            Err(Error::sql("error in fread()"))
        } else {
            Ok(packed)
        }
    }
}

/// A transaction that changes an archive: new content replaces the directory, which is written anew at the end, or put back.
pub struct Changes {
    file: Arc<File>,
    /// As they will be.
    pub entries: Vec<Entry>,
    /// The directory and the end, as they were.
    tail: Vec<u8>,
    /// Where they were.
    tail_offset: u64,
    /// Where the next content goes.
    next: u64,
}

impl Changes {
    /// Begin; a file that is not there, or empty, becomes an archive.
    pub fn begin(path: &str) -> Result<Self> {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(|_| Error::sql(format!("zipfile: failed to open file {path} for writing")))?;
        let source = Source::File(Arc::new(file));
        let size = source.size()?;
        let (entries, offset) = match size {
            0 => (Vec::new(), 0),
            _ => (source.entries()?, u64::from(source.end()?.offset)),
        };
        let mut tail = source.read(offset, size.saturating_sub(offset))?;
        if tail.is_empty() {
            format::put_directory([].iter(), 0, &mut tail)?;
        }
        let Source::File(file) = source else { return Err(Error::sql("zipfile: no file")) };
        Ok(Self { file, entries, tail, tail_offset: offset, next: offset })
    }

    /// The archive as it is in the middle of the transaction.
    pub fn source(&self) -> Source {
        Source::File(self.file.clone())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut file = &*self.file;
        let written = file.seek(SeekFrom::Start(offset)).and_then(|_| file.write_all(bytes));
        written.map_err(|_| Error::sql("error in fwrite()"))
    }

    /// Add an entry with its content, at a place in the directory.
    pub fn insert(&mut self, at: usize, mut entry: Entry, packed: &[u8]) -> Result<()> {
        entry.offset = u32::try_from(self.next).map_err(|_| Error::sql("zipfile: archive too large"))?;
        let mut bytes = Vec::with_capacity(packed.len() + 128);
        entry.put_file(&mut bytes);
        bytes.extend_from_slice(packed);
        self.write(self.next, &bytes)?;
        self.next += bytes.len() as u64;
        self.entries.insert(at.min(self.entries.len()), entry);
        Ok(())
    }

    fn finish(&self, offset: u64, tail: &[u8]) -> Result<()> {
        self.write(offset, tail)?;
        self.file.set_len(offset + tail.len() as u64).map_err(|error| Error::sql(error.to_string()))
    }

    /// Write the directory.
    pub fn commit(&self) -> Result<()> {
        let mut tail = Vec::new();
        format::put_directory(self.entries.iter(), self.next, &mut tail)?;
        self.finish(self.next, &tail)
    }

    /// Put back the directory as it was.
    pub fn undo(&self) -> Result<()> {
        self.finish(self.tail_offset, &self.tail)
    }
}
