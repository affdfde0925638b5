//! A database at the end of another file: a back end that shows the last part of a file as if it were one.
//!
//! ```text
//!   | the other file | padding to 4096 bytes | the database | MARK | its first byte, big-endian, 8 bytes |
//! ```
//! A file that is a database itself is shown whole. The mark always ends the file, so that the size of the database follows
//! from that of the file; growth writes the new mark before what lies under it. Journals and logs are files of their own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use turso_core::io::{File, Io, OpenFlags, SyncKind};
use turso_core::{Error, Result, ResultCode};

/// Begins the end of a file that carries a database.
pub const MARK: &[u8; 17] = b"Start-Of-SQLite3-";
/// The mark and the place.
pub const MARK_SIZE: usize = 25;
/// Begins a database.
pub const DATABASE: &[u8; 16] = b"SQLite format 3\0";
/// Databases begin at multiples of this.
const ALIGNMENT: u64 = 4096;
/// The byte at which databases are locked: a database that is not at the beginning ends before it.
const LOCK_BYTE: u64 = 0x4000_0000;

/// Shows the end of one file as that file; all others as they are.
pub struct AppendIo {
    inner: Arc<dyn Io>,
    path: PathBuf,
}

impl AppendIo {
    /// For the database that `path` carries, or shall carry.
    pub fn new(path: &Path) -> Result<Self> {
        let inner = turso_core::io::default_io();
        let path = inner.full_path(path)?;
        Ok(Self { inner, path })
    }
}

impl Io for AppendIo {
    fn name(&self) -> &'static str {
        "append"
    }
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        let inner = self.inner.open(path, flags)?;
        if path != self.path {
            return Ok(inner);
        }
        let (start, marked) = match place(&*inner)? {
            Place::Whole => return Ok(inner),
            Place::From(start) => (start, true),
            Place::Nowhere => (inner.size()?.next_multiple_of(ALIGNMENT), false),
        };
        Ok(Arc::new(Appended { inner, start, marked: AtomicBool::new(marked) }))
    }
    turso_core::io::delegate_io!();
}

/// Where a file has its database.
enum Place {
    /// It is one.
    Whole,
    From(u64),
    Nowhere,
}

fn place(file: &dyn File) -> Result<Place> {
    let size = file.size()?;
    let mut first = [0; DATABASE.len()];
    let mut last = [0; MARK_SIZE];
    let read = |buffer: &mut [u8], at| -> Result<bool> { Ok(file.read_at(buffer, at)? == buffer.len()) };
    if let Some(end) = size.checked_sub(MARK_SIZE as u64)
        && read(&mut last, end)?
        && let Some(start) = last.strip_prefix(MARK).and_then(|start| <[u8; 8]>::try_from(start).ok())
    {
        let start = u64::from_be_bytes(start);
        // A mark that leads nowhere is no mark.
        if start <= end && (end - start).is_multiple_of(512) {
            return Ok(Place::From(start));
        }
    }
    let whole = size.is_multiple_of(512) && read(&mut first, 0)? && first == *DATABASE;
    Ok(if whole { Place::Whole } else { Place::Nowhere })
}

struct Appended {
    inner: Arc<dyn File>,
    /// Where the database begins.
    start: u64,
    /// The file has its mark.
    marked: AtomicBool,
}

impl Appended {
    /// Put the mark where a database of this size ends.
    fn mark(&self, size: u64) -> Result<u64> {
        let end = self.start.saturating_add(size);
        if self.start > 0 && end > LOCK_BYTE {
            return Err(Error::from_code(ResultCode::FULL));
        }
        let mark = [&MARK[..], &self.start.to_be_bytes()].concat();
        self.inner.write_at(&mark, end)?;
        self.marked.store(true, Ordering::Relaxed);
        Ok(end)
    }
}

impl File for Appended {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let left = usize::try_from(self.size()?.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = buf.len().min(left);
        self.inner.read_at(&mut buf[..length], self.start + offset)
    }
    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> Result<()> {
        let length: usize = bufs.iter().map(|b| b.len()).sum();
        let end = offset.saturating_add(length as u64);
        if end > self.size()? {
            self.mark(end)?;
        }
        self.inner.write_vectored_at(bufs, self.start + offset)
    }
    fn sync(&self, kind: SyncKind) -> Result<()> {
        self.inner.sync(kind)
    }
    fn truncate(&self, size: u64) -> Result<()> {
        let end = self.mark(size)?;
        self.inner.truncate(end + MARK_SIZE as u64)
    }
    fn size(&self) -> Result<u64> {
        // Another process may have been the first to write.
        if !self.marked.load(Ordering::Relaxed) {
            match place(&*self.inner)? {
                Place::From(start) if start == self.start => self.marked.store(true, Ordering::Relaxed),
                _ => return Ok(0),
            }
        }
        Ok(self.inner.size()?.saturating_sub(self.start + MARK_SIZE as u64))
    }
    turso_core::io::delegate_file_nature!();
    turso_core::io::delegate_file_locks!();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags() -> OpenFlags {
        OpenFlags { create: true, ..OpenFlags::default() }
    }

    #[test]
    fn the_mark_moves_with_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap().join("f");
        std::fs::write(&path, "hello").unwrap();
        let open = || AppendIo::new(&path).unwrap().open(&path, flags()).unwrap();
        let file = open();
        assert_eq!(file.size().unwrap(), 0);
        file.write_at(&[7; 512], 512).unwrap();
        file.write_at(&[8; 512], 0).unwrap();
        let other = open();
        for file in [&file, &other] {
            let mut read = [0; 600];
            assert_eq!((file.size().unwrap(), file.read_at(&mut read, 500).unwrap()), (1024, 524));
            assert_eq!((read[11], read[12], read[523]), (8, 7, 7));
        }
        other.truncate(512).unwrap();
        assert_eq!(file.size().unwrap(), 512);
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 4096 + 512 + MARK_SIZE);
        assert_eq!((&bytes[..5], &bytes[4608..4625]), (&b"hello"[..], &MARK[..]));
        assert_eq!(bytes[4625..], 4096u64.to_be_bytes());
    }

    #[test]
    fn a_database_is_shown_whole_and_a_mark_that_leads_nowhere_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap().join("f");
        let mut database = DATABASE.to_vec();
        database.resize(1024, 0);
        std::fs::write(&path, &database).unwrap();
        assert_eq!(AppendIo::new(&path).unwrap().open(&path, flags()).unwrap().size().unwrap(), 1024);
        std::fs::write(&path, [&MARK[..], &[0xff; 8]].concat()).unwrap();
        assert_eq!(AppendIo::new(&path).unwrap().open(&path, flags()).unwrap().size().unwrap(), 0);
    }
}
