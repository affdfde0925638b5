//! Every order in which a few writers can be run, up to a number of switches between them: the queue, the group commit and its
//! hand-over, as they are, on one thread.
//!
//! A run is a sequence of choices: who goes on until it waits for something, or that one operation of the disk completes.
//! Whoever waits is run again only when it has been woken, so that a lost wake-up shows as a run in which nobody can go on.
//! Afterwards the database holds the rows of those who were told of success, and of nobody else but those who were given up.

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use support::crash::Random;
use turso_error::{Error, Result, ResultCode};
use turso_io::{Completion, File, Io, MemoryIo, OpenFlags, PendingIo};
use turso_storage::btree::{BTreeCursor, CursorKind, InsertHint, create_tree};
use turso_storage::concurrent::{Rules, TreeRole, TreeRule};
use turso_storage::*;

const OPTIONS: OpenOptions =
    OpenOptions { read_only: false, create: true, wal: true, page_size: 1024, immutable: false };
const PATH: &str = "/db";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// `BEGIN CONCURRENT`, with the replay.
    Concurrent,
    /// The same, which begins on what is not visible yet.
    Ahead,
    /// A plain write transaction.
    Plain,
    /// A concurrent one whose future may be dropped wherever it waits.
    Dropped,
    /// Counts rows, twice.
    Reader,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Begin,
    Ahead,
    Work,
    Lock,
    Rebase,
    Commit,
    Committed,
    GivenUp,
}

struct Actor {
    kind: Kind,
    rowid: i64,
    pager: Option<Pager>,
    stage: Stage,
    waits: Option<Completion>,
    /// It has found a lock taken, with this count of unlocks.
    busy: Option<u64>,
    counted: Option<usize>,
}

fn rows(pager: &mut Pager, root: PageNo) -> Result<Vec<i64>> {
    let mut cursor = BTreeCursor::new(root, CursorKind::Table);
    let mut found = Vec::new();
    let mut there = cursor.first(pager)?;
    while there {
        found.push(cursor.rowid());
        there = cursor.next(pager)?;
    }
    Ok(found)
}

impl Actor {
    fn new(kind: Kind, rowid: i64, db: &Arc<DatabaseFile>) -> Self {
        let mut pager = Pager::open(db.clone());
        pager.set_synchronous(Synchronous::Full);
        Actor { kind, rowid, pager: Some(pager), stage: Stage::Begin, waits: None, busy: None, counted: None }
    }

    fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Committed | Stage::GivenUp)
    }

    fn can_go_on(&self, db: &DatabaseFile) -> bool {
        let woken = self.waits.as_ref().is_none_or(Completion::is_ready);
        !self.is_over() && woken && self.busy.is_none_or(|epoch| epoch != db.lock_epoch())
    }

    /// Runs until it waits for something or has done a stage.
    fn run(&mut self, db: &DatabaseFile, root: PageNo) {
        self.busy = None;
        self.waits = None;
        match self.step(root) {
            Ok(stage) => self.stage = stage,
            Err(Error::Pending) => self.waits = self.pager.as_ref().unwrap().waiting_on(),
            Err(error) if error.code() == ResultCode::BUSY => self.busy = Some(db.lock_epoch()),
            Err(error) => panic!("{:?} at {:?}: {error}", self.kind, self.stage),
        }
        if self.stage == Stage::Committed {
            self.pager = None;
        }
    }

    fn step(&mut self, root: PageNo) -> Result<Stage> {
        let pager = self.pager.as_mut().unwrap();
        match self.stage {
            Stage::Begin => {
                pager.begin_read()?;
                match self.kind {
                    Kind::Ahead => {
                        assert!(pager.begin_concurrent_read()?);
                        return Ok(Stage::Ahead);
                    }
                    Kind::Reader => {}
                    Kind::Plain => match pager.begin_write(WriteMode::Eager) {
                        Err(error) if error.is(ResultCode::BUSY) => {
                            pager.end_read();
                            if error.code() == ResultCode::BUSY_SNAPSHOT {
                                return Ok(Stage::Begin);
                            }
                            return Err(error);
                        }
                        other => other?,
                    },
                    Kind::Concurrent | Kind::Dropped => assert!(pager.begin_concurrent()?),
                }
                Ok(Stage::Work)
            }
            Stage::Ahead => {
                assert!(pager.begin_concurrent_ahead()?);
                Ok(Stage::Work)
            }
            Stage::Work if self.kind == Kind::Reader => {
                let count = rows(pager, root)?.len();
                pager.end_read();
                match self.counted.replace(count) {
                    None => Ok(Stage::Begin),
                    Some(before) => {
                        assert!(before <= count, "rows that were seen have gone");
                        Ok(Stage::Committed)
                    }
                }
            }
            Stage::Work => {
                let mut cursor = BTreeCursor::new(root, CursorKind::Table);
                cursor.insert_row(pager, self.rowid, b"\x02\x08"[..].into(), InsertHint::Seek)?;
                Ok(if self.kind == Kind::Plain { Stage::Commit } else { Stage::Lock })
            }
            Stage::Lock => Ok(if pager.lock_concurrent()? { Stage::Rebase } else { Stage::Commit }),
            Stage::Rebase => {
                let rule = TreeRule { table: "t".into(), kind: CursorKind::Table, role: TreeRole::Rows };
                let rules = Rules { trees: [(root.0, rule)].into(), ..Rules::default() };
                pager.rebase(|_| Ok(rules))?;
                Ok(Stage::Commit)
            }
            Stage::Commit => {
                pager.commit()?;
                pager.end_read();
                Ok(Stage::Committed)
            }
            over => Ok(over),
        }
    }
}

