//! What `integrity_check` and `quick_check` say of a damaged database, line by line: this engine's words and SQLite's. In which order
//! trees come does not count: of more than a few tables, SQLite's is that of a hash table.

use std::path::Path;
use std::time::Duration;

use super::images::{Files, beside, remove};
use crate::{Answer, Engine, Ours, Stock};

const CHECKS: [&str; 2] = ["PRAGMA integrity_check", "PRAGMA quick_check"];

/// The first lines in which the two differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Ours; empty where we have no more.
    pub ours: String,
    /// SQLite's.
    pub stock: String,
    /// All that they say.
    pub lines: [Vec<String>; 2],
}

/// How lines about pages begin; others are about rows and the schema.
const OF_PAGES: [&str; 9] = [
    "Tree ",
    "Page ",
    "Freelist",
    "Fragmentation",
    "Multiple uses",
    "Bad ptr map",
    "Failed to read ptrmap",
    "max rootpage",
    "2nd reference",
];

impl Difference {
    /// What the two say about pages, in the order in which they say it.
    pub fn of_pages(&self) -> [Vec<&str>; 2] {
        self.lines.each_ref().map(|lines| {
            let is_one = |line: &&str| OF_PAGES.iter().any(|start| line.starts_with(start));
            lines.iter().map(String::as_str).filter(is_one).collect()
        })
    }

    /// The two lines without their numbers: what is alike has one cause.
    pub fn pattern(&self) -> String {
        let plain = |line: &str| {
            let mut pattern = String::new();
            for c in line.chars() {
                match c {
                    '0'..='9' if pattern.ends_with('N') => {}
                    '0'..='9' => pattern.push('N'),
                    c => pattern.push(c),
                }
            }
            pattern
        };
        format!("ours <{}> SQLite <{}>", plain(&self.ours), plain(&self.stock))
    }
}

/// Has both engines check the files, in `directory`.
pub fn compare_checks(files: &Files, directory: &Path) -> Option<Difference> {
    let path = directory.join("checked.db");
    let lines = [false, true].map(|stock| {
        remove(&path);
        for (suffix, bytes) in files.each() {
            std::fs::write(beside(&path, suffix), bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
        if stock {
            let mut stock = Stock::open(&path);
            stock.connection.busy_timeout(Duration::ZERO).unwrap_or_else(|e| panic!("{e}"));
            ask(&mut stock)
        } else {
            ask(&mut Ours::open(&path))
        }
    });
    let sorted = lines.clone().map(|mut lines| {
        lines.sort();
        lines
    });
    let [ours, stock] = &sorted;
    let end = String::new();
    let length = ours.len().max(stock.len());
    let pairs = (0..length).map(|i| (ours.get(i).unwrap_or(&end), stock.get(i).unwrap_or(&end)));
    let (ours, stock) = pairs.into_iter().find(|(ours, stock)| ours != stock)?;
    Some(Difference { ours: ours.clone(), stock: stock.clone(), lines: lines.clone() })
}

fn ask(engine: &mut dyn Engine) -> Vec<String> {
    CHECKS.iter().flat_map(|check| said(check, &engine.run(check))).collect()
}

fn said(check: &str, answer: &Answer) -> Vec<String> {
    let rows = answer.lines();
    let rows = rows.iter().flat_map(|row| row.trim_matches('\'').lines().map(str::to_owned).collect::<Vec<_>>());
    let error = answer.error.as_ref().map(|(text, code)| format!("{text} ({code})"));
    rows.chain(error).map(|line| format!("{line} [{check}]")).collect()
}
