//! A sync that fails leaves it open what the disk holds, and the next one says nothing about it. Whatever fails, the loss of power
//! after it must leave a whole database with all commits that were promised.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use turso_core::{Connection, ResultCode};
use turso_io::Io;
use turso_sim::disk::{Faults, Machine, Settings};
use turso_sim::engines;
use turso_sim::platter::Files;
use turso_sim::random::Random;
use turso_storage::{CheckpointMode, DatabaseFile, OpenOptions, PageNo, Pager, Synchronous, WriteMode};

const PATH: &str = "/simulated/main.db";

fn connect(io: &Arc<dyn Io>, synchronous: &str) -> Connection {
    let connection = engines::connect(io, &[PathBuf::from(PATH)]).expect("opens");
    for sql in ["PRAGMA wal_autocheckpoint = 0", &format!("PRAGMA synchronous = {synchronous}")] {
        engines::run(&connection, sql).expect(sql);
    }
    connection
}

/// Each commit gives one of these groups of rows, in turn, its number; each lies on pages of its own.
const GROUPS: i64 = 6;

fn commit(connection: &Connection, number: &mut i64) {
    let next = *number + 1;
    if engines::run(connection, &format!("UPDATE t SET v = {next} WHERE k / 10 = {}", next % GROUPS)).is_ok() {
        *number = next;
    }
}

/// A new database in this journal mode, with the rows of all groups.
fn make_table(connection: &Connection, journal_mode: &str) -> Result<(), String> {
    for sql in [
        "PRAGMA page_size = 512",
        &format!("PRAGMA journal_mode = {journal_mode}"),
        "CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER, p TEXT)",
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 59) \
         INSERT INTO t SELECT i, 0, hex(zeroblob(100)) FROM n",
    ] {
        engines::run(connection, sql).map_err(|e| format!("{sql}: {e}"))?;
    }
    Ok(())
}

/// The number of the last commit that is there after the power came back.
fn found(files: &Files) -> Result<i64, String> {
    let machine = Machine::new(files, Settings::default());
    let connection = engines::connect(&machine.process(0), &[PathBuf::from(PATH)])?;
    engines::integrity(&engines::names(1), &mut |sql| engines::run(&connection, sql))?;
    let rows = engines::run(&connection, "SELECT v, count(*) FROM t GROUP BY k / 10, v ORDER BY k / 10")?;
    let groups: Vec<i64> = rows.iter().filter(|row| row[1] == "10").filter_map(|row| row[0].parse().ok()).collect();
    let last = groups.iter().copied().max().unwrap_or(0);
    // What each group has had last.
    let whole: Vec<i64> = (0..GROUPS).map(|group| (last - (last - group).rem_euclid(GROUPS)).max(0)).collect();
    if groups == whole { Ok(last) } else { Err(format!("a part of a commit: {rows:?}")) }
}

/// One history of a log whose checkpoint meets a sync that fails, some ends of it; the first that is wrong.
fn history(seed: u64) -> Result<u64, String> {
    let mut random = Random::new(seed);
    let machine = Machine::new(&Files::new(), Settings { seed, sector: Some(512), ..Settings::default() });
    let synchronous = *random.pick(&["normal", "full"]);
    let writer = connect(&machine.process(0), synchronous);
    make_table(&writer, "wal")?;
    engines::run(&writer, "PRAGMA wal_checkpoint = truncate")?;
    // Of the same process, or of another.
    let reader = connect(&machine.process(random.below(2)), synchronous);
    let (mut number, mut durable) = (0, 0);
    for _ in 0..1 + random.below(3) {
        commit(&writer, &mut number);
    }
    let pinned = random.below(2) == 0;
    if pinned {
        engines::run(&reader, "BEGIN").and_then(|_| engines::run(&reader, "SELECT * FROM t"))?;
    }
    for _ in 0..random.below(3) {
        commit(&writer, &mut number);
    }
    let complete = |checkpoint: Result<Vec<Vec<String>>, String>| {
        checkpoint.is_ok_and(|rows| rows.first().is_some_and(|row| row[0] == "0" && row[1] == row[2]))
    };
    if complete(engines::run(&writer, "PRAGMA wal_checkpoint")) {
        durable = number;
    }
    for _ in 0..2 {
        if pinned && random.below(2) == 0 {
            let _ = engines::run(&reader, "COMMIT");
        }
        machine.set_faults(Faults { sync: 5000, at_most: 1, ..Faults::default() });
        if complete(engines::run(&writer, "PRAGMA wal_checkpoint")) {
            durable = number;
        }
        if random.below(2) == 0 {
            commit(&writer, &mut number);
        }
        machine.set_faults(Faults::default());
        for _ in 0..random.below(3) {
            commit(&writer, &mut number);
            if synchronous == "full" {
                durable = number;
            }
        }
        if complete(engines::run(if random.below(3) == 0 { &reader } else { &writer }, "PRAGMA wal_checkpoint")) {
            durable = number;
        }
        if random.below(2) == 0 {
            commit(&writer, &mut number);
            if synchronous == "full" {
                durable = number;
            }
        }
    }
    for _ in 0..8 {
        let found = found(&machine.after_power_loss())?;
        if !(durable..=number).contains(&found) {
            return Err(format!("commit {found} is found; {durable} was promised, {number} the last"));
        }
    }
    Ok(machine.counts().faults.get("sync failed").copied().unwrap_or(0))
}

