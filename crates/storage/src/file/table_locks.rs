//! Locks on whole tables among connections that have agreed to share their cache (`sharedcache.html`, 2).
//!
//! They keep connections of one process apart where the locks of files would let both go on, and tell who stands in the way, so
//! that a program can wait for that connection instead of trying again. A table is known by the root of its own tree.

use crate::page::PageNo;

/// A connection, to these locks.
pub type Holder = u64;

/// The tree of the schema table: whoever uses a database has it locked for reading.
pub const SCHEMA_ROOT: PageNo = PageNo(1);

/// What is locked of one database. Locks last until the holder's transaction ends.
#[derive(Default)]
pub struct TableLocks {
    held: Vec<TableLock>,
    schema_known: bool,
    /// Who has a write transaction open: at most one has.
    writer: Option<Holder>,
}

struct TableLock {
    root: PageNo,
    holder: Holder,
    write: bool,
}

impl TableLocks {
    /// Some connection knows the catalogue.
    pub fn know_schema(&mut self) {
        self.schema_known = true;
    }

    /// See [`know_schema`](Self::know_schema).
    pub fn is_schema_known(&self) -> bool {
        self.schema_known
    }

    /// Locks a table for reading or, with `write`, for changing it. Who is in the way is the error.
    pub fn lock(&mut self, holder: Holder, root: PageNo, write: bool) -> Result<(), Holder> {
        if let Some(other) = self.in_the_way(holder, root, write) {
            return Err(other);
        }
        match self.held.iter_mut().find(|lock| lock.holder == holder && lock.root == root) {
            Some(lock) => lock.write |= write,
            None => self.held.push(TableLock { root, holder, write }),
        }
        Ok(())
    }

    /// Who would keep `holder` from locking a table.
    pub fn in_the_way(&self, holder: Holder, root: PageNo, write: bool) -> Option<Holder> {
        let conflicts = |lock: &&TableLock| lock.holder != holder && lock.root == root && (lock.write || write);
        self.held.iter().find(conflicts).map(|lock| lock.holder)
    }

    /// It has anything locked.
    pub fn holds(&self, holder: Holder) -> bool {
        self.writer == Some(holder) || self.held.iter().any(|lock| lock.holder == holder)
    }

    /// Begins a write transaction; who has one open is the error.
    pub fn begin_write(&mut self, holder: Holder) -> Result<(), Holder> {
        match self.writer {
            Some(other) if other != holder => Err(other),
            _ => {
                self.writer = Some(holder);
                Ok(())
            }
        }
    }

    /// The write transaction is over, statements that read go on: locks for writing become locks for reading.
    pub fn end_write(&mut self, holder: Holder) {
        if self.writer == Some(holder) {
            self.writer = None;
        }
        self.held.iter_mut().filter(|lock| lock.holder == holder).for_each(|lock| lock.write = false);
    }

    /// The transaction is over. True when it had locked anything.
    pub fn release(&mut self, holder: Holder) -> bool {
        let before = self.held.len();
        self.end_write(holder);
        self.held.retain(|lock| lock.holder != holder);
        self.held.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_share_a_table_and_a_writer_has_it_alone() {
        let (mut locks, a, b) = (TableLocks::default(), PageNo(2), PageNo(3));
        assert_eq!(locks.lock(1, a, false), Ok(()));
        assert_eq!(locks.lock(2, a, false), Ok(()));
        assert_eq!(locks.lock(2, a, true), Err(1));
        assert_eq!(locks.lock(2, b, true), Ok(()));
        assert_eq!(locks.lock(1, b, false), Err(2));
        locks.end_write(2);
        assert_eq!(locks.lock(1, b, false), Ok(()));
        assert!(locks.release(1));
        assert!(!locks.release(1));
        assert_eq!(locks.lock(2, a, true), Ok(()));
    }

    #[test]
    fn one_connection_writes_at_a_time() {
        let mut locks = TableLocks::default();
        assert_eq!((locks.begin_write(1), locks.begin_write(1), locks.begin_write(2)), (Ok(()), Ok(()), Err(1)));
        locks.release(1);
        assert_eq!(locks.begin_write(2), Ok(()));
    }
}
