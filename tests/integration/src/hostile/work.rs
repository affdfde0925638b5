//! What is done with a hostile file: it is read whole by every tree, checked, written to, and checked again. This engine works on
//! files in memory, SQLite on the disk; both give their answers in the same form.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use turso_core::{Backend, Connection, Database, OpenOptions, StepResult, ValueRef};
use turso_io::{Completion, File, Io, MemoryIo, Op, OpenFlags, PendingIo, ShmRegion, SyncKind};

use super::images::{Files, Kind, beside, remove};
use crate::random::Rng;
use crate::{Answer, Engine, Stock};

/// The name of the database in memory.
const NAME: &str = "hostile.db";
/// Instructions, in thousands, after which a statement is given up: a tree whose pages point at each other may stand for billions of rows.
const PATIENCE: u64 = 300;
/// Rows after which a statement is given up.
const ROW_LIMIT: u64 = 20_000;

/// A step of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Run a statement.
    Sql(&'static str),
    /// Change the wal-index under everybody's feet, as this number says; only in memory.
    ChangeIndex(u64),
}

/// How our engine opens the files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Opening {
    /// A tiny cache.
    pub small_cache: bool,
    /// Every first touch of a page is pending.
    pub pending: bool,
}

impl Opening {
    /// By chance.
    pub fn choose(rng: &mut Rng) -> Self {
        Self { small_cache: rng.percent(25), pending: rng.percent(10) }
    }
}

/// Every tree, whole, by the path that is named: both engines look at the same pages.
const READS: [&str; 6] = [
    "SELECT * FROM sqlite_schema",
    "SELECT * FROM t NOT INDEXED",
    "SELECT b, c FROM t INDEXED BY tb WHERE b >= ''",
    "SELECT count(*), sum(length(c)) FROM t NOT INDEXED",
    "SELECT * FROM w",
    "SELECT * FROM q NOT INDEXED",
];

const CHECKS: [&str; 2] = ["PRAGMA integrity_check(20)", "PRAGMA quick_check(20)"];

const WRITES: [&str; 24] = [
    "INSERT INTO t(b, c) SELECT b, zeroblob(600) FROM t LIMIT 6",
    "INSERT INTO t(b) VALUES ('one more')",
    "INSERT OR REPLACE INTO w SELECT k, n + 1, x'0102' FROM w LIMIT 30",
    "UPDATE t SET b = b || 'x', c = zeroblob(900) WHERE a % 3 = 0",
    "UPDATE q SET x = x + 1000",
    "UPDATE w SET v = zeroblob(300) WHERE n % 5 = 1",
    "DELETE FROM t WHERE a % 7 = 0",
    "DELETE FROM t WHERE a > 15",
    "DELETE FROM w WHERE n > 20",
    "DELETE FROM q",
    "BEGIN; DELETE FROM t; ROLLBACK",
    "BEGIN; INSERT INTO q(x) VALUES (zeroblob(2000)), ('z'); SAVEPOINT s; DELETE FROM w; ROLLBACK TO s; COMMIT",
    "CREATE INDEX extra ON t(c, b)",
    "CREATE TABLE more AS SELECT * FROM t",
    "DROP INDEX tb",
    "DROP TABLE w",
    "DROP TABLE t",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
    "PRAGMA incremental_vacuum(5)",
    "ALTER TABLE t RENAME TO u",
    "PRAGMA journal_mode = wal",
    "PRAGMA wal_checkpoint(TRUNCATE)",
];

/// What is done with a file of this kind.
pub fn script(kind: Kind, rng: &mut Rng) -> Vec<Task> {
    let mut script: Vec<Task> = READS.into_iter().map(Task::Sql).collect();
    let change_index = |script: &mut Vec<Task>, rng: &mut Rng| {
        script.push(Task::ChangeIndex(rng.bits()));
        script.push(Task::Sql(READS[1]));
    };
    let index = kind == Kind::Log && rng.percent(25);
    if index {
        change_index(&mut script, rng);
    }
    script.push(Task::Sql(*rng.pick(&CHECKS)));
    for _ in 0..1 + rng.below(3) {
        let write = *rng.pick(&WRITES);
        script.extend(write.split_inclusive("; ").map(Task::Sql));
        if index && rng.percent(50) {
            change_index(&mut script, rng);
        }
    }
    script.push(Task::Sql(*rng.pick(&CHECKS)));
    script
}

/// What a statement answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Its rows: how many, and a number that stands for what is in them.
    Rows(u64, u64),
    /// The same of a check that found something.
    Damage(u64, u64),
    /// The primary result code.
    Error(i32),
    /// It was stopped: it would have taken too long.
    GivenUp,
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rows(count, content) => write!(f, "{count} rows {content:08x}"),
            Self::Damage(count, content) => write!(f, "damage, {count} rows {content:08x}"),
            Self::Error(code) => write!(f, "error {code}"),
            Self::GivenUp => write!(f, "given up"),
        }
    }
}

/// `SQLITE_INTERRUPT`.
const INTERRUPT: i32 = 9;

