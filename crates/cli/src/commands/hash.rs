//! `.sha3sum` and `.selftest`: hashes of content.

use sha3::{Digest, Sha3_224, Sha3_256, Sha3_384, Sha3_512};
use turso_core::{Connection, Error, Statement, StepResult, Value};

use super::{Outcome, double_quote, help, quote};
use crate::shell::{Flow, Shell};
use crate::words::is_option;

/// Bits of a hash where none are asked for.
const DEFAULT_BITS: u32 = 224;

/// A hash over the results of queries: each query, each row and each value is marked by a letter.
struct Hasher(Box<dyn sha3::digest::DynDigest>);

impl Hasher {
    fn new(bits: u32) -> Self {
        Self(match bits {
            256 => Box::new(Sha3_256::new()),
            384 => Box::new(Sha3_384::new()),
            512 => Box::new(Sha3_512::new()),
            _ => Box::new(Sha3_224::new()),
        })
    }

    /// Add a query and its rows.
    fn query(&mut self, shell: &mut Shell, sql: &str) -> Result<(), Error> {
        match shell.connection().prepare(sql)?.statement {
            Some(statement) => self.statement(statement),
            None => Ok(()),
        }
    }

    fn statement(&mut self, mut statement: Statement) -> Result<(), Error> {
        let sql = statement.sql().to_vec();
        self.0.update(format!("S{}:", sql.len()).as_bytes());
        self.0.update(&sql);
        while statement.step()? == StepResult::Row {
            self.0.update(b"R");
            statement.row().iter().for_each(|value| self.value(value));
        }
        Ok(())
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.0.update(b"N"),
            Value::Integer(i) => {
                self.0.update(b"I");
                self.0.update(&i.to_be_bytes());
            }
            Value::Real(r) => {
                self.0.update(b"F");
                self.0.update(&r.to_bits().to_be_bytes());
            }
            Value::Text(bytes) => {
                self.0.update(format!("T{}:", bytes.len()).as_bytes());
                self.0.update(bytes);
            }
            Value::Blob(bytes) => {
                self.0.update(format!("B{}:", bytes.len()).as_bytes());
                self.0.update(bytes);
            }
        }
    }

    fn hex(self) -> String {
        self.0.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// The hash of some bytes.
pub fn sha3(bytes: &[u8], bits: u32) -> Vec<u8> {
    let mut hasher = Hasher::new(bits);
    hasher.0.update(bytes);
    hasher.0.finalize().to_vec()
}

/// The hash of the results of all statements of a text.
pub fn hash_of_queries(connection: &Connection, text: &[u8], bits: u32) -> Result<Vec<u8>, Error> {
    let mut hasher = Hasher::new(bits);
    let mut start = 0;
    while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
        let failed = |error: Error| Error::sql(format!("error SQL statement []: {}", error.message()));
        let prepared = connection.prepare(rest).map_err(failed)?;
        if let Some(statement) = prepared.statement {
            if !statement.is_readonly() {
                return Err(Error::sql(format!("non-query: [{}]", String::from_utf8_lossy(statement.sql()))));
            }
            hasher.statement(statement)?;
        }
        start += prepared.tail;
    }
    Ok(hasher.0.finalize().to_vec())
}

/// The query whose result stands for a table.
fn query_of(table: &str) -> String {
    match table {
        "sqlite_schema" => "SELECT type,name,tbl_name,sql FROM sqlite_schema ORDER BY name;".into(),
        "sqlite_sequence" => "SELECT name,seq FROM sqlite_sequence ORDER BY name;".into(),
        "sqlite_stat1" => "SELECT tbl,idx,stat FROM sqlite_stat1 ORDER BY tbl,idx;".into(),
        "sqlite_stat4" => "SELECT * FROM sqlite_stat4 ORDER BY tbl, idx, rowid;\n".into(),
        name => format!("SELECT * FROM {} NOT INDEXED;", double_quote(name)),
    }
}

