//! One script on both engines: statement by statement, and at the end all tables, both integrity checks and the files.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use integration::compare::{first_difference, gap};
use integration::engine::{finish, line, literal};
use integration::{Answer, Engine, Ours, Rng, Stock};
use turso_core::io::MemoryIo;
use turso_core::{Backend, OpenOptions, Value};

use crate::compare::{Kind, Verdict, compare};
use crate::explained;
use crate::generate::{Abilities, Class, Generator, Step};
use crate::reach::Reach;
use crate::watch::Watch;

/// Virtual machine steps after which SQLite gives a statement up; the script ends there.
const MOST_STEPS: u64 = 4_000_000;
/// How often SQLite is asked whether it goes on.
const STEPS_PER_CALL: i32 = 10_000;
/// SQLITE_LOCKED.
const LOST_BLOBS: &str = "SQLite's OR by an index finds no blobs for LIKE and GLOB";
const LOCKED: i32 = 6;
/// SQLITE_CONSTRAINT_FOREIGNKEY.
const FOREIGN_KEY: i32 = 787;
/// SQLITE_CONSTRAINT_DATATYPE.
const STRICT_TYPE: i32 = 3091;
/// The name of the database in the memory of a [`MemoryIo`].
const FILE: &str = "script.db";

/// Where our engine keeps the database of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Memory without a file.
    Memory,
    /// Likewise, with the batch tier forced.
    Batches,
    /// A file in memory under this journal mode.
    File(&'static str),
    /// A real file of which every first touch of a page is pending, under a tiny cache.
    Pending,
}

impl Place {
    /// The place for the script of a seed.
    pub fn draw(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0xABCD);
        match rng.below(10) {
            0..=2 => Self::Memory,
            3..=5 => Self::Batches,
            6 | 7 => Self::File("wal"),
            8 => Self::File("delete"),
            _ => Self::File(*rng.pick(&["truncate", "persist", "memory"])),
        }
    }
}

/// A difference and the statements that lead to it.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The seed of the script.
    pub seed: u64,
    /// Where ours kept its database.
    pub place: Place,
    /// In what the engines differ.
    pub kind: Kind,
    /// Both answers.
    pub text: String,
    /// All statements up to the one that differs.
    pub steps: Vec<Step>,
}

/// What statements came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done {
        failed: bool,
        rows: usize,
    },
    /// Ours says that it does not support it.
    Gap,
    /// SQLite took too long.
    TooLong,
}

/// Both engines with the same database.
pub struct Pair {
    ours: Ours,
    stock: Stock,
    io: Option<Arc<MemoryIo>>,
    _directory: Option<tempfile::TempDir>,
    steps: Arc<AtomicU64>,
    watch: Watch,
    /// Rows may violate CHECK constraints, which who opens the file anew would say.
    unchecked: bool,
}

