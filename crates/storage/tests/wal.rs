//! The write-ahead log: snapshots, restart, checkpoints, recovery, the other library at the same moment.

mod support;

use std::fs;
use std::process::{Command, Stdio};

use support::*;
use turso_error::ResultCode;
use turso_storage::*;

const WAL: OpenOptions = OpenOptions { read_only: false, create: true, wal: true, page_size: 4096, immutable: false };

fn is_snapshot<T>(result: turso_error::Result<T>) -> bool {
    result.is_err_and(|e| e.code() == ResultCode::BUSY_SNAPSHOT)
}

#[test]
fn commits_go_to_the_log_and_are_read_back_from_it() {
    on_each_backend(|io, path| {
        for page_size in [512, 4096, 65536] {
            let path = path.with_extension(page_size.to_string());
            let mut p = open(io, &path, OpenOptions { page_size, ..WAL });
            begin(&mut p);
            append(&mut p, 3, 1);
            commit(&mut p);
            p.end_read();
            for round in 2..30 {
                begin(&mut p);
                assert_eq!(p.journal_mode(), JournalMode::Wal);
                fill(&mut p, 2 + u32::from(round) % 3, round);
                commit(&mut p);
                p.end_read();
            }
            assert_eq!(bytes(&mut p), [27, 28, 29]);
            let r = p.checkpoint(CheckpointMode::Passive).unwrap();
            assert_eq!((r.busy, r.log, r.checkpointed), (false, 28, 28));
            assert_eq!(bytes(&mut p), [27, 28, 29]);
            // The next commit begins the log anew.
            begin(&mut p);
            fill(&mut p, 3, 77);
            append(&mut p, 2, 5);
            commit(&mut p);
            p.end_read();
            let r = p.checkpoint(CheckpointMode::Full).unwrap();
            assert_eq!((r.busy, r.log, r.checkpointed), (false, 4, 4));
            begin(&mut p);
            p.truncate(4);
            commit(&mut p);
            p.end_read();
            let mut q = open(io, &path, WAL);
            assert_eq!(bytes(&mut q), [27, 77, 29]);
            drop(p);
            drop(q);
            assert!(!io.exists(&path.with_extension(format!("{page_size}-wal"))).unwrap());
            let mut p = open(io, &path, WAL);
            assert_eq!(bytes(&mut p), [27, 77, 29]);
        }
    });
}

#[test]
fn a_checkpoint_that_is_to_be_whole_copies_nothing_before_readers_and_writers_have_gone() {
    on_each_backend(|io, path| {
        let mut w = open(io, path, WAL);
        let (mut r, mut c) = (open(io, path, WAL), open(io, path, WAL));
        begin(&mut w);
        append(&mut w, 4, 1);
        commit(&mut w);
        w.end_read();
        r.block_on(Pager::begin_read).unwrap();
        begin(&mut w);
        fill(&mut w, 2, 2);
        commit(&mut w);
        w.end_read();
        begin(&mut w);
        fill(&mut w, 2, 3);
        let copied = |p: &mut Pager| p.checkpoint(CheckpointMode::Passive).unwrap().checkpointed;
        for mode in [CheckpointMode::Full, CheckpointMode::Restart, CheckpointMode::Truncate] {
            assert_eq!(c.checkpoint_whole(mode).unwrap(), None);
        }
        let file = || {
            let mut bytes = vec![0; 1 << 16];
            let file = io.open(path, turso_io::OpenFlags { create: false, ..Default::default() }).unwrap();
            let read = file.read_at(&mut bytes, 0).unwrap();
            bytes.truncate(read);
            bytes
        };
        let before = file();
        commit(&mut w);
        w.end_read();
        assert_eq!(c.checkpoint_whole(CheckpointMode::Full).unwrap(), None);
        assert_eq!(file(), before);
        r.end_read();
        let full = c.checkpoint_whole(CheckpointMode::Full).unwrap().unwrap();
        assert_eq!((full.busy, full.log), (false, full.checkpointed));
        assert_ne!(file(), before);
        assert_eq!(copied(&mut c), full.log);
        assert_eq!(bytes(&mut r), [3, 1, 1, 1]);
    });
}

