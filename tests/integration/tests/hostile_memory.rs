//! Damaged databases, logs and journals in memory: a sample of what `cargo xtask hostile --compare` does. A panic fails the test, and
//! where SQLite answers otherwise, the reason is one of those that `hostile::compare` knows.

use integration::hostile::checks::compare_checks;
use integration::hostile::compare::{Class, compare};
use integration::hostile::images::{Kind, pool};
use integration::hostile::work::{ours, stock};
use integration::hostile::{Case, case};
use integration::random::{seed, variable};

fn sample(kind: Kind) {
    let (seed, count) = (seed("HOSTILE_SEED", 1), variable("MEMORY_MUTATIONS", 250));
    let directory = tempfile::tempdir().unwrap();
    let pool = pool(kind, directory.path());
    for number in 0..count {
        let Case { files, script, opening } = case(kind, &pool, seed, number);
        println!("case {number}");
        let ours = ours(&files, &script, opening, false);
        let (class, sql) = compare(&script, &ours, &stock(&files, &script, directory.path(), false));
        assert_ne!(class, Class::Unexplained, "{} {number}: {sql}", kind.name());
    }
}

#[test]
fn damaged_databases() {
    sample(Kind::File);
}

#[test]
fn damaged_logs() {
    sample(Kind::Log);
}

#[test]
fn damaged_journals() {
    sample(Kind::Journal);
}

/// What is said about pages is what SQLite says, word for word; where rows are read from damaged trees, the two may part.
#[test]
fn checks_describe_damaged_pages_as_sqlite_does() {
    let directory = tempfile::tempdir().unwrap();
    let pool = pool(Kind::File, directory.path());
    let mut with_damage = 0;
    for number in 0..150 {
        let case = case(Kind::File, &pool, 1, number);
        // With the tables of statistics there are so many that SQLite's order is that of a hash table.
        let holds = |name: &[u8]| case.files.database.windows(name.len()).any(|bytes| bytes == name);
        if holds(b"sqlite_stat1") || holds(b"t\0a\0t\x001") {
            continue;
        }
        let Some(difference) = compare_checks(&case.files, directory.path()) else { continue };
        let [ours, stock] = difference.of_pages();
        // One of the two may have found no schema to begin with.
        if ours.is_empty() == stock.is_empty() {
            assert_eq!(ours, stock, "case {number}");
            with_damage += usize::from(!ours.is_empty());
        }
    }
    assert!(with_damage > 10, "{with_damage}");
}
