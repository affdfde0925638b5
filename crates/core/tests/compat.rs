//! `COMPAT.md` is written by this test: probes run on this engine and on SQLite, and what they find is the page.
//!
//! The probes are in `compat/*.sql`. Lines of the form `-- X text` are marks:
//!
//! | mark | meaning |
//! |---|---|
//! | `-- # title` | a section of the page |
//! | `-- > text` | a sentence under its title |
//! | `-- = name` | a row; its SQL follows |
//! | `-- + aspect` | more SQL of the row, told apart in the page where it does not behave as SQLite |
//! | `-- ~ text` | the row is an addition of ours: its SQL, run on this engine alone, must succeed |
//! | `-- ! text` | something that no probe shows: the row is `partly` at best |
//! | `-- ---` | in a section about files: what is above is run by SQLite, and leaves the file that both then work on |
//!
//! A probe counts as working when every statement gives the rows, or the error code and text, that SQLite gives. The lists of
//! functions and pragmas are those of both engines; each name must have a row among the probes.
//!
//! `COMPAT_WRITE=1 cargo test -p turso_core --test compat` writes the page anew: its difference is the news. `COMPAT_SHOW=word`
//! prints what both engines answer in the rows whose name has the word.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use support::{dump, run_ours, run_theirs};
use turso_core::{Database, OpenOptions};

/// Every probe begins with these tables.
const FIXTURE: &str = "
    CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);
    CREATE INDEX t_b ON t(b);
    INSERT INTO t VALUES (1, 'one', 1.5), (2, 'two', NULL), (3, 'three', 3.25), (4, NULL, -1.0);
    CREATE TABLE u(x, y);
    INSERT INTO u VALUES (1, 'p'), (2, 'q'), (2, 'r'), (NULL, 's');";

#[derive(Default)]
struct Section {
    title: String,
    text: String,
    rows: Vec<Row>,
}

#[derive(Default)]
struct Row {
    name: String,
    probes: Vec<Probe>,
    notes: Vec<String>,
    /// What an addition of ours is for; SQLite has no such thing.
    ours: Option<String>,
}

#[derive(Default)]
struct Probe {
    aspect: String,
    /// What SQLite runs first, in a section about files.
    before: String,
    sql: String,
}

/// What a probe found.
#[derive(PartialEq)]
enum Found {
    Same,
    /// SQLite does it, we say this.
    Refused(String),
    /// Both answer, not the same.
    Differs,
    /// Both refuse, with other words or another code: ours, SQLite's.
    OtherError(String, String),
    /// SQLite refuses, we do it.
    Beyond,
}

fn parse(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        let mark = line.strip_prefix("-- ").map(|rest| rest.split_once(' ').unwrap_or((rest, "")));
        let Some((mark @ ("#" | ">" | "=" | "+" | "~" | "!" | "---"), rest)) = mark else {
            if line.starts_with("--") {
                continue;
            }
            if let Some(probe) = sections.last_mut().and_then(|s| s.rows.last_mut()).and_then(|r| r.probes.last_mut()) {
                probe.sql.push_str(line);
                probe.sql.push('\n');
            }
            continue;
        };
        if mark == "#" {
            sections.push(Section { title: rest.to_string(), ..Section::default() });
            continue;
        }
        let section = sections.last_mut().expect("a section comes first");
        if mark == "=" {
            section.rows.push(Row { name: rest.to_string(), probes: vec![Probe::default()], ..Row::default() });
            continue;
        }
        if mark == ">" {
            section.text.push_str(rest);
            section.text.push('\n');
            continue;
        }
        let row = section.rows.last_mut().expect("a row comes first");
        match mark {
            "+" => row.probes.push(Probe { aspect: rest.to_string(), ..Probe::default() }),
            "!" => row.notes.push(rest.to_string()),
            "~" => row.ours = Some(rest.to_string()),
            _ => {
                let probe = row.probes.last_mut().expect("a row has a probe");
                probe.before = std::mem::take(&mut probe.sql);
            }
        }
    }
    for row in sections.iter_mut().flat_map(|s| &mut s.rows) {
        row.probes.retain(|p| !p.sql.trim().is_empty());
    }
    sections
}