#[test]
fn a_snapshot_stays_while_others_commit_and_checkpoint() {
    on_each_backend(|io, path| {
        let mut w = open(io, path, WAL);
        begin(&mut w);
        append(&mut w, 4, 1);
        commit(&mut w);
        w.end_read();
        let mut r = open(io, path, WAL);
        r.block_on(Pager::begin_read).unwrap();
        assert_eq!(r.block_on(|p| p.page(PageNo(2))).unwrap()[0], 1);
        for round in 2..=20 {
            begin(&mut w);
            for no in 2..=5 {
                fill(&mut w, no, round);
            }
            commit(&mut w);
            w.end_read();
            let _ = w.checkpoint(CheckpointMode::Passive).unwrap();
        }
        assert_eq!(bytes_now(&mut r), [1; 4]);
        assert!(is_snapshot(r.block_on(|p| p.begin_write(WriteMode::Reserved))));
        let full = w.checkpoint(CheckpointMode::Full).unwrap();
        assert!(full.busy && full.checkpointed < full.log);
        let mut r2 = open(io, path, WAL);
        assert_eq!(bytes(&mut r2), [20; 4]);
        assert_eq!(bytes_now(&mut r), [1; 4]);
        r.end_read();
        assert_eq!(bytes(&mut r), [20; 4]);
        let truncated = w.checkpoint(CheckpointMode::Truncate).unwrap();
        assert_eq!((truncated.busy, truncated.log), (false, 0));
        assert_eq!(bytes(&mut r), [20; 4]);
        begin(&mut w);
        fill(&mut w, 3, 99);
        assert_eq!(bytes(&mut r), [20; 4]);
        assert!(r.block_on(|p| p.begin_write(WriteMode::Reserved)).is_err_and(|e| e.code() == ResultCode::BUSY));
        r.end_read();
        commit(&mut w);
        w.end_read();
        assert_eq!(bytes(&mut r), [20, 99, 20, 20]);
    });
}

#[test]
fn the_log_does_not_grow_when_checkpoints_can_keep_up() {
    let dir = Dir::new();
    let mut p = open(&syscall(), &dir.db(), WAL);
    p.set_synchronous(Synchronous::Off);
    p.set_wal_autocheckpoint(100);
    begin(&mut p);
    append(&mut p, 10, 1);
    commit(&mut p);
    p.end_read();
    for round in 0..2000u32 {
        begin(&mut p);
        fill(&mut p, 2 + round % 10, (round % 251) as u8);
        commit(&mut p);
        p.end_read();
    }
    assert!(fs::metadata(dir.0.join("test.db-wal")).unwrap().len() < 110 * 4120 + 32);
}

#[test]
fn a_log_over_several_index_regions_is_found_again() {
    let dir = Dir::new();
    let path = dir.db();
    let mut p = open(&syscall(), &path, WAL);
    p.set_synchronous(Synchronous::Off);
    p.set_wal_autocheckpoint(0);
    begin(&mut p);
    append(&mut p, 3000, 1);
    commit(&mut p);
    p.end_read();
    for round in 2..6 {
        begin(&mut p);
        for no in 2..=3001 {
            fill(&mut p, no, round);
        }
        p.rollback();
        begin(&mut p);
        for no in (2..=3001).step_by(usize::from(round)) {
            fill(&mut p, no, round);
        }
        commit(&mut p);
        p.end_read();
    }
    let expected: Vec<u8> =
        (2..=3001u32).map(|no| (2..6).filter(|round| (no - 2) % round == 0).max().unwrap_or(1) as u8).collect();
    let mut q = open(&syscall(), &path, WAL);
    assert_eq!(bytes(&mut q), expected);
    // A crash: the files as they are, without the -shm.
    let copy = dir.0.join("copy.db");
    fs::copy(&path, &copy).unwrap();
    fs::copy(dir.0.join("test.db-wal"), dir.0.join("copy.db-wal")).unwrap();
    let mut c = open(&syscall(), &copy, WAL);
    assert_eq!(bytes(&mut c), expected);
    drop(c);
    assert!(!dir.0.join("copy.db-wal").exists());
    let mut c = open(&syscall(), &copy, WAL);
    assert_eq!(bytes(&mut c), expected);
}

