//! `sqlite3_file_control`: what goes to the file of a database, and what the library answers itself.

use std::ffi::{c_char, c_int, c_void};
use std::os::unix::fs::MetadataExt;
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::boundary::{Out, Text, catch, entry};
use crate::codes::{ERROR, INTERNAL, MISUSE, NOTFOUND, OK};
use crate::handle::{Db, Handle};
use crate::vfs::{HandedObject, sqlite3_file, sqlite3_vfs};

const PERSIST_WAL: c_int = 10;
const FILE_POINTER: c_int = 7;
const POWERSAFE_OVERWRITE: c_int = 13;
const VFS_POINTER: c_int = 27;
const JOURNAL_POINTER: c_int = 28;
const DATA_VERSION: c_int = 35;
const HAS_MOVED: c_int = 20;
const SIZE_LIMIT: c_int = 36;
const RESERVE_BYTES: c_int = 38;
const EXTERNAL_READER: c_int = 40;
const RESET_CACHE: c_int = 42;
const NULL_IO: c_int = 43;

/// File objects and settings of a connection's databases, by their number.
#[derive(Default)]
pub struct Files {
    /// Objects made for files of the engine, kept until the connection closes.
    own: Vec<((usize, String), HandedObject)>,
    persist_wal: bool,
    powersafe_overwrite: Option<bool>,
}

impl Db {
    /// The VFS that the main database was opened through.
    fn vfs(&self) -> *mut sqlite3_vfs {
        match &self.foreign_io {
            Some(io) => io.vfs_pointer(),
            None => crate::vfs::own_default(),
        }
    }

    /// The file object of a database: that of the application's VFS, or one over the engine's file.
    fn file_object(&self, database: usize) -> *mut sqlite3_file {
        if let (0, Some(io)) = (database, &self.foreign_io) {
            return io.main_file();
        }
        // By number and name: another file may be attached in the place of one that is gone.
        let name = self.connection.databases().into_iter().nth(database).map(|(_, file)| file).unwrap_or_default();
        let key = (database, name);
        let mut files = self.files.borrow_mut();
        if !files.own.iter().any(|(known, _)| *known == key) {
            files.own.retain(|((known, _), _)| *known != database);
            let object = HandedObject::new(self.connection.file(database));
            files.own.push((key.clone(), object));
        }
        let found = files.own.iter_mut().find(|(known, _)| *known == key);
        found.map_or(null_mut(), |(_, object)| object.as_ptr())
    }

    /// A switch that is told (0, 1) or asked for (negative); the answer goes to the same place.
    fn switch_file(&self, place: Out<c_int>, current: bool, set: impl FnOnce(&mut Files, bool)) -> c_int {
        let wanted = place.get().unwrap_or(-1);
        if wanted >= 0 {
            set(&mut self.files.borrow_mut(), wanted != 0);
        }
        place.set((if wanted >= 0 { wanted != 0 } else { current }).into());
        OK
    }

    /// `sqlite3_file_control` on a database by its number.
    pub fn file_control(&self, database: usize, op: c_int, argument: *mut c_void) -> c_int {
        match op {
            FILE_POINTER => {
                Out::new(argument.cast()).set(self.file_object(database));
                OK
            }
            VFS_POINTER => {
                Out::new(argument.cast()).set(self.vfs());
                OK
            }
            JOURNAL_POINTER => {
                Out::new(argument.cast::<*mut sqlite3_file>()).set(null_mut());
                OK
            }
            DATA_VERSION => {
                Out::new(argument.cast::<u32>()).set(self.connection.content_version(database).unwrap_or(0));
                OK
            }
            RESERVE_BYTES => {
                let place = Out::new(argument.cast::<c_int>());
                let wanted = place.get().and_then(|wanted| u8::try_from(wanted).ok());
                place.set(self.connection.reserved_bytes(database, wanted).unwrap_or(0).into());
                OK
            }
            RESET_CACHE => OK,
            SIZE_LIMIT if self.connection.image_limit(database, None).is_some() => {
                let place = Out::new(argument.cast::<i64>());
                let wanted = place.get().and_then(|wanted| u64::try_from(wanted).ok());
                let limit = self.connection.image_limit(database, wanted).unwrap_or(0);
                place.set(i64::try_from(limit).unwrap_or(i64::MAX));
                OK
            }
            _ => self.forward(database, op, argument),
        }
    }

