//! The rollback journal: written before a commit touches the database, played back after a crash.
//!
//! A transaction keeps its changes in memory until it commits, so the journal is written in one go:
//!
//! ```text
//!  1 header (count 0) + originals of all pages that change -> sync -> count -> sync      journal is now hot-able
//!  2 EXCLUSIVE lock, changed pages -> database, cut it off, sync
//!  3 delete / truncate / zero the journal: this is the commit
//! ```
//! Where a write that is interrupted may damage more than it was to change ([`File::is_powersafe`]), the originals of all pages
//! that share a sector with a changed one are written, and the header has a sector of its own.
//!
//! A failure in step 2 plays the journal back at once; where that fails too, the journal stays and whoever opens the
//! database next plays it back. Several databases at once: `super_journal.rs`. In mode MEMORY the originals are kept in memory for the same purpose; OFF has none.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_io::{File, Io, LockLevel, OpenFlags, SyncKind};

use crate::format::header::{decode_page_size, is_page_size};
use crate::format::journal::{JournalHeader, encode_super_journal_name, record_checksum, record_size};
use crate::format::layout::lock_byte_page;
use crate::format::{DatabaseHeader, be16, be32, put_be32};
use crate::page::PageNo;
use crate::pager::spill::{DirtyPage, Spill};
use crate::pager::{JournalMode, Synchronous};
use crate::planted::{self, Planted};
use crate::super_journal;

/// What device sectors are taken to be where writes damage nothing else.
const SECTOR: u32 = 512;
/// The largest sector that a journal can have.
const MAX_SECTOR: u32 = 65536;
/// Bytes gathered for one write of journal records.
const BATCH: usize = 1 << 20;

/// `path` with a suffix, as SQLite names its companions.
pub(crate) fn companion(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// What a rollback-mode commit is about.
pub(crate) struct Commit<'a> {
    pub io: &'a dyn Io,
    pub file: &'a dyn File,
    pub path: &'a Path,
    pub mode: JournalMode,
    /// Bytes that a persistent journal may keep; below 0: any number.
    pub journal_size_limit: i64,
    pub synchronous: Synchronous,
    /// VACUUM may change it.
    pub old_page_size: u32,
    pub page_size: u32,
    /// Pages before and after, each of its own size.
    pub old_count: u32,
    pub new_count: u32,
    /// The changed pages, in ascending order.
    pub pages: &'a [DirtyPage],
    /// Where those are that are not in memory.
    pub spill: Option<&'a Spill>,
    /// The super-journal, where the commit is one of several.
    pub super_journal: Option<&'a Path>,
}

/// What an older and longer journal left where the next header would stand must not be taken for one.
fn hide_old_header(journal: &dyn File, at: u64) -> Result<()> {
    let mut bytes = [0; JournalHeader::MAGIC.len()];
    let found = journal.read_at(&mut bytes, at)? == bytes.len() && bytes == JournalHeader::MAGIC;
    if found { journal.write_at(&[0], at) } else { Ok(()) }
}

/// What undoes a commit that failed half-way.
pub(crate) enum Undo {
    /// Mode OFF: nothing does.
    Nothing,
    Memory(Vec<(PageNo, Box<[u8]>)>),
    /// The journal, its path, and the header that makes it hot.
    Journal(Arc<dyn File>, PathBuf, [u8; JournalHeader::SIZE]),
}

