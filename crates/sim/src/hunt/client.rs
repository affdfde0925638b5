//! A process: its connections take turns at every statement, every row and every wait.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use turso_core::{Attempt, Connection, Error, ResultCode, Statement, StepResult, Value};
use turso_io::Io;

use super::chains::{Chains, Floor, Writes, batch, batches_of};
use super::model::{Model, Rows, value};
use super::plan::{Action, Change, Plan};
use crate::disk::{Machine, ProcessNo};
use crate::engines;
use crate::random::Random;

/// What all processes share.
pub struct Shared {
    /// Its plan.
    pub plan: Plan,
    /// Where everything happens.
    pub machine: Arc<Machine>,
    /// What must be seen.
    pub model: Mutex<Model>,
    /// The same for concurrent transactions.
    pub chains: Mutex<Chains>,
    /// The first thing that is wrong.
    pub wrong: Mutex<Option<String>>,
    /// Errors that statements ended with, by text.
    pub errors: Mutex<std::collections::BTreeMap<String, u64>>,
    /// Nothing is to go wrong: an error of the disk is an error of the engine.
    pub faultless: bool,
}

impl Shared {
    fn model(&self) -> std::sync::MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn chains(&self) -> std::sync::MutexGuard<'_, Chains> {
        self.chains.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Notes what is wrong, if it is the first.
    pub fn fail(&self, what: String) {
        self.wrong.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(what);
    }

    fn has_failed(&self) -> bool {
        self.wrong.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).is_some()
    }
}

/// What a statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Begin,
    /// Takes the next number.
    Bump,
    /// Reads what is there, because it is in doubt.
    Settle,
    Change(Change),
    Savepoint,
    UndoSavepoint,
    Commit,
    Rollback,
    /// Number and rows in one statement.
    See(bool),
    SeeSeq,
    SeeRows,
    /// Reads what concurrent transactions write; in one, with its own changes.
    SeeConcurrent,
    /// Writes a row in a concurrent transaction.
    PutConcurrent(usize),
    /// Inserts its batch of rows.
    PutBatch,
    /// Removes another's, where there are some.
    RemoveBatch,
    Integrity,
    Plain(&'static str),
}

/// A transaction that writes.
#[derive(Debug, Clone, Default)]
struct Writing {
    seq: i64,
    id: u64,
    rows: Rows,
    saved: Rows,
}

/// A concurrent transaction.
#[derive(Debug, Clone, Default)]
struct Concurrent {
    number: i64,
    /// Its snapshot, once it has read.
    snapshot: Option<Rows>,
    writes: Writes,
}

struct Client<'a> {
    shared: &'a Shared,
    no: usize,
    io: Arc<dyn Io>,
    path: &'a Path,
    connection: Option<Connection>,
    actions: VecDeque<Action>,
    roles: VecDeque<Role>,
    /// The statement that runs, its purpose and its rows so far.
    running: Option<(Statement, Role, Vec<Vec<Value>>)>,
    writing: Option<Writing>,
    concurrent: Option<Concurrent>,
    concurrent_floor: Floor,
    /// The newest commit when the transaction began to read.
    floor: Option<i64>,
    seen_seq: i64,
    refusals: u32,
}

/// Runs a process to its end.
pub fn run(shared: &Shared, process: ProcessNo, connections: &[Vec<Action>], path: &Path, seed: u64) {
    let io = shared.machine.process(process);
    let mut random = Random::part(seed, 100 + process as u64);
    let mut clients: Vec<Client<'_>> = connections
        .iter()
        .enumerate()
        .map(|(no, actions)| Client {
            shared,
            no: process * 10 + no,
            io: io.clone(),
            path,
            connection: None,
            actions: actions.iter().cloned().collect(),
            roles: VecDeque::new(),
            running: None,
            writing: None,
            concurrent: None,
            concurrent_floor: Floor::default(),
            floor: None,
            seen_seq: 0,
            refusals: 0,
        })
        .collect();
    let mut idle = 0;
    while !clients.is_empty() {
        if shared.machine.is_dead(process) || shared.has_failed() {
            // Nothing of it has an effect any more; what was in the middle of its COMMIT stays undecided.
            for client in &mut clients {
                client.die();
            }
            return;
        }
        let at = random.below(clients.len());
        match clients[at].advance() {
            Ok(Progress::Went) => idle = 0,
            Ok(Progress::Waits) => {
                idle += 1;
                // What is waited for may take its time, but not for ever.
                if random.chance(4000) || idle > 8 {
                    let completed = io.step().unwrap_or(false);
                    if !completed && idle > 8 {
                        // All wait, and for no file: time passes until a lock is given back, or a pause is over.
                        io.sleep(Duration::from_millis(1));
                    }
                }
            }
            Ok(Progress::Done) => drop(clients.swap_remove(at)),
            Err(error) => shared.fail(format!("connection {}: {error}", clients[at].no)),
        }
    }
}