/// `.sha3sum`
pub fn sha3sum(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let (mut bits, mut with_schema, mut pattern) = (DEFAULT_BITS, false, None);
    for word in arguments {
        let sizes = [224, 256, 384, 512];
        if let Some(size) = sizes.into_iter().find(|size| is_option(word, &format!("sha3-{size}"))) {
            bits = size;
        } else if is_option(word, "schema") {
            with_schema = true;
        } else if word.starts_with('-') {
            shell.warn(format!("Unknown option \"{word}\" on \"sha3sum\""));
            shell.misused(help::lines("sha3sum").join("\n"));
            return Ok(Flow::Continue);
        } else if pattern.is_some() {
            return Err("Usage: .sha3sum ?OPTIONS? ?LIKE-PATTERN?".into());
        } else {
            pattern = Some(*word);
        }
    }
    let names_system = pattern.is_some_and(|p| p.to_ascii_lowercase().starts_with("sqlite_"));
    let mut condition = "type = 'table' AND coalesce(rootpage, 0) > 1".to_owned();
    if !with_schema && !names_system {
        condition.push_str(" AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
    }
    let mut tables = shell
        .column(&format!("SELECT lower(name) FROM sqlite_schema WHERE {condition} UNION ALL SELECT 'sqlite_schema' ORDER BY 1 COLLATE NOCASE"))
        .map_err(super::text)?;
    if !with_schema && !names_system {
        tables.retain(|name| name != "sqlite_schema");
    }
    let Some(pattern) = pattern else {
        if tables.is_empty() {
            return Ok(Flow::Continue);
        }
        // One text: what ends a query's line begins the next one.
        let queries: String = tables.iter().map(|table| query_of(table)).collect();
        let hash = hash_of_queries(&shell.connection(), queries.as_bytes(), bits).map_err(super::text)?;
        shell.line(hash.iter().map(|b| format!("{b:02x}")).collect::<String>());
        return Ok(Flow::Continue);
    };
    let like = turso_core::functions::pattern::like;
    for table in tables.iter().filter(|t| like(pattern.as_bytes(), t.as_bytes(), Default::default())) {
        let mut hasher = Hasher::new(bits);
        hasher.query(shell, &query_of(table)).map_err(super::text)?;
        shell.line(format!("{}|{table}", hasher.hex()));
    }
    Ok(Flow::Continue)
}

// ---- .selftest ------------------------------------------------------------------------------------------------------------

/// `.selftest`: run the tests that the table SELFTEST holds, or make them.
pub fn self_test(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let (mut init, mut verbose) = (false, false);
    for word in arguments {
        if is_option(word, "init") {
            init = true;
        } else if is_option(word, "v") {
            verbose = true;
        } else {
            return Err(format!("Unknown option \"{word}\" on \"selftest\"\nShould be one of: --init -v"));
        }
    }
    let there = shell.rows("SELECT 1 FROM selftest LIMIT 0").is_ok();
    if init {
        make_tests(shell).map_err(super::text)?;
    } else if !there {
        shell.line("Missing SELFTEST table - default checks only");
    }
    let tests = if init || there {
        shell.texts("SELECT tno, op, cmd, ans FROM selftest ORDER BY tno").map_err(super::text)?
    } else {
        vec![vec![Some("0".into()), Some("run".into()), Some("PRAGMA integrity_check".into()), Some("ok".into())]]
    };
    let (mut errors, mut count) = (0, 0);
    for test in tests {
        let text = |i: usize| test.get(i).cloned().flatten().unwrap_or_default();
        let (number, operation, command, expected) = (text(0), text(1), text(2), text(3));
        match operation.as_str() {
            "memo" => {}
            "run" => {
                count += 1;
                let got = run_test(shell, &command);
                if verbose {
                    shell.line(format!("{number}: {operation} {command}"));
                    shell.line(format!("Result: {}", got.as_deref().unwrap_or("")));
                }
                match got {
                    Err(error) => {
                        errors += 1;
                        shell.errors += 1;
                        shell.line(format!("{number}: error-code-{}: {}", error.code().primary().0, error.message()));
                    }
                    Ok(got) if got != expected => {
                        errors += 1;
                        shell.line(format!("{number}: Expected: [{expected}]\n{number}:      Got: [{got}]"));
                    }
                    Ok(_) => {}
                }
            }
            other => {
                shell.complain(format!("Unknown operation \"{other}\" on selftest line {number}"));
                break;
            }
        }
    }
    shell.line(format!("{errors} errors out of {count} tests"));
    Ok(Flow::Continue)
}

/// The values of all rows, one after another.
fn run_test(shell: &mut Shell, command: &str) -> Result<String, Error> {
    if let Some(query) = hash_query(command) {
        let mut hasher = Hasher::new(DEFAULT_BITS);
        hasher.query(shell, &query)?;
        return Ok(hasher.hex().to_uppercase());
    }
    let rows = shell.texts(command)?;
    let cells = rows.into_iter().flat_map(|row| row.into_iter().map(Option::unwrap_or_default));
    Ok(cells.collect::<Vec<_>>().join(","))
}

/// The query inside of `SELECT hex(sha3_query('…',224))`.
fn hash_query(command: &str) -> Option<String> {
    let inner = command.strip_prefix("SELECT hex(sha3_query('")?.strip_suffix("',224))")?;
    Some(inner.replace("''", "'"))
}

fn make_tests(shell: &mut Shell) -> Result<(), Error> {
    shell.rows("SAVEPOINT selftest_init")?;
    let result = insert_tests(shell);
    if result.is_err() {
        shell.rows("ROLLBACK TO selftest_init")?;
    }
    shell.rows("RELEASE selftest_init")?;
    result
}

fn insert_tests(shell: &mut Shell) -> Result<(), Error> {
    shell.rows(
        "CREATE TABLE IF NOT EXISTS selftest(\n  tno INTEGER PRIMARY KEY,\n  op TEXT,\n  cmd TEXT,\n  ans TEXT\n)",
    )?;
    let tables = shell.column(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'selftest' AND coalesce(rootpage, 0) > 0 ORDER BY name",
    )?;
    let mut queries = vec!["SELECT type,name,tbl_name,sql FROM sqlite_schema ORDER BY 2".to_owned()];
    queries.extend(tables.iter().map(|t| format!("SELECT * FROM {} NOT INDEXED", double_quote(t))));
    let mut answers = Vec::new();
    for query in queries {
        let mut hasher = Hasher::new(DEFAULT_BITS);
        hasher.query(shell, &query)?;
        answers.push((format!("SELECT hex(sha3_query({},224))", quote(&query)), hasher.hex().to_uppercase()));
    }
    shell.rows("INSERT INTO selftest(tno,op,cmd) VALUES(100,'memo','Tests generated by --init')")?;
    let mut number = 110;
    for (command, answer) in answers {
        shell.rows(&format!("INSERT INTO selftest VALUES({number},'run',{},{})", quote(&command), quote(&answer)))?;
        number += 10;
    }
    shell.rows(&format!("INSERT INTO selftest VALUES({number},'run','PRAGMA integrity_check','ok')"))?;
    Ok(())
}