type Outcomes = Vec<(Vec<String>, Option<String>)>;

fn judge(ours: &Outcomes, theirs: &Outcomes) -> Found {
    let words = |e: &str| e.split_once(' ').map_or(e, |(_, text)| text).to_string();
    for (mine, his) in ours.iter().zip(theirs) {
        if mine == his {
            continue;
        }
        return match (&mine.1, &his.1) {
            (Some(e), None) => Found::Refused(words(e)),
            (None, Some(_)) => Found::Beyond,
            // What is not SQL to SQLite.
            (Some(e), Some(b)) if b.ends_with("syntax error") => Found::Refused(words(e)),
            (Some(a), Some(b)) if a != b => Found::OtherError(a.clone(), b.clone()),
            _ => Found::Differs,
        };
    }
    if ours.len() == theirs.len() { Found::Same } else { Found::Differs }
}

fn shown(name: &str) -> bool {
    std::env::var("COMPAT_SHOW").is_ok_and(|word| name.contains(&word))
}

/// Run a probe on both engines.
fn run(row: &str, probe: &Probe, on_files: bool) -> Found {
    let tried =
        catch_unwind(AssertUnwindSafe(|| if on_files { run_on_files(row, probe) } else { run_in_memory(row, probe) }));
    tried.unwrap_or_else(|_| panic!("panic in the probe of {row} {}:\n{}", probe.aspect, probe.sql))
}

fn run_in_memory(row: &str, probe: &Probe) -> Found {
    let connection =
        Database::open(":memory:", OpenOptions::default()).and_then(|d| d.connect()).expect("memory opens");
    let sqlite = rusqlite::Connection::open_in_memory().expect("memory opens");
    compare(row, &probe.sql, &connection, &sqlite)
}

fn compare(row: &str, sql: &str, connection: &turso_core::Connection, sqlite: &rusqlite::Connection) -> Found {
    // The crate builds SQLite with foreign keys on; SQLite's own default is off.
    sqlite.execute_batch("PRAGMA foreign_keys = OFF").expect("a pragma");
    let has_tables = sqlite.prepare("SELECT 1 FROM sqlite_schema").and_then(|mut s| s.exists([])).unwrap_or(true);
    // These must come before the first table.
    let first = ["PRAGMA encoding", "PRAGMA auto_vacuum", "PRAGMA page_size"];
    if !has_tables && !first.iter().any(|p| sql.starts_with(p)) {
        sqlite.execute_batch(FIXTURE).expect("the fixture is good");
        connection.execute_batch(FIXTURE).expect("the fixture is good");
    }
    let ours = run_ours(connection, sql);
    let theirs = run_theirs(sqlite, sql);
    if shown(row) {
        println!("== {row}\n{sql}");
        for (mine, his) in ours.iter().zip(&theirs).filter(|(a, b)| a != b) {
            println!("   ours: {mine:?}\n sqlite: {his:?}");
        }
    }
    judge(&ours, &theirs)
}

/// SQLite makes a file; each engine works on its copy of it; SQLite reads both.
fn run_on_files(row: &str, probe: &Probe) -> Found {
    let place = tempfile::tempdir().expect("a directory");
    let (ours, theirs) = (place.path().join("ours.db"), place.path().join("theirs.db"));
    for path in [&ours, &theirs] {
        let sqlite = rusqlite::Connection::open(path).expect("a file");
        let setup = if probe.before.is_empty() { FIXTURE } else { &probe.before };
        run_theirs(&sqlite, setup);
    }
    let found = {
        let opened = Database::open(ours.to_str().expect("a path"), OpenOptions::default()).and_then(|d| d.connect());
        let connection = match opened {
            Ok(connection) => connection,
            Err(e) => return Found::Refused(e.message().to_string()),
        };
        let sqlite = rusqlite::Connection::open(&theirs).expect("a file");
        compare(row, &probe.sql, &connection, &sqlite)
    };
    if found != Found::Same {
        return found;
    }
    let (mine, his) = (dump(&ours), dump(&theirs));
    if shown(row) && mine != his {
        println!("   ours: {mine:?}\n sqlite: {his:?}");
    }
    if mine == his { Found::Same } else { Found::Differs }
}

