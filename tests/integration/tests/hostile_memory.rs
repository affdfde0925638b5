//! Damaged databases, logs and journals in memory: a sample of what `cargo xtask hostile --compare` does. A panic fails the test, and
//! where SQLite answers otherwise, the reason is one of those that `hostile::compare` knows.

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