impl Commit<'_> {
    fn sync_kind(&self) -> SyncKind {
        SyncKind::Data
    }

    /// Step 1. Reads the originals from the file, which the transaction has not touched.
    pub fn write_journal(&self) -> Result<Undo> {
        match self.mode {
            JournalMode::Off => Ok(Undo::Nothing),
            JournalMode::Memory => {
                let mut originals = Vec::new();
                for no in self.changed_originals() {
                    originals.push((no, self.read_original(no)?));
                }
                Ok(Undo::Memory(originals))
            }
            _ => self.write_journal_file(),
        }
    }

    /// What is lost or kept as a whole.
    fn sector(&self) -> u32 {
        if self.file.is_powersafe() { SECTOR } else { self.file.sector_size().clamp(SECTOR, MAX_SECTOR) }
    }

    /// Pages of the old database that will change, be cut off, or lie in one sector with those that change.
    fn changed_originals(&self) -> impl Iterator<Item = PageNo> + '_ {
        let lock_page = lock_byte_page(self.old_page_size);
        // With another page size no old page keeps its place.
        let kept = if self.old_page_size == self.page_size { self.new_count.min(self.old_count) } else { 0 };
        let together = (self.sector() / self.page_size).max(1);
        let mut next = 1;
        let edited = self.pages.iter().flat_map(move |page| {
            let first = (page.no().0 - 1) / together * together + 1;
            let pages = first.max(next)..=(first + together - 1).min(kept);
            next = next.max(first + together);
            pages.map(PageNo)
        });
        let cut = (kept + 1..=self.old_count).map(PageNo);
        edited.chain(cut).filter(move |no| *no != lock_page)
    }

    fn read_original(&self, no: PageNo) -> Result<Box<[u8]>> {
        let mut bytes = vec![0; self.old_page_size as usize].into_boxed_slice();
        self.file.read_at(&mut bytes, u64::from(no.0 - 1) * u64::from(self.old_page_size))?;
        Ok(bytes)
    }

    fn write_journal_file(&self) -> Result<Undo> {
        let path = companion(self.path, "-journal");
        let existed = self.io.exists(&path)?;
        let journal = self.io.open(&path, OpenFlags { create: true, ..OpenFlags::default() })?;
        match self.fill_journal(&*journal, &path, existed) {
            Ok(header) => Ok(Undo::Journal(journal, path, header)),
            Err(e) => {
                // Nothing depends on it yet: a journal without its count rolls nothing back. But where a sync has failed, the disk may
                // have the count and not all of the pages, and neither the journal's end nor its removal need reach it.
                let _ = journal.write_at(&[0; JournalHeader::SIZE], 0);
                if self.synchronous != Synchronous::Off {
                    let _ = journal.sync(self.sync_kind());
                }
                let _ = journal.truncate(0);
                let _ = self.io.delete(&path, false);
                Err(e)
            }
        }
    }

    fn fill_journal(&self, journal: &dyn File, path: &Path, existed: bool) -> Result<[u8; JournalHeader::SIZE]> {
        let sector = self.sector();
        let nonce = self.io.random_u32();
        let sync = self.synchronous != Synchronous::Off && !planted::has(Planted::SkippedSync);
        let mut header = JournalHeader {
            // Without syncs there is no order to protect, and SQLite says "all of the file".
            record_count: if sync { 0 } else { JournalHeader::TO_END_OF_FILE },
            nonce,
            initial_size: self.old_count,
            sector_size: sector,
            page_size: self.old_page_size,
        };
        let mut batch = vec![0; sector as usize];
        header.encode(&mut batch);
        let mut offset = 0;
        let mut count = 0u32;
        for no in self.changed_originals() {
            let start = batch.len();
            batch.resize(start + record_size(self.old_page_size) as usize, 0);
            let record = &mut batch[start..];
            put_be32(record, 0, no.0);
            let page_end = 4 + self.old_page_size as usize;
            self.file.read_at(&mut record[4..page_end], u64::from(no.0 - 1) * u64::from(self.old_page_size))?;
            let checksum = record_checksum(nonce, &record[4..page_end]);
            put_be32(record, page_end, checksum);
            count += 1;
            if batch.len() >= BATCH {
                journal.write_at(&batch, offset)?;
                offset += batch.len() as u64;
                batch.clear();
            }
        }
        journal.write_at(&batch, offset)?;
        if existed {
            hide_old_header(journal, (offset + batch.len() as u64).next_multiple_of(u64::from(sector)))?;
        }
        if let Some(path) = self.super_journal {
            let end = (offset + batch.len() as u64).next_multiple_of(u64::from(sector));
            let lock_page = lock_byte_page(self.old_page_size);
            let trailer = encode_super_journal_name(super_journal::name_of(path), lock_page.0);
            journal.write_at(&trailer, end)?;
            // The name is looked for at the end, where an older and longer journal may have left other bytes.
            if journal.size()? > end + trailer.len() as u64 {
                journal.truncate(end + trailer.len() as u64)?;
            }
        }
        if sync {
            // The name has to be durable too, also where the file was there: who made it may not have cared.
            if self.synchronous >= Synchronous::Full {
                journal.sync(self.sync_kind())?;
                self.io.sync_directory_of(path)?;
            }
            header.record_count = count;
            let mut bytes = [0; 4];
            put_be32(&mut bytes, 0, count);
            journal.write_at(&bytes, JournalHeader::RECORD_COUNT_AT)?;
            journal.sync(self.sync_kind())?;
            if self.synchronous < Synchronous::Full {
                self.io.sync_directory_of(path)?;
            }
        }
        let mut bytes = [0; JournalHeader::SIZE];
        header.encode(&mut bytes);
        Ok(bytes)
    }

    /// Step 2, under the EXCLUSIVE lock.
    pub fn write_database(&self) -> Result<()> {
        let size = u64::from(self.page_size);
        let mut rest = self.pages;
        while let Some(first) = rest.first() {
            let start = first.no().0;
            let run = rest.iter().take(256).enumerate().take_while(|(i, p)| p.no().0 == start + *i as u32).count();
            let loaded = rest[..run].iter().map(|p| p.load(self.spill)).collect::<Result<Vec<_>>>()?;
            let bufs: Vec<&[u8]> = loaded.iter().map(|p| &p[..]).collect();
            self.file.write_vectored_at(&bufs, u64::from(start - 1) * size)?;
            rest = &rest[run..];
        }
        let bytes = u64::from(self.new_count) * size;
        let has = self.file.size()?;
        if has > bytes {
            self.file.truncate(bytes)?;
        } else if has < bytes {
            // The last page is the lock-byte page's neighbour or was never written: the file has to be that long.
            self.file.write_at(&[0], bytes - 1)?;
        }
        if self.synchronous != Synchronous::Off {
            self.file.sync(self.sync_kind())?;
        }
        Ok(())
    }

    /// Step 3: the transaction is committed when this has succeeded, and can be undone when it has failed.
    pub fn finish(&self, undo: &Undo) -> Result<()> {
        let Undo::Journal(journal, path, _) = undo else { return Ok(()) };
        match self.mode {
            // Where nobody waits for it to be durable, the end of the journal is one operation.
            JournalMode::Truncate if self.synchronous < Synchronous::Full => journal.truncate(0),
            JournalMode::Truncate | JournalMode::Persist => {
                // Zeros in place of the header are what commits; they can be taken back while the sync may fail.
                journal.write_at(&[0; JournalHeader::SIZE], 0)?;
                if self.synchronous != Synchronous::Off {
                    journal.sync(self.sync_kind())?;
                }
                match u64::try_from(self.journal_size_limit) {
                    _ if self.mode == JournalMode::Truncate => drop(journal.truncate(0)),
                    Ok(limit) if journal.size().is_ok_and(|size| size > limit) => drop(journal.truncate(limit)),
                    _ => {}
                }
                Ok(())
            }
            _ => match self.io.delete(path, self.synchronous == Synchronous::Extra) {
                Err(e) if e.code() != ResultCode::IOERR_DELETE_NOENT && self.io.exists(path).unwrap_or(true) => Err(e),
                // Gone, though its going may not be durable: then a loss of power rolls the transaction back.
                _ => Ok(()),
            },
        }
    }

    /// Puts the database back after a failure in steps 2 or 3.
    pub fn undo(&self, undo: Undo) -> Result<()> {
        match undo {
            Undo::Nothing => Ok(()),
            Undo::Memory(originals) => {
                for (no, bytes) in originals {
                    self.file.write_at(&bytes, u64::from(no.0 - 1) * u64::from(self.old_page_size))?;
                }
                self.file.truncate(u64::from(self.old_count) * u64::from(self.old_page_size))?;
                if self.synchronous != Synchronous::Off { self.file.sync(self.sync_kind()) } else { Ok(()) }
            }
            journal @ Undo::Journal(..) => journal.play_back(self.io, self.file),
        }
    }
}

