//! How long the pager's common operations take: `cargo run --release -p turso_storage --example pager_speed`.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use turso_io::{Io, SyscallIo};
use turso_storage::{DatabaseFile, OpenOptions, PageNo, Pager, Synchronous, WriteMode};

fn measure(what: &str, n: u32, mut f: impl FnMut(u32)) {
    f(0);
    // A divisor as the argument, for profilers that count instructions.
    let n = n / std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(1);
    let start = Instant::now();
    for i in 0..n {
        f(i);
    }
    println!("{what:<40} {:>10.1} ns", start.elapsed().as_nanos() as f64 / f64::from(n));
}

fn main() {
    measure("temp pager, one page", 100_000, |_| {
        let mut p = Pager::temp(4096);
        p.append_page();
    });
    let dir = std::env::temp_dir().join("turso_pager_speed");
    for wal in [true, false] {
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        println!("-- {}", if wal { "wal" } else { "delete" });
        let io: Arc<dyn Io> = Arc::new(SyscallIo::new());
        let options = OpenOptions { wal, ..OpenOptions::default() };
        let mut p = Pager::open(DatabaseFile::open(io, Path::new(&dir.join("db")), options).unwrap());
        p.set_synchronous(Synchronous::Off);
        p.begin_write(WriteMode::Reserved).unwrap();
        for _ in 0..1000 {
            p.append_page();
        }
        p.commit().unwrap();
        p.end_read();
        measure("begin_read + end_read", 100_000, |_| {
            p.begin_read().unwrap();
            p.end_read();
        });
        measure("one-page commit", 20_000, |i| {
            p.begin_write(WriteMode::Reserved).unwrap();
            let no = PageNo(2 + i % 1000);
            p.page(no).unwrap();
            p.edit(no)[0] ^= 1;
            p.commit().unwrap();
            p.end_read();
        });
        p.begin_read().unwrap();
        measure("page, resident", 10_000_000, |i| {
            std::hint::black_box(p.page(PageNo(2 + i % 1000)).unwrap());
        });
        p.set_cache_pages(16);
        measure("page, not resident", 100_000, |i| {
            std::hint::black_box(p.page(PageNo(2 + i % 1000)).unwrap());
            p.unpin();
        });
        p.end_read();
        p.set_cache_pages(4096);
        p.begin_write(WriteMode::Reserved).unwrap();
        for i in 0..1000 {
            p.page(PageNo(2 + i)).unwrap();
        }
        measure("edit, again", 10_000_000, |i| {
            p.edit(PageNo(2 + i % 1000))[0] ^= 1;
        });
        p.rollback();
        p.end_read();
    }
}
