//! Texts that nobody would write: no panic, and what is accepted prints and parses back.
//!
//! `PARSER_MUTATIONS=200000 cargo test -p turso_parser --test mutation` runs more of them; `PARSER_SEED` varies them.

use turso_parser::parse;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % n.max(1)
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn corpus() -> Vec<Vec<u8>> {
    let verdicts = include_str!("data/verdicts.txt").lines().step_by(2);
    let long = include_str!("data/extensions.txt").lines();
    verdicts.chain(long).map(|line| line.as_bytes().to_vec()).collect()
}

/// Cuts a text where the kind of its bytes changes.
fn pieces(text: &[u8]) -> Vec<Vec<u8>> {
    let kind = |b: u8| {
        if b.is_ascii_alphanumeric() || b == b'_' {
            0
        } else if b == b' ' {
            1
        } else {
            2
        }
    };
    let mut out: Vec<Vec<u8>> = Vec::new();
    for &b in text {
        match out.last_mut() {
            Some(last) if kind(b) != 2 && kind(last[0]) == kind(b) => last.push(b),
            _ => out.push(vec![b]),
        }
    }
    out
}

fn mutate(random: &mut Random, corpus: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let mut text = corpus[random.below(corpus.len())].clone();
    for _ in 0..1 + random.below(4) {
        let at = random.below(text.len() + 1);
        let other = &corpus[random.below(corpus.len())];
        match random.below(7) {
            0 if !text.is_empty() => drop(text.remove(at.min(text.len() - 1))),
            1 if !other.is_empty() => text.insert(at, other[random.below(other.len())].clone()),
            2 if !other.is_empty() => {
                let from = random.below(other.len());
                let to = from + random.below(other.len() - from + 1);
                text.splice(at..at, other[from..to].iter().cloned());
            }
            3 => text.truncate(at),
            4 if !text.is_empty() => {
                let i = at.min(text.len() - 1);
                let j = random.below(text[i].len());
                text[i][j] = random.below(256) as u8;
            }
            5 => text.insert(at, b" ".to_vec()),
            _ if text.len() > 1 => {
                let (i, j) = (random.below(text.len()), random.below(text.len()));
                text.swap(i, j);
            }
            _ => {}
        }
    }
    text.concat()
}

#[test]
fn mutated_texts_neither_panic_nor_change_in_print() {
    let corpus: Vec<Vec<Vec<u8>>> = corpus().iter().map(|text| pieces(text)).collect();
    let mut random = Random(setting("PARSER_SEED", 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut accepted = 0;
    for _ in 0..setting("PARSER_MUTATIONS", 10_000) {
        let sql = mutate(&mut random, &corpus);
        let Ok(parsed) = parse(&sql) else { continue };
        assert!(parsed.tail <= sql.len());
        let Some(statement) = parsed.statement else { continue };
        // An identifier that is no UTF-8 is kept with replacement characters.
        if std::str::from_utf8(&sql).is_err() {
            continue;
        }
        accepted += 1;
        let printed = statement.to_sql();
        let shown =
            || format!("{:?}\nprinted as {:?}", String::from_utf8_lossy(&sql), String::from_utf8_lossy(&printed));
        let again = parse(&printed).unwrap_or_else(|e| panic!("{}\n{e}", shown()));
        assert_eq!(again.statement, Some(statement), "{}", shown());
    }
    assert!(accepted > 200, "only {accepted} texts were accepted");
}

#[test]
fn random_bytes_do_not_panic() {
    let mut random = Random(setting("PARSER_SEED", 1) | 1);
    for _ in 0..setting("PARSER_MUTATIONS", 10_000) {
        let n = random.below(40);
        let sql: Vec<u8> = (0..n).map(|_| random.below(256) as u8).collect();
        drop(parse(&sql));
        let sql: Vec<u8> =
            (0..n).flat_map(|_| b"select(.)*,'\"[]x0e?$:-/ "[random.below(24)..].iter().take(1).copied()).collect();
        drop(parse(&sql));
    }
}