    /// Asks the file object; two switches of ours are kept here.
    fn forward(&self, database: usize, op: c_int, argument: *mut c_void) -> c_int {
        if self.connection.file(database).is_none() {
            return NOTFOUND;
        }
        if database == 0 && self.foreign_io.is_some() {
            let file = self.file_object(database);
            // SAFETY: an open file of the application's VFS.
            let control =
                unsafe { file.as_ref().and_then(|file| file.methods.as_ref()) }.and_then(|methods| methods.control);
            // SAFETY: the interface's contract: the argument is of the type that the operation asks for.
            return control.map_or(NOTFOUND, |control| unsafe { control(file, op, argument) });
        }
        match op {
            // Another file of that name, or none.
            HAS_MOVED => {
                let name =
                    self.connection.databases().into_iter().nth(database).map(|(_, file)| file).unwrap_or_default();
                let named = std::fs::metadata(&name).ok().map(|facts| (facts.dev(), facts.ino()));
                let open = self.connection.file(database).and_then(|file| file.id()).map(|id| (id.device, id.inode));
                Out::new(argument.cast::<c_int>()).set((open.is_some() && named != open).into());
                OK
            }
            EXTERNAL_READER => {
                Out::new(argument.cast::<c_int>()).set(self.connection.is_read_elsewhere(database).into());
                OK
            }
            NULL_IO if self.connection.sever(database) => OK,
            PERSIST_WAL => {
                let current = self.files.borrow().persist_wal;
                self.switch_file(Out::new(argument.cast()), current, |files, on| {
                    files.persist_wal = on;
                    self.connection.leave_log(database, on);
                })
            }
            POWERSAFE_OVERWRITE => {
                let current = self.files.borrow().powersafe_overwrite.unwrap_or(true);
                self.switch_file(Out::new(argument.cast()), current, |files, on| files.powersafe_overwrite = Some(on))
            }
            _ => {
                let file = self.file_object(database);
                // SAFETY: an object of ours.
                let control =
                    unsafe { file.as_ref().and_then(|file| file.methods.as_ref()) }.and_then(|methods| methods.control);
                // SAFETY: as above.
                control.map_or(NOTFOUND, |control| unsafe { control(file, op, argument) })
            }
        }
    }
}

entry! {
    /// Asks or tells the file of a database.
    fn sqlite3_file_control(db: Handle<Db>, name: Text, op: i32, argument: *mut c_void) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        match db.database_index(name.bytes()) {
            Some(database) => db.file_control(database, op, argument),
            None => ERROR,
        }
    }
}

/// Open connections by the address of their main database's name, for who has only that name.
static BY_NAME: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

fn by_name() -> MutexGuard<'static, Vec<(usize, usize)>> {
    BY_NAME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection is open.
pub fn connection_opened(db: &Db) {
    by_name().push((db.filename.as_ptr() as usize, db.as_ptr() as usize));
}

/// A connection is freed.
pub fn connection_freed(db: &Db) {
    by_name().retain(|(_, known)| *known != db.as_ptr() as usize);
}

/// The file object of the database that a name belongs to, for VFSes that look at it from the journal's side. The name is one
/// that the library has handed out: of a main database, its journal or its log.
#[unsafe(no_mangle)]
pub extern "C" fn sqlite3_database_file_object(name: *const c_char) -> *mut c_void {
    catch(null_mut(), || {
        if name.is_null() {
            return null_mut();
        }
        // SAFETY: the interface's contract: a name in its block.
        let database = unsafe { crate::filename::sqlite3_filename_database(name) } as usize;
        let found = by_name().iter().find(|(known, _)| *known == database).map(|(_, db)| *db as *const Db);
        // SAFETY: a connection is in the list as long as it lives, and who has its name keeps it alive.
        found.map_or(null_mut(), |db| unsafe { &*db }.file_object(0).cast())
    })
}