#[test]
fn nothing_is_built_on_a_sync_that_failed() {
    let mut failed = 0;
    for seed in 0..60 {
        failed += history(seed).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    }
    assert!(failed > 30, "{failed}");
}

/// Commits with a rollback journal that meet failures, also while they are undone, and some ends; the first that is wrong.
fn undone(seed: u64) -> Result<u64, String> {
    let mut random = Random::new(seed);
    let machine = Machine::new(&Files::new(), Settings { seed, sector: Some(512), ..Settings::default() });
    machine.keep_journals_in_order();
    let (mode, synchronous) = *random.pick(&[("persist", "normal"), ("persist", "full"), ("truncate", "full")]);
    let writer = connect(&machine.process(0), synchronous);
    make_table(&writer, mode)?;
    let mut number = 0;
    for _ in 0..random.below(4) {
        commit(&writer, &mut number);
    }
    let durable = number;
    // With `normal` the journal's count is synced together with its pages: what a failure has left of that has to be made harmless by a
    // second sync, of which nothing is promised if it fails, too.
    let at_most = if synchronous == "normal" { 1 } else { 1 + random.below(3) as u32 };
    machine.set_faults(Faults { write: 1000, sync: 4000, at_most, ..Faults::default() });
    commit(&writer, &mut number);
    for _ in 0..8 {
        let found = found(&machine.after_power_loss())?;
        if !(durable..=durable + 1).contains(&found) || found < number {
            return Err(format!("commit {found} is found; {durable} was promised, {number} the last"));
        }
    }
    Ok(machine.counts().faults.get("sync failed").copied().unwrap_or(0))
}

/// What is put back into the database stands on a journal that the disk has: its header may have been zeros for a moment.
#[test]
fn a_commit_that_fails_is_undone_as_a_whole() {
    let mut failed = 0;
    for seed in 0..400 {
        failed += undone(seed).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    }
    assert!(failed > 200, "{failed}");
}

const PAGES: u32 = 6;

/// A transaction that fills its pages with this byte.
fn fill(pager: &mut Pager, byte: u8) {
    pager.block_on(|pager| pager.begin_write(WriteMode::Reserved)).expect("begins");
    for no in 2..=PAGES {
        while pager.page_count() < no {
            pager.append_page();
        }
        pager.block_on(|pager| pager.page(PageNo(no))).expect("is there");
        pager.edit(PageNo(no)).fill(byte);
    }
}

/// The checkpoint makes good what its sync has lost of the log that it knows. The frames of a commit on its way are not among it.
#[test]
fn a_commit_is_durable_though_a_sync_failed_while_its_frames_were_written() {
    let options = OpenOptions { read_only: false, create: true, wal: true, page_size: 1024, immutable: false };
    for seed in 0..20 {
        let machine =
            Machine::new(&Files::new(), Settings { seed, sector: Some(512), pending: true, ..Settings::default() });
        let io = machine.process(0);
        let db = DatabaseFile::open(io.clone(), Path::new(PATH), options).expect("opens");
        let (mut writer, mut other) = (Pager::open(db.clone()), Pager::open(db));
        writer.set_synchronous(Synchronous::Full);
        // The first one makes the file, without a log.
        for _ in 0..2 {
            fill(&mut writer, 1);
            writer.block_on(Pager::commit).expect("commits");
            writer.end_read();
        }
        fill(&mut writer, 2);
        assert!(writer.commit().is_err_and(|error| error.is_pending()));
        while io.step().expect("writes") {}
        machine.set_faults(Faults { sync: 10_000, at_most: 1, ..Faults::default() });
        let failed = other.checkpoint(CheckpointMode::Passive);
        assert!(failed.as_ref().is_err_and(|error| error.code() == ResultCode::IOERR_FSYNC), "{failed:?}");
        machine.set_faults(Faults::default());
        writer.block_on(Pager::commit).expect("commits");
        for _ in 0..8 {
            let io = Machine::new(&machine.after_power_loss(), Settings::default()).process(0);
            let mut found = Pager::open(DatabaseFile::open(io, Path::new(PATH), options).expect("opens"));
            found.begin_read().expect("reads");
            let bytes: Vec<u8> = (2..=PAGES).map(|no| found.page(PageNo(no)).expect("is there")[9]).collect();
            assert_eq!(bytes, [2; PAGES as usize - 1], "seed {seed}");
        }
    }
}
