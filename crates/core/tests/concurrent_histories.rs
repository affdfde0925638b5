//! Histories of transactions on many threads, over lists and over registers, checked for the anomalies that the isolation level
//! excludes.
//!
//! Each transaction reads lists and appends numbers to them; no number is appended twice. So the last state of a list is the order
//! of its versions, and what a transaction read tells which version it saw. From that follow the dependencies between
//! transactions:
//!
//! ```text
//!   ww   B appended right behind A's number          wr   B read a list that ends with A's number
//!   rw   A read a list that B's number follows       rt   A had been acknowledged before B began
//! ```
//! A register holds the number that was written last. A trigger notes which number each one replaced, so that the versions of a
//! register are a list too, and whoever reads a number has read the list up to it.
//!
//! Serializable: no cycle at all. Snapshot isolation: (ww | wr | rt) followed by at most one rw has no cycle, so that every cycle
//! has two rw in a row. Reads of aborted or intermediate versions, lists that are no prefix of the last one, and lost appends are
//! failures at once. `TURSO_HISTORY` is the number of transactions per test:
//!
//! ```text
//! TURSO_HISTORY=1000000 cargo nextest run --cargo-profile quick -p turso_core --test concurrent_histories
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use turso_core::{Connection, Database, OpenOptions, ResultCode, StepResult, Value};

/// One operation of a transaction, and what it saw.
#[derive(Clone, Debug)]
enum Op {
    Append(u64, u64),
    Read(u64, Vec<u64>),
}

/// A transaction as its client saw it. Times order the events of all threads.
#[derive(Clone, Debug)]
struct Entry {
    began: u64,
    ended: u64,
    committed: bool,
    ops: Vec<Op>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Level {
    Snapshot,
    Serializable,
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn numbers(list: &str) -> Vec<u64> {
    list.split(',').filter(|n| !n.is_empty()).map(|n| n.parse().expect("a number")).collect()
}

// ---- Clients ------------------------------------------------------------------------------------------------------------

/// What the numbers are written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    Lists,
    Registers,
}

impl Shape {
    const SCHEMA: &str = "CREATE TABLE list(id INTEGER PRIMARY KEY, items TEXT);
        CREATE TABLE register(id INTEGER PRIMARY KEY, items INTEGER);
        CREATE TABLE step(n INTEGER PRIMARY KEY, register, replaced);
        CREATE TRIGGER first_step AFTER INSERT ON register
          BEGIN INSERT INTO step VALUES(new.items, new.id, NULL); END;
        CREATE TRIGGER step AFTER UPDATE ON register
          BEGIN INSERT INTO step VALUES(new.items, new.id, old.items); END;";

    fn read(self, id: u64) -> String {
        let table = if self == Shape::Lists { "list" } else { "register" };
        format!("SELECT CAST(items AS TEXT) FROM {table} WHERE id = {id}")
    }

    fn write(self, id: u64, n: u64) -> String {
        match self {
            Shape::Lists => {
                format!("INSERT INTO list VALUES({id}, '{n}') ON CONFLICT DO UPDATE SET items = items || ',{n}'")
            }
            Shape::Registers => format!("INSERT INTO register VALUES({id}, {n}) ON CONFLICT DO UPDATE SET items = {n}"),
        }
    }
}

/// What a client can be: ours with concurrent transactions, ours with plain ones, stock SQLite.
enum Client {
    Ours(Connection, &'static str),
    Stock(rusqlite::Connection),
}

impl Client {
    fn read(&self, shape: Shape, list: u64) -> Result<Vec<u64>, bool> {
        let sql = shape.read(list);
        match self {
            Client::Ours(c, _) => {
                let mut statement = c.prepare(&sql).expect("a statement").statement.expect("a statement");
                match statement.step() {
                    Ok(StepResult::Row) => match statement.row() {
                        [Value::Text(text)] => Ok(numbers(&String::from_utf8_lossy(text))),
                        other => panic!("{other:?}"),
                    },
                    Ok(StepResult::Done) => Ok(Vec::new()),
                    Err(error) => Err(refused(error.code(), error.message())),
                }
            }
            Client::Stock(c) => match c.query_row(&sql, [], |row| row.get::<_, String>(0)) {
                Ok(text) => Ok(numbers(&text)),
                Err(rusqlite::Error::QueryReturnedNoRows) => Ok(Vec::new()),
                Err(error) => panic!("{error}"),
            },
        }
    }

