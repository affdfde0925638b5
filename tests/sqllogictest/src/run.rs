//! Runs one script file against an engine.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::check::{difference, format_cells, hash_line, sort_values};
use crate::engine::{Engine, Sqlite};
use crate::script::{Kind, Record, parse};
use crate::turso::Turso;
use crate::{EngineName, Setup};

/// What came of some records.
#[derive(Debug, Default, Clone)]
pub struct Outcome {
    /// Records that did what they should.
    pub passed: usize,
    /// Records that did not.
    pub failed: usize,
    /// Queries of our engine that gave rows or none.
    pub queries: usize,
    /// Those of which at least a part ran in batches.
    pub in_batches: usize,
    /// Those of which a part was begun in batches and left to the row tier.
    pub given_up: usize,
}

impl Outcome {
    /// Add another count.
    pub fn add(&mut self, other: &Outcome) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.queries += other.queries;
        self.in_batches += other.in_batches;
        self.given_up += other.given_up;
    }
}

/// Run a file on a fresh database; a panic counts as the failure of the record and ends the file.
pub fn run_file(path: &Path, engine: EngineName, setup: Setup, show: usize) -> Outcome {
    let mut outcome = Outcome::default();
    let text = match std::fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            println!("{}: {error}", path.display());
            outcome.failed += 1;
            return outcome;
        }
    };
    let records = match parse(&text, "sqlite") {
        Ok(records) => records,
        Err(error) => {
            println!("{}: {error}", path.display());
            outcome.failed += 1;
            return outcome;
        }
    };
    let opened: Result<Box<dyn Engine>, String> = match engine {
        EngineName::Sqlite => Sqlite::open().map(|e| Box::new(e) as Box<dyn Engine>),
        EngineName::Turso => Turso::open(setup).map(|e| Box::new(e) as Box<dyn Engine>),
    };
    let mut engine = match opened {
        Ok(engine) => engine,
        Err(error) => {
            println!("{}: cannot open a database: {error}", path.display());
            outcome.failed += records.len();
            return outcome;
        }
    };
    let mut labels = HashMap::new();
    for (i, record) in records.iter().enumerate() {
        if record.kind == Kind::Halt {
            break;
        }
        let result = catch_unwind(AssertUnwindSafe(|| run_record(engine.as_mut(), record, &mut labels)));
        let problem = match result {
            Ok(Ok(())) => {
                outcome.passed += 1;
                continue;
            }
            Ok(Err(problem)) => problem,
            Err(_) => {
                println!("{}:{}: panic", path.display(), record.line);
                outcome.failed += records.len() - i;
                break;
            }
        };
        outcome.failed += 1;
        if outcome.failed <= show {
            println!("{}:{}: {problem}\n    {}", path.display(), record.line, sql_of(record).replace('\n', "\n    "));
        }
    }
    engine.count(&mut outcome);
    outcome
}

fn sql_of(record: &Record) -> &str {
    match &record.kind {
        Kind::Statement { sql, .. } | Kind::Query { sql, .. } => sql,
        _ => "",
    }
}

fn run_record(engine: &mut dyn Engine, record: &Record, labels: &mut HashMap<String, String>) -> Result<(), String> {
    match &record.kind {
        Kind::Halt | Kind::HashThreshold(_) => Ok(()),
        Kind::Statement { sql, must_fail } => match (engine.execute(sql), must_fail) {
            (Ok(()), false) | (Err(_), true) => Ok(()),
            (Ok(()), true) => Err("succeeded, but must fail".into()),
            (Err(error), false) => Err(error),
        },
        Kind::Query { sql, types, sort, label, expected } => {
            let cells = engine.query(sql)?;
            let values = sort_values(format_cells(&cells, types), types.len(), *sort);
            if let Some(problem) = difference(&values, expected) {
                return Err(problem);
            }
            if let Some(label) = label {
                let hash = hash_line(&values);
                if *labels.entry(label.clone()).or_insert_with(|| hash.clone()) != hash {
                    return Err(format!("differs from another query with label {label}"));
                }
            }
            Ok(())
        }
    }
}