/// Memory in which no time passes: what happens does not depend on how fast the machine is.
struct StillIo {
    inner: Arc<MemoryIo>,
}

impl Io for StillIo {
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        self.inner.open(path, flags)
    }
    fn delete(&self, path: &Path, sync_dir: bool) -> Result<()> {
        self.inner.delete(path, sync_dir)
    }
    fn exists(&self, path: &Path) -> Result<bool> {
        self.inner.exists(path)
    }
    fn sync_directory_of(&self, path: &Path) -> Result<()> {
        self.inner.sync_directory_of(path)
    }
    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        self.inner.full_path(path)
    }
    fn temp_path(&self) -> Result<PathBuf> {
        self.inner.temp_path()
    }
    fn now_julian_ms(&self) -> i64 {
        UNIX_EPOCH_JULIAN_MS
    }
    fn randomness(&self, buf: &mut [u8]) {
        self.inner.randomness(buf);
    }
    fn sleep(&self, _: Duration) {}
}

const UNIX_EPOCH_JULIAN_MS: i64 = 210_866_760_000_000;

/// What can be chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Choice {
    Run(usize),
    Drop(usize),
    Disk,
}

/// The choices of a run: given ones first, then the first of each, or any.
struct Schedule {
    given: Vec<usize>,
    /// How many there were to choose from, and which was chosen.
    made: Vec<(usize, usize)>,
    random: Option<Random>,
    switches: u32,
}

impl Schedule {
    fn choose(&mut self, options: usize) -> usize {
        let at = self.made.len();
        let chosen = match (self.given.get(at), &mut self.random) {
            (Some(given), _) => (*given).min(options - 1),
            (None, Some(random)) => random.next(options),
            (None, None) => 0,
        };
        self.made.push((options, chosen));
        chosen
    }

    /// The next one in order, where there is one.
    fn next(mut self) -> Option<Vec<usize>> {
        while let Some((options, chosen)) = self.made.pop() {
            if chosen + 1 < options {
                let mut given: Vec<usize> = self.made.iter().map(|(_, chosen)| *chosen).collect();
                given.push(chosen + 1);
                return Some(given);
            }
        }
        None
    }
}

/// A database with an empty table: its bytes, and the table's root.
fn template() -> (Vec<u8>, PageNo) {
    let memory = Arc::new(MemoryIo::seeded(1));
    let io: Arc<dyn Io> = memory.clone();
    let mut pager = support::open(&io, Path::new(PATH), OPTIONS);
    support::begin(&mut pager);
    let root = create_tree(&mut pager, true).unwrap();
    support::commit(&mut pager);
    pager.end_read();
    drop(pager);
    (memory.contents(Path::new(PATH)).unwrap(), root)
}

