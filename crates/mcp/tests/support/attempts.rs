//! Generated attempts to change something through tools that must not.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value as Json, json};

/// Attempts between two looks at the files.
pub const BATCH: u64 = 1000;

/// A small generator of numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

const TOOLS: [&str; 9] = [
    "execute_query",
    "explain_query",
    "insert_data",
    "update_data",
    "delete_data",
    "schema_change",
    "describe_table",
    "list_tables",
    "open_database",
];

/// What would change something, if it were let through. `@` stands for a path beside the database.
const STATEMENTS: [&str; 53] = [
    "INSERT INTO t VALUES (9, 'x')",
    "INSERT INTO t SELECT * FROM t",
    "INSERT OR REPLACE INTO t VALUES (1, 'y') RETURNING *",
    "REPLACE INTO t VALUES (1, 'z')",
    "WITH c AS (SELECT 1) INSERT INTO t SELECT *, 'w' FROM c",
    "INSERT INTO t VALUES (1, 'q') ON CONFLICT DO UPDATE SET b = 'u'",
    "UPDATE t SET b = 'changed'",
    "WITH c AS (SELECT 1) UPDATE t SET b = 'changed' WHERE a IN c",
    "UPDATE t SET b = 'f' FROM (SELECT 1)",
    "DELETE FROM t",
    "DELETE FROM t WHERE a = 1 RETURNING a",
    "WITH c AS (SELECT 1) DELETE FROM t",
    "CREATE TABLE n(a)",
    "CREATE TABLE n AS SELECT * FROM t",
    "CREATE TEMP TABLE n(a)",
    "CREATE INDEX ni ON t(b)",
    "CREATE VIEW nv AS SELECT 1",
    "CREATE TRIGGER nr AFTER INSERT ON t BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE nf USING fts5(x)",
    "DROP TABLE t",
    "DROP VIEW v",
    "DROP INDEX i",
    "ALTER TABLE t ADD COLUMN c",
    "ALTER TABLE t RENAME TO u",
    "ALTER TABLE t DROP COLUMN b",
    "ATTACH '@' AS x",
    "ATTACH DATABASE '@' AS main2",
    "DETACH main",
    "VACUUM",
    "VACUUM INTO '@'",
    "REINDEX",
    "ANALYZE",
    "PRAGMA user_version = 7",
    "PRAGMA application_id(9)",
    "PRAGMA journal_mode = delete",
    "PRAGMA journal_mode(truncate)",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA query_only = OFF",
    "PRAGMA writable_schema = ON",
    "PRAGMA auto_vacuum = 1",
    "PRAGMA incremental_vacuum",
    "PRAGMA optimize",
    "PRAGMA page_size = 512",
    "PRAGMA encoding = 'UTF-16'",
    "PRAGMA temp_store_directory = '@'",
    "PRAGMA capture_data_changes_conn('full')",
    "BEGIN IMMEDIATE",
    "SAVEPOINT s",
    "SELECT load_extension('@')",
    "SELECT writefile('@', 'x')",
    "SELECT edit('x', 'touch @')",
    "UPDATE sqlite_schema SET sql = 'x'",
    "SELECT fts3_tokenizer('a', x'00')",
];

/// Ways to dress a statement up.
fn disguise(random: &mut Random, sql: &str) -> String {
    let mut text = sql.to_owned();
    for _ in 0..random.below(4) {
        text = match random.below(16) {
            0 => format!("SELECT 1; {text}"),
            1 => format!("{text}; SELECT 1"),
            2 => format!("/* SELECT */ {text}"),
            3 => format!("-- SELECT\n{text}"),
            4 => text.to_lowercase(),
            5 => text.replace(' ', "\n\t"),
            6 => text.replace(' ', "/**/"),
            7 => format!("EXPLAIN {text}"),
            8 => format!("EXPLAIN QUERY PLAN {text}"),
            9 => format!(";;{text};;"),
            10 => format!("SELECT * FROM ({text})"),
            11 => format!("WITH x AS ({text}) SELECT * FROM x"),
            12 => format!("SELECT 1 UNION {text}"),
            13 => format!("\u{feff}{text}"),
            14 => format!("{text}\0; SELECT 1"),
            _ => text
                .chars()
                .map(|c| if random.next() & 1 == 0 { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() })
                .collect(),
        };
    }
    text
}

/// The files of a directory with their content.
pub fn snapshot(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, std::fs::read(entry.path()).unwrap_or_default());
    }
    files
}

/// A tool and its arguments.
pub fn attempt(random: &mut Random, directory: &Path) -> (&'static str, Json) {
    let beside = directory.join(*random.pick(&["new.db", "x.db-journal", "sub/new.db", "y.db"]));
    let sql = random.pick(&STATEMENTS).replace('@', &beside.to_string_lossy());
    // Half of them come through the tool for their class: others are turned away by their first word already.
    let fitting =
        [("INSERT", 2), ("REPLACE", 2), ("UPDATE", 3), ("DELETE", 4), ("CREATE", 5), ("DROP", 5), ("ALTER", 5)];
    let fitting = fitting.iter().find(|(word, _)| sql.contains(word)).map_or(0, |(_, tool)| *tool);
    let tool = if random.next() & 1 == 0 { TOOLS[fitting] } else { *random.pick(&TOOLS) };
    let sql = disguise(random, &sql);
    let mut arguments =
        json!({ "query": sql, "params": random.pick(&[json!([]), Json::Null, json!({"a": 1}), json!([1, "x"])]) });
    match tool {
        "describe_table" => arguments = json!({ "table_name": format!("t); {sql}; --") }),
        "open_database" => {
            // Back to the database that is watched, or to one that does not exist.
            let path = if random.next() & 1 == 0 { directory.join("x.db") } else { beside };
            arguments = json!({ "path": path.to_string_lossy() });
        }
        _ => {}
    }
    (tool, arguments)
}
