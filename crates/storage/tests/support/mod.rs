//! What the tests on files share: temporary directories, the `sqlite3` shell, back ends.
#![allow(dead_code)]

pub mod crash;
pub mod hook;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use turso_io::{Io, MemoryIo, PendingIo, SyscallIo, ThreadPoolIo};
use turso_storage::{DatabaseFile, OpenOptions, PageNo, Pager, WriteMode};

/// A directory of its own, removed at the end.
pub struct Dir(pub PathBuf);

impl Dir {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("turso_storage_{}_{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(std::fs::canonicalize(path).unwrap())
    }

    pub fn db(&self) -> PathBuf {
        self.0.join("test.db")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs the `sqlite3` shell and answers what it prints; its errors are part of that.
pub fn sqlite3(db: &Path, sql: &str) -> String {
    let out = Command::new("sqlite3").arg("-batch").arg(db).arg(sql).stdin(Stdio::null()).output().unwrap();
    let mut text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&out.stderr));
    text.trim_end().to_string()
}

/// The same, waiting for locks.
pub fn sqlite3_waiting(db: &Path, sql: &str) -> String {
    let mut command = Command::new("sqlite3");
    let out = command.args(["-batch", "-cmd", ".timeout 5000"]).arg(db).arg(sql).stdin(Stdio::null()).output().unwrap();
    let mut text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&out.stderr));
    text.trim_end().to_string()
}

pub fn syscall() -> Arc<dyn Io> {
    Arc::new(SyscallIo::new())
}

/// The back ends every storage test runs on, each with a fresh directory.
pub fn on_each_backend(f: impl Fn(&Arc<dyn Io>, &Path)) {
    let kinds: [fn() -> (Arc<dyn Io>, bool); 4] = [
        || (Arc::new(SyscallIo::new()), true),
        || (Arc::new(PendingIo::delaying_writes(Arc::new(SyscallIo::new()))), true),
        || (Arc::new(ThreadPoolIo::new(Arc::new(SyscallIo::new()), 2)), true),
        || (Arc::new(PendingIo::delaying_writes(Arc::new(MemoryIo::new()))), false),
    ];
    for (index, kind) in kinds.iter().enumerate() {
        let (io, real) = kind();
        println!("back end {index}");
        let dir = Dir::new();
        let path = if real { dir.db() } else { PathBuf::from("/memory.db") };
        f(&io, &path);
    }
}

pub fn open(io: &Arc<dyn Io>, path: &Path, options: OpenOptions) -> Pager {
    Pager::open(DatabaseFile::open(io.clone(), path, options).unwrap())
}

/// Begins a write transaction and appends `count` pages filled with `byte`.
pub fn append(p: &mut Pager, count: u32, byte: u8) {
    for _ in 0..count {
        let no = p.append_page();
        p.edit(no).fill(byte);
    }
}

pub fn begin(p: &mut Pager) {
    p.block_on(|p| p.begin_write(WriteMode::Reserved)).unwrap();
}

pub fn commit(p: &mut Pager) {
    p.block_on(Pager::commit).unwrap();
}

pub fn fill(p: &mut Pager, no: u32, byte: u8) {
    p.block_on(|p| p.page(PageNo(no))).unwrap();
    p.edit(PageNo(no)).fill(byte);
}

/// The first byte of each page from 2 on, in a snapshot of its own.
pub fn bytes(p: &mut Pager) -> Vec<u8> {
    p.block_on(Pager::begin_read).unwrap();
    let all = bytes_now(p);
    p.end_read();
    all
}

pub fn bytes_now(p: &mut Pager) -> Vec<u8> {
    (2..=p.page_count())
        .map(|no| {
            let page = p.block_on(|p| p.page(PageNo(no))).unwrap();
            assert!(page[..].iter().all(|b| *b == page[0]), "page {no} is torn");
            p.unpin();
            page[0]
        })
        .collect()
}
