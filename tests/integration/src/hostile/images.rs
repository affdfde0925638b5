//! Small databases with a bit of everything, with a log or a journal in the middle of its work, made by SQLite.
//!
//! SQLite draws salts and nonces at random; here they are fixed afterwards, and the checksums mended, so that a case is the same in
//! each run.

use std::path::{Path, PathBuf};

use super::layout;
use crate::random::Rng;
use crate::{Engine, Stock};

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A database.
    File,
    /// A write-ahead log.
    Log,
    /// A rollback journal.
    Journal,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::File, Self::Log, Self::Journal];

    /// As the command line says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Log => "log",
            Self::Journal => "journal",
        }
    }
}

/// A database and what lies beside it.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// The database.
    pub database: Vec<u8>,
    /// Its `-wal`.
    pub log: Option<Vec<u8>>,
    /// Its `-journal`.
    pub journal: Option<Vec<u8>>,
}

impl Files {
    /// Each file with what its name ends in.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, &Vec<u8>)> {
        let beside = [("-wal", &self.log), ("-journal", &self.journal)];
        std::iter::once(("", &self.database)).chain(beside.into_iter().filter_map(|(s, f)| Some((s, f.as_ref()?))))
    }
}

/// Images of each kind.
const POOL: u64 = 24;

/// The images of a kind; `directory` is used while they are made.
pub fn pool(kind: Kind, directory: &Path) -> Vec<Files> {
    (0..POOL).map(|number| image(kind, directory, number)).collect()
}

/// The path of a database with something behind it.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// Removes a database and all that may lie beside it.
pub fn remove(path: &Path) {
    for suffix in ["", "-wal", "-journal", "-shm"] {
        let _ = std::fs::remove_file(beside(path, suffix));
    }
}

fn image(kind: Kind, directory: &Path, number: u64) -> Files {
    let path = directory.join("image.db");
    remove(&path);
    let mut rng = Rng::new(number * 3 + kind as u64);
    let mut stock = Stock::open(&path);
    fill(&mut stock, &mut rng, number);
    match kind {
        Kind::File => {}
        Kind::Log => write_log(&mut stock, &mut rng, number),
        Kind::Journal => write_journal(&mut stock, &mut rng),
    }
    let read = |suffix: &str| std::fs::read(beside(&path, suffix)).unwrap_or_default();
    let mut files = Files { database: read(""), ..Files::default() };
    match kind {
        Kind::File => {}
        Kind::Log => {
            let mut log = read("-wal");
            assert!(log.len() > layout::LOG_HEADER);
            layout::fix_salts(&mut log, number % 4 == 3);
            files.log = Some(log);
        }
        Kind::Journal => {
            let mut journal = read("-journal");
            assert!(journal.len() > layout::JOURNAL_HEADER);
            layout::fix_nonces(&mut journal);
            files.journal = Some(journal);
        }
    }
    files
}

fn fill(stock: &mut Stock, rng: &mut Rng, number: u64) {
    stock.must("PRAGMA synchronous = OFF");
    // Mostly pages so small that a few rows make a tree of three levels.
    stock.must(&format!("PRAGMA page_size = {}", [512, 512, 1024, 4096][(number % 4) as usize]));
    stock.must(&format!("PRAGMA auto_vacuum = {}", rng.below(3)));
    if rng.percent(20) {
        stock.must(&format!("PRAGMA encoding = '{}'", rng.pick(&["UTF-16le", "UTF-16be"])));
    }
    stock.must("BEGIN");
    stock.must("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c)");
    stock.must("CREATE INDEX tb ON t(b, c DESC)");
    stock.must("CREATE TABLE w(k TEXT, n, v, PRIMARY KEY(k, n)) WITHOUT ROWID");
    stock.must("CREATE TABLE q(x UNIQUE, y AS (x || '!'))");
    stock.must("CREATE TRIGGER tr AFTER DELETE ON t BEGIN INSERT OR IGNORE INTO q(x) VALUES (old.b); END");
    stock.must(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) \
         INSERT INTO t SELECT i, printf('%.*c', (i * 37) % 90, 'b') || i, i * 1.5 FROM n",
    );
    stock.must("UPDATE t SET c = zeroblob(a * 30) WHERE a % 9 = 0");
    stock.must("INSERT INTO w SELECT b, a, zeroblob(a * 5) FROM t WHERE a % 2");
    stock.must("INSERT INTO q SELECT a FROM t WHERE a % 3 = 0");
    stock.must("DELETE FROM t WHERE a BETWEEN 18 AND 27");
    stock.must("COMMIT");
    if rng.percent(30) {
        stock.must("ANALYZE");
    }
}

fn write_log(stock: &mut Stock, rng: &mut Rng, number: u64) {
    stock.must("PRAGMA journal_mode = wal");
    stock.must("PRAGMA wal_autocheckpoint = 0");
    stock.must("UPDATE t SET b = b || 'x' WHERE a % 5 = 0");
    if rng.percent(50) {
        // With what follows, the log begins anew: frames of before lie behind the last one.
        stock.must("PRAGMA wal_checkpoint");
    }
    stock.must("DELETE FROM t WHERE a BETWEEN 10 AND 13");
    stock.must("INSERT INTO t(b, c) SELECT b, zeroblob(600) FROM t LIMIT 4");
    if number.is_multiple_of(3) {
        stock.must("DELETE FROM w WHERE n > 20");
        stock.must("CREATE TABLE late(z)");
    }
}

fn write_journal(stock: &mut Stock, rng: &mut Rng) {
    // A cache of two pages writes the file, and so completes parts of the journal, in the middle of the transaction.
    stock.must("PRAGMA synchronous = FULL");
    if rng.percent(30) {
        stock.must("PRAGMA journal_mode = persist");
        stock.must("UPDATE t SET b = b || 'x' WHERE a % 5 = 0");
    }
    stock.must("PRAGMA cache_size = 2");
    stock.must("PRAGMA cache_spill = 1");
    stock.must("BEGIN");
    stock.must("UPDATE t SET b = 'new' || a, c = zeroblob(100)");
    stock.must("INSERT INTO t(b) SELECT hex(b) FROM t");
    stock.must("DELETE FROM w WHERE n % 3 = 1");
}
