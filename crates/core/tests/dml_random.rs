//! Random schemas and changes of rows, run on this engine and on SQLite. A failure names the seed that replays it
//! (`TURSO_SEED`).

mod support;

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
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len() as u64) as usize]
    }
}

fn value(r: &mut Random) -> String {
    match r.below(12) {
        0 => "NULL".into(),
        1 => format!("'{}'", r.pick(&["a", "B", "b", "abc", "12", "3.0", "", "x y"])),
        2 => format!("{}.5", r.below(5)),
        3 => format!("{}.0", r.below(5)),
        4 => "x'0102'".into(),
        5 => format!("'{}'", r.below(10)),
        _ => r.below(12).to_string(),
    }
}

fn expression(r: &mut Random, columns: &[&str]) -> String {
    let column = r.pick(columns);
    match r.below(7) {
        0 => value(r),
        1 => column.into(),
        2 => format!("{column} + {}", r.below(5)),
        3 => format!("{column} || {}", value(r)),
        4 => format!("coalesce({column}, {})", value(r)),
        5 => format!("CASE WHEN {column} > {} THEN {} ELSE {} END", value(r), r.pick(columns), value(r)),
        _ => format!("(SELECT count(*) FROM t1) + {}", r.below(3)),
    }
}

fn condition(r: &mut Random, columns: &[&str]) -> String {
    let column = r.pick(columns);
    match r.below(10) {
        0 => format!("{column} IS NULL"),
        1 => format!("{column} = {}", value(r)),
        2 => format!("{column} > {}", value(r)),
        3 => format!("{column} BETWEEN {} AND {}", value(r), value(r)),
        4 => format!("{column} IN ({}, {}, {})", value(r), value(r), value(r)),
        5 => format!("{column} = {} OR {} = {}", value(r), r.pick(columns), value(r)),
        6 => format!("{column} IN (SELECT a FROM t0)"),
        7 => format!("{} AND {}", condition_simple(r, columns), condition_simple(r, columns)),
        8 => "a = 3".into(),
        _ => condition_simple(r, columns),
    }
}

fn condition_simple(r: &mut Random, columns: &[&str]) -> String {
    format!("{} {} {}", r.pick(columns), r.pick(&["=", "<", ">=", "<>", "IS NOT"]), value(r))
}

fn conflict(r: &mut Random) -> &'static str {
    r.pick(&["", "", "", "OR IGNORE", "OR REPLACE", "OR FAIL", "OR ABORT"])
}

const COLUMNS: [&str; 4] = ["a", "b", "c", "d"];

fn create_table(r: &mut Random, name: &str) -> String {
    let types = ["", "INT", "TEXT", "REAL", "NUMERIC", "BLOB"];
    let clause = |r: &mut Random| r.pick(&["", "", "", " ON CONFLICT REPLACE", " ON CONFLICT IGNORE"]);
    let mut sql = format!("CREATE TABLE {name}(");
    let without_rowid = r.one_in(4);
    if without_rowid {
        sql.push_str(&format!("a {}", r.pick(&types)));
    } else {
        let key = clause(r);
        sql.push_str(&match r.below(4) {
            0 => "a INTEGER PRIMARY KEY".to_string(),
            1 => format!("a INTEGER PRIMARY KEY{key}"),
            2 => format!("a {} PRIMARY KEY{key}", r.pick(&types)),
            _ => format!("a {}", r.pick(&types)),
        });
    }
    for column in &COLUMNS[1..] {
        sql.push_str(&format!(", {column} {}", r.pick(&types)));
        if r.one_in(5) {
            sql.push_str(&format!(" UNIQUE{}", clause(r)));
        }
        if r.one_in(6) {
            sql.push_str(&format!(" NOT NULL{}", clause(r)));
        }
        if r.one_in(4) {
            sql.push_str(&format!(" DEFAULT {}", value(r)));
        }
        if r.one_in(6) {
            sql.push_str(" COLLATE NOCASE");
        }
    }
    if r.one_in(4) {
        sql.push_str(", CHECK(b <> 7 OR c > 2)");
    }
    if r.one_in(4) {
        sql.push_str(&format!(", UNIQUE(c, d){}", clause(r)));
    }
    if without_rowid {
        sql.push_str(r.pick(&[", PRIMARY KEY(a)", ", PRIMARY KEY(c, a)", ", PRIMARY KEY(b DESC, a)"]));
    }
    sql.push(')');
    if without_rowid {
        sql.push_str(" WITHOUT ROWID");
    }
    sql.push_str(";\n");
    sql
}