enum Progress {
    Went,
    Waits,
    Done,
}

impl Client<'_> {
    fn die(&mut self) {
        if let Some(writing) = self.writing.take()
            && !self.in_commit()
        {
            let _ = self.shared.model().gone(writing.seq, writing.id);
        }
        if let Some(concurrent) = self.concurrent.take()
            && !self.in_commit()
        {
            let _ = self.shared.chains().gone(concurrent.number);
        }
        self.running = None;
        self.connection = None;
    }

    fn in_commit(&self) -> bool {
        matches!(self.running, Some((_, Role::Commit, _)))
    }

    /// One step: a row, the end of a statement, the beginning of the next.
    fn advance(&mut self) -> Result<Progress, String> {
        if self.running.is_none() {
            let Some(role) = self.roles.pop_front() else { return self.next_action() };
            return self.start(role);
        }
        let Some((statement, role, rows)) = &mut self.running else { return Ok(Progress::Went) };
        let mut context = Context::from_waker(Waker::noop());
        let result = match statement.poll_step(&mut context) {
            Poll::Pending => return Ok(Progress::Waits),
            Poll::Ready(Attempt::Over(result)) => result,
            // The thread that may block is this one.
            Poll::Ready(Attempt::MustBlock) => statement.try_step(),
        };
        match result {
            Err(Error::Pending) => Ok(Progress::Waits),
            Ok(StepResult::Row) => {
                rows.push(statement.row().to_vec());
                Ok(Progress::Went)
            }
            result => {
                let (role, rows) = (*role, std::mem::take(rows));
                let died = result.is_err() && self.shared.machine.is_dead(self.no / 10);
                if died {
                    // Whether a COMMIT got through is not known.
                    self.die();
                    return Ok(Progress::Went);
                }
                self.running = None;
                match result {
                    Ok(_) => self.ended(role, rows)?,
                    Err(error) => self.failed(role, &error)?,
                }
                Ok(Progress::Went)
            }
        }
    }

    fn next_action(&mut self) -> Result<Progress, String> {
        let Some(action) = self.actions.pop_front() else {
            self.connection = None;
            return Ok(Progress::Done);
        };
        self.floor = None;
        self.refusals = 0;
        match action {
            Action::Write { immediate, changes, undo_from, gives_up } => {
                self.roles.push_back(if immediate { Role::Plain("BEGIN IMMEDIATE") } else { Role::Begin });
                self.roles.push_back(Role::Bump);
                for (i, change) in changes.iter().enumerate() {
                    if undo_from == Some(i) {
                        self.roles.push_back(Role::Savepoint);
                    }
                    self.roles.push_back(Role::Change(*change));
                }
                if undo_from.is_some() {
                    self.roles.push_back(Role::UndoSavepoint);
                }
                self.roles.push_back(if gives_up { Role::Rollback } else { Role::Commit });
            }
            Action::Read => {
                self.roles.extend([
                    Role::Begin,
                    Role::SeeSeq,
                    Role::SeeRows,
                    Role::SeeSeq,
                    Role::SeeRows,
                    Role::Commit,
                ]);
            }
            Action::Concurrent(keys, gives_up) if self.shared.plan.mode == "wal" || self.shared.plan.changes_mode => {
                self.concurrent = Some(Concurrent { number: self.shared.chains().number(), ..Concurrent::default() });
                self.roles.extend([Role::Plain("BEGIN CONCURRENT"), Role::SeeConcurrent]);
                self.roles.extend(keys.iter().map(|key| Role::PutConcurrent(*key)));
                if self.shared.plan.batches {
                    self.roles.extend([Role::PutBatch, Role::RemoveBatch]);
                }
                self.roles.push_back(Role::SeeConcurrent);
                self.roles.push_back(if gives_up { Role::Rollback } else { Role::Commit });
            }
            Action::Concurrent(..) | Action::ScanConcurrent => self.roles.push_back(Role::SeeConcurrent),
            Action::Scan(by_index) => self.roles.push_back(Role::See(by_index)),
            Action::Checkpoint(mode) => self.roles.push_back(Role::Plain(match mode {
                "full" => "PRAGMA wal_checkpoint(full)",
                "restart" => "PRAGMA wal_checkpoint(restart)",
                "truncate" => "PRAGMA wal_checkpoint(truncate)",
                _ => "PRAGMA wal_checkpoint(passive)",
            })),
            Action::Integrity => self.roles.push_back(Role::Integrity),
            Action::Vacuum => self.roles.push_back(Role::Plain("VACUUM")),
            Action::Mode(mode) => self.roles.push_back(Role::Plain(match mode {
                "wal" => "PRAGMA journal_mode = wal",
                "truncate" => "PRAGMA journal_mode = truncate",
                "persist" => "PRAGMA journal_mode = persist",
                _ => "PRAGMA journal_mode = delete",
            })),
            Action::IncrementalVacuum => self.roles.push_back(Role::Plain("PRAGMA incremental_vacuum(2)")),
            Action::Reopen => self.connection = None,
        }
        Ok(Progress::Went)
    }

    fn connect(&mut self) -> Result<Connection, Error> {
        let plan = &self.shared.plan;
        let options = turso_core::OpenOptions {
            backend: turso_core::Backend::Custom(self.io.clone()),
            busy_timeout: Duration::ZERO,
            new_uses_wal: false,
            cache_pages: plan.tight.then_some(16),
            ..turso_core::OpenOptions::default()
        };
        let connection = turso_core::Database::open(&self.path.to_string_lossy(), options)?.connect()?;
        let mut pragmas = vec![
            format!("PRAGMA synchronous = {}", plan.synchronous),
            format!("PRAGMA wal_autocheckpoint = {}", plan.autocheckpoint),
        ];
        if plan.tight {
            pragmas.push("PRAGMA cache_spill = 3".into());
        }
        if plan.mode != "wal" && !plan.changes_mode {
            pragmas.push(format!("PRAGMA journal_mode = {}", plan.mode));
        }
        for pragma in pragmas {
            connection.execute_batch(pragma)?;
        }
        Ok(connection)
    }

    fn start(&mut self, role: Role) -> Result<Progress, String> {
        let connection = match &self.connection {
            Some(connection) => connection.clone(),
            None => match self.connect() {
                Ok(connection) => self.connection.insert(connection).clone(),
                Err(_) if self.shared.machine.is_dead(self.no / 10) => {
                    self.die();
                    return Ok(Progress::Went);
                }
                Err(error) => {
                    self.failed(role, &error)?;
                    return Ok(Progress::Went);
                }
            },
        };
        if matches!(role, Role::See(_) | Role::SeeSeq | Role::Settle | Role::Bump) && self.floor.is_none() {
            self.floor = Some(self.shared.model().newest());
        }
        // A concurrent transaction takes its snapshot when it begins.
        if role == Role::Plain("BEGIN CONCURRENT") || (role == Role::SeeConcurrent && self.concurrent.is_none()) {
            self.concurrent_floor = self.shared.chains().floor();
        }
        if role == Role::Commit
            && let Some(concurrent) = &self.concurrent
        {
            self.shared.chains().committing(concurrent.number, &concurrent.writes);
        }
        if role == Role::Commit
            && let Some(writing) = &self.writing
        {
            self.shared.model().committing(writing.seq, writing.id, &writing.rows);
        }
        let sql = self.sql(role);
        match connection.prepare(&sql) {
            Ok(prepared) => {
                self.running = prepared.statement.map(|statement| (statement, role, Vec::new()));
                Ok(Progress::Went)
            }
            Err(error) => {
                if self.shared.machine.is_dead(self.no / 10) {
                    self.die();
                } else {
                    self.failed(role, &error)?;
                }
                Ok(Progress::Went)
            }
        }
    }

    fn sql(&self, role: Role) -> String {
        let seq = self.writing.as_ref().map_or(0, |w| w.seq);
        match role {
            Role::Begin => "BEGIN".into(),
            Role::Bump => "UPDATE meta SET seq = seq + 1 RETURNING seq".into(),
            Role::Settle | Role::SeeRows => "SELECT k, s, v FROM t".into(),
            Role::Change(Change::Put(key)) => {
                format!("REPLACE INTO t VALUES ({key}, {seq}, '{}')", value(key as i64, seq))
            }
            Role::Change(Change::Touch(key)) => {
                format!("UPDATE t SET s = {seq}, v = '{}' WHERE k = {key}", value(key as i64, seq))
            }
            Role::Change(Change::Remove(key)) => format!("DELETE FROM t WHERE k = {key}"),
            Role::Change(Change::RemoveFrom(key)) => format!("DELETE FROM t WHERE k BETWEEN {key} AND {}", key + 8),
            Role::SeeConcurrent => see_concurrent(self.shared.plan.batches).into(),
            Role::PutBatch => {
                let number = self.concurrent.as_ref().map_or(0, |c| c.number);
                let rows: Vec<String> =
                    batch(number).map(|key| format!("({key}, {number}, '{}')", value(key, number))).collect();
                format!("INSERT INTO d VALUES {}", rows.join(", "))
            }
            Role::RemoveBatch => {
                let removed = self.concurrent.as_ref().and_then(|c| c.writes.removes).unwrap_or(0);
                format!("DELETE FROM d WHERE w = {removed}")
            }
            Role::PutConcurrent(key) => {
                let number = self.concurrent.as_ref().map_or(0, |c| c.number);
                format!("REPLACE INTO c VALUES ({key}, {number}, '{}')", value(key as i64, number))
            }
            Role::Savepoint => "SAVEPOINT one".into(),
            Role::UndoSavepoint => "ROLLBACK TO one".into(),
            Role::Commit => "COMMIT".into(),
            Role::Rollback => "ROLLBACK".into(),
            Role::See(true) => "SELECT m.seq, t.k, t.s, t.v FROM meta m LEFT JOIN t INDEXED BY ti ON t.s >= 0".into(),
            Role::See(false) => "SELECT m.seq, t.k, t.s, t.v FROM meta m LEFT JOIN t".into(),
            Role::SeeSeq => "SELECT seq FROM meta".into(),
            Role::Integrity => "PRAGMA integrity_check".into(),
            Role::Plain(sql) => sql.into(),
        }
    }

    /// A statement has come to its end.
    fn ended(&mut self, role: Role, rows: Vec<Vec<Value>>) -> Result<(), String> {
        match role {
            Role::Bump => {
                let seq = rows.first().and_then(|row| number(row, 0)).ok_or("no number was given")?;
                let base = self.shared.model().certain(seq - 1);
                self.writing = Some(Writing { seq, ..Writing::default() });
                match base {
                    Some(rows) => self.take_number(rows)?,
                    None => self.roles.push_front(Role::Settle),
                }
            }
            Role::Settle => {
                let seq = self.writing.as_ref().map_or(0, |w| w.seq) - 1;
                let rows = rows_of(&rows, 0)?;
                self.shared.model().seen(i64::MIN, seq, &rows)?;
                self.take_number(rows)?;
            }
            Role::Change(change) => {
                if let Some(writing) = &mut self.writing {
                    apply(&mut writing.rows, change, writing.seq);
                }
            }
            Role::Savepoint => {
                if let Some(writing) = &mut self.writing {
                    writing.saved = writing.rows.clone();
                }
            }
            Role::UndoSavepoint => {
                if let Some(writing) = &mut self.writing {
                    writing.rows = writing.saved.clone();
                }
            }
            Role::Commit => {
                if let Some(writing) = self.writing.take() {
                    self.shared.model().reported(writing.seq, writing.id)?;
                }
                if let Some(concurrent) = self.concurrent.take() {
                    self.shared.chains().settle(concurrent.number)?;
                }
            }
            Role::Rollback => self.forget_writing()?,
            Role::See(_) => {
                let seq = rows.first().and_then(|row| number(row, 0)).ok_or("meta has no row")?;
                let found = if rows.len() == 1 && rows[0].get(1) == Some(&Value::Null) {
                    Rows::new()
                } else {
                    rows_of(&rows, 1)?
                };
                self.see(seq, &found)?;
            }
            Role::SeeConcurrent => {
                let found = rows_of(&rows, 0)?;
                match &mut self.concurrent {
                    Some(Concurrent { number, snapshot: Some(snapshot), writes }) => {
                        let mut wanted = snapshot.clone();
                        wanted.extend(writes.rows.keys().map(|key| (*key, *number)));
                        wanted.retain(|key, _| !writes.removes.is_some_and(|removed| batch(removed).contains(key)));
                        if writes.inserts {
                            wanted.extend(batch(*number).map(|key| (key, *number)));
                        }
                        if found != wanted {
                            return Err(format!("transaction {number} sees {found:?} and should see {wanted:?}"));
                        }
                    }
                    other => {
                        self.shared.chains().seen(&self.concurrent_floor, &found)?;
                        if let Some(concurrent) = other {
                            // Among few, so that others want the same now and then.
                            let batches: Vec<i64> = batches_of(&found)?.into_iter().collect();
                            if batches.len() > 3 {
                                let at = concurrent.number as usize % 3;
                                concurrent.writes.removes = batches.get(at).copied();
                            }
                            concurrent.snapshot = Some(found);
                        }
                    }
                }
            }
            Role::PutConcurrent(key) => {
                if let Some(concurrent) = &mut self.concurrent {
                    let key = key as i64;
                    let before = concurrent.snapshot.as_ref().and_then(|rows| rows.get(&key)).copied().unwrap_or(0);
                    concurrent.writes.rows.insert(key, before);
                }
            }
            Role::PutBatch => {
                if let Some(concurrent) = &mut self.concurrent {
                    concurrent.writes.inserts = true;
                }
            }
            Role::SeeSeq => {
                self.seen_seq = rows.first().and_then(|row| number(row, 0)).ok_or("meta has no row")?;
            }
            Role::SeeRows => {
                let found = rows_of(&rows, 0)?;
                self.see(self.seen_seq, &found)?;
                // The same again in the same transaction.
                self.floor = Some(self.seen_seq);
            }
            Role::Integrity => {
                if rows != [[Value::Text(b"ok".to_vec())]] {
                    return Err(format!("integrity_check: {rows:?}"));
                }
            }
            Role::Begin | Role::RemoveBatch | Role::Plain(_) => {}
        }
        Ok(())
    }

    fn see(&self, seq: i64, rows: &Rows) -> Result<(), String> {
        self.shared.model().seen(self.floor.unwrap_or(i64::MIN), seq, rows)
    }

    fn take_number(&mut self, rows: Rows) -> Result<(), String> {
        if let Some(writing) = &mut self.writing {
            writing.id = self.shared.model().open(writing.seq, rows.clone())?;
            writing.rows = rows;
        }
        Ok(())
    }

    fn forget_writing(&mut self) -> Result<(), String> {
        if let Some(concurrent) = self.concurrent.take() {
            self.shared.chains().gone(concurrent.number)?;
        }
        match self.writing.take() {
            Some(writing) => self.shared.model().gone(writing.seq, writing.id),
            None => Ok(()),
        }
    }

    /// A statement has failed.
    fn failed(&mut self, role: Role, error: &Error) -> Result<(), String> {
        let code = error.code();
        let primary = code.primary();
        let text = format!("{code:?}");
        *self.shared.errors.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).entry(text).or_default() += 1;
        let refused = matches!(primary, ResultCode::BUSY | ResultCode::LOCKED | ResultCode::PROTOCOL);
        let of_the_disk = matches!(primary, ResultCode::IOERR | ResultCode::FULL | ResultCode::CANTOPEN);
        let given_up = matches!(primary, ResultCode::ABORT);
        // Concurrent transactions need a log, which another connection may have done away with.
        let other_mode =
            self.shared.plan.changes_mode && role == Role::Plain("BEGIN CONCURRENT") && primary == ResultCode::ERROR;
        if !refused && !given_up && !other_mode && (!of_the_disk || self.shared.faultless) {
            return Err(format!("{role:?} ends with {error} ({code:?}) {error:?}"));
        }
        let autocommit = self.connection.as_ref().is_none_or(Connection::is_autocommit);
        if role == Role::Commit && refused && !autocommit {
            // Readers are in the way: later again, a few times.
            self.refusals += 1;
            let next = if self.refusals < 6 { Role::Commit } else { Role::Rollback };
            self.roles.clear();
            self.roles.push_back(next);
            return Ok(());
        }
        self.roles.clear();
        if role == Role::Commit {
            // It may come back after a crash; who sees it will tell.
            self.writing = None;
            self.concurrent = None;
        } else {
            self.forget_writing()?;
        }
        if role == Role::Rollback {
            return Err(format!("ROLLBACK ends with {error}"));
        }
        if !autocommit {
            self.roles.push_back(Role::Rollback);
        }
        Ok(())
    }
}