impl Undo {
    /// Puts the database back from the journal, where there is one, and deletes that.
    pub fn play_back(self, io: &dyn Io, file: &dyn File) -> Result<()> {
        let Undo::Journal(journal, path, header) = self else { return Ok(()) };
        let mut first = [0];
        if journal.read_at(&mut first, 0)? != 1 || first[0] == 0 {
            // Zeros have taken the header's place, and may have reached the disk. Before the first original is back in the database
            // the header has to: otherwise a loss of power in between would leave half of each, and a journal that says nothing.
            journal.write_at(&header, 0)?;
            journal.sync(SyncKind::Data)?;
        }
        play_back(&*journal, file)?;
        drop(journal);
        io.delete(&path, false)
    }
}

/// What the existence of a journal means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum JournalState {
    /// None, or one that has nothing to say.
    Cold,
    /// It may have to be played back.
    Hot,
}

/// Looks for a journal that a crashed writer left; the caller holds SHARED.
pub(crate) fn find_hot_journal(io: &dyn Io, file: &dyn File, path: &Path) -> Result<JournalState> {
    let journal_path = companion(path, "-journal");
    if !io.exists(&journal_path)? || file.check_reserved()? {
        return Ok(JournalState::Cold);
    }
    let journal = match io.open(&journal_path, OpenFlags { read_only: true, ..OpenFlags::default() }) {
        Ok(journal) => journal,
        // Deleted since: its transaction has ended.
        Err(e) if e.is(ResultCode::CANTOPEN) && !io.exists(&journal_path)? => return Ok(JournalState::Cold),
        // There and yet not to be opened: damaged, or another one since. Who holds EXCLUSIVE can tell.
        Err(e) if e.is(ResultCode::CANTOPEN) => return Ok(JournalState::Hot),
        Err(e) => return Err(e),
    };
    if file.size()? == 0 {
        // A database without content needs no rollback; the journal is of another life of that name.
        drop(journal);
        if !file.is_read_only() && file.lock(LockLevel::Reserved).is_ok() {
            let _ = io.delete(&journal_path, false);
            file.unlock(LockLevel::Shared)?;
        }
        return Ok(JournalState::Cold);
    }
    let mut first = [0];
    let read = journal.read_at(&mut first, 0)?;
    Ok(if read == 1 && first[0] != 0 { JournalState::Hot } else { JournalState::Cold })
}