/// What rows come down to.
struct Summary {
    rows: u64,
    content: u64,
    sound: bool,
}

impl Summary {
    fn new() -> Self {
        Self { rows: 0, content: 0xCBF2_9CE4_8422_2325, sound: true }
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.content = (self.content ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    fn add_value(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.add(b"n"),
            ValueRef::Integer(i) => self.add(&i.to_le_bytes()),
            ValueRef::Real(r) => self.add(&r.to_le_bytes()),
            ValueRef::Text(bytes) => {
                self.add(b"t");
                self.add(bytes);
            }
            ValueRef::Blob(bytes) => {
                self.add(b"b");
                self.add(bytes);
            }
        }
    }

    fn said(self, error: Option<i32>, check: bool) -> Said {
        match error {
            Some(INTERRUPT) => Said::GivenUp,
            Some(code) => Said::Error(code & 0xff),
            None if check && !self.sound => Said::Damage(self.rows, self.content),
            None => Said::Rows(self.rows, self.content),
        }
    }
}

fn is_check(sql: &str) -> bool {
    CHECKS.contains(&sql)
}

// ---- This engine --------------------------------------------------------------------------------------------------------

/// A disk that is soon full: damage may ask for files of any size, and these here are memory. And whoever waits for somebody to put
/// a wal-index right that nobody will put right need not really wait.
struct SmallDisk {
    inner: Arc<dyn Io>,
}

/// Bytes that a file may have on it.
const FILE_LIMIT: u64 = 32 << 20;

impl Io for SmallDisk {
    fn open(&self, path: &Path, flags: OpenFlags) -> turso_core::Result<Arc<dyn File>> {
        Ok(Arc::new(SmallFile { inner: self.inner.open(path, flags)? }))
    }
    fn delete(&self, path: &Path, sync_dir: bool) -> turso_core::Result<()> {
        self.inner.delete(path, sync_dir)
    }
    fn sync_directory_of(&self, path: &Path) -> turso_core::Result<()> {
        self.inner.sync_directory_of(path)
    }
    fn sleep(&self, _: Duration) {}
    fn step(&self) -> turso_core::Result<bool> {
        self.inner.step()
    }
    turso_io::delegate_io_surroundings!();
}

struct SmallFile {
    inner: Arc<dyn File>,
}

fn room_up_to(end: u64) -> turso_core::Result<()> {
    if end > FILE_LIMIT { Err(turso_core::Error::from_code(turso_core::ResultCode::FULL)) } else { Ok(()) }
}

impl File for SmallFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> turso_core::Result<usize> {
        self.inner.read_at(buf, offset)
    }
    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> turso_core::Result<()> {
        room_up_to(bufs.iter().fold(offset, |end, buf| end.saturating_add(buf.len() as u64)))?;
        self.inner.write_vectored_at(bufs, offset)
    }
    fn sync(&self, kind: SyncKind) -> turso_core::Result<()> {
        self.inner.sync(kind)
    }
    fn truncate(&self, size: u64) -> turso_core::Result<()> {
        room_up_to(size)?;
        self.inner.truncate(size)
    }
    fn submit(&self, op: Op) -> Completion {
        let end = match &op {
            Op::Write { bufs, offset } | Op::WriteThenSync { bufs, offset, .. } => {
                bufs.iter().fold(*offset, |end, buf| end.saturating_add(buf.bytes().len() as u64))
            }
            Op::Truncate(size) => *size,
            Op::Read { .. } | Op::Sync(_) => 0,
        };
        match room_up_to(end) {
            Ok(()) => self.inner.submit(op),
            Err(full) => Completion::ready(Err(full)),
        }
    }
    fn completes_inline(&self) -> bool {
        self.inner.completes_inline()
    }
    turso_io::delegate_file_facts!();
    turso_io::delegate_file_locks!();
}

/// Does what the script says with our engine. With `explain`, what is answered is printed.
pub fn ours(files: &Files, script: &[Task], opening: Opening, explain: bool) -> Vec<Said> {
    let memory = Arc::new(MemoryIo::seeded(1));
    for (suffix, bytes) in files.each() {
        memory.set_contents(Path::new(&format!("{NAME}{suffix}")), bytes.clone());
    }
    let inner: Arc<dyn Io> = if opening.pending { Arc::new(PendingIo::new(memory.clone())) } else { memory.clone() };
    let io = Arc::new(SmallDisk { inner });
    let options = OpenOptions {
        backend: Backend::Custom(io),
        new_uses_wal: false,
        busy_timeout: Duration::ZERO,
        cache_pages: opening.small_cache.then_some(10),
        temp_memory: Some(1 << 20),
        ..OpenOptions::default()
    };
    let connection = match Database::open(NAME, options).and_then(|database| database.connect()) {
        Ok(connection) => connection,
        Err(error) => return vec![Said::Error(error.code().0 & 0xff); script.len()],
    };
    let asked = Arc::new(AtomicU64::new(0));
    let patience = asked.clone();
    connection.set_progress_handler(1000, Some(Arc::new(move || patience.fetch_add(1, Ordering::Relaxed) >= PATIENCE)));
    let mut answers = Vec::with_capacity(script.len());
    for task in script {
        match *task {
            Task::Sql(sql) => {
                asked.store(0, Ordering::Relaxed);
                let said = run(&connection, sql, explain);
                if explain {
                    println!("  {sql}: {said}");
                }
                answers.push(said);
            }
            Task::ChangeIndex(how) => change_index(&memory, how),
        }
    }
    answers
}

