//! Rollback modes: commits, savepoints, locks between connections, hot journals, the other library.

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use support::*;
use turso_error::ResultCode;
use turso_io::{File, Io, OpenFlags};
use turso_storage::*;

const MODES: [JournalMode; 5] =
    [JournalMode::Delete, JournalMode::Truncate, JournalMode::Persist, JournalMode::Memory, JournalMode::Off];

#[test]
fn what_was_committed_is_read_back_in_every_mode_and_page_size() {
    on_each_backend(|io, path| {
        for mode in MODES {
            for page_size in [512, 4096, 65536] {
                let path = path.with_extension(format!("{}{page_size}", mode.name()));
                let options = OpenOptions { page_size, ..OpenOptions::default() };
                let mut p = open(io, &path, options);
                assert_eq!(p.set_journal_mode(mode).unwrap(), mode);
                assert_eq!(bytes(&mut p), []);
                begin(&mut p);
                append(&mut p, 3, 7);
                commit(&mut p);
                begin(&mut p);
                fill(&mut p, 3, 8);
                append(&mut p, 1, 9);
                commit(&mut p);
                begin(&mut p);
                fill(&mut p, 2, 1);
                p.rollback();
                p.end_read();
                assert_eq!(bytes(&mut p), [7, 8, 7, 9]);
                begin(&mut p);
                p.truncate(3);
                commit(&mut p);
                p.end_read();
                drop(p);
                let mut p = open(io, &path, OpenOptions::default());
                assert_eq!(bytes(&mut p), [7, 8]);
                assert_eq!(p.page_size(), page_size);
                assert_eq!(p.header().change_counter, 3);
            }
        }
    });
}

#[test]
fn connections_of_one_process_see_each_others_commits_and_locks() {
    on_each_backend(|io, path| {
        let mut a = open(io, path, OpenOptions::default());
        let mut b = open(io, path, OpenOptions::default());
        begin(&mut a);
        append(&mut a, 2, 1);
        assert!(b.block_on(|p| p.begin_write(WriteMode::Reserved)).is_err_and(|e| e.is(ResultCode::BUSY)));
        b.end_read();
        commit(&mut a);
        a.end_read();
        assert_eq!(bytes(&mut b), [1, 1]);
        let version = b.data_version();
        // A reader holds the commit up, and the commit can be tried again.
        b.block_on(Pager::begin_read).unwrap();
        begin(&mut a);
        fill(&mut a, 3, 5);
        assert!(a.block_on(Pager::commit).is_err_and(|e| e.is(ResultCode::BUSY)));
        assert_eq!(bytes_now(&mut b), [1, 1]);
        b.end_read();
        assert!(b.block_on(Pager::begin_read).is_err_and(|e| e.is(ResultCode::BUSY)));
        commit(&mut a);
        a.end_read();
        assert_eq!(bytes(&mut b), [1, 5]);
        assert_ne!(b.data_version(), version);
    });
}

#[test]
fn sqlite_reads_what_we_wrote_and_we_what_it_wrote() {
    let dir = Dir::new();
    let path = dir.db();
    sqlite3(&path, "create table t(a); insert into t values(zeroblob(10000))");
    let mut p = open(&syscall(), &path, OpenOptions::default());
    begin(&mut p);
    assert_eq!(p.page_count(), 4);
    let cookie = p.header().schema_cookie;
    p.edit_header(|h| h.user_version = 77);
    commit(&mut p);
    p.end_read();
    assert_eq!(sqlite3(&path, "pragma user_version; pragma integrity_check; select length(a) from t"), "77\nok\n10000");
    let version = p.data_version();
    sqlite3(&path, "create table u(a)");
    p.begin_read().unwrap();
    assert_eq!((p.page_count(), p.header().schema_cookie), (5, cookie + 1));
    assert_ne!(p.data_version(), version);
    // Our SHARED lock holds its commit up.
    assert!(sqlite3(&path, "create table v(a)").contains("database is locked"));
    p.end_read();
    assert_eq!(sqlite3(&path, "create table v(a); pragma integrity_check"), "ok");
    begin(&mut p);
    assert!(sqlite3(&path, "begin immediate").contains("database is locked"));
    assert_eq!(sqlite3(&path, "select count(*) from sqlite_schema"), "3");
    p.rollback();
    p.end_read();
}

