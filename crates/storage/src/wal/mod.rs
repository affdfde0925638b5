//! The write-ahead log.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_io::{Completion, File};

use crate::file::DatabaseFile;
use crate::file::locks::PagerId;
use crate::file::versions::CommitNo;
use crate::page::{PageNo, PageRef};
use crate::pager::Synchronous;

pub(crate) struct Wal {
    file: Arc<dyn File>,
}
pub(crate) struct WalSnapshot {}
pub(crate) struct WalCommit {}

fn not_built<T>() -> Result<T> {
    Err(Error::new(ResultCode::CANTOPEN, "write-ahead log not supported yet"))
}

#[allow(unused)]
impl Wal {
    pub fn open(db: &DatabaseFile, page_size: u32) -> Result<Self> {
        not_built()
    }
    pub fn close_last(&self, db: &DatabaseFile) {}
    pub fn begin_read(&self, db: &DatabaseFile) -> Result<Option<WalSnapshot>> {
        not_built()
    }
    pub fn end_read(&self, snapshot: WalSnapshot) {}
    pub fn begin_write(&self, id: PagerId, snapshot: &mut WalSnapshot) -> Result<()> {
        not_built()
    }
    pub fn end_write(&self, id: PagerId) {}
    pub fn find(&self, no: PageNo, snapshot: &WalSnapshot) -> Result<Option<u32>> {
        not_built()
    }
    pub fn file(&self) -> &dyn File {
        &*self.file
    }
    pub fn page_offset(&self, frame: u32, page_size: u32) -> u64 {
        0
    }
    pub fn prepare_commit(
        &self,
        db: &DatabaseFile,
        snapshot: &WalSnapshot,
        pages: Vec<PageRef>,
        count: u32,
        page_size: u32,
        synchronous: Synchronous,
    ) -> Result<WalCommit> {
        not_built()
    }
    pub fn run_commit(&self, commit: &mut WalCommit, snapshot: &mut WalSnapshot) -> Result<()> {
        not_built()
    }
    pub fn publish_in_process(&self, snapshot: &mut WalSnapshot, f: impl FnOnce() -> CommitNo) -> CommitNo {
        f()
    }
}
#[allow(unused)]
impl WalSnapshot {
    pub fn commit(&self) -> CommitNo {
        0
    }
    pub fn page_size(&self) -> u32 {
        0
    }
    pub fn page_count(&self) -> u32 {
        0
    }
}
impl WalCommit {
    pub fn pages(&self) -> &[PageRef] {
        &[]
    }
    pub fn waiting_on(&self) -> Option<&Completion> {
        None
    }
}