fn run(connection: &Connection, sql: &str, explain: bool) -> Said {
    let check = is_check(sql);
    let mut summary = Summary::new();
    let code = |error: turso_core::Error| {
        if explain {
            println!("    {} ({})", error.message(), error.code().0);
        }
        Some(error.code().0)
    };
    let mut statement = match connection.prepare(sql) {
        Ok(prepared) => match prepared.statement {
            Some(statement) => statement,
            None => return summary.said(None, false),
        },
        Err(error) => return summary.said(code(error), check),
    };
    loop {
        match statement.step() {
            Ok(StepResult::Row) => {
                summary.rows += 1;
                let row = statement.row();
                for value in row {
                    summary.add_value(value.as_ref());
                }
                if explain && check {
                    println!("    {}", crate::engine::line(row));
                }
                summary.sound &= !check || crate::engine::line(row) == "'ok'";
                if summary.rows >= ROW_LIMIT {
                    return Said::GivenUp;
                }
            }
            Ok(StepResult::Done) => return summary.said(None, check),
            Err(error) => return summary.said(code(error), check),
        }
    }
}

/// Changes words of the wal-index, as another process gone mad would: the two copies of its header, the account of checkpoints
/// and readers, page numbers and hashes. In half of the cases the copies are equal and their checksum is right.
fn change_index(memory: &MemoryIo, how: u64) {
    let mut rng = Rng::new(how);
    let open = memory.open(Path::new(NAME), OpenFlags::default());
    let Ok(Some(region)) = open.and_then(|file| file.shm_map(0, false)) else { return };
    let words = region.words();
    for _ in 0..1 + rng.below(4) {
        let at = match rng.below(4) {
            0 | 1 => rng.below(24),
            2 => 24 + rng.below(10),
            _ => 34 + rng.below(words.len() - 34),
        };
        let value = match rng.below(3) {
            0 => rng.below(100) as u32,
            1 => words[at].load(Ordering::Relaxed).wrapping_add(1),
            _ => rng.bits() as u32,
        };
        words[at].store(value, Ordering::Relaxed);
    }
    if rng.percent(50) {
        mend_index(&region);
    }
}

fn mend_index(region: &ShmRegion) {
    let words = region.words();
    let (mut a, mut b) = (0u32, 0u32);
    for pair in words[..10].chunks_exact(2) {
        a = a.wrapping_add(pair[0].load(Ordering::Relaxed)).wrapping_add(b);
        b = b.wrapping_add(pair[1].load(Ordering::Relaxed)).wrapping_add(a);
    }
    words[10].store(a, Ordering::Relaxed);
    words[11].store(b, Ordering::Relaxed);
    for i in 0..12 {
        words[12 + i].store(words[i].load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

// ---- SQLite ---------------------------------------------------------------------------------------------------------------

/// Does what the script says with SQLite, on files in `directory`.
pub fn stock(files: &Files, script: &[Task], directory: &Path, explain: bool) -> Vec<Said> {
    let path = directory.join(NAME);
    remove(&path);
    for (suffix, bytes) in files.each() {
        std::fs::write(beside(&path, suffix), bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    let mut stock = Stock::open(&path);
    stock.connection.busy_timeout(Duration::ZERO).unwrap_or_else(|e| panic!("{e}"));
    stock.run("PRAGMA synchronous = OFF");
    let sql = script.iter().filter_map(|task| match task {
        Task::Sql(sql) => Some(*sql),
        Task::ChangeIndex(_) => None,
    });
    sql.map(|sql| {
        let answer = stock.run(sql);
        let said = stock_said(sql, &answer);
        if explain {
            if let Some((text, code)) = &answer.error {
                println!("    {text} ({code})");
            } else if is_check(sql) {
                answer.lines().iter().for_each(|line| println!("    {line}"));
            }
            println!("  {sql}: {said}");
        }
        said
    })
    .collect()
}

fn stock_said(sql: &str, answer: &Answer) -> Said {
    let mut summary = Summary::new();
    // (A step of `incremental_vacuum` is a row without columns.)
    for row in answer.rows.iter().filter(|row| !row.is_empty()) {
        summary.rows += 1;
        for value in row {
            summary.add_value(value.as_ref());
        }
        summary.sound &= crate::engine::line(row) == "'ok'";
    }
    if summary.rows >= ROW_LIMIT {
        return Said::GivenUp;
    }
    summary.said(answer.error.as_ref().map(|(_, code)| *code), is_check(sql))
}
