//! A back end that stops in the middle: after a number of operations every call fails, and what a disk would then
//! hold is what was synced plus any part of what was not, torn at sectors. Also: a disk that is full, a call that fails.
#![allow(dead_code)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use turso_error::{Error, Result, ResultCode};
use turso_io::*;

pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

enum Unsynced {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// This operation and all after it fail.
    CrashAt(u64),
    /// This operation alone fails.
    FailAt(u64),
    /// From here on no file can grow.
    FullAt(u64),
}

struct Disk {
    durable: HashMap<PathBuf, Vec<u8>>,
    unsynced: Vec<(PathBuf, Unsynced)>,
    operations: u64,
    fault: Fault,
    deleted: Vec<PathBuf>,
    /// What was done, operations of one kind on one file in a row as one.
    log: Vec<String>,
}

#[derive(Clone)]
pub struct CrashIo {
    memory: Arc<MemoryIo>,
    disk: Arc<Mutex<Disk>>,
}

fn apply(file: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let end = at as usize + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[at as usize..end].copy_from_slice(bytes);
}

impl CrashIo {
    pub fn new(files: &HashMap<PathBuf, Vec<u8>>, fault: Fault) -> Self {
        let memory = MemoryIo::seeded(7);
        for (path, bytes) in files {
            memory.set_contents(path, bytes.clone());
        }
        let disk = Disk {
            durable: files.clone(),
            unsynced: Vec::new(),
            operations: 0,
            fault,
            deleted: Vec::new(),
            log: Vec::new(),
        };
        Self { memory: Arc::new(memory), disk: Arc::new(Mutex::new(disk)) }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap()
    }

    pub fn operations(&self) -> u64 {
        self.disk().operations
    }

    /// The files that have been deleted, in order.
    pub fn deleted(&self) -> Vec<PathBuf> {
        self.disk().deleted.clone()
    }

    /// What was done since the last call: `write`, `sync`, `truncate`, `delete` with the end of the file's name, `sync
    /// directory`; several in a row are one.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.disk().log)
    }

    fn log(&self, what: &str, path: &Path) {
        let name = path.to_string_lossy();
        let end = name.rfind('-').map_or("database", |at| &name[at + 1..]);
        let line = format!("{what} {end}");
        let mut disk = self.disk();
        if disk.log.last() != Some(&line) {
            disk.log.push(line);
        }
    }

    pub fn set_fault(&self, fault: Fault) {
        self.disk().fault = fault;
    }

    /// What the disk holds after the power has gone: any part of what was not synced.
    pub fn after_crash(&self, random: &mut Random) -> HashMap<PathBuf, Vec<u8>> {
        let disk = self.disk();
        let mut files = disk.durable.clone();
        for (path, op) in &disk.unsynced {
            let Some(file) = files.get_mut(path) else { continue };
            match op {
                Unsynced::Truncate(size) => {
                    if random.next(2) == 0 {
                        file.resize(*size as usize, 0);
                    }
                }
                Unsynced::Write(at, bytes) => {
                    let whole = random.next(3);
                    for (i, sector) in bytes.chunks(512).enumerate() {
                        if whole == 0 || (whole == 1 && random.next(2) == 0) {
                            apply(file, at + i as u64 * 512, sector);
                        }
                    }
                }
            }
        }
        files
    }

    /// What a reader of the running system sees.
    pub fn files(&self) -> HashMap<PathBuf, Vec<u8>> {
        self.memory.names().into_iter().map(|n| (n.clone(), self.memory.contents(&n).unwrap())).collect()
    }

    /// Counts an operation that changes something; fails where the fault says so.
    fn count(&self, code: ResultCode, grows: bool) -> Result<()> {
        let mut disk = self.disk();
        disk.operations += 1;
        let n = disk.operations;
        match disk.fault {
            Fault::CrashAt(at) if n >= at => Err(Error::from_code(code)),
            Fault::FailAt(at) if n == at => Err(Error::from_code(code)),
            Fault::FullAt(at) if n >= at && grows => Err(Error::from_code(ResultCode::FULL)),
            _ => Ok(()),
        }
    }
}

impl Io for CrashIo {
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        let inner = self.memory.open(path, flags)?;
        if flags.create {
            self.disk().durable.entry(path.to_path_buf()).or_default();
        }
        Ok(Arc::new(CrashFile { inner, path: path.to_path_buf(), io: self.clone() }))
    }
    fn delete(&self, path: &Path, sync_dir: bool) -> Result<()> {
        self.count(ResultCode::IOERR_DELETE, false)?;
        self.log("delete", path);
        if sync_dir {
            self.log("sync", Path::new("-directory"));
        }
        let mut disk = self.disk();
        disk.durable.remove(path);
        disk.deleted.push(path.to_path_buf());
        disk.unsynced.retain(|(p, _)| p != path);
        drop(disk);
        self.memory.delete(path, sync_dir)
    }
    fn exists(&self, path: &Path) -> Result<bool> {
        self.memory.exists(path)
    }
    fn sync_directory_of(&self, _path: &Path) -> Result<()> {
        self.count(ResultCode::IOERR_DIR_FSYNC, false)?;
        self.log("sync", Path::new("-directory"));
        Ok(())
    }
    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        Ok(path.to_path_buf())
    }
    fn temp_path(&self) -> Result<PathBuf> {
        self.memory.temp_path()
    }
    fn now_julian_ms(&self) -> i64 {
        0
    }
    fn randomness(&self, buf: &mut [u8]) {
        self.memory.randomness(buf);
    }
    fn sleep(&self, _: Duration) {}
}

struct CrashFile {
    inner: Arc<dyn File>,
    path: PathBuf,
    io: CrashIo,
}

impl File for CrashFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let disk = self.io.disk();
        if matches!(disk.fault, Fault::CrashAt(at) if disk.operations >= at) {
            return Err(Error::from_code(ResultCode::IOERR_READ));
        }
        drop(disk);
        self.inner.read_at(buf, offset)
    }
    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> Result<()> {
        self.io.log("write", &self.path);
        // A failing write may have written a part.
        let bytes = bufs.concat();
        // A full disk still takes what lies within the file.
        let grows = offset + bytes.len() as u64 > self.inner.size()?;
        let failed = self.io.count(ResultCode::IOERR_WRITE, grows);
        let n = if failed.is_err() { bytes.len() / 2 } else { bytes.len() };
        if n > 0 {
            self.inner.write_at(&bytes[..n], offset)?;
            self.io.disk().unsynced.push((self.path.clone(), Unsynced::Write(offset, bytes[..n].to_vec())));
        }
        failed
    }
    fn sync(&self, _kind: SyncKind) -> Result<()> {
        self.io.count(ResultCode::IOERR_FSYNC, false)?;
        self.io.log("sync", &self.path);
        let mut disk = self.io.disk();
        let Disk { durable, unsynced, .. } = &mut *disk;
        let file = durable.entry(self.path.clone()).or_default();
        for (path, op) in unsynced.iter() {
            if *path == self.path {
                match op {
                    Unsynced::Write(at, bytes) => apply(file, *at, bytes),
                    Unsynced::Truncate(size) => file.resize(*size as usize, 0),
                }
            }
        }
        unsynced.retain(|(path, _)| *path != self.path);
        Ok(())
    }
    fn truncate(&self, size: u64) -> Result<()> {
        self.io.count(ResultCode::IOERR_TRUNCATE, false)?;
        self.io.log("truncate", &self.path);
        self.io.disk().unsynced.push((self.path.clone(), Unsynced::Truncate(size)));
        self.inner.truncate(size)
    }
    turso_io::delegate_file!();
}
