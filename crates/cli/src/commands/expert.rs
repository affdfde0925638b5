//! `.expert`: which indexes would help the next statements.
//!
//! ```text
//!   the schema, its tables as virtual ones --prepare--> what the planner asks of each table      (`observe`)
//!   what was asked                         ----------> indexes that could serve it               (`candidates`)
//!   the schema with these indexes, and statistics --EXPLAIN QUERY PLAN--> those that are chosen
//! ```
//! Nothing of it touches the database itself; statistics are counted from its rows.

mod candidates;
mod observe;

use turso_core::{Connection, Database, Error, OpenOptions, StepResult, Value};

use self::candidates::Candidates;
use super::{Outcome, double_quote};
use crate::shell::{Flow, Shell};

/// What is asked for, until the next statements come.
pub struct Request {
    verbose: bool,
    /// 0: there are no statistics. Any other share of the rows, in per cent, is as good as all, since they are counted.
    sample: i64,
}

/// `.expert`
pub fn run(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    if shell.safe && !shell.nonce_given {
        return Err("Cannot run experimental commands such as \"expert\" in safe mode".into());
    }
    let mut request = Request { verbose: false, sample: 100 };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let option = word.strip_prefix('-').map(|rest| rest.strip_prefix('-').unwrap_or(rest)).unwrap_or("");
        if option.len() >= 2 && "verbose".starts_with(option) {
            request.verbose = true;
        } else if option.len() >= 2 && "sample".starts_with(option) {
            let Some(percent) = words.next() else { return Err(format!("option requires an argument: -{option}")) };
            request.sample = crate::words::integer(percent);
            if !(0..=100).contains(&request.sample) {
                return Err(format!("value out of range: {percent}"));
            }
        } else {
            return Err(format!("unknown option: {word}"));
        }
    }
    shell.expert = Some(request);
    Ok(Flow::Continue)
}

/// A statement and what the planner makes of it.
struct Query {
    sql: String,
    indexes: Vec<String>,
    plan: Vec<String>,
}

/// Advises on a text in place of running it.
pub fn advise(shell: &mut Shell, request: &Request, text: &[u8]) -> Result<(), Error> {
    let user = shell.connection();
    let (candidates, queries) = study(&user, request, text)?;
    let definitions = candidates.definitions();
    if request.verbose {
        shell.line("-- Candidates -----------------------------");
        shell.line(if definitions.is_empty() { "(null)".into() } else { definitions.join("\n") + "\n" });
    }
    for (number, query) in queries.iter().enumerate() {
        if request.verbose {
            shell.line(format!("-- Query {} --------------------------------", number + 1));
            shell.line(format!("{}\n", query.sql));
        }
        match query.indexes.as_slice() {
            [] => shell.line("(no new indexes)\n"),
            some => shell.line(some.join("\n") + "\n"),
        }
        match query.plan.as_slice() {
            [] => shell.line("(null)"),
            some => shell.line(some.join("\n") + "\n"),
        }
    }
    Ok(())
}

fn study(user: &Connection, request: &Request, text: &[u8]) -> Result<(Candidates, Vec<Query>), Error> {
    let statements = observe::statements(user, text)?;
    let mut candidates = Candidates::of_database(user)?;
    // The one that was asked for last comes first.
    for scan in statements.scans.iter().rev() {
        candidates.add(user, scan)?;
    }
    let trial = trial_database(user)?;
    for definition in candidates.definitions() {
        trial.execute_batch(definition)?;
    }
    if request.sample > 0 {
        count_rows(user, &trial, &candidates)?;
    }
    let mut queries = Vec::new();
    for sql in statements.texts {
        let rows = rows(&trial, &format!("EXPLAIN QUERY PLAN {sql}"), &[])?;
        let plan: Vec<String> = rows.iter().filter_map(|row| row.get(3)).filter_map(text_of).collect();
        let mut indexes = Vec::new();
        for line in &plan {
            for definition in candidates.named_in(line) {
                if !indexes.contains(&definition) {
                    indexes.insert(0, definition);
                }
            }
        }
        queries.push(Query { sql, indexes, plan });
    }
    Ok((candidates, queries))
}

/// A database in memory.
fn empty() -> Result<Connection, Error> {
    Database::open(":memory:", OpenOptions::default())?.connect()
}

/// The schema without its rows.
fn trial_database(user: &Connection) -> Result<Connection, Error> {
    let trial = empty()?;
    for sql in definitions(user, "1")? {
        // What cannot be made anew (a module or function that is not there) is not what the advice is about.
        let _ = trial.execute_batch(sql);
    }
    Ok(trial)
}

/// The definitions in the schema for which a condition holds, tables first.
fn definitions(user: &Connection, condition: &str) -> Result<Vec<String>, Error> {
    let sql = format!(
        "SELECT sql FROM sqlite_schema WHERE sql NOTNULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             AND sql NOT LIKE 'CREATE VIRTUAL%' AND ({condition})
         ORDER BY type <> 'table', type <> 'index', rowid"
    );
    Ok(rows(user, &sql, &[])?.iter().filter_map(|row| row.first()).filter_map(text_of).collect())
}

/// Statistics of all indexes, as ANALYZE would find them if the candidates were there.
fn count_rows(user: &Connection, trial: &Connection, candidates: &Candidates) -> Result<(), Error> {
    trial.execute_batch("ANALYZE")?;
    for index in candidates.all() {
        let table = double_quote(&index.table);
        let count = |sql: &str| Ok::<_, Error>(first_integer(&rows(user, sql, &[])?));
        let total = count(&format!("SELECT count(*) FROM {table}"))?;
        if total == 0 {
            continue;
        }
        let mut stat = total.to_string();
        for width in 1..=index.columns.len() {
            let terms: Vec<String> = index.columns.iter().take(width).map(|column| column.term()).collect();
            let different = count(&format!("SELECT count(*) FROM (SELECT DISTINCT {} FROM {table})", terms.join(", ")));
            // An index on an expression that cannot be computed has no statistics.
            let Ok(different) = different else { break };
            stat += &format!(" {}", (total + different - 1) / different.max(1));
        }
        let row = [Value::text(index.table.clone()), Value::text(index.name.clone()), Value::text(stat)];
        rows(trial, "INSERT INTO sqlite_stat1 VALUES (?1, ?2, ?3)", &row)?;
    }
    trial.execute_batch("ANALYZE sqlite_schema")
}

fn first_integer(rows: &[Vec<Value>]) -> i64 {
    rows.first().and_then(|row| row.first()).map_or(0, Value::to_integer)
}

fn text_of(value: &Value) -> Option<String> {
    value.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// All rows of a statement.
fn rows(connection: &Connection, sql: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, Error> {
    let Some(mut statement) = connection.prepare(sql)?.statement else { return Ok(Vec::new()) };
    for (i, value) in parameters.iter().enumerate() {
        statement.bind(i + 1, value.clone())?;
    }
    let mut rows = Vec::new();
    while statement.step()? == StepResult::Row {
        rows.push(statement.row().to_vec());
    }
    Ok(rows)
}