#[test]
fn journal_modes_change_both_ways() {
    let dir = Dir::new();
    let path = dir.db();
    sqlite3(&path, "create table t(a); insert into t values(1)");
    let mut p = open(&syscall(), &path, OpenOptions::default());
    assert_eq!(p.set_journal_mode(JournalMode::Wal).unwrap(), JournalMode::Wal);
    assert_eq!(sqlite3(&path, "pragma journal_mode; insert into t values(2); select * from t"), "wal\n1\n2");
    assert_eq!(p.set_journal_mode(JournalMode::Truncate).unwrap(), JournalMode::Truncate);
    assert_eq!(sqlite3(&path, "pragma journal_mode; select * from t; pragma integrity_check"), "delete\n1\n2\nok");
    assert!(!dir.0.join("test.db-wal").exists());
    assert_eq!(sqlite3(&path, "pragma journal_mode=wal"), "wal");
    p.begin_read().unwrap();
    assert_eq!(p.journal_mode(), JournalMode::Wal);
    p.end_read();
    assert!(sqlite3(&path, "pragma journal_mode=delete").contains("database is locked"));
    drop(p);
    assert_eq!(sqlite3(&path, "pragma journal_mode=delete"), "delete");
}

#[test]
fn sqlite_and_we_share_one_log() {
    let dir = Dir::new();
    let path = dir.db();
    sqlite3(&path, "pragma journal_mode=wal; create table t(a); insert into t values(zeroblob(30000))");
    // A sqlite3 process that stays, so that neither side is ever the last.
    let mut other = Command::new("sqlite3").arg(&path).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    use std::io::Write;
    other.stdin.as_mut().unwrap().write_all(b"select count(*) from t;\n").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    let mut p = open(&syscall(), &path, OpenOptions::default());
    for round in 1..=30u32 {
        begin(&mut p);
        p.edit_header(|h| h.user_version = round);
        commit(&mut p);
        p.end_read();
        assert_eq!(sqlite3(&path, "pragma user_version; pragma integrity_check"), format!("{round}\nok"));
        let application = round * 10;
        sqlite3(&path, &format!("insert into t values({round}); pragma application_id={application}"));
        if round % 7 == 0 {
            assert_eq!(sqlite3(&path, "pragma wal_checkpoint(truncate)"), "0|0|0");
        }
        if round % 5 == 0 {
            let r = p.checkpoint(CheckpointMode::Restart).unwrap();
            assert!(!r.busy && r.log == r.checkpointed);
        }
        p.begin_read().unwrap();
        assert_eq!((p.header().application_id, p.header().user_version), (application, round));
        p.end_read();
    }
    p.begin_read().unwrap();
    // Our snapshot keeps its checkpoint from finishing.
    sqlite3(&path, "insert into t values(5)");
    assert!(sqlite3(&path, "pragma wal_checkpoint(truncate)").starts_with("1|"));
    p.end_read();
    begin(&mut p);
    assert!(sqlite3(&path, "insert into t values(5)").contains("database is locked"));
    p.rollback();
    p.end_read();
    drop(p);
    drop(other.stdin.take());
    other.wait().unwrap();
    assert_eq!(sqlite3(&path, "pragma integrity_check; select count(*) from t"), "ok\n32");
}

#[test]
fn sqlite_recovers_our_log_and_we_its() {
    let dir = Dir::new();
    let path = dir.db();
    sqlite3(&path, "pragma journal_mode=wal; create table t(a); insert into t values(1)");
    let mut p = open(&syscall(), &path, OpenOptions::default());
    for round in 1..=3 {
        begin(&mut p);
        p.edit_header(|h| h.user_version = round);
        commit(&mut p);
        p.end_read();
    }
    sqlite3(&path, "insert into t values(2)");
    for name in ["a.db", "b.db"] {
        fs::copy(&path, dir.0.join(name)).unwrap();
        fs::copy(dir.0.join("test.db-wal"), dir.0.join(format!("{name}-wal"))).unwrap();
    }
    assert_eq!(
        sqlite3(&dir.0.join("a.db"), "pragma user_version; select * from t; pragma integrity_check"),
        "3\n1\n2\nok"
    );
    // A torn tail loses the last commit only. Zeros may follow it.
    let wal = dir.0.join("b.db-wal");
    let mut bytes = fs::read(&wal).unwrap();
    let at = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[at] ^= 1;
    fs::write(&wal, &bytes).unwrap();
    let mut b = open(&syscall(), &dir.0.join("b.db"), OpenOptions::default());
    b.begin_read().unwrap();
    assert_eq!(b.header().user_version, 3);
    b.end_read();
    drop(b);
    assert_eq!(sqlite3(&dir.0.join("b.db"), "select * from t; pragma integrity_check"), "1\nok");
}

