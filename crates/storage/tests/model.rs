//! Random operations against a model: a list of bytes, one per page, and a stack of its copies for savepoints.

mod support;

use support::crash::Random;
use support::*;
use turso_storage::*;

struct Model {
    committed: Vec<u8>,
    now: Vec<u8>,
    savepoints: Vec<Vec<u8>>,
}

fn check(p: &mut Pager, model: &Model, what: &str) {
    assert_eq!(bytes_now(p), model.now, "{what}");
}

fn run(p: &mut Pager, seed: u64, steps: usize, what: &str) {
    let mut random = Random(seed);
    let mut model = Model { committed: vec![], now: vec![], savepoints: vec![] };
    p.set_spill_pages(1 + random.next(12));
    p.set_cache_pages(16);
    begin(p);
    for step in 0..steps {
        let what = format!("{what}, seed {seed}, step {step}");
        match random.next(20) {
            0 | 1 => {
                p.open_savepoint();
                model.savepoints.push(model.now.clone());
            }
            2 if !model.savepoints.is_empty() => {
                let depth = random.next(model.savepoints.len());
                p.release_savepoint(depth);
                model.savepoints.truncate(depth);
            }
            3 if !model.savepoints.is_empty() => {
                let depth = random.next(model.savepoints.len());
                p.rollback_to_savepoint(depth);
                model.savepoints.truncate(depth + 1);
                model.now = model.savepoints[depth].clone();
                check(p, &model, &what);
            }
            4..=6 => {
                let count = 1 + random.next(5);
                append(p, count as u32, step as u8);
                model.now.extend(std::iter::repeat_n(step as u8, count));
            }
            7 if model.now.len() > 4 => {
                let keep = model.now.len() - 1 - random.next(3);
                p.truncate(keep as u32 + 1);
                model.now.truncate(keep);
            }
            8 if !model.now.is_empty() => {
                let at = random.next(model.now.len());
                p.overwrite(PageNo(at as u32 + 2)).fill(step as u8);
                model.now[at] = step as u8;
            }
            9 | 10 => p.maybe_spill().unwrap(),
            11 => p.unpin(),
            12 if random.next(4) == 0 => {
                check(p, &model, &what);
                commit(p);
                model.committed = model.now.clone();
                model.savepoints.clear();
                if random.next(2) == 0 {
                    p.end_read();
                }
                begin(p);
            }
            13 if random.next(4) == 0 => {
                p.rollback();
                if random.next(2) == 0 {
                    p.end_read();
                }
                model.now = model.committed.clone();
                model.savepoints.clear();
                begin(p);
            }
            14 => p.edit_header(|h| h.user_version += 1),
            _ if !model.now.is_empty() => {
                let at = random.next(model.now.len());
                fill(p, at as u32 + 2, step as u8);
                model.now[at] = step as u8;
            }
            _ => {}
        }
        if random.next(10) == 0 {
            check(p, &model, &what);
        }
    }
    p.rollback();
    p.end_read();
    p.block_on(Pager::begin_read).unwrap();
    model.now = model.committed.clone();
    check(p, &model, what);
    p.end_read();
}

#[test]
fn transactions_savepoints_and_spilling_agree_with_the_model() {
    on_each_backend(|io, path| {
        for (seed, mode) in
            [(1, JournalMode::Wal), (2, JournalMode::Delete), (3, JournalMode::Wal), (4, JournalMode::Off)]
        {
            let path = path.with_extension(seed.to_string());
            let options = OpenOptions { wal: mode == JournalMode::Wal, page_size: 512, ..OpenOptions::default() };
            let mut p = open(io, &path, options);
            p.set_synchronous(Synchronous::Off);
            p.set_wal_autocheckpoint(30);
            if mode != JournalMode::Wal {
                p.set_journal_mode(mode).unwrap();
            }
            run(&mut p, seed, 400, mode.name());
            // A second connection shares pages from here on.
            let mut q = open(io, &path, options);
            let expected = bytes(&mut p);
            assert_eq!(bytes(&mut q), expected);
        }
    });
}

#[test]
fn memory_databases_agree_with_the_model() {
    for seed in 1..8 {
        run(&mut Pager::in_memory(512), seed, 600, "memory");
    }
}