impl Pair {
    /// Both engines, empty.
    pub fn open(place: Place) -> Result<Self, String> {
        let text = |e: turso_core::Error| e.message().to_owned();
        let (mut io, mut directory) = (None, None);
        let mut ours = match place {
            Place::Memory | Place::Batches => Ours::memory(),
            Place::File(_) => {
                let memory = Arc::new(MemoryIo::seeded(1));
                io = Some(memory.clone());
                let options =
                    OpenOptions { new_uses_wal: false, backend: Backend::Custom(memory), ..OpenOptions::default() };
                Ours::open_with(FILE, options).map_err(text)?
            }
            Place::Pending => {
                // Files in memory, where there are such: nothing here depends on a disk but the time that it takes.
                let place =
                    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).map_err(|e| e.to_string())?;
                let ours = Ours::open_pending(&place.path().join(FILE));
                directory = Some(place);
                ours
            }
        };
        if let Place::File(mode) = place {
            ours.run(&format!("PRAGMA journal_mode = {mode}"));
        }
        if place == Place::Batches {
            ours.run("PRAGMA execution_tier = batch");
        } else if place != Place::Memory {
            ours.run("PRAGMA synchronous = OFF");
        }
        let mut stock = Stock::memory();
        let steps = Arc::new(AtomicU64::new(0));
        let count = steps.clone();
        stock
            .connection
            .progress_handler(
                STEPS_PER_CALL,
                Some(move || count.fetch_add(STEPS_PER_CALL as u64, Ordering::Relaxed) > MOST_STEPS),
            )
            .map_err(|e| e.to_string())?;
        let watch = Watch::shared();
        Ok(Self { ours, stock, io, _directory: directory, steps, watch, unchecked: false })
    }

    /// Run a step on both; what it came to, or in what they differ.
    fn step(&mut self, step: &Step, reach: &mut Reach) -> Result<Outcome, (Kind, String)> {
        self.unchecked |= step.sql == "PRAGMA ignore_check_constraints = ON";
        let prepared = match caught(|| self.ours.connection.prepare(&step.sql)) {
            Ok(prepared) => prepared,
            Err(panic) => return Err((Kind::Panic, panic)),
        };
        if let Err(error) = &prepared
            && let Some(text) = gap(&Answer::failed(error))
        {
            reach.gap(&text);
            return Ok(Outcome::Gap);
        }
        self.steps.store(0, Ordering::Relaxed);
        let stock = self.stock.run(step.stock.as_deref().unwrap_or(&step.sql));
        if stock.error.as_ref().is_some_and(|(_, code)| *code == 9) {
            return Ok(Outcome::TooLong);
        }
        let ours = match prepared {
            Err(error) => Answer::failed(&error),
            Ok(prepared) => match prepared.statement {
                None => Answer::default(),
                Some(mut statement) => {
                    reach.program(statement.program());
                    self.watch.start(&self.ours.connection);
                    let answer = caught(|| finish(&mut statement));
                    let slow = self.watch.stop();
                    match answer {
                        Ok(_) if slow => return Err((Kind::Slow, "  ours was interrupted".into())),
                        Ok(answer) => answer,
                        Err(panic) => return Err((Kind::Panic, panic)),
                    }
                }
            },
        };
        if let Some(text) = gap(&ours) {
            // It came up at run time, after SQLite has run the statement: the two go different ways from here.
            reach.gap(&text);
            return Ok(Outcome::TooLong);
        }
        if stock.error.as_ref().is_some_and(|(_, code)| *code == STRICT_TYPE)
            && ours.error == stock.error
            && !self.stock.connection.is_autocommit()
        {
            reach.explain("SQLite keeps the rows before a type error in a STRICT table, we undo the statement");
            return Ok(Outcome::TooLong);
        }
        if step.sql.starts_with("ALTER TABLE")
            && stock.error.is_some()
            && ours.error == stock.error
            && !self.stock.connection.is_autocommit()
        {
            reach.explain("SQLite goes on with what an ALTER that failed within a transaction has done to its schema");
            return Ok(Outcome::TooLong);
        }
        if self.refused_without_orphan(step, &ours, &stock) {
            reach.explain("SQLite counts the deferred violations of a single row that it refuses for an immediate one");
            return Ok(Outcome::TooLong);
        }
        if self.refuses_what_holds(step, &ours, &stock) {
            reach.explain("SQLite refuses an UPDATE that writes again the key to which its own row refers");
            return Ok(Outcome::TooLong);
        }
        if self.rowids_are_random() || returns_random_rowids(&ours, &stock) {
            reach.explain("behind the greatest rowid of all an automatic one is random");
            return Ok(Outcome::TooLong);
        }
        match compare(&ours, &stock, step) {
            Verdict::Same => {}
            Verdict::OtherTwin => reach.explain("another one of equal values"),
            Verdict::Different(kind, text) => match explained::reason(step, &ours, &stock) {
                Some(reason) => {
                    reach.explain(reason);
                    if ours.error != stock.error {
                        return Ok(Outcome::TooLong);
                    }
                }
                None if explained::same_whole_numbers(&ours, &stock) && self.is_utf16() => {
                    reach.explain("in UTF-16 SQLite reads a number before a character beyond U+00FF as an integer");
                }
                None if stock.error.as_ref().is_some_and(|(_, code)| *code == LOCKED) && self.has_rtree() => {
                    reach.explain("SQLite's R-tree may leave a blob open when it has refused a row");
                    return Ok(Outcome::TooLong);
                }
                None if self.looks_rows_up_in_an_index(step) => {
                    reach.explain("SQLite answers that a row with NULLs is not among those of a descending index");
                }
                None if self.loses_blobs(step) => {
                    reach.explain(LOST_BLOBS);
                    if step.class != Class::Select {
                        return Ok(Outcome::TooLong);
                    }
                }
                None if self.loses_twins(step) => {
                    reach.explain("SQLite's automatic index of a table WITHOUT ROWID has one of the rows that its key takes for equal");
                    if step.class != Class::Select {
                        return Ok(Outcome::TooLong);
                    }
                }
                None => return Err((kind, text)),
            },
        }
        if step.sql == "VACUUM" {
            return Ok(Outcome::Done { failed: stock.error.is_some(), rows: 0 });
        }
        if let Some(text) = self.counters() {
            if self.loses_blobs(step) {
                reach.explain(LOST_BLOBS);
                return Ok(Outcome::TooLong);
            }
            if !self.counts_nodes() {
                return Err((Kind::Counters, text));
            }
            reach.explain("how many nodes of an R-tree a change writes depends on where its boxes lie");
            return Ok(Outcome::TooLong);
        }
        Ok(Outcome::Done { failed: stock.error.is_some(), rows: stock.rows.len() })
    }

    /// SQLite refuses to commit for a foreign key, and finds no row without its parent.
    fn refused_without_orphan(&mut self, step: &Step, ours: &Answer, stock: &Answer) -> bool {
        step.class == Class::Session
            && ours.error.is_none()
            && stock.error.as_ref().is_some_and(|(_, code)| *code == FOREIGN_KEY)
            && self.stock.run("PRAGMA foreign_key_check").rows.is_empty()
    }

    fn is_utf16(&mut self) -> bool {
        let answer = self.stock.run("PRAGMA encoding");
        answer.rows.iter().flatten().any(|value| literal(value).contains("UTF-16"))
    }

    /// SQLite finds the rows on the left of an IN in an index that it has, one of whose keys descends.
    fn looks_rows_up_in_an_index(&mut self, step: &Step) -> bool {
        let descends = |engine: &mut Stock, schema| {
            !engine.run(&format!("SELECT 1 FROM {schema}.sqlite_schema WHERE sql LIKE '% DESC%'")).rows.is_empty()
        };
        step.class == Class::Select
            && (step.sql.contains(") IN (SELECT") || step.sql.contains(") IN(SELECT"))
            && ["main", "temp", "aux"].iter().any(|schema| descends(&mut self.stock, schema))
            && self.stock.run(&format!("EXPLAIN QUERY PLAN {}", step.sql)).rows.iter().any(|row| {
                row.iter().any(|value| matches!(value, Value::Text(_)) && literal(value).contains("FOR IN-OPERATOR"))
            })
    }

    /// SQLite looks in an index for what LIKE and GLOB find in an arm of an OR, and only among texts.
    fn loses_blobs(&mut self, step: &Step) -> bool {
        let matches = step.sql.contains(" GLOB ") || step.sql.contains(" LIKE ");
        matches
            && step.sql.contains(" OR ")
            && self.stock.run(&format!("EXPLAIN QUERY PLAN {}", step.sql)).rows.iter().any(|row| {
                row.iter().any(|value| matches!(value, Value::Text(_)) && literal(value).contains("MULTI-INDEX OR"))
            })
    }

    /// SQLite makes an automatic index, perhaps of a table without rowids: with another collation than the primary key's two of its rows
    /// are one entry.
    fn loses_twins(&mut self, step: &Step) -> bool {
        let has_no_rowids = |engine: &mut Stock, schema: &str| {
            let sql = format!("SELECT 1 FROM {schema}.sqlite_schema WHERE sql LIKE '%WITHOUT ROWID%'");
            !engine.run(&sql).rows.is_empty()
        };
        ["main", "temp", "aux"].iter().any(|schema| has_no_rowids(&mut self.stock, schema))
            && self.stock.run(&format!("EXPLAIN {}", step.sql)).rows.iter().any(|row| {
                let names = |what: &str| {
                    row.iter().any(|value| matches!(value, Value::Text(_)) && literal(value).contains(what))
                };
                names("OpenAutoindex") && (names("RTRIM") || names("NOCASE"))
            })
    }

    /// SQLite has found that a key refers to nothing, in a change after which all refer to something.
    fn refuses_what_holds(&mut self, step: &Step, ours: &Answer, stock: &Answer) -> bool {
        step.class == Class::Change
            && step.sql.starts_with("UPDATE")
            && ours.error.is_none()
            && stock.error.as_ref().is_some_and(|(_, code)| *code == FOREIGN_KEY)
            && self.ours.run("PRAGMA foreign_key_check").rows.is_empty()
    }

    /// Both have just inserted a row with a rowid that no script names: it comes out of the random numbers of each.
    fn rowids_are_random(&self) -> bool {
        let (ours, stock) = (self.ours.connection.last_insert_rowid(), self.stock.connection.last_insert_rowid());
        ours != stock && explained::is_random(ours) && explained::is_random(stock)
    }

    fn counters(&self) -> Option<String> {
        let (a, b) = (&self.ours.connection, &self.stock.connection);
        let ours = (a.changes(), a.total_changes(), a.last_insert_rowid(), a.is_autocommit());
        let stock = (b.changes() as i64, b.total_changes() as i64, b.last_insert_rowid(), b.is_autocommit());
        (ours != stock).then(|| {
            format!(
                "  (changes, total_changes, last_insert_rowid, autocommit)\n  ours:   {ours:?}\n  sqlite: {stock:?}"
            )
        })
    }

    /// Only the number of all changes differs, and rows of R-trees, which are stored in tables, are among them.
    fn counts_nodes(&mut self) -> bool {
        let (a, b) = (&self.ours.connection, &self.stock.connection);
        let same = a.changes() == b.changes() as i64
            && a.last_insert_rowid() == b.last_insert_rowid()
            && a.is_autocommit() == b.is_autocommit();
        same && self.has_rtree()
    }

    fn has_rtree(&mut self) -> bool {
        !self.stock.run("SELECT 1 FROM sqlite_schema WHERE sql LIKE '%USING rtree%'").rows.is_empty()
    }

    /// What can be compared once a script is over.
    fn end(&mut self, steps: &[Step], reach: &mut Reach) -> Result<(), (Kind, String)> {
        if !self.stock.connection.is_autocommit() {
            self.ours.run("ROLLBACK");
            self.stock.run("ROLLBACK");
        }
        let (a, b) = (all_contents(&mut self.ours), all_contents(&mut self.stock));
        if let Some(text) = first_difference(&a, &b) {
            let Some(reason) = explained::reason_for_content(steps, &a, &b) else { return Err((Kind::Content, text)) };
            reach.explain(reason);
            return Ok(());
        }
        if self.unchecked {
            self.ours.run("PRAGMA ignore_check_constraints = ON");
            self.stock.run("PRAGMA ignore_check_constraints = ON");
        }
        let own = self.ours.integrity();
        if own != "ok" {
            return Err((Kind::Integrity, format!("ours says of its own database: {own}")));
        }
        let Some(io) = &self.io else { return Ok(()) };
        // Ours, as SQLite finds it.
        self.ours.run("PRAGMA journal_mode = delete");
        let bytes = io.contents(Path::new(FILE)).unwrap_or_default();
        if bytes.is_empty() {
            // Everything was rolled back: there is no file yet.
            return Ok(());
        }
        let mut reader = Stock::memory();
        let length = bytes.len();
        if let Err(error) = reader.connection.deserialize_read_exact("main", bytes.as_slice(), length, true) {
            return Err((Kind::Exchange, format!("SQLite does not open our file: {error}")));
        }
        self.foreign_file(&mut reader, "SQLite reads our file")?;
        // SQLite's VACUUM may leave a table without rowids behind, keyed in descending order, that its own check finds damaged.
        if !self.unchecked && self.stock.integrity() != "ok" {
            return Ok(());
        }
        // SQLite's, as we find it.
        let bytes = match self.stock.connection.serialize("main") {
            Ok(data) => data.to_vec(),
            Err(error) => return Err((Kind::Exchange, format!("SQLite gives no file: {error}"))),
        };
        let io = Arc::new(MemoryIo::seeded(1));
        io.set_contents(Path::new(FILE), bytes);
        let options = OpenOptions { new_uses_wal: false, backend: Backend::Custom(io), ..OpenOptions::default() };
        let mut reader = Ours::open_with(FILE, options).map_err(|e| (Kind::Exchange, e.message().to_owned()))?;
        self.foreign_file(&mut reader, "ours reads SQLite's file")
    }

    /// A reader of the other engine's file finds it sound, with the same content.
    fn foreign_file(&mut self, reader: &mut dyn Engine, what: &str) -> Result<(), (Kind, String)> {
        if self.unchecked {
            reader.run("PRAGMA ignore_check_constraints = ON");
        }
        let check = reader.integrity();
        if check != "ok" {
            return Err((Kind::Exchange, format!("{what}: {check}")));
        }
        let (a, b) = (contents(reader, "main"), contents(&mut self.stock, "main"));
        first_difference(&a, &b).map_or(Ok(()), |text| Err((Kind::Exchange, format!("{what}: {text}"))))
    }
}