#[test]
fn damaged_logs_are_read_without_panic() {
    let dir = Dir::new();
    let path = dir.db();
    sqlite3(&path, "pragma page_size=512; pragma journal_mode=wal; create table t(a)");
    let mut p = open(&syscall(), &path, OpenOptions::default());
    for round in 1..=5 {
        begin(&mut p);
        append(&mut p, 2, round);
        commit(&mut p);
        p.end_read();
    }
    let (db, log) = (fs::read(&path).unwrap(), fs::read(dir.0.join("test.db-wal")).unwrap());
    let mut state = 12345u64;
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize
    };
    for round in 0..300 {
        let (mut d, mut l) = (db.clone(), log.clone());
        for _ in 0..1 + round % 4 {
            let at = random() % l.len();
            l[at] = random() as u8;
        }
        l.truncate(random() % (l.len() * 2));
        if round % 3 == 0 {
            let at = random() % 100;
            d[at] = random() as u8;
        }
        let name = dir.0.join(format!("m{round}.db"));
        fs::write(&name, &d).unwrap();
        fs::write(dir.0.join(format!("m{round}.db-wal")), &l).unwrap();
        let mut p = open(&syscall(), &name, OpenOptions::default());
        if p.begin_read().is_ok() {
            for no in 1..=p.page_count().min(100) {
                let _ = p.page(PageNo(no));
            }
            p.end_read();
        }
        drop(p);
        let _ = fs::remove_file(&name);
    }
}

#[test]
fn two_processes_of_each_kind_write_at_once() {
    for mode in ["wal", "delete"] {
        let dir = Dir::new();
        let path = dir.db();
        sqlite3(&path, &format!("pragma journal_mode={mode}; create table t(a); insert into t values(0)"));
        let other = {
            let path = path.clone();
            std::thread::spawn(move || {
                let sql = "update t set a = a + 1;".repeat(100);
                Command::new("sqlite3")
                    .args(["-cmd", ".timeout 20000"])
                    .arg(&path)
                    .arg(sql)
                    .stdin(Stdio::null())
                    .output()
                    .unwrap()
            })
        };
        let ours: Vec<_> = (0..2)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || {
                    let mut p = open(&syscall(), &path, OpenOptions::default());
                    p.set_synchronous(Synchronous::Off);
                    let mut done = 0;
                    while done < 200 {
                        let result = p.begin_write(WriteMode::Reserved).and_then(|()| {
                            let next = p.header().user_version + 1;
                            p.edit_header(|h| h.user_version = next);
                            loop {
                                match p.commit() {
                                    Err(e) if e.is(ResultCode::BUSY) => {
                                        std::thread::sleep(std::time::Duration::from_micros(200));
                                    }
                                    other => return other,
                                }
                            }
                        });
                        p.rollback();
                        p.end_read();
                        match result {
                            Ok(()) => done += 1,
                            Err(e) if e.is(ResultCode::BUSY) => {
                                std::thread::sleep(std::time::Duration::from_micros(300));
                            }
                            Err(e) => panic!("{e:?}"),
                        }
                    }
                })
            })
            .collect();
        ours.into_iter().for_each(|t| t.join().unwrap());
        let out = other.join().unwrap();
        assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(
            sqlite3(&path, "pragma user_version; select a from t; pragma integrity_check"),
            "400\n100\nok",
            "{mode}"
        );
    }
}