fn change(r: &mut Random) -> String {
    let table = r.pick(&["t0", "t1"]);
    let or = conflict(r);
    let returning = if r.one_in(6) { " RETURNING *" } else { "" };
    match r.below(10) {
        0..=2 => {
            let rows: Vec<String> =
                (0..=r.below(3)).map(|_| format!("({}, {}, {}, {})", value(r), value(r), value(r), value(r))).collect();
            format!("INSERT {or} INTO {table} VALUES{}{returning};\n", rows.join(", "))
        }
        3 => format!(
            "INSERT {or} INTO {table}({}, a) VALUES({}, {}){returning};\n",
            r.pick(&COLUMNS[1..]),
            value(r),
            value(r)
        ),
        4 => {
            let source = r.pick(&["t0", "t1"]);
            let list: Vec<String> = COLUMNS.iter().map(|_| expression(r, &COLUMNS)).collect();
            format!(
                "INSERT {or} INTO {table} SELECT {} FROM {source} WHERE {} ORDER BY a, b, c, d LIMIT 3{returning};\n",
                list.join(", "),
                condition(r, &COLUMNS)
            )
        }
        5 | 6 => {
            let column = r.pick(&COLUMNS);
            format!(
                "UPDATE {or} {table} SET {column} = {} WHERE {}{returning};\n",
                expression(r, &COLUMNS),
                condition(r, &COLUMNS)
            )
        }
        7 => {
            let (one, two) = (r.pick(&COLUMNS), r.pick(&COLUMNS));
            format!(
                "UPDATE {or} {table} SET {one} = {}, {two} = {};\n",
                expression(r, &COLUMNS),
                expression(r, &COLUMNS)
            )
        }
        8 => format!("DELETE FROM {table} WHERE {}{returning};\n", condition(r, &COLUMNS)),
        _ => {
            let target = r.pick(&["", "(a)", "(b)", "(c)", "(c, d)"]);
            let action = match r.below(3) {
                0 => "NOTHING".to_string(),
                1 if !target.is_empty() => format!("UPDATE SET d = excluded.{}", r.pick(&COLUMNS)),
                _ if !target.is_empty() => format!("UPDATE SET b = {table}.b + 1 WHERE excluded.c > {}", value(r)),
                _ => "NOTHING".to_string(),
            };
            format!(
                "INSERT INTO {table} VALUES({}, {}, {}, {}) ON CONFLICT{target} DO {action}{returning};\n",
                value(r),
                value(r),
                value(r),
                value(r)
            )
        }
    }
}

fn script(seed: u64) -> String {
    let mut r = Random(seed);
    let mut sql = String::new();
    for table in ["t0", "t1"] {
        sql.push_str(&create_table(&mut r, table));
    }
    let indexes = [
        "CREATE INDEX i0 ON t0(b);",
        "CREATE INDEX i1 ON t1(c DESC, b);",
        "CREATE UNIQUE INDEX i2 ON t0(c, b);",
        "CREATE INDEX i3 ON t1(d) WHERE d > 3;",
        "CREATE INDEX i4 ON t0(b + 1, lower(c));",
        "CREATE UNIQUE INDEX i5 ON t1(b) WHERE c IS NOT NULL;",
        "CREATE INDEX i6 ON t0(c COLLATE NOCASE) WHERE b <> 5;",
    ];
    for index in indexes {
        if r.one_in(3) {
            sql.push_str(index);
            sql.push('\n');
        }
    }
    let triggers = [
        "CREATE TRIGGER r0 AFTER INSERT ON t0 BEGIN INSERT OR IGNORE INTO t1 VALUES(new.a, new.b, new.c, 'r0'); END;",
        "CREATE TRIGGER r1 AFTER UPDATE OF b ON t1 BEGIN UPDATE t0 SET d = old.b WHERE a = new.a; END;",
        "CREATE TRIGGER r2 BEFORE DELETE ON t0 WHEN old.b > 3 BEGIN DELETE FROM t1 WHERE a = old.a; END;",
        "CREATE TRIGGER r3 BEFORE INSERT ON t1 WHEN new.c = 4 BEGIN SELECT RAISE(IGNORE); END;",
        "CREATE TRIGGER r4 BEFORE UPDATE ON t0 WHEN new.c = 5 BEGIN SELECT RAISE(ABORT, 'five'); END;",
    ];
    for trigger in triggers {
        if r.one_in(5) {
            sql.push_str(trigger);
            sql.push('\n');
        }
    }
    if r.one_in(4) {
        sql.push_str("PRAGMA recursive_triggers = ON;\n");
    }
    for _ in 0..40 {
        sql.push_str(&change(&mut r));
        if r.one_in(5) {
            sql.push_str("SELECT changes(), total_changes(), last_insert_rowid();\n");
        }
    }
    sql.push_str("SELECT * FROM t0 ORDER BY a, b, c, d; SELECT * FROM t1 ORDER BY a, b, c, d;");
    sql
}

#[test]
fn random_changes_leave_the_same_rows() {
    let (first, count) = match std::env::var("TURSO_SEED").ok().and_then(|s| s.parse().ok()) {
        Some(seed) => (seed, std::env::var("TURSO_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(1)),
        None => (1, std::env::var("TURSO_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(10)),
    };
    for seed in first..first + count {
        println!("TURSO_SEED={seed}");
        if count == 1 {
            println!("{}", script(seed));
        }
        support::check(&script(seed));
    }
}