/// Run a closure; a panic becomes its message.
pub fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap_or_default();
        format!("  panic: {text}")
    })
}

fn all_contents(engine: &mut dyn Engine) -> Vec<String> {
    let mut lines = Vec::new();
    let databases = engine.run("PRAGMA database_list");
    for row in &databases.rows {
        if let Some(Value::Text(name)) = row.get(1) {
            lines.extend(contents(engine, &String::from_utf8_lossy(name)));
        }
    }
    // The temporary database is listed once it is used: not a difference.
    if !databases.rows.iter().any(|row| row.get(1) == Some(&Value::Text(b"temp".to_vec()))) {
        lines.extend(contents(engine, "temp"));
    }
    lines.sort();
    lines
}

/// Schema and rows of one database, as lines.
fn contents(engine: &mut dyn Engine, database: &str) -> Vec<String> {
    let mut lines = Vec::new();
    // sqlite_stat4 is there or not as SQLite was compiled.
    let schema = engine.run(&format!(
        "SELECT type, name, tbl_name, sql FROM {database}.sqlite_schema WHERE name NOT LIKE 'sqlite_stat4' ORDER BY type, name"
    ));
    if let Some((text, _)) = &schema.error {
        return vec![format!("{database}: {text}")];
    }
    let spaces: Vec<String> = schema.rows.iter().filter_map(|row| space_of(row)).collect();
    // How an R-tree has spread its boxes over nodes is its own affair.
    let of_a_space = |name: &str| {
        let stem = ["_node", "_parent", "_rowid"].iter().find_map(|end| name.strip_suffix(end));
        stem.is_some_and(|stem| spaces.iter().any(|space| space == stem))
    };
    for row in &schema.rows {
        lines.push(format!("{database}: {}", line(row)));
        let (Some(Value::Text(kind)), Some(Value::Text(name))) = (row.first(), row.get(1)) else { continue };
        let name = String::from_utf8_lossy(name);
        if kind != b"table" || of_a_space(&name) {
            continue;
        }
        let answer = engine.run(&format!("SELECT rowid, * FROM {database}.\"{name}\""));
        let answer =
            if answer.error.is_some() { engine.run(&format!("SELECT * FROM {database}.\"{name}\"")) } else { answer };
        if let Some((text, _)) = &answer.error {
            lines.push(format!("{database}.{name}: {text}"));
        }
        // Rows whose numbers depend on a plan.
        let plain = name.starts_with("sqlite_") || name == "vlog";
        let skip = usize::from(plain && answer.names.first().is_some_and(|n| n == "rowid"));
        lines.extend(answer.rows.iter().map(|r| format!("{database}.{name}: {}", line(&r[skip.min(r.len())..]))));
    }
    lines.sort();
    lines
}