#[test]
fn companions_are_as_private_as_the_database() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new();
    let path = dir.db();
    sqlite3(&path, "pragma journal_mode=wal; create table t(a)");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let mut p = open(&syscall(), &path, OpenOptions::default());
    begin(&mut p);
    p.edit_header(|h| h.user_version = 1);
    commit(&mut p);
    for suffix in ["-wal", "-shm"] {
        let companion = dir.0.join(format!("test.db{suffix}"));
        assert_eq!(fs::metadata(companion).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

fn send<T: Send>(_: &T) {}

#[test]
fn a_pager_can_move_to_another_thread() {
    let dir = Dir::new();
    send(&open(&syscall(), &dir.db(), WAL));
}

#[test]
fn a_reader_in_a_tight_loop_does_not_starve_checkpoints_of_others() {
    let dir = Dir::new();
    let path = dir.db();
    sqlite3(&path, "pragma journal_mode=wal; create table t(a)");
    let stop = std::sync::atomic::AtomicBool::new(false);
    let mut said = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut p = open(&syscall(), &path, OpenOptions::default());
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                p.begin_read().unwrap();
                p.end_read();
            }
        });
        std::thread::sleep(std::time::Duration::from_millis(30));
        for _ in 0..10 {
            said.push(sqlite3_waiting(&path, "insert into t values(1); pragma wal_checkpoint(truncate)"));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(said, vec!["0|0|0"; 10]);
}

/// Takes a database for itself as an application can that knows the wal-index: recovery held off, the header gone, every reader
/// kept out.
fn take(p: &Pager) -> GuestFile {
    use turso_io::{File, ShmLockKind};
    let guest = GuestFile::new(p.database_file().unwrap().clone());
    guest.shm_lock(2, 1, ShmLockKind::Exclusive).unwrap();
    let header = guest.shm_map(0, false).unwrap().unwrap();
    for word in &header.words()[..24] {
        word.store(0, std::sync::atomic::Ordering::SeqCst);
    }
    guest.shm_lock(3, 5, ShmLockKind::Exclusive).unwrap();
    guest
}

#[test]
fn a_guest_holds_locks_of_its_own_and_may_exchange_the_files() {
    let folder = Dir::new();
    let io = syscall();
    let paths = [folder.db(), folder.db().with_extension("other")];
    let mut pagers: Vec<_> = paths.iter().map(|path| open(&io, path, WAL)).collect();
    for (p, byte) in pagers.iter_mut().zip([1, 5]) {
        begin(p);
        append(p, 3, byte);
        commit(p);
        p.end_read();
    }
    for round in 0..4 {
        // Without frames at first, then with some.
        if round == 2 {
            for p in &mut pagers {
                begin(p);
                fill(p, 2, 9);
                commit(p);
                p.end_read();
            }
        }
        let held = if round % 2 == 0 { [1, 5] } else { [5, 1] };
        for (p, byte) in pagers.iter_mut().zip(held) {
            let first = if round < 2 { byte } else { 9 };
            assert_eq!(bytes(p), [first, byte, byte], "round {round}");
        }
        let guests: Vec<_> = pagers.iter().map(take).collect();
        let refused = pagers[0].begin_read().unwrap_err();
        assert_eq!(refused.code(), ResultCode::BUSY_RECOVERY);
        for suffix in ["", "-wal"] {
            let [a, b] = paths.each_ref().map(|path| format!("{}{suffix}", path.display()));
            let [one, two] = [&a, &b].map(|path| fs::read(path).unwrap());
            fs::write(a, two).unwrap();
            fs::write(b, one).unwrap();
        }
        drop(guests);
    }
}

#[test]
fn a_snapshot_that_cannot_move_because_the_log_cannot_be_read_leaves_no_reader_behind() {
    let dir = Dir::new();
    let (mut a, mut b) = (open(&syscall(), &dir.db(), WAL), open(&syscall(), &dir.db(), WAL));
    begin(&mut a);
    append(&mut a, 3, 1);
    commit(&mut a);
    a.end_read();
    a.begin_read().unwrap();
    a.track_reads();
    a.page(PageNo(2)).unwrap();
    begin(&mut b);
    fill(&mut b, 1, 2);
    b.edit_header(|header| header.user_version = 7);
    commit(&mut b);
    b.end_read();
    let log = dir.db().with_file_name("test.db-wal");
    let bytes = fs::read(&log).unwrap();
    fs::OpenOptions::new().write(true).open(&log).unwrap().set_len(0).unwrap();
    assert_eq!(a.advance_snapshot().unwrap_err().code(), ResultCode::NOTADB);
    fs::write(&log, bytes).unwrap();
    a.end_read();
    let result = b.checkpoint(CheckpointMode::Truncate).unwrap();
    assert!(!result.busy, "{result:?}");
}

