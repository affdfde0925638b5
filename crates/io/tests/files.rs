//! The properties that every back end shares: one set of checks, run on each.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use turso_error::ResultCode;
use turso_io::*;

fn backends(dir: &Path) -> Vec<(&'static str, Arc<dyn Io>, PathBuf)> {
    let dir = std::fs::canonicalize(dir).unwrap();
    let mut backends: Vec<(&'static str, Arc<dyn Io>, PathBuf)> = vec![
        ("memory", Arc::new(MemoryIo::new()), PathBuf::from("/m")),
        ("syscall", Arc::new(SyscallIo::new()), dir.join("a")),
        ("pending", Arc::new(PendingIo::delaying_writes(Arc::new(SyscallIo::new()))), dir.join("b")),
        ("threads", Arc::new(ThreadPoolIo::new(Arc::new(SyscallIo::new()), 2)), dir.join("c")),
    ];
    #[cfg(target_os = "linux")]
    match UringIo::new() {
        Some(io) => backends.push(("io_uring", Arc::new(io), dir.join("d"))),
        None => println!("no io_uring on this system"),
    }
    backends
}

const CREATE: OpenFlags =
    OpenFlags { read_only: false, create: true, exclusive: false, delete_on_close: false, read_only_shm: false };

fn on_each(check: impl Fn(&Arc<dyn Io>, &Path)) {
    let dir = tempfile::tempdir().unwrap();
    for (backend, io, path) in backends(dir.path()) {
        println!("{backend}");
        check(&io, &path);
    }
}

fn is_busy(result: turso_error::Result<()>) -> bool {
    matches!(result, Err(e) if e.is(ResultCode::BUSY))
}

fn finish(io: &Arc<dyn Io>, completion: Completion) -> turso_error::Result<Output> {
    while !completion.is_ready() {
        if !io.step().unwrap() {
            completion.wait();
        }
    }
    completion.take().unwrap()
}

#[test]
fn reads_and_writes_are_positioned_and_short_at_the_end() {
    on_each(|io, path| {
        assert!(io.open(path, OpenFlags::default()).is_err_and(|e| e.is(ResultCode::CANTOPEN)));
        let f = io.open(path, CREATE).unwrap();
        f.write_vectored_at(&[b"hello", b"", b" world"], 3).unwrap();
        assert_eq!(f.size().unwrap(), 14);
        let mut buf = [9; 20];
        assert_eq!(f.read_at(&mut buf, 2).unwrap(), 12);
        assert_eq!(&buf[..13], b"\0hello world\x09");
        f.truncate(5).unwrap();
        assert_eq!(f.read_at(&mut buf, 5).unwrap(), 0);
        f.sync(SyncKind::Full).unwrap();
        assert!(io.exists(path).unwrap());
        io.delete(path, true).unwrap();
        assert!(!io.exists(path).unwrap());
        assert!(io.delete(path, false).is_err_and(|e| e.code() == ResultCode::IOERR_DELETE_NOENT));
    });
}

#[test]
fn many_buffers_are_written_in_order() {
    on_each(|io, path| {
        let f = io.open(path, CREATE).unwrap();
        let bufs: Vec<[u8; 2]> = (0..3000u16).map(u16::to_be_bytes).collect();
        let slices: Vec<&[u8]> = bufs.iter().map(|b| &b[..]).collect();
        f.write_vectored_at(&slices, 0).unwrap();
        let mut back = vec![0; 6000];
        assert_eq!(f.read_at(&mut back, 0).unwrap(), 6000);
        assert_eq!(back, bufs.concat());
    });
}

#[test]
fn submitted_operations_complete() {
    on_each(|io, path| {
        let f = io.open(path, CREATE).unwrap();
        let page: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(vec![7u8; 8]);
        let bufs = vec![Buffer::Owned(Box::new([1, 2, 3])), Buffer::Shared(page)];
        finish(io, f.submit(Op::Write { bufs, offset: 0 })).unwrap();
        finish(io, f.submit(Op::Sync(SyncKind::Data))).unwrap();
        let Output::Read(buf, n) = finish(io, f.submit(Op::Read { buf: vec![0; 20].into(), offset: 1 })).unwrap()
        else {
            panic!("a read answers bytes")
        };
        assert_eq!(&buf[..n], [2, 3, 7, 7, 7, 7, 7, 7, 7, 7]);
        finish(io, f.submit(Op::Truncate(2))).unwrap();
        assert_eq!(f.size().unwrap(), 2);
    });
}

