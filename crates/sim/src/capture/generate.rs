//! Generated statements: tables of several kinds with references, triggers and indexes, changes of their rows, transactions, savepoints,
//! and DDL. Many of them fail, as they should.

use crate::random::Random;

pub const TABLES: [&str; 4] = ["t", "u", "w", "\"x y\""];
const COLUMNS: [&str; 4] = ["a", "b", "c", "d"];

fn literal(random: &mut Random) -> String {
    match random.below(8) {
        0 => "NULL".into(),
        1 => format!("'{}'", random.pick(&["", "x", "it''s", "long text that is longer than the others", "5"])),
        2 => format!("{}.5", random.below(10)),
        3 => format!("x'{:02x}ff'", random.below(256)),
        _ => random.below(12).to_string(),
    }
}

pub fn create_table(random: &mut Random, name: &str) -> String {
    let reference = if random.below(3) == 0 {
        format!(
            " REFERENCES {}(a) ON DELETE {} ON UPDATE {}",
            random.pick(&TABLES),
            random.pick(&["CASCADE", "SET NULL", "NO ACTION"]),
            random.pick(&["CASCADE", "SET NULL"])
        )
    } else {
        String::new()
    };
    let a = random.pick(&[
        "a INTEGER PRIMARY KEY",
        "a INTEGER PRIMARY KEY AUTOINCREMENT",
        "a UNIQUE",
        "a TEXT",
        "a INT PRIMARY KEY",
    ]);
    let b = random.pick(&["b", "b UNIQUE", "b REAL", "b NOT NULL DEFAULT 7", "b CHECK (b IS NOT 3)"]);
    let c = random.pick(&["c", "c AS (a || 'v')", "c AS (a || 's') STORED", "c TEXT COLLATE NOCASE", "c NUMERIC"]);
    let without = if a.ends_with("PRIMARY KEY") && random.below(2) == 0 { " WITHOUT ROWID" } else { "" };
    format!("CREATE TABLE {name}({a}, {b}{reference}, {c}){without}")
}

fn body(random: &mut Random) -> String {
    let (table, other) = (random.pick(&TABLES), random.pick(&TABLES));
    match random.below(3) {
        0 => format!("INSERT OR IGNORE INTO {table}(a, b) VALUES ({}, 'from trigger')", random.below(20)),
        1 => format!("UPDATE OR IGNORE {table} SET b = b + 1 WHERE a = {}", random.below(12)),
        _ => format!("DELETE FROM {other} WHERE a = {}", random.below(12)),
    }
}

pub fn statement(random: &mut Random) -> String {
    let (table, column) = (random.pick(&TABLES), random.pick(&COLUMNS));
    let or = random.pick(&["", "", "OR REPLACE ", "OR IGNORE ", "OR FAIL ", "OR ROLLBACK "]);
    match random.below(44) {
        0..=3 => create_table(random, table),
        4 => format!("CREATE {}INDEX i{} ON {table}({column})", random.pick(&["", "UNIQUE "]), random.below(4)),
        5 => format!("CREATE VIEW v{} AS SELECT a, b FROM {table}", random.below(2)),
        6 => format!(
            "CREATE TRIGGER g{} {} {} ON {table} BEGIN {}; END",
            random.below(3),
            random.pick(&["AFTER", "BEFORE"]),
            random.pick(&["INSERT", "UPDATE", "DELETE"]),
            body(random)
        ),
        7 => format!("DROP TABLE {table}"),
        8 => format!("DROP {}", random.pick(&["INDEX i0", "INDEX i1", "VIEW v0", "TRIGGER g0", "TRIGGER g1"])),
        9 => format!("ALTER TABLE {table} RENAME COLUMN {column} TO {}", random.pick(&["a", "b", "c", "d", "\"e e\""])),
        10 => format!("ALTER TABLE {table} ADD COLUMN d DEFAULT {}", literal(random)),
        11 => format!("ALTER TABLE {table} DROP COLUMN {column}"),
        12 => format!("ALTER TABLE {table} RENAME TO {}", random.pick(&TABLES)),
        13 => format!("CREATE TABLE {table} AS SELECT a, b AS bb, 1.0 AS r FROM {}", random.pick(&TABLES)),
        14 | 15 => random.pick(&["BEGIN", "BEGIN IMMEDIATE", "BEGIN CONCURRENT"]).to_string(),
        16 | 17 => random.pick(&["COMMIT", "COMMIT", "ROLLBACK"]).to_string(),
        18 => random.pick(&["SAVEPOINT s", "SAVEPOINT r"]).to_string(),
        19 => random.pick(&["RELEASE s", "ROLLBACK TO s", "ROLLBACK TO r"]).to_string(),
        20..=29 => {
            let rows: Vec<String> =
                (0..=random.below(3)).map(|_| format!("({}, {})", literal(random), literal(random))).collect();
            format!("INSERT {or}INTO {table}(a, b) VALUES {}", rows.join(", "))
        }
        30 => format!(
            "INSERT INTO {table}(a, b) VALUES ({}, {}) ON CONFLICT DO UPDATE SET b = {}",
            random.below(9),
            literal(random),
            literal(random)
        ),
        31..=34 => format!("UPDATE {or}{table} SET {column} = {} WHERE a > {}", literal(random), random.below(12)),
        35 => format!("UPDATE {or}{table} SET a = a + {}", random.below(3)),
        36 => format!("UPDATE {table} SET b = o.b FROM {} AS o WHERE o.a = {table}.a", random.pick(&TABLES)),
        37 => format!("UPDATE {or}{table} SET rowid = {} WHERE rowid = {}", random.below(9), random.below(9)),
        38..=40 => format!("DELETE FROM {table} WHERE {column} = {}", literal(random)),
        41 => format!("DELETE FROM {table}"),
        42 => format!("INSERT INTO {table}(a, b) SELECT b, a FROM {}", random.pick(&TABLES)),
        _ => format!("INSERT INTO {table} DEFAULT VALUES"),
    }
}