fn number(row: &[Value], at: usize) -> Option<i64> {
    match row.get(at) {
        Some(Value::Integer(i)) => Some(*i),
        _ => None,
    }
}

/// Rows of `k, s, v` from this column on; each value must be that of its key and number.
pub fn rows_of(rows: &[Vec<Value>], from: usize) -> Result<Rows, String> {
    let mut found = Rows::new();
    for row in rows {
        let (Some(key), Some(seq)) = (number(row, from), number(row, from + 1)) else {
            return Err(format!("a row that nobody wrote: {row:?}"));
        };
        if row.get(from + 2) != Some(&Value::Text(value(key, seq).into_bytes())) {
            return Err(format!("row {key} of commit {seq} has another value: {row:?}"));
        }
        if found.insert(key, seq).is_some() {
            return Err(format!("row {key} is there twice"));
        }
    }
    Ok(found)
}

/// Reads what concurrent transactions write.
pub fn see_concurrent(batches: bool) -> &'static str {
    if batches { "SELECT k, w, v FROM c UNION ALL SELECT k, w, v FROM d" } else { "SELECT k, w, v FROM c" }
}

fn apply(rows: &mut Rows, change: Change, seq: i64) {
    match change {
        Change::Put(key) => drop(rows.insert(key as i64, seq)),
        Change::Touch(key) => {
            if let Some(row) = rows.get_mut(&(key as i64)) {
                *row = seq;
            }
        }
        Change::Remove(key) => drop(rows.remove(&(key as i64))),
        Change::RemoveFrom(key) => rows.retain(|k, _| !(key as i64..=key as i64 + 8).contains(k)),
    }
}