#[test]
fn more_operations_than_any_queue_holds_complete_in_one_submission() {
    on_each(|io, path| {
        let f = io.open(path, CREATE).unwrap();
        let block = |i: usize| Buffer::Owned(vec![i as u8; 4096].into());
        let bufs = (0..2500).map(block).collect();
        finish(io, f.submit(Op::WriteThenSync { bufs, offset: 0, kind: SyncKind::Full })).unwrap();
        forget_cached(path);
        let reads = |_: usize| (0..2500).map(|i| Op::Read { buf: vec![0; 4096].into(), offset: i * 4096 }).collect();
        // Nobody waits for these: their buffers live until they are done.
        drop(f.submit_all(reads(0)));
        for (i, completion) in f.submit_all(reads(1)).into_iter().enumerate() {
            let Output::Read(buf, n) = finish(io, completion).unwrap() else { panic!("a read answers bytes") };
            assert!(n == 4096 && buf.iter().all(|&byte| byte == i as u8), "block {i}");
        }
        let writes = (0..1500).map(|i| Op::Write { bufs: vec![block(i + 1)], offset: i as u64 * 4096 }).collect();
        f.submit_all(writes).into_iter().for_each(|completion| _ = finish(io, completion).unwrap());
        let mut back = [0];
        f.read_at(&mut back, 1499 * 4096).unwrap();
        assert_eq!(back[0], 1500u32 as u8);
    });
}

/// Make the next reads go to the device, where the system lets itself be told.
fn forget_cached(path: &Path) {
    use std::os::fd::AsRawFd;
    if let Ok(file) = std::fs::File::open(path) {
        // SAFETY: advice about a descriptor that is open.
        unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    }
}

#[test]
fn file_locks_follow_the_table_of_sqlite() {
    use LockLevel::*;
    on_each(|io, path| {
        let a = io.open(path, CREATE).unwrap();
        let b = io.open(path, CREATE).unwrap();
        let c = io.open(path, CREATE).unwrap();
        a.lock(Shared).unwrap();
        b.lock(Shared).unwrap();
        assert!(!a.check_reserved().unwrap());
        b.lock(Reserved).unwrap();
        assert!(a.check_reserved().unwrap());
        assert!(!b.check_reserved().unwrap());
        assert!(is_busy(a.lock(Reserved)));
        assert!(is_busy(b.lock(Exclusive)));
        assert_eq!(b.lock_level(), Pending);
        assert!(is_busy(c.lock(Shared)));
        a.unlock(None).unwrap();
        b.lock(Exclusive).unwrap();
        assert!(is_busy(a.lock(Shared)));
        b.unlock(Shared).unwrap();
        a.lock(Shared).unwrap();
        // Closing one handle keeps the locks of the others.
        drop(io.open(path, CREATE).unwrap());
        assert!(is_busy(b.lock(Exclusive)));
        drop(a);
        b.lock(Exclusive).unwrap();
    });
}

#[test]
fn shared_memory_is_seen_by_all_handles_and_its_locks_hold() {
    use ShmLockKind::*;
    on_each(|io, path| {
        let a = io.open(path, CREATE).unwrap();
        let b = io.open(path, CREATE).unwrap();
        assert!(a.shm_map(0, false).unwrap().is_none());
        let ra = a.shm_map(1, true).unwrap().unwrap();
        let rb = b.shm_map(1, false).unwrap().unwrap();
        ra.words()[100].store(42, Ordering::Release);
        assert_eq!(rb.words()[100].load(Ordering::Acquire), 42);
        assert_eq!(rb.halves()[if cfg!(target_endian = "little") { 200 } else { 201 }].load(Ordering::Acquire), 42);
        assert!(a.shm_shared_with_others().unwrap());
        a.shm_lock(3, 1, Shared).unwrap();
        b.shm_lock(3, 1, Shared).unwrap();
        assert!(is_busy(a.shm_lock(3, 1, Exclusive)));
        b.shm_unlock(3, 1).unwrap();
        a.shm_unlock(3, 1).unwrap();
        a.shm_lock(0, 8, Exclusive).unwrap();
        assert!(is_busy(b.shm_lock(4, 1, Shared)));
        a.shm_unlock(0, 8).unwrap();
        b.shm_lock(4, 1, Exclusive).unwrap();
        drop(b);
        a.shm_lock(4, 1, Exclusive).unwrap();
        assert!(!a.shm_shared_with_others().unwrap());
        a.shm_unmap(true).unwrap();
    });
}

#[test]
fn two_handles_have_one_identity() {
    on_each(|io, path| {
        let a = io.open(path, CREATE).unwrap();
        let b = io.open(path, OpenFlags { read_only: true, ..OpenFlags::default() }).unwrap();
        assert_eq!(a.id(), b.id());
        assert!(!a.is_read_only() && b.is_read_only());
    });
}

#[test]
fn what_lies_beside_a_database_may_be_used_by_whoever_may_use_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // The usual mask of a process would keep others from writing.
    for wanted in [0o666, 0o600, 0o664] {
        let io = turso_io::SyscallIo::new();
        let database = io.open(&path, CREATE).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(wanted)).unwrap();
        let beside = |suffix: &str| folder.path().join(format!("x.db{suffix}"));
        drop((io.open(&beside("-wal"), CREATE).unwrap(), io.open(&beside("-journal"), CREATE).unwrap()));
        database.shm_map(0, true).unwrap();
        for suffix in ["-wal", "-journal", "-shm"] {
            assert_eq!(mode(&beside(suffix)), wanted, "{suffix}");
        }
        io.create_like(&beside("-copy"), &path);
        assert_eq!(mode(&beside("-copy")), wanted);
        database.shm_unmap(true).unwrap();
        for suffix in ["-wal", "-journal", "-copy"] {
            std::fs::remove_file(beside(suffix)).unwrap();
        }
    }
}