/// One run.
fn run(kinds: &[Kind], template: &(Vec<u8>, PageNo), schedule: &mut Schedule) {
    let root = template.1;
    let memory = Arc::new(MemoryIo::seeded(1));
    memory.set_contents(Path::new(PATH), template.0.clone());
    let io = Arc::new(PendingIo::delaying_writes(Arc::new(StillIo { inner: memory.clone() })));
    let db = DatabaseFile::open(io.clone(), Path::new(PATH), OPTIONS).unwrap();
    let mut actors: Vec<Actor> =
        kinds.iter().enumerate().map(|(i, kind)| Actor::new(*kind, i as i64 + 1, &db)).collect();
    let (mut last, mut timers) = (Choice::Disk, 0);
    while !actors.iter().all(Actor::is_over) {
        let mut options: Vec<Choice> = Vec::new();
        for (i, actor) in actors.iter().enumerate() {
            if actor.can_go_on(&db) {
                options.push(Choice::Run(i));
            }
            if actor.kind == Kind::Dropped && !actor.is_over() && actor.waits.is_some() {
                options.push(Choice::Drop(i));
            }
        }
        if io.queued() > 0 {
            options.push(Choice::Disk);
        }
        let only_drops = options.iter().all(|option| matches!(option, Choice::Drop(_)));
        if only_drops {
            // A lock that is found taken is tried again after a while.
            let busy = actors.iter_mut().find(|actor| actor.busy.is_some());
            timers += 1;
            match busy {
                Some(actor) if timers < 50 => actor.busy = None,
                _ => panic!("nobody can go on: {:?}", actors.iter().map(|a| (a.kind, a.stage)).collect::<Vec<_>>()),
            }
            continue;
        }
        // Whoever ran goes on; somebody else is a switch.
        if let Some(at) = options.iter().position(|option| *option == last) {
            options.swap(0, at);
            if schedule.switches == 0 {
                options.truncate(1);
            }
        }
        let goes_on = options[0] == last;
        let chosen = schedule.choose(options.len());
        if goes_on && chosen > 0 {
            schedule.switches -= 1;
        }
        last = options[chosen];
        match last {
            Choice::Run(i) => actors[i].run(&db, root),
            Choice::Drop(i) => {
                actors[i].pager = None;
                actors[i].stage = Stage::GivenUp;
            }
            Choice::Disk => assert!(io.step().unwrap()),
        }
    }
    let writers = || actors.iter().filter(|actor| actor.kind != Kind::Reader);
    let sure: Vec<i64> = writers().filter(|a| a.stage == Stage::Committed).map(|a| a.rowid).collect();
    let allowed: Vec<i64> = writers().map(|actor| actor.rowid).collect();
    drop(actors);
    drop(db);
    let plain: Arc<dyn Io> = memory;
    let mut pager = support::open(&plain, Path::new(PATH), OPTIONS);
    pager.begin_read().unwrap();
    let found = rows(&mut pager, root).unwrap();
    assert!(sure.iter().all(|row| found.contains(row)) && found.iter().all(|row| allowed.contains(row)), "{found:?}");
    assert!(found.is_sorted());
}

/// All orders with so many switches, but no more runs than that, then some at random with any number of switches.
/// `TURSO_SCHEDULES` is how many of each.
fn explore(kinds: &[Kind], switches: u32) {
    let most = std::env::var("TURSO_SCHEDULES").ok().and_then(|n| n.parse().ok()).unwrap_or(100_u64);
    let template = template();
    let tell = |given: Vec<usize>, random: Option<Random>, switches: u32| {
        let mut schedule = Schedule { given, made: Vec::new(), random, switches };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(kinds, &template, &mut schedule)));
        if outcome.is_err() {
            let made: Vec<usize> = schedule.made.iter().map(|(_, chosen)| *chosen).collect();
            panic!("{kinds:?} with {switches} switches, choices {made:?}");
        }
        schedule
    };
    let (mut next, mut runs) = (Some(Vec::new()), 0);
    while let Some(given) = next.take_if(|_| runs < most) {
        runs += 1;
        next = tell(given, None, switches).next();
    }
    println!("{kinds:?}: {runs} runs{}", if next.is_none() { ", all that there are" } else { "" });
    for seed in 0..most {
        tell(Vec::new(), Some(Random(seed)), u32::MAX);
    }
}

#[test]
fn two_and_three_concurrent_writers() {
    explore(&[Kind::Concurrent, Kind::Concurrent], 2);
    explore(&[Kind::Concurrent, Kind::Concurrent, Kind::Concurrent], 1);
}

#[test]
fn writers_that_begin_on_what_is_not_visible_yet() {
    explore(&[Kind::Concurrent, Kind::Ahead], 2);
    explore(&[Kind::Ahead, Kind::Ahead, Kind::Concurrent], 1);
    explore(&[Kind::Dropped, Kind::Ahead, Kind::Plain], 1);
}

#[test]
fn plain_and_concurrent_writers_and_a_reader() {
    explore(&[Kind::Plain, Kind::Concurrent, Kind::Reader], 1);
    explore(&[Kind::Plain, Kind::Plain, Kind::Concurrent], 1);
}

#[test]
fn a_writer_that_is_given_up_leaves_nobody_waiting() {
    explore(&[Kind::Concurrent, Kind::Dropped], 1);
    explore(&[Kind::Dropped, Kind::Concurrent, Kind::Plain], 1);
}