#[test]
fn an_empty_database_that_we_create_is_one_for_sqlite() {
    let dir = Dir::new();
    let mut p = open(&syscall(), &dir.db(), OpenOptions::default());
    begin(&mut p);
    p.edit_header(|h| h.user_version = 1);
    commit(&mut p);
    drop(p);
    assert_eq!(sqlite3(&dir.db(), "pragma integrity_check; create table t(a); pragma page_count"), "ok\n2");
}

#[test]
fn a_journal_that_a_killed_sqlite_left_is_played_back() {
    let dir = Dir::new();
    let path = dir.db();
    sqlite3(&path, "create table t(a); insert into t values(1)");
    let before = fs::read(&path).unwrap();
    // A copy taken in the middle of a transaction with spilled pages is what a crash leaves.
    let copy = dir.0.join("copy.db");
    let sql = format!(
        "pragma cache_size=1; pragma cache_spill=1; begin; \
         with recursive c(x) as (select 1 union all select x+1 from c where x<5000) insert into t select x from c; \
         .shell cp {0} {1}; cp {0}-journal {1}-journal",
        path.display(),
        copy.display()
    );
    let script = dir.0.join("script.sql");
    fs::write(&script, sql.replace("; .shell", ";\n.shell").replace("; \\", ";\n")).unwrap();
    sqlite3(&path, &format!(".read {}", script.display()));
    assert_ne!(fs::read(&copy).unwrap(), before, "the copy holds uncommitted pages");
    let mut p = open(&syscall(), &copy, OpenOptions::default());
    p.begin_read().unwrap();
    p.end_read();
    assert_eq!(fs::read(&copy).unwrap(), before);
    assert!(!dir.0.join("copy.db-journal").exists());
}

