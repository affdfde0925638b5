//! Pairs and triples of concurrent transactions, checked against what they mean. A failure names the seed that replays it
//! (`TURSO_SEED`, `TURSO_ROUNDS`). The long mode takes seed after seed for so many seconds:
//!
//! ```text
//! TURSO_SECONDS=600 cargo nextest run --cargo-profile quick -p turso_core --test concurrent_random --no-capture mean
//! ```
//!
//! What a transaction did is the difference between what it saw at its beginning and before its commit. The state after all
//! commits must be the first state with the differences of those that committed applied in the order of their commits. SQLite
//! plays the model, without triggers: it applies each difference and says whether keys and foreign keys hold. A transaction
//! that was refused must share a row with one that committed since its snapshot, or its difference must break a key.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use turso_core::{Backend, Connection, Database, OpenOptions, ResultCode, StepResult, Value};

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

const TABLES: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, a, b UNIQUE, c);
    CREATE INDEX t_a ON t(a, c);
    CREATE INDEX t_part ON t(b) WHERE c > 2;
    CREATE UNIQUE INDEX t_unique_part ON t(a) WHERE c = 1;
    CREATE INDEX t_expr ON t(a || '-' || c);
    CREATE TABLE w(k TEXT COLLATE NOCASE, n, v, PRIMARY KEY(k, n)) WITHOUT ROWID;
    CREATE UNIQUE INDEX w_v ON w(v DESC);
    CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT UNIQUE);
    CREATE TABLE ch(id INTEGER PRIMARY KEY, pid REFERENCES p(id) ON DELETE CASCADE, pcode REFERENCES p(code) ON UPDATE CASCADE,
                    wide);
    CREATE INDEX ch_pid ON ch(pid);
    CREATE TABLE s(id INTEGER PRIMARY KEY, up REFERENCES s(id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE au(id INTEGER PRIMARY KEY AUTOINCREMENT, x);
    CREATE TABLE note(what, who);
";
const TRIGGERS: &str = "
    CREATE TRIGGER t_insert AFTER INSERT ON t BEGIN INSERT INTO note VALUES('t', new.id); END;
    CREATE TRIGGER t_delete AFTER DELETE ON t BEGIN UPDATE w SET v = v + 50 WHERE n = old.c; END;
";
/// Table, its key columns, all its columns.
const SHAPES: [(&str, &[&str], &[&str]); 7] = [
    ("t", &["id"], &["id", "a", "b", "c"]),
    ("w", &["lower(k)", "n"], &["k", "n", "v"]),
    ("p", &["id"], &["id", "code"]),
    ("ch", &["id"], &["id", "pid", "pcode", "wide"]),
    ("s", &["id"], &["id", "up"]),
    ("au", &["id"], &["id", "x"]),
    ("note", &["rowid"], &["rowid", "what", "who"]),
];

/// The rows of all tables by table and key, as literals.
type Rows = BTreeMap<(usize, String), Vec<String>>;

fn statement(r: &mut Random) -> String {
    let small = |r: &mut Random| r.below(7).to_string();
    let (x, y, z) = (small(r), small(r), small(r));
    let text = |r: &mut Random| format!("'{}'", ["a", "A", "b", "cc", "Cc"][r.below(5) as usize]);
    let null_or = |r: &mut Random, v: String| if r.below(4) == 0 { "NULL".to_owned() } else { v };
    let wide = if r.below(3) == 0 { format!("zeroblob({})", r.below(3000)) } else { "'x'".into() };
    match r.below(24) {
        0 => format!("INSERT INTO t(a, b, c) VALUES({x}, {}, {z})", r.below(40)),
        1 => format!("INSERT INTO t VALUES({x}, {y}, {}, {z})", r.below(12)),
        2 => format!("INSERT OR REPLACE INTO t VALUES({x}, {y}, {}, {z})", r.below(12)),
        3 => format!("UPDATE t SET a = {x}, c = c + 1 WHERE id = {y}"),
        4 => format!("UPDATE t SET b = {} WHERE id = {y}", r.below(12)),
        5 => format!("UPDATE OR REPLACE t SET id = id + 1 WHERE id = {y}"),
        6 => format!("DELETE FROM t WHERE id = {x}"),
        7 => format!("DELETE FROM t WHERE a = {x}"),
        8 => format!("INSERT INTO t VALUES({x}, 1, {}, 1) ON CONFLICT DO UPDATE SET a = a + 1", r.below(12)),
        9 => format!("INSERT OR REPLACE INTO w VALUES({}, {x}, {})", text(r), r.below(20)),
        10 => format!("UPDATE w SET v = {} WHERE k = {}", r.below(20), text(r)),
        11 => format!("UPDATE OR IGNORE w SET k = {}, n = {x} WHERE n = {y}", text(r)),
        12 => format!("DELETE FROM w WHERE n = {x}"),
        13 => format!("INSERT INTO p VALUES({x}, {})", null_or(r, format!("'c{y}'"))),
        14 => format!("DELETE FROM p WHERE id = {x}"),
        15 => format!("UPDATE p SET code = 'c{x}' WHERE id = {y}"),
        16 => format!("INSERT INTO ch(pid, pcode, wide) VALUES({}, NULL, {wide})", null_or(r, x)),
        17 => format!("INSERT INTO ch(pid, pcode, wide) VALUES(NULL, {}, {wide})", null_or(r, format!("'c{x}'"))),
        18 => format!("UPDATE ch SET pid = {} WHERE id % 5 = {y}", null_or(r, x)),
        19 => format!("DELETE FROM ch WHERE id % 5 = {x}"),
        20 => format!("INSERT INTO au(x) VALUES({x}), ({y})"),
        21 => format!("INSERT OR REPLACE INTO s VALUES({x}, {})", null_or(r, y)),
        22 => match r.below(4) {
            0 => "DELETE FROM w".into(),
            1 => "DELETE FROM note".into(),
            2 => "DELETE FROM au".into(),
            _ => "DELETE FROM ch".into(),
        },
        _ => format!("DELETE FROM s WHERE id = {x}"),
    }
}

fn select(shape: &(&str, &[&str], &[&str])) -> String {
    let (table, key, columns) = shape;
    let quoted: Vec<String> = columns.iter().map(|c| format!("quote({c})")).collect();
    let key: Vec<String> = key.iter().map(|c| format!("quote({c})")).collect();
    format!("SELECT {}, {} FROM {table}", key.join("||','||"), quoted.join(", "))
}

fn ours(c: &Connection) -> Rows {
    let mut rows = Rows::new();
    for (at, shape) in SHAPES.iter().enumerate() {
        let mut statement = c.prepare(select(shape)).unwrap().statement.unwrap();
        while statement.step().unwrap() == StepResult::Row {
            let text = |v: &Value| match v {
                Value::Text(t) => String::from_utf8(t.to_vec()).unwrap(),
                other => panic!("{other:?}"),
            };
            let row: Vec<String> = statement.row().iter().map(text).collect();
            rows.insert((at, row[0].clone()), row[1..].to_vec());
        }
    }
    rows
}

fn theirs(c: &rusqlite::Connection) -> Rows {
    let mut rows = Rows::new();
    for (at, shape) in SHAPES.iter().enumerate() {
        let mut statement = c.prepare(&select(shape)).unwrap();
        let count = statement.column_count();
        let mut found = statement.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let row: Vec<String> = (0..count).map(|i| row.get(i).unwrap()).collect();
            rows.insert((at, row[0].clone()), row[1..].to_vec());
        }
    }
    rows
}

/// What turns one state into another: per key the new row, or `None` where it goes.
fn difference(from: &Rows, to: &Rows) -> BTreeMap<(usize, String), Option<Vec<String>>> {
    let mut changes = BTreeMap::new();
    for (key, row) in to {
        if from.get(key) != Some(row) {
            changes.insert(key.clone(), Some(row.clone()));
        }
    }
    for key in from.keys().filter(|key| !to.contains_key(key)) {
        changes.insert(key.clone(), None);
    }
    changes
}

/// Applies a difference to the model: all removals, then all insertions. The error says what it breaks.
fn apply(model: &rusqlite::Connection, changes: &BTreeMap<(usize, String), Option<Vec<String>>>) -> Result<(), String> {
    model.execute_batch("SAVEPOINT one").unwrap();
    let done = (|| {
        for (at, key) in changes.keys() {
            let (table, columns, _) = SHAPES[*at];
            let quoted: Vec<String> = columns.iter().map(|c| format!("quote({c})")).collect();
            let sql = format!("DELETE FROM {table} WHERE {} = ?1", quoted.join("||','||"));
            model.execute(&sql, [key]).map_err(|e| e.to_string())?;
        }
        for ((at, _), row) in changes {
            let (table, _, columns) = SHAPES[*at];
            let Some(row) = row else { continue };
            let sql = format!("INSERT INTO {table}({}) VALUES({})", columns.join(","), row.join(","));
            model.execute_batch(&sql).map_err(|e| e.to_string())?;
        }
        let broken: i64 =
            model.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
        if broken > 0 { Err(format!("{broken} broken keys")) } else { Ok(()) }
    })();
    if done.is_err() {
        model.execute_batch("ROLLBACK TO one").unwrap();
    }
    model.execute_batch("RELEASE one").unwrap();
    done
}

#[derive(Default, Debug)]
struct Figures {
    /// Pairs and triples.
    rounds: u64,
    commits: usize,
    rebased: usize,
    conflicts: usize,
}

fn check(seed: u64, rounds: u64, backend: Backend, page_size: u32, vacuum: u32) -> Figures {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("test.db");
    let mut r = Random(seed);
    let mut figures = Figures { rounds, ..Figures::default() };
    let options = OpenOptions { backend, ..OpenOptions::default() };
    let database = Database::open(path.to_str().unwrap(), options).unwrap();
    let setup = database.connect().unwrap();
    setup
        .execute_batch(format!("PRAGMA page_size={page_size}; PRAGMA auto_vacuum={vacuum}; PRAGMA synchronous=OFF"))
        .unwrap();
    setup.execute_batch(TABLES).unwrap();
    setup.execute_batch(TRIGGERS).unwrap();
    let model = rusqlite::Connection::open_in_memory().unwrap();
    model.execute_batch("PRAGMA foreign_keys=OFF").unwrap();
    model.execute_batch(TABLES).unwrap();
    let connections: Vec<Connection> = (0..3)
        .map(|_| {
            let c = database.connect().unwrap();
            c.execute_batch("PRAGMA foreign_keys=ON; PRAGMA synchronous=OFF").unwrap();
            c
        })
        .collect();
    for round in 0..rounds {
        let what = |at: usize| format!("seed {seed}, round {round}, transaction {at}");
        let count = 2 + r.below(2) as usize;
        let first = ours(&setup);
        let mut seen = vec![first.clone(); count];
        for c in &connections[..count] {
            c.execute_batch("BEGIN CONCURRENT").unwrap();
        }
        let mut texts = vec![Vec::new(); count];
        for _ in 0..count as u64 * (1 + r.below(4)) {
            let at = r.below(count as u64) as usize;
            let sql = statement(&mut r);
            let undone = r.below(8) == 0;
            if undone {
                connections[at].execute_batch("SAVEPOINT sp").unwrap();
            }
            let outcome = connections[at].execute_batch(&sql);
            texts[at].push(format!("{sql}{} -> {outcome:?}", if undone { " (undone)" } else { "" }));
            if undone {
                connections[at].execute_batch("ROLLBACK TO sp; RELEASE sp").unwrap();
            }
        }
        for at in 0..count {
            seen[at] = ours(&connections[at]);
        }
        // A plain writer between them, now and then.
        let mut committed: Vec<BTreeMap<(usize, String), Option<Vec<String>>>> = Vec::new();
        let mut others: Vec<Vec<String>> = Vec::new();
        if r.below(3) == 0 {
            let before = ours(&setup);
            let sql = statement(&mut r);
            let _ = setup.execute_batch(format!("PRAGMA foreign_keys=ON; {sql}"));
            let changes = difference(&before, &ours(&setup));
            apply(&model, &changes).unwrap_or_else(|e| panic!("{}: plain {sql}: {e}", what(9)));
            committed.push(changes);
            others.push(vec![sql]);
        }
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|_| r.next());
        for at in order {
            let changes = difference(&first, &seen[at]);
            let outcome = connections[at].execute_batch("COMMIT");
            let shares = committed.iter().any(|other| other.keys().any(|key| changes.contains_key(key)));
            match outcome {
                Ok(()) => {
                    figures.commits += 1;
                    figures.rebased += usize::from(committed.iter().any(|c| !c.is_empty()) && !changes.is_empty());
                    assert!(!shares, "{}: {:?} shares a row with {committed:?}", what(at), texts[at]);
                    apply(&model, &changes).unwrap_or_else(|e| panic!("{}: {:?}: {e}", what(at), texts[at]));
                    committed.push(changes);
                    others.push(texts[at].clone());
                }
                Err(error) if error.code() == ResultCode::BUSY_SNAPSHOT => {
                    figures.conflicts += 1;
                    assert!(error.message().starts_with("conflict: "), "{}", error.message());
                    let again = connections[at].execute_batch("COMMIT").unwrap_err();
                    assert_eq!(again.code(), ResultCode::BUSY_SNAPSHOT, "{}", what(at));
                    let read = connections[at].execute_batch("SELECT * FROM t").unwrap_err();
                    assert_eq!(read.code(), ResultCode::BUSY_SNAPSHOT, "{}", what(at));
                    connections[at].execute_batch("ROLLBACK").unwrap();
                    // A row that was written as it was before is shared too, and so is one that came and went, whoever of
                    // the two did that.
                    let hides = |texts: &Vec<String>| {
                        texts.len() > 1 || texts.iter().any(|t| t.contains("UPDATE") || t.contains("REPLACE"))
                    };
                    if !shares
                        && texts[at].len() == 1
                        && let Ok(()) = apply(&model, &changes)
                    {
                        let may = hides(&texts[at]) || others.iter().any(hides);
                        let why = error.message();
                        assert!(may, "{}: {:?} was refused beside {others:?}: {why}", what(at), texts[at]);
                        undo(&model, &ours(&setup));
                    }
                }
                Err(error) => {
                    // Deferred keys that are broken by the transaction itself.
                    assert_eq!(error.code().primary(), ResultCode::CONSTRAINT, "{}: {}", what(at), error.message());
                    connections[at].execute_batch("ROLLBACK").unwrap();
                }
            }
            let (now, wanted) = (ours(&setup), theirs(&model));
            assert_eq!(difference(&wanted, &now), BTreeMap::new(), "{}: {texts:?}", what(at));
        }
        if round % 64 == 63 {
            let integrity = setup.prepare("PRAGMA integrity_check").unwrap().statement.unwrap();
            let mut integrity = integrity;
            integrity.step().unwrap();
            assert_eq!(integrity.row(), [Value::from("ok")], "{}", what(0));
        }
    }
    drop(connections);
    drop(setup);
    drop(database);
    let file = rusqlite::Connection::open(&path).unwrap();
    let integrity: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(integrity, "ok", "seed {seed}");
    let low: i64 = file
        .query_row("SELECT coalesce((SELECT seq FROM sqlite_sequence), 0) < coalesce(max(id), 0) FROM au", [], |r| {
            r.get(0)
        })
        .unwrap();
    assert_eq!(low, 0, "seed {seed}: the counter is below the largest rowid");
    drop(file);
    figures
}

