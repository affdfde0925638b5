//! Snapshots: the state that a transaction reads, kept to be read again.

use std::cmp::Ordering;
use std::ffi::c_int;

use turso_core::SnapshotId;

use crate::boundary::{Out, Text, entry};
use crate::codes::{INTERNAL, MISUSE};
use crate::handle::{Bare, Db, Handle};

/// `sqlite3_snapshot`
#[repr(C)]
#[allow(non_camel_case_types)]
pub struct sqlite3_snapshot {
    bytes: [u8; SnapshotId::SIZE],
}

impl sqlite3_snapshot {
    fn id(&self) -> Option<SnapshotId> {
        SnapshotId::from_bytes(&self.bytes)
    }
}

entry! {
    /// What the open transaction reads.
    fn sqlite3_snapshot_get(db: Handle<Db>, schema: Text, place: Out<*mut sqlite3_snapshot>) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        let schema = schema.string().unwrap_or_else(|| "main".into());
        match db.connection.snapshot(&schema) {
            Ok(id) => {
                place.set(Box::into_raw(Box::new(sqlite3_snapshot { bytes: id.to_bytes() })));
                db.ok()
            }
            Err(error) => error.code().0,
        }
    }

    /// The open transaction reads what a snapshot has kept.
    fn sqlite3_snapshot_open(db: Handle<Db>, schema: Text, snapshot: Bare<sqlite3_snapshot>) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        let schema = schema.string().unwrap_or_else(|| "main".into());
        let Some(id) = snapshot.get().and_then(sqlite3_snapshot::id) else { return crate::codes::ERROR };
        match db.connection.read_snapshot(&schema, &id) {
            Ok(()) => db.ok(),
            Err(error) => error.code().0,
        }
    }

    /// Frees a snapshot.
    fn sqlite3_snapshot_free(snapshot: *mut sqlite3_snapshot) | (); {
        if !snapshot.is_null() {
            // SAFETY: the caller passes what `sqlite3_snapshot_get` has given, once.
            drop(unsafe { Box::from_raw(snapshot) });
        }
    }

    /// Which of two snapshots of one file is older.
    fn sqlite3_snapshot_cmp(a: Bare<sqlite3_snapshot>, b: Bare<sqlite3_snapshot>) -> c_int | 0; {
        let id = |snapshot: &Bare<sqlite3_snapshot>| snapshot.get().and_then(sqlite3_snapshot::id);
        match id(&a).cmp(&id(&b)) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        }
    }

    /// Finds snapshots again that an interrupted checkpoint has left whole.
    fn sqlite3_snapshot_recover(db: Handle<Db>, schema: Text) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        let schema = schema.string().unwrap_or_else(|| "main".into());
        match db.connection.recover_snapshots(&schema) {
            Ok(()) => db.ok(),
            Err(error) => error.code().0,
        }
    }
}