/// State and remarks of a row.
fn state(row: &Row, on_files: bool) -> (&'static str, String) {
    if let Some(text) = &row.ours {
        return addition(row, text);
    }
    let mut remarks = Vec::new();
    let (mut good, mut bad, mut beyond) = (0, 0, 0);
    for probe in &row.probes {
        let remark = match run(&row.name, probe, on_files) {
            Found::Same => {
                good += 1;
                continue;
            }
            Found::Beyond => {
                good += 1;
                beyond += 1;
                continue;
            }
            Found::Refused(error) => format!("`{}`", error.replace('|', "\\|")),
            Found::Differs => "the answer differs".to_string(),
            Found::OtherError(ours, theirs) => {
                let (ours, theirs) = (ours.replace('|', "\\|"), theirs.replace('|', "\\|"));
                format!("the error is `{ours}`, SQLite's `{theirs}`")
            }
        };
        bad += 1;
        remarks.push(if probe.aspect.is_empty() { remark } else { format!("{}: {remark}", probe.aspect) });
    }
    remarks.extend(row.notes.iter().cloned());
    if beyond > 0 && beyond == good && bad == 0 {
        remarks.insert(0, "not in the SQLite that is compared with".to_string());
    }
    let state = match (good, bad) {
        (0, 0) if row.notes.iter().all(|n| n.starts_with("not ")) => "no",
        (0, 1..) => "no",
        (_, 0) if row.notes.is_empty() => "yes",
        _ => "partly",
    };
    (state, remarks.join("; "))
}

/// State and remarks of a row that SQLite has nothing like.
fn addition(row: &Row, text: &str) -> (&'static str, String) {
    let connection =
        Database::open(":memory:", OpenOptions::default()).and_then(|d| d.connect()).expect("memory opens");
    connection.execute_batch(FIXTURE).expect("the fixture is good");
    for probe in &row.probes {
        let failure = run_ours(&connection, &probe.sql).into_iter().find_map(|(_, error)| error);
        assert_eq!(failure, None, "the addition {}", row.name);
    }
    ("ours", text.to_string())
}

fn table(page: &mut String, rows: &[Row], on_files: bool) {
    page.push_str("| | state | |\n|---|---|---|\n");
    for row in rows {
        let (state, remarks) = state(row, on_files);
        let name = row.name.replace('|', "\\|");
        writeln!(page, "| `{name}` | {state} | {remarks} |").expect("a string");
    }
    page.push('\n');
}

/// First columns of the rows of both engines.
fn names(sql: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let connection =
        Database::open(":memory:", OpenOptions::default()).and_then(|d| d.connect()).expect("memory opens");
    let sqlite = rusqlite::Connection::open_in_memory().expect("memory opens");
    let first = |outcomes: Outcomes| {
        let rows = outcomes.into_iter().flat_map(|(rows, _)| rows);
        rows.filter_map(|r| r.split('|').next().map(|n| n.trim_matches('\'').to_ascii_lowercase())).collect()
    };
    (first(run_ours(&connection, sql)), first(run_theirs(&sqlite, sql)))
}

/// Names without a row, and rows that neither engine knows.
fn misplaced(sections: &[Section], names: &BTreeSet<String>) -> Vec<String> {
    let rows = || sections.iter().flat_map(|section| &section.rows);
    let known: BTreeSet<String> = rows().map(|row| row.name.clone()).collect();
    // The lists of pragmas are SQLite's: additions stand in none.
    let additions: BTreeSet<&String> = rows().filter(|row| row.ours.is_some()).map(|row| &row.name).collect();
    names.symmetric_difference(&known).filter(|name| !additions.contains(name)).cloned().collect()
}

fn write_sections(page: &mut String, sections: &[Section], on_files: bool) {
    for section in sections {
        writeln!(page, "## {}\n", section.title).expect("a string");
        if !section.text.is_empty() {
            writeln!(page, "{}", section.text).expect("a string");
        }
        table(page, &section.rows, on_files);
    }
}