#[test]
fn sqlite_plays_back_a_journal_of_ours() {
    let dir = Dir::new();
    let path = dir.db();
    sqlite3(&path, "create table t(a); insert into t values(zeroblob(20000))");
    let mut p = open(&syscall(), &path, OpenOptions::default());
    p.set_journal_mode(JournalMode::Persist).unwrap();
    let before = fs::read(&path).unwrap();
    begin(&mut p);
    for no in 2..=p.page_count() {
        fill(&mut p, no, 0xff);
    }
    append(&mut p, 3, 0xee);
    commit(&mut p);
    drop(p);
    // The zeroed header is all that makes this journal cold: put it back.
    let journal = dir.0.join("test.db-journal");
    let mut bytes = fs::read(&journal).unwrap();
    let records = (bytes.len() - 512) / 4104;
    let header = format::journal::JournalHeader {
        record_count: records as u32,
        nonce: 0,
        initial_size: (before.len() / 4096) as u32,
        sector_size: 512,
        page_size: 4096,
    };
    header.encode(&mut bytes);
    for r in 0..records {
        let at = 512 + r * 4104;
        let sum = format::journal::record_checksum(0, &bytes[at + 4..at + 4100]);
        bytes[at + 4100..at + 4104].copy_from_slice(&sum.to_be_bytes());
    }
    fs::write(&journal, bytes).unwrap();
    assert_eq!(sqlite3(&path, "pragma integrity_check; select sum(length(a)) from t"), "ok\n20000");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn what_is_no_database_is_refused_and_nothing_hangs() {
    let dir = Dir::new();
    for junk in [&b"xy"[..], &[0x41; 5000], b"SQLite format 3\0junk"] {
        fs::write(dir.db(), junk).unwrap();
        let mut p = open(&syscall(), &dir.db(), OpenOptions::default());
        assert!(p.begin_read().is_err_and(|e| e.is(ResultCode::NOTADB)));
    }
}

#[test]
fn a_single_byte_is_an_empty_database() {
    let dir = Dir::new();
    fs::write(dir.db(), b"x").unwrap();
    let mut p = open(&syscall(), &dir.db(), OpenOptions::default());
    p.begin_read().unwrap();
    assert_eq!(p.page_count(), 0);
}

#[test]
fn damaged_journals_do_no_harm() {
    let dir = Dir::new();
    let path = dir.db();
    sqlite3(&path, "create table t(a)");
    let journal = dir.0.join("test.db-journal");
    let header = format::journal::JournalHeader {
        record_count: 0x7fff_ffff,
        nonce: 5,
        initial_size: 2,
        sector_size: 512,
        page_size: 4096,
    };
    let mut good = vec![0; 512 + 4104];
    header.encode(&mut good);
    for seed in 0..200usize {
        let mut bytes = good.clone();
        bytes.truncate(512 + seed * 20);
        let at = seed * 7 % bytes.len().min(28);
        bytes[at] ^= 1 << (seed % 8);
        fs::write(&journal, &bytes).unwrap();
        let mut p = open(&syscall(), &path, OpenOptions::default());
        let _ = p.begin_read();
        drop(p);
        let _ = fs::remove_file(&journal);
    }
}

#[test]
fn a_database_that_can_only_be_read_is_read() {
    let dir = Dir::new();
    for mode in ["delete", "wal"] {
        let path = dir.0.join(mode);
        sqlite3(&path, &format!("pragma journal_mode={mode}; create table t(a)"));
        let before = fs::read(&path).unwrap();
        for options in [
            OpenOptions { read_only: true, ..OpenOptions::default() },
            OpenOptions { immutable: true, ..OpenOptions::default() },
        ] {
            let mut p = open(&syscall(), &path, options);
            p.begin_read().unwrap();
            assert_eq!((p.page_count(), p.is_writable()), (2, false));
            assert!(p.begin_write(WriteMode::Reserved).is_err_and(|e| e.is(ResultCode::READONLY)));
            p.end_read();
        }
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    let missing = dir.0.join("missing");
    let options = OpenOptions { create: false, ..OpenOptions::default() };
    assert!(DatabaseFile::open(syscall(), &missing, options).is_err_and(|e| e.is(ResultCode::CANTOPEN)));
    assert!(DatabaseFile::open(syscall(), &dir.0, options).is_err_and(|e| e.is(ResultCode::CANTOPEN)));
}

/// A database in the making: `pages` pages of nines behind the first.
fn built(page_size: u32, reserved: u8, pages: u32) -> Pager {
    let mut p = Pager::temp_database(None, DatabaseHeader { reserved, ..DatabaseHeader::new(page_size) });
    append(&mut p, pages, 9);
    p
}

#[test]
fn vacuum_may_change_the_page_size_and_roll_it_back() {
    on_each_backend(|io, path| {
        for (mode, end) in [(JournalMode::Delete, true), (JournalMode::Delete, false), (JournalMode::Memory, true)] {
            let path = path.with_extension(format!("{}{end}", mode.name()));
            let mut p = open(io, &path, OpenOptions::default());
            p.set_journal_mode(mode).unwrap();
            begin(&mut p);
            append(&mut p, 5, 7);
            commit(&mut p);
            p.end_read();
            let mut other = open(io, &path, OpenOptions::default());
            assert_eq!(bytes(&mut other), [7; 5]);
            begin(&mut p);
            p.take_over(built(512, 12, 2)).unwrap();
            if end {
                commit(&mut p);
            } else {
                p.rollback();
            }
            p.end_read();
            let (expected, size) = if end { (vec![9; 2], 512) } else { (vec![7; 5], 4096) };
            for p in [&mut p, &mut other] {
                assert_eq!(bytes(p), expected);
                assert_eq!(p.page_size(), size);
            }
            drop((p, other));
            let mut p = open(io, &path, OpenOptions::default());
            assert_eq!((bytes(&mut p), p.usable_size()), (expected, if end { 500 } else { 4096 }));
        }
    });
    let mut p = Pager::in_memory(4096);
    begin(&mut p);
    append(&mut p, 5, 7);
    commit(&mut p);
    begin(&mut p);
    p.take_over(built(512, 0, 1)).unwrap();
    p.rollback();
    assert_eq!((bytes_now(&mut p), p.page_size()), (vec![7; 5], 4096));
}

#[test]
fn a_waiter_is_woken_when_a_lock_is_given_back() {
    let dir = Dir::new();
    let io = syscall();
    let mut a = open(&io, &dir.db(), OpenOptions::default());
    begin(&mut a);
    let mut b = open(&io, &dir.db(), OpenOptions::default());
    let db = b.database_file().unwrap().clone();
    let waiter = std::thread::spawn(move || {
        loop {
            let epoch = db.lock_epoch();
            match b.begin_write(WriteMode::Reserved) {
                Ok(()) => break,
                Err(e) => assert!(e.is(ResultCode::BUSY)),
            }
            db.wait_for_unlock(epoch, std::time::Duration::from_secs(20));
        }
        loop {
            let epoch = db.lock_epoch();
            match b.commit() {
                Ok(()) => break,
                // The other still holds its snapshot.
                Err(e) => assert!(e.is(ResultCode::BUSY)),
            }
            db.wait_for_unlock(epoch, std::time::Duration::from_secs(20));
        }
    });
    std::thread::sleep(std::time::Duration::from_millis(50));
    let start = std::time::Instant::now();
    commit(&mut a);
    a.end_read();
    waiter.join().unwrap();
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
}

#[test]
fn the_choices_for_a_new_database_hold() {
    let dir = Dir::new();
    let mut p = open(&syscall(), &dir.db(), OpenOptions::default());
    p.set_page_size(8192);
    p.set_initial_header(|h| (h.text_encoding, h.largest_root) = (3, 1));
    begin(&mut p);
    commit(&mut p);
    drop(p);
    assert_eq!(
        sqlite3(&dir.db(), "pragma page_size; pragma encoding; pragma auto_vacuum; pragma integrity_check"),
        "8192\nUTF-16be\n1\nok"
    );
}

#[test]
fn a_prepared_commit_is_refused_before_or_not_at_all() {
    on_each_backend(|io, path| {
        let mut a = open(io, path, OpenOptions::default());
        begin(&mut a);
        append(&mut a, 2, 1);
        a.prepare_commit(None).unwrap();
        commit(&mut a);
        a.end_read();
        let mut b = open(io, path, OpenOptions::default());
        b.block_on(Pager::begin_read).unwrap();
        begin(&mut a);
        fill(&mut a, 2, 9);
        assert!(a.prepare_commit(None).is_err_and(|e| e.is(ResultCode::BUSY)));
        b.end_read();
        a.prepare_commit(None).unwrap();
        a.prepare_commit(None).unwrap();
        a.rollback();
        a.end_read();
        assert_eq!(bytes(&mut b), [1, 1]);
        assert!(!io.exists(&path.with_file_name(format!("{}-journal", path.file_name().unwrap().display()))).unwrap());
        begin(&mut a);
        fill(&mut a, 2, 9);
        a.prepare_commit(None).unwrap();
        fill(&mut a, 3, 8);
        commit(&mut a);
        a.end_read();
        assert_eq!(bytes(&mut b), [9, 8]);
    });
}

/// A journal of two segments whose fields have been changed: both libraries make the same of it.
#[test]
fn odd_fields_of_a_journal_mean_what_they_mean_to_sqlite() {
    use turso_storage::format::journal::{JournalHeader, record_checksum};
    // The page size 0 of zeros that were to end a journal; a first header with another size than the second; a record in front
    // for a page that the database did not have, of whose content nothing is asked.
    for (page_sizes, initial_sizes, stray) in [
        ([0, 0], [3, 3], None),
        ([512, 512], [1, 3], None),
        ([512, 512], [3, 1], None),
        ([0, 512], [3, 3], None),
        ([512, 512], [3, 3], Some(4)),
        ([512, 512], [3, 3], Some(u32::MAX - 2)),
        ([512, 512], [3, 3], Some(3)),
        ([512, 512], [3, 3], Some(0)),
    ] {
        let dir = Dir::new();
        let (ours, theirs) = (dir.0.join("ours.db"), dir.0.join("theirs.db"));
        sqlite3(&ours, "pragma page_size=512; create table t(a); insert into t values ('old'); create table u(a)");
        let old = fs::read(&ours).unwrap();
        sqlite3(&ours, "update t set a = 'new'; insert into u values (1)");
        let mut journal = Vec::new();
        for segment in 0..2 {
            let header = JournalHeader {
                record_count: if segment == 0 && stray.is_some() { 2 } else { 1 },
                nonce: 7,
                initial_size: initial_sizes[segment],
                sector_size: 512,
                page_size: page_sizes[segment],
            };
            let start = journal.len().next_multiple_of(512);
            journal.resize(start + 512, 0);
            header.encode(&mut journal[start..]);
            if let (0, Some(stray)) = (segment, stray) {
                journal.extend_from_slice(&stray.to_be_bytes());
                journal.extend_from_slice(&[1; 512 + 4]);
            }
            let no = segment + 2;
            let page = &old[(no - 1) * 512..no * 512];
            journal.extend_from_slice(&(no as u32).to_be_bytes());
            journal.extend_from_slice(page);
            journal.extend_from_slice(&record_checksum(7, page).to_be_bytes());
        }
        fs::copy(&ours, &theirs).unwrap();
        for path in [&ours, &theirs] {
            fs::write(format!("{}-journal", path.display()), &journal).unwrap();
        }
        let theirs_says = sqlite3(&theirs, "select * from t; select * from u");
        let mut p = open(&syscall(), &ours, OpenOptions::default());
        let _ = p.block_on(Pager::begin_read);
        p.end_read();
        drop(p);
        assert_eq!(
            sqlite3(&ours, "select * from t; select * from u"),
            theirs_says,
            "{page_sizes:?} {initial_sizes:?} {stray:?}"
        );
        assert_eq!(fs::read(&ours).unwrap(), fs::read(&theirs).unwrap(), "{page_sizes:?} {initial_sizes:?} {stray:?}");
    }
}

/// Files on a device that may lose whole sectors of 4096 bytes.
struct TornIo {
    inner: Arc<dyn Io>,
}

struct TornFile {
    inner: Arc<dyn File>,
}

impl Io for TornIo {
    fn open(&self, path: &Path, flags: OpenFlags) -> turso_error::Result<Arc<dyn File>> {
        Ok(Arc::new(TornFile { inner: self.inner.open(path, flags)? }))
    }
    turso_io::delegate_io!();
}

impl File for TornFile {
    turso_io::delegate_file_data!();
    fn size(&self) -> turso_error::Result<u64> {
        self.inner.size()
    }
    fn is_read_only(&self) -> bool {
        self.inner.is_read_only()
    }
    fn id(&self) -> Option<turso_io::FileId> {
        self.inner.id()
    }
    fn sector_size(&self) -> u32 {
        4096
    }
    fn is_powersafe(&self) -> bool {
        false
    }
    turso_io::delegate_file_locks!();
}

#[test]
fn pages_that_share_a_sector_are_journalled_together() {
    let dir = Dir::new();
    let path = dir.db();
    let io: Arc<dyn Io> = Arc::new(TornIo { inner: syscall() });
    let options = OpenOptions { page_size: 1024, ..OpenOptions::default() };
    let mut p = open(&io, &path, options);
    p.set_journal_mode(JournalMode::Persist).unwrap();
    begin(&mut p);
    append(&mut p, 13, 7);
    commit(&mut p);
    let before = fs::read(&path).unwrap();
    assert_eq!(before.len(), 14 * 1024);
    // Pages 6 and 14 change, and page 1 with its counter; of the last sector two pages are there.
    begin(&mut p);
    fill(&mut p, 6, 8);
    fill(&mut p, 14, 8);
    commit(&mut p);
    p.end_read();
    drop(p);
    let journal_path = path.with_file_name("test.db-journal");
    let journal = fs::read(&journal_path).unwrap();
    let pages: Vec<u32> = journal[4096..]
        .chunks_exact(1024 + 8)
        .map(|record| u32::from_be_bytes(record[..4].try_into().unwrap()))
        .collect();
    assert_eq!(pages, [1, 2, 3, 4, 5, 6, 7, 8, 13, 14]);
}
