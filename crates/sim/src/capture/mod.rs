//! Change data capture on a machine that fails: replaying what was captured, from an empty database, gives the same database, the
//! counters of AUTOINCREMENT among it.
//!
//! ```text
//!   statements of a seed --> database with its capture table --(power loss, death, failing disk)--> what is recovered
//!                                   |                                                                    |
//!                                   +---- content of the tables  ==  replay of the captured rows --------+
//! ```
//! Properties: after each crash, and at the end, a replay of the recovered capture table gives the recovered content; the numbers of
//! changes grow; every transaction in the table is whole, its COMMIT row included; `integrity_check` finds nothing.

mod generate;
mod replay;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use turso_core::{Connection, Value};

use crate::disk::{Faults, Machine, Settings};
use crate::engines;
use crate::platter::Files;
use crate::random::Random;
use generate::{TABLES, create_table, statement};
use replay::{Replay, content, rows};

/// What histories have seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// Statements run.
    pub statements: u64,
    /// Those that failed.
    pub failed: u64,
    /// Changes captured in the end.
    pub changes: u64,
    /// Those of the catalogue.
    pub definitions: u64,
    /// Savepoints undone.
    pub undone: u64,
    /// Times that the power went.
    pub power_losses: u64,
    /// Deaths of the process.
    pub deaths: u64,
    /// Calls of the disk that failed.
    pub faults: u64,
}

impl Seen {
    /// Both.
    pub fn add(&mut self, other: &Self) {
        self.statements += other.statements;
        self.failed += other.failed;
        self.changes += other.changes;
        self.definitions += other.definitions;
        self.undone += other.undone;
        self.power_losses += other.power_losses;
        self.deaths += other.deaths;
        self.faults += other.faults;
    }
}

/// How a life of the machine ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    PowerLoss,
    Death,
    /// Nothing happens before the statements are over.
    Statements,
}

/// Runs the history of a seed. `show`: statements, answers and captured rows are printed.
pub fn history(seed: u64, show: bool) -> Result<Seen, String> {
    let mut random = Random::new(seed);
    let path = Path::new("/capture.db");
    let wal = random.below(2) == 0;
    let mut seen = Seen::default();
    let mut files = Files::new();
    let lives = [1, 1, 2, 3][random.below(4)];
    for life in 0..lives {
        let end = match life + 1 == lives {
            true => End::Statements,
            false => [End::PowerLoss, End::Death][random.below(2)],
        };
        let settings = Settings { seed: seed ^ life << 32, sector: Some(512), ..Settings::default() };
        let machine = Machine::new(&files, settings);
        files = live(&machine, (path, wal), &mut random, end, &mut seen, show)?;
        seen.faults += machine.counts().faults.values().sum::<u64>();
        // Whoever comes next finds this.
        let machine = Machine::new(&files, Settings { seed, sector: Some(512), ..Settings::default() });
        let changes = check(&machine.process(0), path, show)?;
        seen.changes += changes.0 * u64::from(life + 1 == lives);
        seen.definitions += changes.1 * u64::from(life + 1 == lives);
        files = machine.files();
    }
    Ok(seen)
}