/// Names of SQLite's dot commands.
const SHELL: &str = "archive auth backup bail cd changes check clone connection crlf databases dbconfig dbinfo dbtotxt dump echo eqp \
    excel exit expert explain filectrl fullschema headers help import imposter indexes intck limit lint load log mode nonce \
    nullvalue once open output parameter print progress prompt quit read recover restore save scanstats schema separator session \
    sha3sum shell show stats system tables timeout timer trace version vfsinfo vfslist vfsname width www";

/// Commands of our shell, from its register.
fn shell_commands() -> BTreeSet<String> {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/src/commands/mod.rs"))
        .expect("the shell's register");
    // However the register is laid out in lines.
    let source = source.split_whitespace().collect::<Vec<_>>().join(" ");
    let entries = source.split("Command { name: \"").skip(1);
    entries.filter_map(|rest| rest.split('"').next()).map(str::to_string).collect()
}

fn shell(page: &mut String) {
    let ours = shell_commands();
    assert!(ours.len() > 10, "the register of dot commands was not found");
    let theirs: BTreeSet<String> = SHELL.split_whitespace().map(str::to_string).collect();
    let list = |names: Vec<&String>| names.iter().map(|n| format!("`.{n}`")).collect::<Vec<_>>().join(", ");
    page.push_str(
        "## Shell\n\n[docs/shell.md](docs/shell.md) is the manual of `tursodb`.\n\n| dot commands | |\n|---|---|\n",
    );
    writeln!(page, "| yes | {} |", list(ours.intersection(&theirs).collect())).expect("a string");
    writeln!(page, "| ours | {} |", list(ours.difference(&theirs).collect())).expect("a string");
    writeln!(page, "| no (`unknown command or invalid arguments`) | {} |\n", list(theirs.difference(&ours).collect()))
        .expect("a string");
}

const HEAD: &str = "# What works as in SQLite

Written by a test (`crates/core/tests/compat.rs`) from probes that it runs on this engine and on the newest SQLite; never by hand.
`yes`: rows, error codes and error texts are SQLite's in every probe. `partly`: what follows is not. `no`: the error it gives.
`ours`: SQLite has no such thing.
[docs/sql.md](docs/sql.md) and [docs/storage.md](docs/storage.md) say the same in sentences.

";

#[test]
fn compat_md_tells_the_truth() {
    let mut page = HEAD.to_string();
    write_sections(&mut page, &parse(include_str!("compat/sql.sql")), false);
    let (mut functions, sqlite_functions) = names("PRAGMA function_list");
    functions.extend(turso_functions::built_ins().map(|f| f.name.to_string()));
    // SQLite's extensions are products of their own.
    let extensions = ["fts", "rtree", "geopoly", "matchinfo", "offsets", "snippet", "bm25", "highlight", "optimize"];
    functions.extend(sqlite_functions.into_iter().filter(|n| !extensions.iter().any(|e| n.starts_with(e))));
    let sections = parse(include_str!("compat/functions.sql"));
    let mut lacks = misplaced(&sections, &functions);
    write_sections(&mut page, &sections, false);
    let (mut pragmas, sqlite_pragmas) = names("PRAGMA pragma_list");
    pragmas.extend(sqlite_pragmas);
    let sections = parse(include_str!("compat/pragmas.sql"));
    lacks.extend(misplaced(&sections, &pragmas));
    write_sections(&mut page, &sections, false);
    write_sections(&mut page, &parse(include_str!("compat/files.sql")), true);
    shell(&mut page);
    page.push_str("## C API\n\n[docs/c-api.md](docs/c-api.md) lists what `libsqlite3.so.0` lacks.\n");
    assert!(
        lacks.is_empty(),
        "functions or pragmas that have no row in compat/*.sql, or rows that neither engine has: {lacks:?}"
    );

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../COMPAT.md");
    if std::env::var_os("COMPAT_WRITE").is_some() {
        std::fs::write(path, &page).expect("COMPAT.md can be written");
        return;
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let news: Vec<String> = page
        .lines()
        .filter(|l| !written.lines().any(|w| w == *l))
        .map(|l| format!("+ {l}"))
        .chain(written.lines().filter(|w| !page.lines().any(|l| l == *w)).map(|w| format!("- {w}")))
        .collect();
    assert!(
        page == written,
        "COMPAT.md is not what the probes find (COMPAT_WRITE=1 writes it anew):\n{}",
        news.join("\n")
    );
}
