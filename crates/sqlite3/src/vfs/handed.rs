//! The engine's input and output under our own VFS, and file objects that the application has asked for.
//!
//! `SQLITE_FCNTL_FILE_POINTER` hands out an object over a database's file. Whoever puts methods of his own into it expects that
//! they are called from there on, and calls ours in turn:
//!
//! ```text
//! engine --> HandedFile --> the application's methods --> own.rs --> GuestFile --> HandedFile --> system calls
//!                 \------------------ with our own methods in the object --------------^
//! ```
//!
//! That goes for what is read, written, truncated, synced and measured. Locks stay with the engine, which shares them out
//! among the connections of the process.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_int;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use turso_core::io::{File, FileId, Io, OpenFlags, SyncKind};
use turso_core::{Error, Result, ResultCode};

use super::methods::{IOERR, IOERR_SHORT_READ, SYNC_FULL, SYNC_NORMAL, sqlite3_file, sqlite3_io_methods};
use super::own::{OwnFile, own_methods};
use crate::codes::OK;

/// Files that are open, for who has an object made over one of them.
static OPEN: LazyLock<Mutex<HashMap<FileId, Weak<HandedFile>>>> = LazyLock::new(Mutex::default);

thread_local! {
    /// The files, by address, whose methods of the application are running for the engine: what those ask of their file is done.
    static INSIDE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// System calls, behind files whose objects can be handed out.
pub struct HandedIo {
    inner: Arc<dyn Io>,
}

impl HandedIo {
    /// The one of this process.
    pub fn shared() -> Arc<dyn Io> {
        static SHARED: LazyLock<Arc<HandedIo>> =
            LazyLock::new(|| Arc::new(HandedIo { inner: turso_core::io::default_io() }));
        SHARED.clone()
    }
}

/// A failed system call goes to the application's log in the words of SQLite's VFS, by which programs know such lines.
fn logged<T>(call: &str, path: &Path, outcome: Result<T>) -> Result<T> {
    if let Err(Error::Failed(failure)) = &outcome
        && let Some(number) = failure.os_error
        && failure.code != ResultCode::IOERR_DELETE_NOENT
    {
        let line = failure.detected_at.line();
        let system = std::io::Error::from_raw_os_error(number).to_string();
        let reason = system.split(" (os error").next().unwrap_or_default();
        let text = format!("os_unix.c:{line}: ({number}) {call}({}) - {reason}", path.display());
        crate::config::log(failure.code.0, text.as_bytes());
    }
    outcome
}

impl Io for HandedIo {
    turso_core::io::delegate_io_names!();

    fn randomness(&self, buffer: &mut [u8]) {
        crate::randomness::fill(buffer);
    }

    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        let inner = logged("open", path, self.inner.open(path, flags))?;
        let file = Arc::new(HandedFile {
            inner,
            is_handed: AtomicBool::new(false),
            objects: Mutex::default(),
            calls: Mutex::default(),
        });
        if let Some(id) = file.inner.id().filter(|_| !flags.delete_on_close) {
            guard(&OPEN).insert(id, Arc::downgrade(&file));
        }
        Ok(file)
    }

    fn delete(&self, path: &Path, sync_dir: bool) -> Result<()> {
        logged("unlink", path, self.inner.delete(path, sync_dir))
    }

    fn sync_directory_of(&self, path: &Path) -> Result<()> {
        self.inner.sync_directory_of(path)
    }

    fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration);
    }

    fn for_uri(&self, path: &Path, parameters: &[(String, String)]) -> Result<Option<Arc<dyn Io>>> {
        super::back_end_for_uri(self, None, path, parameters)
    }

    fn shared_identity(&self) -> Option<usize> {
        self.inner.shared_identity()
    }
}

/// An object over a file of the engine, in the hands of C.
pub struct HandedObject {
    object: Box<OwnFile>,
    file: Option<Arc<HandedFile>>,
}

impl HandedObject {
    /// Over a database's file; without one it has no methods.
    pub fn new(file: Option<Arc<dyn File>>) -> Self {
        let Some(file) = file else { return Self { object: Box::new(OwnFile::none()), file: None } };
        let handed = file.id().and_then(|id| guard(&OPEN).get(&id).and_then(Weak::upgrade));
        let mut object = Self { object: Box::new(OwnFile::new(file)), file: handed };
        let pointer = object.as_ptr();
        if let Some(file) = &object.file {
            guard(&file.objects).push(Object(pointer));
            file.is_handed.store(true, Ordering::Release);
        }
        object
    }

    /// What C gets.
    pub fn as_ptr(&mut self) -> *mut sqlite3_file {
        std::ptr::from_mut(&mut *self.object).cast()
    }
}

impl Drop for HandedObject {
    fn drop(&mut self) {
        let pointer = self.as_ptr();
        if let Some(file) = self.file.take() {
            guard(&file.objects).retain(|object| object.0 != pointer);
            // Other connections read and write through it too: their calls end before it does.
            let _last = (!file.is_inside()).then(|| guard(&file.calls));
        }
    }
}

/// A pointer that C has.
#[derive(Clone, Copy)]
struct Object(*mut sqlite3_file);

// SAFETY: the object lives until it is taken out of the list and the calls of then are over (`HandedFile::calls`), and its methods
// are called as the interface says: from one thread at a time.
unsafe impl Send for Object {}

struct HandedFile {
    inner: Arc<dyn File>,
    /// There has been an object; until then reads and writes look no further.
    is_handed: AtomicBool,
    objects: Mutex<Vec<Object>>,
    /// Held while methods of the application run.
    calls: Mutex<()>,
}

impl HandedFile {
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// This thread runs methods of the application for this file.
    fn is_inside(&self) -> bool {
        INSIDE.with_borrow(|files| files.contains(&self.address()))
    }