/// The model becomes what the database holds.
fn undo(model: &rusqlite::Connection, rows: &Rows) {
    apply(model, &difference(&theirs(model), rows)).unwrap();
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

#[test]
fn commits_of_concurrent_transactions_mean_their_changes_in_some_order() {
    let seed = number("TURSO_SEED", 1);
    let rounds = number("TURSO_ROUNDS", 160);
    let a = check(seed, rounds, Backend::Default, 512, 0);
    let b = check(seed + 1000, rounds / 2, Backend::Default, 1024, 1);
    println!("{a:?} {b:?}");
    assert!(a.rebased > 50 && a.conflicts > 10, "{a:?}");
    let (start, mut all) = (Instant::now(), Figures::default());
    for seed in seed + 10_000.. {
        if start.elapsed() >= Duration::from_secs(number("TURSO_SECONDS", 0)) {
            break;
        }
        let one = check(seed, 200, Backend::Default, [512, 1024, 4096][seed as usize % 3], seed as u32 % 2);
        all.rounds += one.rounds;
        all.commits += one.commits;
        all.rebased += one.rebased;
        all.conflicts += one.conflicts;
    }
    println!("{all:?}");
}

#[test]
fn the_same_where_every_page_is_waited_for() {
    let seed = number("TURSO_SEED", 7);
    check(seed + 2000, number("TURSO_ROUNDS", 40), Backend::AlwaysPending, 512, 0);
}
