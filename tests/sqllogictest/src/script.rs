//! The script format (`sqllogictest`, "Test Script Format"): statements and queries with their expected outcome.

/// One record of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// First line of the record in its file, from 1.
    pub line: usize,
    /// What it does.
    pub kind: Kind,
}

/// A record's content.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `statement ok` or `statement error`.
    Statement {
        /// The SQL text.
        sql: String,
        /// It must fail.
        must_fail: bool,
    },
    /// `query <types> <sort> [label]`.
    Query {
        /// The SQL text.
        sql: String,
        /// One letter per column: `T`, `I`, `R`.
        types: String,
        /// How values are ordered before they are compared.
        sort: Sort,
        /// Queries with the same label must have the same result.
        label: Option<String>,
        /// Expected values, or one `N values hashing to H` line; `None` when the record lists none.
        expected: Vec<String>,
    },
    /// `halt`.
    Halt,
    /// `hash-threshold n`.
    HashThreshold(usize),
}

/// Ordering of a result before comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// As it came.
    None,
    /// Rows as lists of texts.
    Rows,
    /// All values alone.
    Values,
}

/// Split a script into the records that apply to the engine called `engine` (`sqlite`).
pub fn parse(text: &str, engine: &str) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut at = 0;
    while at < lines.len() {
        if lines[at].is_empty() || lines[at].starts_with('#') {
            at += 1;
            continue;
        }
        let line = at + 1;
        let mut applies = true;
        while let Some(head) = lines.get(at) {
            let mut words = head.split_whitespace();
            match (words.next(), words.next()) {
                (Some("skipif"), Some(name)) => applies &= name != engine,
                (Some("onlyif"), Some(name)) => applies &= name == engine,
                (Some(word), _) if word.starts_with('#') => {}
                _ => break,
            }
            at += 1;
        }
        let Some(head) = lines.get(at) else { break };
        let words: Vec<&str> = head.split_whitespace().collect();
        at += 1;
        let kind = match words.first().copied() {
            Some("halt") => Kind::Halt,
            Some("hash-threshold") => Kind::HashThreshold(words.get(1).and_then(|w| w.parse().ok()).unwrap_or(0)),
            Some("statement") => {
                let sql = take_until(&lines, &mut at, |l| l.is_empty());
                Kind::Statement { sql, must_fail: words.get(1) == Some(&"error") }
            }
            Some("query") => {
                let sql = take_until(&lines, &mut at, |l| l.is_empty() || l == "----");
                let mut expected = Vec::new();
                if lines.get(at) == Some(&"----") {
                    at += 1;
                    while let Some(value) = lines.get(at).filter(|l| !l.is_empty()) {
                        expected.push((*value).to_string());
                        at += 1;
                    }
                }
                Kind::Query {
                    sql,
                    types: words.get(1).unwrap_or(&"").to_string(),
                    sort: match words.get(2).copied() {
                        Some("rowsort") => Sort::Rows,
                        Some("valuesort") => Sort::Values,
                        _ => Sort::None,
                    },
                    label: words.get(3).map(|w| (*w).to_string()),
                    expected,
                }
            }
            other => return Err(format!("line {line}: unknown record {other:?}")),
        };
        if applies {
            records.push(Record { line, kind });
        }
    }
    Ok(records)
}

fn take_until(lines: &[&str], at: &mut usize, end: impl Fn(&str) -> bool) -> String {
    let start = *at;
    while lines.get(*at).is_some_and(|l| !end(l)) {
        *at += 1;
    }
    lines[start..*at].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_choose_the_records_of_the_engine() {
        let text =
            "onlyif mysql\nstatement ok\nA\n\nskipif mysql # why\nquery IT rowsort x\nSELECT 1\n----\n1\na\n\nhalt\n";
        let records = parse(text, "sqlite").unwrap();
        assert_eq!(records.len(), 2);
        assert_eq!(
            records[0],
            Record {
                line: 5,
                kind: Kind::Query {
                    sql: "SELECT 1".into(),
                    types: "IT".into(),
                    sort: Sort::Rows,
                    label: Some("x".into()),
                    expected: vec!["1".into(), "a".into()],
                },
            }
        );
        assert_eq!(records[1].kind, Kind::Halt);
    }
}
