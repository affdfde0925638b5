//! Generated scripts on both engines: same rows, same errors, same final content, and files that SQLite finds sound.
//!
//! `SCRIPT_COUNT` and `SCRIPT_SEED` choose how many and which; `SCRIPT_ONLY` runs one seed and prints its statements.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use integration::compare::{Order, both, both_supported, contents, first_difference};
use integration::random::{Rng, seed, variable};
use integration::script::{Generator, Step};
use integration::{Engine, Ours, Stock};

/// Statements that ours says it does not support yet, by text.
type Gaps = BTreeMap<String, usize>;

/// Run a script on both; the first difference ends it, because what follows would only repeat it.
fn run(script_seed: u64, steps: &[Step], pending: bool, show: bool, gaps: &mut Gaps) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ours.db");
    let mut ours = if pending { Ours::open_pending(&path) } else { Ours::open(&path) };
    let mut stock = Stock::memory();
    let mode = *Rng::new(script_seed ^ 0xABCD).pick(&["delete", "wal", "truncate", "persist", "memory", "off"]);
    // Undoing a statement with the journal off is undefined.
    let mode = if mode == "off" { "memory" } else { mode };
    ours.must("PRAGMA synchronous = OFF");
    ours.must(&format!("PRAGMA journal_mode = {mode}"));
    let mut done: Vec<&str> = Vec::new();
    for step in steps {
        if show {
            println!("{};", step.sql);
            if let Some(difference) = first_difference(&contents(&mut ours), &contents(&mut stock)) {
                return Some(format!("content before this statement: {difference}"));
            }
        }
        done.push(&step.sql);
        let failure = both_supported(&mut ours, &mut stock, &step.sql, step.order, gaps);
        let failure = failure.or_else(|| {
            let changes = both(&mut ours, &mut stock, "SELECT changes(), total_changes()", Order::Kept)?;
            Some(format!("after {}\n  {changes}", step.sql))
        });
        if let Some(failure) = failure {
            let schema: Vec<&str> = done.iter().filter(|s| s.starts_with("CREATE")).copied().collect();
            return Some(format!(
                "SCRIPT_ONLY={script_seed} mode {mode} statement {}\n  {}\n  {failure}",
                done.len(),
                schema.join(";\n  ")
            ));
        }
    }
    let (a, b) = (contents(&mut ours), contents(&mut stock));
    if let Some(difference) = first_difference(&a, &b) {
        return Some(format!("SCRIPT_ONLY={script_seed}: final content: {difference}"));
    }
    let own = ours.integrity();
    drop(ours);
    let stocks = integration::engine::stock_integrity(&path);
    if (own.as_str(), stocks.as_str()) != ("ok", "ok") {
        return Some(format!("SCRIPT_ONLY={script_seed}: integrity: ours {own}, sqlite {stocks}"));
    }
    None
}

fn scripts(count: u64, pending: bool) {
    if let Ok(only) = std::env::var("SCRIPT_ONLY") {
        let only: u64 = only.parse().unwrap();
        let steps = Generator::new(only).script(60);
        let failure = run(only, &steps, pending, true, &mut Gaps::new());
        assert!(failure.is_none(), "{}", failure.unwrap_or_default());
        return;
    }
    let first = seed("SCRIPT_SEED", 1);
    let count = variable("SCRIPT_COUNT", count);
    let mut failures = Vec::new();
    let mut gaps = Gaps::new();
    let mut statements = 0;
    for i in 0..count {
        let script_seed = first.wrapping_mul(1_000_003).wrapping_add(i);
        let steps = Generator::new(script_seed).script(60);
        statements += steps.len();
        let outcome =
            std::panic::catch_unwind(AssertUnwindSafe(|| run(script_seed, &steps, pending, false, &mut gaps)));
        match outcome {
            Ok(failure) => failures.extend(failure),
            Err(_) => failures.push(format!("SCRIPT_ONLY={script_seed}: panic")),
        }
    }
    for (text, times) in &gaps {
        println!("not compared, {times} times: {text}");
    }
    println!("{count} scripts, {statements} statements, {} failed", failures.len());
    if !failures.is_empty() {
        let shown: Vec<&str> = failures.iter().take(variable("SHOW", 15) as usize).map(String::as_str).collect();
        panic!("{} of {count} scripts failed\n{}", failures.len(), shown.join("\n----\n"));
    }
}

#[test]
fn generated_scripts_do_the_same() {
    scripts(300, false);
}

#[test]
fn generated_scripts_do_the_same_when_every_page_is_pending() {
    scripts(60, true);
}