    fn run(&self, sql: &str) -> Result<(), bool> {
        match self {
            Client::Ours(c, _) => c.execute_batch(sql).map_err(|error| refused(error.code(), error.message())),
            Client::Stock(c) => c.execute_batch(sql).map_err(|error| panic!("{sql}: {error}")),
        }
    }

    /// Runs one transaction; true where it committed. What it saw is in `ops`.
    fn transaction(&self, shape: Shape, plan: &[(u64, Option<u64>)], ops: &mut Vec<Op>) -> bool {
        let begin = if let Client::Ours(_, begin) = self { begin } else { "BEGIN IMMEDIATE" };
        let done = (|| {
            self.run(begin)?;
            for (list, append) in plan {
                match append {
                    None => ops.push(Op::Read(*list, self.read(shape, *list)?)),
                    Some(n) => {
                        self.run(&shape.write(*list, *n))?;
                        ops.push(Op::Append(*list, *n));
                    }
                }
            }
            self.run("COMMIT")
        })();
        if done.is_err() {
            let _ = self.run("ROLLBACK");
        }
        done.is_ok()
    }
}

/// A conflict; everything else is a failure of the test.
fn refused(code: ResultCode, message: &str) -> bool {
    assert_eq!(code, ResultCode::BUSY_SNAPSHOT, "{message}");
    true
}

fn run(shape: Shape, level: Level, threads: u64, stock: bool, count: u64, lists: u64) -> (Vec<Entry>, Vec<Vec<u64>>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("test.db");
    let database = Database::open(path.to_str().expect("a name"), OpenOptions::default()).expect("a database");
    let setup = database.connect().expect("a connection");
    setup.execute_batch(Shape::SCHEMA).expect("the tables");
    let (clock, appended) = (AtomicU64::new(1), AtomicU64::new(1));
    let per_thread = count.div_ceil(threads);
    let mut history: Vec<Entry> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..threads)
            .map(|thread| {
                let (path, database, clock, appended) = (&path, &database, &clock, &appended);
                scope.spawn(move || {
                    let client = if stock && thread == 0 {
                        let c = rusqlite::Connection::open(path).expect("a connection");
                        c.busy_timeout(Duration::from_secs(60)).expect("a timeout");
                        Client::Stock(c)
                    } else {
                        let c = database.connect().expect("a connection");
                        c.set_busy_timeout(Duration::from_secs(60));
                        let isolation = if level == Level::Snapshot { "snapshot" } else { "serializable" };
                        c.execute_batch(format!("PRAGMA concurrent_isolation = {isolation}")).expect("a pragma");
                        Client::Ours(c, if thread % 4 == 1 { "BEGIN IMMEDIATE" } else { "BEGIN CONCURRENT" })
                    };
                    client.run("PRAGMA synchronous = OFF").expect("a pragma");
                    let mut seed = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(thread + 1);
                    let mut entries = Vec::new();
                    for round in 0..per_thread {
                        // Lists are given up after a while, so that none becomes long.
                        let first = round / 64 * lists;
                        let plan: Vec<(u64, Option<u64>)> = (0..1 + random(&mut seed) % 4)
                            .map(|_| {
                                let list = first + random(&mut seed) % lists;
                                let writes = random(&mut seed) % 5 < 2;
                                (list, writes.then(|| appended.fetch_add(1, Ordering::Relaxed)))
                            })
                            .collect();
                        let mut ops = Vec::new();
                        let began = clock.fetch_add(1, Ordering::SeqCst);
                        let committed = client.transaction(shape, &plan, &mut ops);
                        let ended = clock.fetch_add(1, Ordering::SeqCst);
                        entries.push(Entry { began, ended, committed, ops });
                    }
                    entries
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
    });
    history.sort_by_key(|entry| entry.began);
    let last = Client::Ours(setup, "");
    let all = 0..(per_thread / 64 + 1) * lists;
    let all = match shape {
        Shape::Lists => all.map(|list| last.read(shape, list).expect("a list")).collect(),
        Shape::Registers => {
            let versions = versions(&last, all.end);
            history.iter_mut().flat_map(|entry| &mut entry.ops).for_each(|op| read_as_list(op, &versions));
            versions
        }
    };
    drop(last);
    drop(database);
    (history, all)
}

/// The numbers of each register in the order in which they were there.
fn versions(client: &Client, registers: u64) -> Vec<Vec<u64>> {
    let Client::Ours(connection, _) = client else { panic!("not ours") };
    let mut steps =
        connection.prepare("SELECT register, replaced, n FROM step").expect("a query").statement.expect("one");
    let mut next = HashMap::new();
    while steps.step().expect("a row") == StepResult::Row {
        let [Value::Integer(register), replaced, Value::Integer(n)] = steps.row() else { panic!("{:?}", steps.row()) };
        let replaced = if let Value::Integer(n) = replaced { Some(*n as u64) } else { None };
        let other = next.insert((*register as u64, replaced), *n as u64);
        assert_eq!(other, None, "both it and {n} replaced {replaced:?} in register {register}");
    }
    let chain = |register| {
        let first = next.get(&(register, None)).copied();
        std::iter::successors(first, |n| next.get(&(register, Some(*n))).copied()).collect::<Vec<u64>>()
    };
    let all: Vec<_> = (0..registers).map(chain).collect();
    assert_eq!(all.iter().map(Vec::len).sum::<usize>(), next.len(), "a step is not reached from the first one");
    for (register, chain) in (0..).zip(&all) {
        let now = client.read(Shape::Registers, register).expect("a register");
        assert_eq!(now.last(), chain.last(), "register {register}, with the versions {chain:?}");
    }
    all
}

/// Who has read a number has read the list up to it.
fn read_as_list(op: &mut Op, versions: &[Vec<u64>]) {
    if let Op::Read(register, read) = op
        && let Some(n) = read.last()
    {
        let versions = &versions[*register as usize];
        // What a transaction that failed has read of its own writes is no version.
        if let Some(at) = versions.iter().position(|version| version == n) {
            *read = versions[..=at].to_vec();
        }
    }
}

// ---- The checker --------------------------------------------------------------------------------------------------------

/// What is wrong with a history, if anything.
fn anomaly(level: Level, history: &[Entry], last: &[Vec<u64>]) -> Option<String> {
    // Who appended what, and where it stands.
    let mut writer: HashMap<u64, usize> = HashMap::new();
    for (at, entry) in history.iter().enumerate() {
        for op in &entry.ops {
            if let Op::Append(_, n) = op {
                writer.insert(*n, at);
            }
        }
    }
    let mut seen = HashSet::new();
    for list in last {
        for n in list {
            match writer.get(n) {
                Some(at) if history[*at].committed => {}
                other => return Some(format!("{n} is there, of transaction {other:?}")),
            }
            if !seen.insert(*n) {
                return Some(format!("{n} is there twice"));
            }
        }
    }
    if let Some((n, at)) = writer.iter().find(|(n, at)| history[**at].committed && !seen.contains(n)) {
        return Some(format!("the append of {n} by transaction {at} is lost"));
    }
    let (mut direct, mut anti): (Vec<Vec<usize>>, Vec<Vec<usize>>) =
        (vec![Vec::new(); history.len()], vec![Vec::new(); history.len()]);
    for list in last {
        for pair in list.windows(2) {
            let (a, b) = (writer[&pair[0]], writer[&pair[1]]);
            if a != b {
                direct[a].push(b);
            }
        }
    }
    for (at, entry) in history.iter().enumerate().filter(|(_, entry)| entry.committed) {
        let mut own: HashMap<u64, Vec<u64>> = HashMap::new();
        for op in &entry.ops {
            match op {
                Op::Append(list, n) => own.entry(*list).or_default().push(*n),
                Op::Read(list, read) => {
                    let mine = own.get(list).map_or(&[][..], Vec::as_slice);
                    let Some(others) = read.strip_suffix(mine) else {
                        return Some(format!("transaction {at} does not see its own {mine:?} in {read:?}"));
                    };
                    let versions = &last[*list as usize];
                    if !versions.starts_with(others) {
                        return Some(format!("transaction {at} read {others:?}, which is no prefix of {versions:?}"));
                    }
                    if let Some(n) = others.last() {
                        let of = writer[n];
                        // The last of that list that its transaction appended, or a version was seen that never was one.
                        let next = versions.get(others.len()).map(|next| writer[next]);
                        if next == Some(of) && of != at {
                            return Some(format!("transaction {at} read an intermediate version: {others:?}"));
                        }
                        if of != at {
                            direct[of].push(at);
                        }
                    }
                    if let Some(next) = versions.get(others.len()).map(|next| writer[next])
                        && next != at
                    {
                        anti[at].push(next);
                    }
                }
            }
        }
    }
    add_real_time(history, &mut direct, &mut anti);
    let graph: Vec<Vec<usize>> = match level {
        Level::Serializable => direct.iter().zip(&anti).map(|(d, a)| d.iter().chain(a).copied().collect()).collect(),
        // Each direct edge, alone and followed by one anti-dependency.
        Level::Snapshot => {
            let then = |d: &Vec<usize>| d.iter().flat_map(|&to| anti[to].iter().copied()).collect::<Vec<_>>();
            direct.iter().map(|d| d.iter().copied().chain(then(d)).collect()).collect()
        }
    };
    let cycle = cycle(&graph)?;
    let shown: Vec<String> =
        cycle.iter().filter_map(|at| history.get(*at).map(|entry| format!("{at}: {entry:?}"))).take(12).collect();
    Some(format!("a cycle of {} transactions: {}", cycle.len(), shown.join("\n")))
}

/// Real time as edges: a chain of moments, one for each end; what began after an end depends on it.
fn add_real_time(history: &[Entry], direct: &mut Vec<Vec<usize>>, anti: &mut Vec<Vec<usize>>) {
    let mut ends: Vec<(u64, usize)> =
        history.iter().enumerate().filter(|(_, e)| e.committed).map(|(at, e)| (e.ended, at)).collect();
    ends.sort_unstable();
    let first_moment = direct.len();
    for (moment, (_, at)) in ends.iter().enumerate() {
        direct[*at].push(first_moment + moment);
        let next = if moment + 1 < ends.len() { vec![first_moment + moment + 1] } else { Vec::new() };
        direct.push(next);
        anti.push(Vec::new());
    }
    for (at, entry) in history.iter().enumerate().filter(|(_, e)| e.committed) {
        let before = ends.partition_point(|(ended, _)| *ended < entry.began);
        if before > 0 {
            direct[first_moment + before - 1].push(at);
        }
    }
}

/// A cycle of a graph, if it has one: depth first, without recursion.
fn cycle(graph: &[Vec<usize>]) -> Option<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        OnPath,
        Done,
    }
    let mut seen = vec![Seen::No; graph.len()];
    for start in 0..graph.len() {
        if seen[start] != Seen::No {
            continue;
        }
        seen[start] = Seen::OnPath;
        let mut path = vec![(start, 0)];
        while let Some((node, next)) = path.last_mut() {
            let Some(&to) = graph[*node].get(*next) else {
                seen[*node] = Seen::Done;
                path.pop();
                continue;
            };
            *next += 1;
            match seen[to] {
                Seen::OnPath => {
                    let from = path.iter().position(|(node, _)| *node == to)?;
                    return Some(path[from..].iter().map(|(node, _)| *node).collect());
                }
                Seen::No => {
                    seen[to] = Seen::OnPath;
                    path.push((to, 0));
                }
                Seen::Done => {}
            }
        }
    }
    None
}

// ---- The tests ----------------------------------------------------------------------------------------------------------

fn count() -> u64 {
    std::env::var("TURSO_HISTORY").ok().and_then(|n| n.parse().ok()).unwrap_or(3000)
}

fn check(name: &str, shape: Shape, level: Level, threads: u64, stock: bool) {
    // In parts, so that a long history fits in memory.
    const PART: u64 = 50_000;
    let (mut left, mut committed, mut all) = (count(), 0, 0);
    let start = Instant::now();
    while left > 0 {
        let (history, last) = run(shape, level, threads, stock, left.min(PART), 6);
        if let Some(what) = anomaly(level, &history, &last) {
            panic!("{name}: {what}");
        }
        committed += history.iter().filter(|entry| entry.committed).count();
        all += history.len();
        left = left.saturating_sub(PART);
    }
    println!("{name}: {all} transactions, {committed} committed, in {:?}", start.elapsed());
}

#[test]
fn histories_under_snapshot_isolation() {
    check("snapshot", Shape::Lists, Level::Snapshot, 8, false);
}

#[test]
fn serializable_histories() {
    check("serializable", Shape::Lists, Level::Serializable, 8, false);
}

#[test]
fn histories_under_snapshot_isolation_beside_stock_sqlite() {
    check("stock", Shape::Lists, Level::Snapshot, 5, true);
}

#[test]
fn serializable_histories_beside_stock_sqlite() {
    check("serializable_stock", Shape::Lists, Level::Serializable, 5, true);
}

#[test]
fn registers_under_snapshot_isolation() {
    check("registers", Shape::Registers, Level::Snapshot, 8, false);
}

#[test]
fn serializable_registers() {
    check("serializable_registers", Shape::Registers, Level::Serializable, 8, false);
}

#[test]
fn serializable_registers_beside_stock_sqlite() {
    check("serializable_registers_stock", Shape::Registers, Level::Serializable, 5, true);
}

/// Histories with known anomalies: the checker must see what a level excludes, and nothing else.
#[test]
fn the_checker_tells_anomalies_apart() {
    let entry = |began, ended, ops: &[Op]| Entry { began, ended, committed: true, ops: ops.to_vec() };
    use Op::{Append, Read};
    let verdicts = |history: &[Entry], last: &[Vec<u64>]| {
        [Level::Snapshot, Level::Serializable].map(|level| anomaly(level, history, last).is_some())
    };
    // Write skew.
    let skew = [entry(1, 3, &[Read(0, vec![]), Append(1, 1)]), entry(2, 4, &[Read(1, vec![]), Append(0, 2)])];
    assert_eq!(verdicts(&skew, &[vec![2], vec![1]]), [false, true]);
    // A lost update: both read nothing, both append, one behind the other.
    let lost = [entry(1, 3, &[Read(0, vec![]), Append(0, 1)]), entry(2, 4, &[Read(0, vec![]), Append(0, 2)])];
    assert_eq!(verdicts(&lost, &[vec![1, 2]]), [true, true]);
    // A fractured read: one of two appends of a transaction.
    let fractured = [entry(1, 3, &[Append(0, 1), Append(1, 2)]), entry(2, 4, &[Read(0, vec![1]), Read(1, vec![])])];
    assert_eq!(verdicts(&fractured, &[vec![1], vec![2]]), [true, true]);
    // A stale read, after the acknowledgement.
    let stale = [entry(1, 2, &[Append(0, 1)]), entry(3, 4, &[Read(0, vec![])])];
    assert_eq!(verdicts(&stale, &[vec![1]]), [true, true]);
    // Two that read different states of two lists that were changed independently.
    let fork = [
        entry(1, 5, &[Append(0, 1)]),
        entry(2, 6, &[Append(1, 2)]),
        entry(3, 7, &[Read(0, vec![1]), Read(1, vec![])]),
        entry(4, 8, &[Read(0, vec![]), Read(1, vec![2])]),
    ];
    assert_eq!(verdicts(&fork, &[vec![1], vec![2]]), [true, true]);
    // An append that went.
    assert_eq!(verdicts(&[entry(1, 2, &[Append(0, 1)])], &[vec![]]), [true, true]);
    // One after the other.
    let fine = [entry(1, 2, &[Append(0, 1)]), entry(3, 4, &[Read(0, vec![1]), Append(0, 2), Read(0, vec![1, 2])])];
    assert_eq!(verdicts(&fine, &[vec![1, 2]]), [false, false]);
}