/// The name of the R-tree that a row of the schema tells of.
fn space_of(row: &[Value]) -> Option<String> {
    let (Some(Value::Text(name)), Some(Value::Text(sql))) = (row.get(1), row.last()) else { return None };
    let is_space = String::from_utf8_lossy(sql).contains(" USING rtree");
    is_space.then(|| String::from_utf8_lossy(name).into_owned())
}

/// Generate the script of a seed and run it; its steps, as far as they can be compared.
pub fn script(
    seed: u64,
    length: usize,
    place: Place,
    stock: Abilities,
    reach: &mut Reach,
) -> Result<Vec<Step>, Box<Difference>> {
    let mut steps: Vec<Step> = Vec::new();
    let fail = |kind, text, steps: Vec<Step>| Err(Box::new(Difference { seed, place, kind, text, steps }));
    let mut pair = match Pair::open(place) {
        Ok(pair) => pair,
        Err(text) => return fail(Kind::Exchange, text, steps),
    };
    let mut generator = Generator::new(seed, length, stock);
    reach.scripts += 1;
    while let Some(step) = generator.next_step() {
        steps.push(step);
        let step = &steps[steps.len() - 1];
        match pair.step(step, reach) {
            Ok(Outcome::Done { failed, rows }) => {
                reach.statement(step, failed, rows);
                generator.note(step, failed, pair.stock.connection.is_autocommit());
            }
            Ok(Outcome::Gap) => {
                generator.note(step, true, pair.stock.connection.is_autocommit());
                steps.pop();
            }
            Ok(Outcome::TooLong) => return Ok(steps),
            Err((kind, text)) => return fail(kind, text, steps),
        }
    }
    match caught(|| pair.end(&steps, reach)) {
        Ok(Ok(())) => Ok(steps),
        Ok(Err((kind, text))) => fail(kind, text, steps),
        Err(panic) => fail(Kind::Panic, panic, steps),
    }
}