/// Plays a hot journal back under the EXCLUSIVE lock, and removes it. The caller holds SHARED and gets it back.
pub(crate) fn recover(io: &dyn Io, file: &dyn File, path: &Path) -> Result<()> {
    if file.is_read_only() {
        return Err(Error::from_code(ResultCode::READONLY_ROLLBACK));
    }
    let journal_path = companion(path, "-journal");
    let result = file.lock(LockLevel::Exclusive).and_then(|()| {
        // Somebody else may have been faster.
        if !io.exists(&journal_path)? {
            return Ok(());
        }
        let journal = io.open(&journal_path, OpenFlags::default())?;
        if journal.is_read_only() {
            return Err(Error::from_code(ResultCode::CANTOPEN));
        }
        journal.sync(SyncKind::Data)?;
        let named = super_journal::named_by(&*journal)?;
        // A transaction over several databases whose super-journal is gone did commit.
        let committed = match &named {
            Some(path) => !io.exists(path)?,
            None => false,
        };
        if !committed {
            let pages = play_back(&*journal, file)?;
            if pages > 0 {
                turso_error::log::write(ResultCode::NOTICE_RECOVER_ROLLBACK, || {
                    format!("recovered {pages} pages from {}", journal_path.display())
                });
            }
        }
        drop(journal);
        io.delete(&journal_path, true)?;
        match named.filter(|_| !committed) {
            Some(path) => super_journal::delete_unless_needed(io, &path),
            None => Ok(()),
        }
    });
    let unlocked = file.unlock(LockLevel::Shared);
    result.and(unlocked)
}

