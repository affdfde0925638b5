//! Records that are not as they should be: header and values that do not fit into the payload, or do not fill it. What is read of
//! them, and which read notices it, is SQLite's, row by row and in batches, on the page and on overflow pages.

mod support;

use std::path::Path;

use support::{run_ours, run_theirs};
use turso_core::{Database, OpenOptions};

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

fn put_serial(header: &mut Vec<u8>, serial: usize, rng: &mut Rng) {
    if serial < 128 && rng.below(16) > 0 {
        header.push(serial as u8);
    } else {
        header.extend([0x80 | (serial >> 7) as u8, serial as u8 & 0x7f]);
    }
}

/// A record of `size` bytes that is mostly nearly right.
fn record(size: usize, rng: &mut Rng) -> Vec<u8> {
    let mut header = vec![0];
    let mut body = 0;
    for _ in 0..rng.below(4) {
        let (serial, len) = match rng.below(4) {
            0 => [(0, 0), (8, 0), (9, 0), (0, 0), (8, 0), (9, 0), (10, 0), (11, 0)][rng.below(8)],
            1 | 2 => [(1, 1), (2, 2), (3, 3), (4, 4), (5, 6), (6, 8), (7, 8)][rng.below(7)],
            _ => {
                let len = rng.below(12);
                (12 + 2 * len + rng.below(2), len)
            }
        };
        put_serial(&mut header, serial, rng);
        body += len;
    }
    if rng.below(5) > 0 {
        // The last one as long as it takes, give or take a byte.
        let left = size.saturating_sub(body + header.len() + 1);
        let left = if left > 57 { left - 1 } else { left };
        put_serial(&mut header, 12 + 2 * (left + rng.below(3)).saturating_sub(1) + rng.below(2), rng);
    }
    header[0] = if rng.below(6) > 0 { header.len() as u8 } else { rng.below(8) as u8 };
    let filled = header.len();
    header.extend((filled..size).map(|i| b'a' + (i % 26) as u8));
    header.truncate(size);
    header
}

const READS: &str = "SELECT a FROM t; SELECT b FROM t; SELECT c FROM t; SELECT d FROM t; SELECT e FROM t; SELECT f FROM t;
    SELECT a, b, c, d FROM t; SELECT d, b FROM t; SELECT count(*), max(rowid) FROM t; SELECT length(b), typeof(c) FROM t;
    SELECT count(c) FROM t; SELECT sum(length(a)), max(c) FROM t; SELECT a, count(*) FROM t GROUP BY a; SELECT b FROM t ORDER BY b;
    SELECT rowid FROM t WHERE c IS NULL; SELECT b, e FROM t WHERE a > 'b' ORDER BY rowid DESC";

/// A file with this record in its table.
fn make(path: &Path, record: &[u8]) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA page_size = 512; CREATE TABLE t(a, b, c, d)").unwrap();
    // A text that fills a payload of the size that is wanted: behind the sizes of header and text and three NULLs.
    let header = if record.len() > 62 { 6 } else { 5 };
    let text = format!("mark{}", ".".repeat(record.len() - header - 4));
    connection.execute("INSERT INTO t(a) VALUES (?1)", [text]).unwrap();
    connection.execute_batch("ALTER TABLE t ADD COLUMN e DEFAULT 7; ALTER TABLE t ADD COLUMN f").unwrap();
    drop(connection);
    let mut bytes = std::fs::read(path).unwrap();
    let start = bytes.windows(4).position(|window| window == b"mark").unwrap() - header;
    let local = record.len().min(190);
    bytes[start..start + local].copy_from_slice(&record[..local]);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_read_of_malformed_records_is_what_sqlite_reads() {
    let directory = tempfile::tempdir().unwrap();
    let mut rng = Rng(1);
    let mut damaged = 0;
    for case in 0..200 {
        let path = directory.path().join(format!("{case}.db"));
        let size = [20, 24, 40, 64, 90, 700][rng.below(6)];
        let record = record(size, &mut rng);
        make(&path, &record);
        let script = format!("{READS}; PRAGMA integrity_check; PRAGMA quick_check");
        let theirs = run_theirs(&rusqlite::Connection::open(&path).unwrap(), &script);
        for tier in ["row", "batch"] {
            let options = OpenOptions { new_uses_wal: false, ..OpenOptions::default() };
            let ours = Database::open(path.to_str().unwrap(), options).unwrap().connect().unwrap();
            ours.execute_batch(format!("PRAGMA execution_tier = {tier}")).unwrap();
            let ours = run_ours(&ours, &script);
            for ((sql, ours), theirs) in script.split(';').zip(&ours).zip(&theirs) {
                assert_eq!(ours, theirs, "case {case}, {tier}: {sql} of {record:?}");
            }
            assert_eq!(ours.len(), theirs.len());
        }
        damaged += theirs.iter().filter(|(_, error)| error.is_some()).count();
    }
    assert!(damaged > 250, "{damaged}");
}

/// Damage in the middle of an index: entries that say they are texts come after the integers that are looked for. (Which rows beside
/// them are found depends on the probes of the search: more are missing here.)
#[test]
fn entries_that_are_damaged_are_missing_as_in_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "PRAGMA page_size = 1024; CREATE TABLE t1(a PRIMARY KEY, b);
             WITH s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 1024) INSERT INTO t1 SELECT i, i FROM s;",
        )
        .unwrap();
    drop(connection);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[15000..15100].fill(0x55);
    std::fs::write(&path, bytes).unwrap();
    let script = "PRAGMA integrity_check";
    let theirs = run_theirs(&rusqlite::Connection::open(&path).unwrap(), script);
    let (theirs, error) = &theirs[0];
    assert!(theirs.len() > 10 && error.is_none(), "{theirs:?}, {error:?}");
    let options = OpenOptions { new_uses_wal: false, ..OpenOptions::default() };
    let ours = Database::open(path.to_str().unwrap(), options).unwrap().connect().unwrap();
    let (ours, error) = &run_ours(&ours, script)[0];
    assert_eq!((&ours[0], error), (&theirs[0], &None));
    assert!(theirs.iter().all(|line| ours.contains(line)), "{theirs:?} and {ours:?}");
}