/// One life of the machine; the files that it leaves.
fn live(
    machine: &Arc<Machine>,
    (path, wal): (&Path, bool),
    random: &mut Random,
    end: End,
    seen: &mut Seen,
    show: bool,
) -> Result<Files, String> {
    let process = 1;
    let database = engines::open(&machine.process(process), path, None, wal)?;
    let connection = database.connect().map_err(|e| format!("{e:?}"))?;
    for sql in ["PRAGMA capture_data_changes_conn('full')", "PRAGMA foreign_keys = ON"] {
        engines::run(&connection, sql)?;
    }
    let count = random.below(60);
    let failing = random.below(3) == 0;
    let mut dies_at = (end != End::Statements).then(|| random.below(count + 4));
    for i in 0..count + 4 {
        if dies_at == Some(i) {
            let calls = random.below(40) as u64;
            match end {
                End::PowerLoss => machine.lose_power_after(calls),
                _ => machine.kill_after(process, calls),
            }
            dies_at = None;
        }
        if failing && i % 8 == 4 {
            let often = |random: &mut Random| if random.below(2) == 0 { 1000 } else { 0 };
            let (write, sync, full) = (often(random), often(random) / 2, often(random));
            machine.set_faults(Faults { write, sync, full, at_most: 2, ..Faults::default() });
        } else if failing && i % 8 == 6 {
            machine.set_faults(Faults::default());
        }
        let sql = match TABLES.get(i) {
            Some(table) => create_table(random, table),
            None => statement(random),
        };
        let answer = engines::run(&connection, &sql);
        if show {
            eprintln!("{sql};  -- {answer:?}");
        }
        seen.statements += 1;
        seen.failed += u64::from(answer.is_err());
        seen.undone += u64::from(answer.is_ok() && sql.starts_with("ROLLBACK TO"));
        if machine.is_dead(process) {
            break;
        }
    }
    machine.set_faults(Faults::default());
    if end != End::Statements && !machine.is_dead(process) {
        // In the middle of whatever transaction is open.
        match end {
            End::PowerLoss => machine.lose_power_after(0),
            _ => machine.kill(process),
        }
        let _ = engines::run(&connection, "SELECT count(*) FROM turso_cdc");
    }
    let power = machine.has_lost_power();
    seen.power_losses += u64::from(power);
    seen.deaths += u64::from(end == End::Death && !power);
    if end == End::Statements {
        let _ = engines::run(&connection, "ROLLBACK");
    }
    drop((connection, database));
    Ok(if power { machine.after_power_loss() } else { machine.files() })
}

/// Recovers the database and compares it with a replay; how many changes it has captured, and how many of them are definitions.
fn check(io: &Arc<dyn turso_io::Io>, path: &Path, show: bool) -> Result<(u64, u64), String> {
    let source = engines::connect(io, &[PathBuf::from(path)])?;
    let sound = rows(&source, "PRAGMA integrity_check", &[])?;
    if sound != [[Value::from("ok")]] {
        return Err(format!("{sound:?}"));
    }
    if rows(&source, "SELECT 1 FROM sqlite_schema WHERE name = 'turso_cdc'", &[])?.is_empty() {
        // The power went before there was a capture table.
        let empty = content(&source).is_empty();
        return if empty { Ok((0, 0)) } else { Err("tables without a capture table".to_string()) };
    }
    check_transactions(&source)?;
    let changes = "SELECT change_type, table_name, id, before, after, updates FROM turso_cdc ORDER BY change_id";
    let changes = rows(&source, changes, &[])?;
    let mut replay = Replay::new()?;
    let mut definitions = 0;
    for change in &changes {
        if show {
            eprintln!("{change:?}");
        }
        definitions += u64::from(change[1] == Value::from("sqlite_schema"));
        replay.apply(change)?;
    }
    replay.finish()?;
    let (ours, theirs) = (content(&replay.target), content(&source));
    if ours != theirs {
        return Err(format!("--- the database\n{theirs}--- replayed\n{ours}"));
    }
    Ok((changes.len() as u64, definitions))
}

/// Each transaction's rows stand together, the first one gives the transaction its number, and the last one is its COMMIT row.
fn check_transactions(source: &Connection) -> Result<(), String> {
    let sql = "SELECT change_id, change_txn_id, change_type FROM turso_cdc ORDER BY change_id";
    let mut open = None;
    for row in rows(source, sql, &[])? {
        let [number, transaction, kind] = &row[..] else { return Err("three columns".to_string()) };
        let ends = *kind == Value::Integer(2);
        open = match open {
            None if ends && *transaction == Value::Integer(-1) => None,
            Some(open) if ends && *transaction == open => None,
            Some(open) if !ends && *transaction == open => Some(open),
            None if !ends && transaction == number => Some(number.clone()),
            open => return Err(format!("row {number:?} of {transaction:?}, {kind:?}, while {open:?} is open")),
        };
    }
    open.map_or(Ok(()), |open| Err(format!("transaction {open:?} has no COMMIT row")))
}