/// The steps of a script in another place.
pub fn again(seed: u64, steps: &[Step], place: Place) -> Option<Difference> {
    let (kind, text, at) = replay(steps, place)?;
    let kept = (at + 1).min(steps.len());
    Some(Difference { seed, place, kind, text, steps: steps[..kept].to_vec() })
}

/// Run given steps: the difference that they lead to.
pub fn replay(steps: &[Step], place: Place) -> Option<(Kind, String, usize)> {
    let mut reach = Reach::default();
    let mut pair = match Pair::open(place) {
        Ok(pair) => pair,
        Err(text) => return Some((Kind::Exchange, text, 0)),
    };
    for (i, step) in steps.iter().enumerate() {
        match pair.step(step, &mut reach) {
            Ok(Outcome::TooLong) => return None,
            Ok(_) => {}
            Err((kind, text)) => return Some((kind, text, i)),
        }
    }
    match caught(|| pair.end(steps, &mut reach)) {
        Ok(Ok(())) => None,
        Ok(Err((kind, text))) => Some((kind, text, steps.len())),
        Err(panic) => Some((Kind::Panic, panic, steps.len())),
    }
}

/// The rows that an INSERT returns differ in such rowids only.
fn returns_random_rowids(ours: &Answer, stock: &Answer) -> bool {
    let random = |a: &Value, b: &Value| matches!((a, b), (Value::Integer(a), Value::Integer(b)) if explained::is_random(*a) && explained::is_random(*b));
    ours.error.is_none()
        && stock.error.is_none()
        && ours.rows != stock.rows
        && ours.rows.len() == stock.rows.len()
        && ours
            .rows
            .iter()
            .zip(&stock.rows)
            .all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || random(a, b)))
}
