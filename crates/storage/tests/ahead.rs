//! Concurrent transactions that begin on a commit which is not durable yet.

mod support;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use support::crash::{CrashIo, Fault};
use turso_error::{Error, Result, ResultCode};
use turso_io::{Io, PendingIo};
use turso_storage::btree::{BTreeCursor, CursorKind, InsertHint, create_tree};
use turso_storage::*;

const OPTIONS: OpenOptions =
    OpenOptions { read_only: false, create: true, wal: true, page_size: 1024, immutable: false };

fn rows(pager: &mut Pager, root: PageNo) -> Result<Vec<i64>> {
    let mut cursor = BTreeCursor::new(root, CursorKind::Table);
    let mut found = Vec::new();
    let mut there = pager.block_on(|pager| cursor.first(pager))?;
    while there {
        found.push(cursor.rowid());
        there = pager.block_on(|pager| cursor.next(pager))?;
    }
    Ok(found)
}

fn insert(pager: &mut Pager, root: PageNo, rowid: i64) {
    let mut cursor = BTreeCursor::new(root, CursorKind::Table);
    pager.block_on(|pager| cursor.insert_row(pager, rowid, b"\x02\x08"[..].into(), InsertHint::Seek)).unwrap();
}

struct Scene {
    crash: CrashIo,
    db: Arc<DatabaseFile>,
    root: PageNo,
    /// Has inserted row 1; its frames are written, its sync has begun.
    first: Pager,
}

impl Scene {
    fn new() -> Self {
        let crash = CrashIo::new(&HashMap::new(), Fault::None);
        let io: Arc<dyn Io> = Arc::new(PendingIo::delaying_writes(Arc::new(crash.clone())));
        let db = DatabaseFile::open(io.clone(), Path::new("/db"), OPTIONS).unwrap();
        let mut pager = Pager::open(db.clone());
        support::begin(&mut pager);
        let root = pager.block_on(|pager| create_tree(pager, true)).unwrap();
        support::commit(&mut pager);
        pager.end_read();
        // From the second commit on the log is what is read.
        support::begin(&mut pager);
        pager.edit_header(|header| header.user_version = 1);
        support::commit(&mut pager);
        pager.end_read();
        let mut first = Pager::open(db.clone());
        assert!(first.block_on(Pager::begin_concurrent).unwrap());
        insert(&mut first, root, 1);
        assert!(!first.lock_concurrent().unwrap());
        assert!(matches!(first.commit(), Err(Error::Pending)));
        assert!(io.step().unwrap(), "the frames");
        assert!(matches!(first.commit(), Err(Error::Pending)));
        Self { crash, db, root, first }
    }

    /// A transaction that begins on the first one's commit.
    fn ahead(&self) -> Pager {
        let mut pager = Pager::open(self.db.clone());
        assert!(pager.block_on(Pager::begin_concurrent_read).unwrap());
        assert!(pager.block_on(Pager::begin_concurrent_ahead).unwrap());
        pager
    }

    fn stored(&self) -> Vec<i64> {
        let mut pager = Pager::open(self.db.clone());
        pager.block_on(Pager::begin_read).unwrap();
        let found = rows(&mut pager, self.root).unwrap();
        pager.end_read();
        found
    }
}

#[test]
fn what_is_not_durable_is_seen_by_who_begins_on_it_and_by_nobody_else() {
    let mut scene = Scene::new();
    let mut second = scene.ahead();
    assert_eq!(rows(&mut second, scene.root).unwrap(), [1]);
    assert_eq!(scene.stored(), []);
    insert(&mut second, scene.root, 2);
    // Nobody has committed in between.
    assert!(!second.lock_concurrent().unwrap());
    second.block_on(Pager::commit).unwrap();
    second.end_read();
    scene.first.block_on(Pager::commit).unwrap();
    scene.first.end_read();
    assert_eq!(scene.stored(), [1, 2]);
}

#[test]
fn who_began_on_a_commit_that_is_lost_is_refused_before_anything_is_written() {
    let mut scene = Scene::new();
    scene.crash.set_fault(Fault::FailAt(scene.crash.operations() + 1));
    let (mut second, mut idle) = (scene.ahead(), scene.ahead());
    insert(&mut second, scene.root, 2);
    let code = |outcome: Result<()>| outcome.unwrap_err().code();
    assert_eq!(code(scene.first.block_on(Pager::commit)), ResultCode::IOERR_FSYNC);
    scene.first.end_read();
    assert_eq!(code(second.lock_concurrent().map(drop)), ResultCode::IOERR_FSYNC);
    second.rollback();
    second.end_read();
    // A transaction that has changed nothing does not succeed either: what it has found was not so.
    assert!(!idle.lock_concurrent().unwrap());
    assert_eq!(code(idle.block_on(Pager::commit)), ResultCode::IOERR_FSYNC);
    idle.end_read();
    assert_eq!(scene.stored(), []);
    let mut third = scene.ahead();
    insert(&mut third, scene.root, 3);
    assert!(!third.lock_concurrent().unwrap());
    third.block_on(Pager::commit).unwrap();
    third.end_read();
    assert_eq!(scene.stored(), [3]);
}

#[test]
fn a_page_of_a_commit_that_is_lost_is_not_read_any_more() {
    let mut scene = Scene::new();
    scene.crash.set_fault(Fault::FailAt(scene.crash.operations() + 1));
    let mut second = scene.ahead();
    assert!(scene.first.block_on(Pager::commit).is_err());
    scene.first.end_read();
    // Its frame is another one's now.
    let mut third = scene.ahead();
    insert(&mut third, scene.root, 3);
    assert!(!third.lock_concurrent().unwrap());
    third.block_on(Pager::commit).unwrap();
    third.end_read();
    assert_eq!(rows(&mut second, scene.root).unwrap_err().code(), ResultCode::IOERR_FSYNC);
    second.rollback();
    second.end_read();
}