#[test]
fn a_log_that_is_synced_grows_in_steps_and_zeros_behind_it_mean_nothing() {
    let dir = Dir::new();
    let path = dir.db();
    let log = path.with_file_name("test.db-wal");
    let mut p = open(&syscall(), &path, WAL);
    let size = || fs::metadata(&log).unwrap().len();
    for (synchronous, limit) in [(Synchronous::Full, -1), (Synchronous::Normal, -1), (Synchronous::Full, 1 << 17)] {
        p.set_synchronous(synchronous);
        p.set_journal_size_limit(limit);
        p.checkpoint(CheckpointMode::Truncate).unwrap();
        for round in 0..3 {
            begin(&mut p);
            append(&mut p, 4 + round, 1);
            commit(&mut p);
            p.end_read();
        }
        let frames = p.checkpoint(CheckpointMode::Passive).unwrap().log as u64;
        let used = 32 + frames * 4120;
        let grows = synchronous == Synchronous::Full && limit < 0;
        assert_eq!(size() > used, grows, "{synchronous:?}, limit {limit}: {} of {used}", size());
        assert!(size() <= used + (1 << 18));
        // Stock SQLite recovers the log as it is.
        let copy = dir.0.join("copy.db");
        fs::copy(&path, &copy).unwrap();
        fs::copy(&log, dir.0.join("copy.db-wal")).unwrap();
        let said = sqlite3(&copy, "pragma wal_checkpoint");
        assert_eq!(said, format!("0|{frames}|{frames}"));
    }
}

#[test]
fn an_earlier_snapshot_is_read_again_as_long_as_the_log_has_it() {
    let dir = Dir::new();
    let io = syscall();
    let mut writer = open(&io, &dir.db(), WAL);
    begin(&mut writer);
    append(&mut writer, 2, 1);
    commit(&mut writer);
    // Until something is in the log there is nothing to name.
    assert_eq!(writer.snapshot_id(), None);
    writer.end_read();
    begin(&mut writer);
    fill(&mut writer, 2, 1);
    commit(&mut writer);
    writer.end_read();
    let mut reader = open(&io, &dir.db(), WAL);
    reader.begin_read().unwrap();
    let old = reader.snapshot_id().unwrap();
    reader.end_read();
    begin(&mut writer);
    fill(&mut writer, 3, 2);
    commit(&mut writer);
    let new = writer.snapshot_id().unwrap();
    writer.end_read();
    assert!(old < new);
    assert_eq!(SnapshotId::from_bytes(&old.to_bytes()), Some(old));
    assert_eq!(SnapshotId::from_bytes(&[0; SnapshotId::SIZE]), None);
    // Another connection may have the newer pages in the common cache.
    assert_eq!(bytes(&mut writer), [1, 2]);
    for _ in 0..2 {
        reader.begin_read_at(&old).unwrap();
        assert_eq!(bytes_now(&mut reader), [1, 1]);
        assert_eq!(reader.begin_write(WriteMode::Reserved).unwrap_err().code(), ResultCode::BUSY_SNAPSHOT);
        reader.end_read();
        assert_eq!(bytes(&mut reader), [1, 2]);
        assert_eq!(bytes(&mut writer), [1, 2]);
    }
    // A snapshot that is held keeps a checkpoint from going further.
    reader.begin_read_at(&old).unwrap();
    writer.checkpoint(CheckpointMode::Passive).unwrap();
    assert_eq!(bytes_now(&mut reader), [1, 1]);
    reader.end_read();
    writer.recover_snapshots().unwrap();
    writer.checkpoint(CheckpointMode::Passive).unwrap();
    assert_eq!(reader.begin_read_at(&old).unwrap_err().code(), ResultCode::ERROR_SNAPSHOT);
    reader.begin_read_at(&new).unwrap();
    assert_eq!(bytes_now(&mut reader), [1, 2]);
    reader.end_read();
    // The log begins anew.
    begin(&mut writer);
    fill(&mut writer, 2, 3);
    commit(&mut writer);
    writer.end_read();
    assert_eq!(reader.begin_read_at(&new).unwrap_err().code(), ResultCode::ERROR_SNAPSHOT);
    assert_eq!(bytes(&mut reader), [3, 2]);
    // Without a log there is nothing to go back to.
    writer.set_journal_mode(JournalMode::Delete).unwrap();
    assert_eq!(writer.snapshot_id(), None);
    assert_eq!(writer.begin_read_at(&new).unwrap_err().code(), ResultCode::ERROR);
}