/// Writes the originals back into the database and syncs it; how many there were.
fn play_back(journal: &dyn File, file: &dyn File) -> Result<u64> {
    let size = journal.size()?;
    let mut reader = Playback { journal, file, size, offset: 0, first: None, pages: 0 };
    while reader.segment()? {}
    if reader.first.is_some() {
        file.sync(SyncKind::Data)?;
    }
    Ok(reader.pages)
}

struct Playback<'a> {
    journal: &'a dyn File,
    file: &'a dyn File,
    size: u64,
    offset: u64,
    first: Option<JournalHeader>,
    /// Originals written back.
    pages: u64,
}

impl Playback<'_> {
    /// Plays one segment; false at the end of what is valid.
    fn segment(&mut self) -> Result<bool> {
        if let Some(first) = &self.first {
            let sector = u64::from(first.sector_size);
            self.offset = self.offset.div_ceil(sector) * sector;
        }
        let mut bytes = [0; JournalHeader::SIZE];
        if self.offset + JournalHeader::SIZE as u64 > self.size
            || self.journal.read_at(&mut bytes, self.offset)? < bytes.len()
        {
            return Ok(false);
        }
        let Some(mut header) = JournalHeader::decode(&bytes) else { return Ok(false) };
        if let Some(first) = &self.first {
            // Of later headers nobody reads the sizes.
            (header.page_size, header.sector_size) = (first.page_size, first.sector_size);
        } else {
            if header.page_size == 0 {
                // Zeros that were to end the journal have come this far when the power went: SQLite plays it back all the same.
                header.page_size = self.page_size_of_database()?;
            }
            if !is_page_size(header.page_size)
                || !(32..=65536).contains(&header.sector_size)
                || !header.sector_size.is_power_of_two()
            {
                return Ok(false);
            }
        }
        let first = *self.first.get_or_insert(header);
        if self.offset == 0 {
            let bytes = u64::from(header.initial_size) * u64::from(header.page_size);
            if self.file.size()? > bytes {
                self.file.truncate(bytes)?;
            }
        }
        self.offset += u64::from(header.sector_size);
        let record = record_size(header.page_size);
        let fit = self.size.saturating_sub(self.offset) / record;
        let count = match header.record_count {
            JournalHeader::TO_END_OF_FILE => fit,
            count => u64::from(count),
        };
        let mut buf = vec![0; record as usize];
        for _ in 0..count {
            if !self.record(&header, first.initial_size, &mut buf)? {
                return Ok(false);
            }
        }
        Ok(count > 0)
    }

    /// What the database says of itself; 0 where it does not.
    fn page_size_of_database(&self) -> Result<u32> {
        let mut bytes = [0; DatabaseHeader::SIZE];
        let read = self.file.read_at(&mut bytes, 0)?;
        let is_database = read == bytes.len() && &bytes[..16] == DatabaseHeader::MAGIC;
        Ok(if is_database { decode_page_size(be16(&bytes, 16)).unwrap_or(0) } else { 0 })
    }

    /// The first header says how large the database was, whatever later ones say.
    fn record(&mut self, header: &JournalHeader, initial_size: u32, buf: &mut [u8]) -> Result<bool> {
        if self.journal.read_at(buf, self.offset)? < buf.len() {
            return Ok(false);
        }
        self.offset += buf.len() as u64;
        let no = be32(buf, 0);
        let page_end = buf.len() - 4;
        if no == 0 || PageNo(no) == lock_byte_page(header.page_size) {
            return Ok(false);
        }
        if no > initial_size {
            // Nothing to put back, whatever it holds: SQLite does not look at its checksum either.
            return Ok(true);
        }
        if record_checksum(header.nonce, &buf[4..page_end]) != be32(buf, page_end) {
            return Ok(false);
        }
        self.file.write_at(&buf[4..page_end], u64::from(no - 1) * u64::from(header.page_size))?;
        self.pages += 1;
        Ok(true)
    }
}