/// Makes the database.
pub fn create(shared_plan: &Plan, io: &Arc<dyn Io>, path: &Path) -> Result<(), String> {
    let connection = engines::open(io, path, None, false)?.connect().map_err(|e| format!("{e:?}"))?;
    for sql in [
        format!("PRAGMA page_size = {}", shared_plan.page_size),
        format!("PRAGMA auto_vacuum = {}", shared_plan.auto_vacuum),
        format!("PRAGMA journal_mode = {}", shared_plan.mode),
        "CREATE TABLE meta(id INTEGER PRIMARY KEY, seq)".into(),
        "CREATE TABLE t(k INTEGER PRIMARY KEY, s, v)".into(),
        "CREATE INDEX ti ON t(s, v)".into(),
        "CREATE TABLE c(k INTEGER PRIMARY KEY, w, v)".into(),
        "CREATE INDEX cw ON c(w)".into(),
        "INSERT INTO meta VALUES (1, 0)".into(),
    ] {
        engines::run(&connection, &sql)?;
    }
    if shared_plan.batches {
        engines::run(&connection, "CREATE TABLE d(k INTEGER PRIMARY KEY, w, v)")?;
        engines::run(&connection, "CREATE INDEX dw ON d(w, v)")?;
    }
    Ok(())
}