    /// An object into which the application has put methods, unless it is they who ask.
    fn replaced(&self) -> Option<(*mut sqlite3_file, &sqlite3_io_methods)> {
        if !self.is_handed.load(Ordering::Acquire) || self.is_inside() {
            return None;
        }
        guard(&self.objects).iter().find_map(|object| {
            // SAFETY: the objects of the list are live, and their first field is that of the interface.
            let methods = unsafe { (*object.0).methods };
            if methods == own_methods() {
                return None;
            }
            // SAFETY: the interface's contract: NULL or methods that stay as long as they are in the object.
            unsafe { methods.as_ref() }.map(|methods| (object.0, methods))
        })
    }

    /// Has methods of the application do the work, what they ask of the file meanwhile goes to the file. `None`: there are none.
    fn through(
        &self,
        work: impl FnOnce(*mut sqlite3_file, &sqlite3_io_methods) -> Option<c_int>,
    ) -> Option<Result<()>> {
        self.replaced()?;
        let _alone = guard(&self.calls);
        // While another thread's call was waited for, the object may have gone.
        let (file, methods) = self.replaced()?;
        INSIDE.with_borrow_mut(|files| files.push(self.address()));
        let code = work(file, methods);
        INSIDE.with_borrow_mut(Vec::pop);
        Some(match code {
            Some(OK) => Ok(()),
            code => Err(Error::from_code(ResultCode(code.unwrap_or(IOERR)))),
        })
    }
}

impl File for HandedFile {
    turso_core::io::delegate_file_locks!();
    turso_core::io::delegate_file_nature!();

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let mut count = buf.len();
        let done = self.through(|file, methods| {
            // SAFETY: the interface's contract: a buffer of that size.
            let code = unsafe { methods.read?(file, buf.as_mut_ptr().cast(), buf.len() as c_int, offset as i64) };
            if code == IOERR_SHORT_READ {
                let size = self.inner.size().unwrap_or(0);
                count = usize::try_from(size.saturating_sub(offset)).unwrap_or(0).min(buf.len());
                return Some(OK);
            }
            Some(code)
        });
        match done {
            Some(outcome) => outcome.map(|()| count),
            None => self.inner.read_at(buf, offset),
        }
    }

    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> Result<()> {
        let done = self.through(|file, methods| {
            let write = methods.write?;
            let mut at = offset;
            for buf in bufs {
                // SAFETY: the interface's contract: a buffer of that size.
                let code = unsafe { write(file, buf.as_ptr().cast(), buf.len() as c_int, at as i64) };
                if code != OK {
                    return Some(code);
                }
                at += buf.len() as u64;
            }
            Some(OK)
        });
        done.unwrap_or_else(|| self.inner.write_vectored_at(bufs, offset))
    }

    fn sync(&self, kind: SyncKind) -> Result<()> {
        let flags = if kind == SyncKind::Full { SYNC_FULL } else { SYNC_NORMAL };
        // SAFETY: the interface's contract.
        let done = self.through(|file, methods| Some(unsafe { methods.sync?(file, flags) }));
        done.unwrap_or_else(|| self.inner.sync(kind))
    }

    fn truncate(&self, size: u64) -> Result<()> {
        // SAFETY: the interface's contract.
        let done = self.through(|file, methods| Some(unsafe { methods.truncate?(file, size as i64) }));
        done.unwrap_or_else(|| self.inner.truncate(size))
    }

    fn size(&self) -> Result<u64> {
        let mut size = 0;
        // SAFETY: the interface's contract.
        let done = self.through(|file, methods| Some(unsafe { methods.size?(file, &mut size) }));
        match done {
            Some(outcome) => outcome.map(|()| u64::try_from(size).unwrap_or(0)),
            None => self.inner.size(),
        }
    }

    fn shm_lock_linger(&self) -> Option<Duration> {
        self.inner.shm_lock_linger()
    }
}

impl Drop for HandedFile {
    fn drop(&mut self) {
        if let Some(id) = self.inner.id() {
            let mut open = guard(&OPEN);
            // Opened again meanwhile, the file's entry is the newer one's.
            if open.get(&id).is_some_and(|file| file.strong_count() == 0) {
                open.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static IS_RUNNING: AtomicBool = AtomicBool::new(false);
    static IS_GONE: AtomicBool = AtomicBool::new(false);

    /// Takes a while, and tells whether the object has gone meanwhile.
    unsafe extern "C" fn slow_size(_: *mut sqlite3_file, size: *mut i64) -> c_int {
        IS_RUNNING.store(true, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(100));
        // SAFETY: the caller's place for the size.
        unsafe { *size = if IS_GONE.load(Ordering::SeqCst) { 1 } else { 7 } };
        OK
    }

    #[test]
    fn an_object_outlives_the_calls_of_other_connections() {
        let path = std::env::temp_dir().join(format!("turso_handed_{}", std::process::id()));
        let flags = OpenFlags { create: true, ..OpenFlags::default() };
        let file = HandedIo::shared().open(&path, flags).unwrap();
        let mut object = HandedObject::new(Some(file.clone()));
        // SAFETY: our own methods, which are pointers to functions.
        let methods = sqlite3_io_methods { size: Some(slow_size), ..unsafe { own_methods().read() } };
        // SAFETY: the object is live, and the methods outlive it.
        unsafe { (*object.as_ptr()).methods = &methods };
        let seen = std::thread::scope(|scope| {
            let other = scope.spawn(|| file.size().unwrap());
            while !IS_RUNNING.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            drop(object);
            IS_GONE.store(true, Ordering::SeqCst);
            other.join().unwrap()
        });
        assert_eq!(seen, 7);
        assert_eq!(file.size().unwrap(), 0);
        std::fs::remove_file(&path).unwrap();
    }
}
