//! Damaged pages: the integrity check says what SQLite says, and nothing panics or hangs.

use super::harness::{Db, Random, pager_over, record};
use crate::btree::{
    BTreeCursor, CursorKind, InsertHint, IntegrityCheck, SeekResult, TreeEraser, auto_vacuum_commit, create_tree,
    drop_tree,
};
use crate::page::PageNo;
use std::cmp::Ordering;
use std::sync::Arc;
use turso_value::{KeyInfo, Value};

const PAGE_SIZE: u32 = 512;

/// A database with some history: deleted rows, overflow chains, a freelist.
fn build(auto_vacuum: u8) -> Db {
    let mut random = Random(42);
    let mut db = Db::new(PAGE_SIZE, auto_vacuum);
    let (mut t, mut w) = (db.table_cursor(), db.index_cursor());
    for i in 0..300 {
        let long = if i % 20 == 0 { 8 } else { 1 };
        let blob = Value::blob(vec![7u8; random.below(200) as usize * long]);
        let row = record(&[Value::Null, blob]);
        t.insert_row(&mut db.pager, i, row[..].into(), InsertHint::Seek).unwrap();
        if i % 4 == 0 {
            let entry = record(&[Value::Integer(i * 7 % 300), Value::blob(vec![3u8; random.below(300) as usize])]);
            w.insert_record(&mut db.pager, entry[..].into(), None, InsertHint::Seek).unwrap();
        }
    }
    for i in 0..300 {
        if i % 3 == 0 && t.seek_rowid(&mut db.pager, i).unwrap() == SeekResult::Found {
            t.delete(&mut db.pager).unwrap();
        }
    }
    db
}

/// One to three bytes changed, most often in page headers; page 1 keeps the database header.
fn mutate(file: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..1 + random.below(3) {
        let page = random.below(file.len() as u64 / u64::from(PAGE_SIZE)) as usize;
        let at = if random.below(3) == 0 { random.below(u64::from(PAGE_SIZE)) } else { random.below(20) } as usize;
        let at = page * PAGE_SIZE as usize + at;
        if at >= 108 {
            bytes[at] = random.next() as u8;
        }
    }
    bytes
}

#[test]
fn the_check_says_what_sqlite_says() {
    let path = std::env::temp_dir().join(format!("turso-btree-damage-{}.db", std::process::id()));
    let (mut same, mut total) = (0, 0);
    for auto_vacuum in [0, 2] {
        let mut db = build(auto_vacuum);
        let file = db.file();
        let mut random = Random(99);
        for _ in 0..500 {
            let bytes = mutate(&file, &mut random);
            std::fs::write(&path, &bytes).unwrap();
            let sqlite = rusqlite::Connection::open(&path).unwrap();
            let Ok(mut statement) = sqlite.prepare("PRAGMA integrity_check") else { continue };
            let lines: Vec<_> = statement.query_map([], |row| row.get::<_, String>(0)).unwrap().collect();
            let Ok(lines) = lines.into_iter().collect::<Result<Vec<String>, _>>() else { continue };
            if lines.iter().any(|line| line.contains("malformed")) {
                continue;
            }
            // What SQLite found above the level of pages is not ours to find.
            let theirs: Vec<&str> = lines
                .iter()
                .flat_map(|line| line.lines())
                .filter(|line| !line.starts_with("***") && *line != "ok" && !line.starts_with("NULL value in"))
                .filter(|line| !line.contains("entry not in PRIMARY KEY order") && !line.contains("row not in"))
                .collect();
            let mut check = IntegrityCheck::new(vec![db.index, db.table, PageNo(1)], 100);
            check.run(&mut pager_over(&bytes, PAGE_SIZE)).unwrap();
            let ours = check.messages();
            total += 1;
            if ours == theirs {
                same += 1;
            } else {
                println!("ours {ours:#?}\nSQLite {theirs:#?}");
            }
        }
    }
    let _ = std::fs::remove_file(&path);
    assert!(total > 500 && same == total, "{same} of {total}");
}

/// Everything that reads or writes, on a damaged file. Errors are fine.
fn use_all(bytes: &[u8], db: &Db, random: &mut Random) {
    let mut pager = pager_over(bytes, PAGE_SIZE);
    let pager = &mut pager;
    let mut check = IntegrityCheck::new(vec![PageNo(1), db.table, db.index], 100);
    let _ = check.run(pager);
    let mut t = BTreeCursor::new(db.table, CursorKind::Table);
    let mut w = BTreeCursor::new(db.index, CursorKind::Index(Arc::new(KeyInfo::binary(1))));
    for cursor in [&mut t, &mut w] {
        for forward in [true, false] {
            let mut more = if forward { cursor.first(pager) } else { cursor.last(pager) };
            let mut steps = 0;
            while let Ok(true) = more {
                let _ = cursor.full_payload(pager);
                more = if forward { cursor.next(pager) } else { cursor.prev(pager) };
                steps += 1;
                if steps > 3000 {
                    break;
                }
            }
        }
    }
    for _ in 0..12 {
        let n = random.below(320) as i64;
        match random.below(4) {
            0 => {
                let row = record(&[Value::Null, Value::blob(vec![1u8; random.below(900) as usize])]);
                let _ = t.insert_row(pager, n, row[..].into(), InsertHint::Seek);
            }
            1 => {
                let row = record(&[Value::Integer(n), Value::blob(vec![1u8; random.below(400) as usize])]);
                let _ = w.insert_record(pager, row[..].into(), None, InsertHint::Seek);
            }
            2 => {
                if t.seek_rowid(pager, n).is_ok() && t.is_valid() {
                    let _ = t.delete(pager);
                    let _ = t.next(pager);
                }
            }
            _ => {
                if w.seek_record(pager, &[Value::Integer(n)], Ordering::Equal).is_ok() && w.is_valid() {
                    let _ = w.delete(pager);
                    let _ = w.prev(pager);
                }
            }
        }
    }
    let _ = create_tree(pager, true);
    if TreeEraser::new(db.table, true).run(pager).is_ok() {
        let _ = drop_tree(pager, db.table);
    }
    let _ = TreeEraser::new(db.index, false).run(pager);
    let _ = auto_vacuum_commit(pager, &mut { u32::MAX });
}

fn check_damage(auto_vacuum: u8, seed: u64, rounds: usize) {
    let mut db = build(auto_vacuum);
    let file = db.file();
    let mut random = Random(seed);
    for _ in 0..rounds {
        let bytes = mutate(&file, &mut random);
        use_all(&bytes, &db, &mut random);
    }
}

#[test]
fn damage_is_an_error_and_nothing_worse() {
    check_damage(0, 3, 600);
    check_damage(1, 5, 600);
}

#[test]
#[ignore = "takes a minute"]
fn ten_thousand_damaged_files() {
    check_damage(0, 11, 5000);
    check_damage(1, 13, 5000);
}

/// A row far behind with a rowid that stands in front, too: a scan that rewrites rows finds the one in front, and goes on there.
#[test]
fn rewriting_rows_out_of_order_ends() {
    let mut db = Db::new(PAGE_SIZE, 0);
    let mut t = db.table_cursor();
    for i in 0..100 {
        let row = record(&[Value::Null, Value::blob(vec![7u8; 40])]);
        t.insert_row(&mut db.pager, i, row[..].into(), InsertHint::Seek).unwrap();
    }
    let root = db.pager.page(t.root()).unwrap();
    let third = usize::from(u16::from_be_bytes([root[12 + 2 * 3], root[13 + 2 * 3]]));
    let leaf = PageNo(u32::from_be_bytes(root[third..third + 4].try_into().unwrap()));
    let page = db.pager.edit(leaf);
    let cell = usize::from(u16::from_be_bytes([page[8 + 2 * 4], page[9 + 2 * 4]]));
    page[cell + 1] = 2;

    let mut length = 50;
    let mut more = t.first(&mut db.pager).unwrap();
    let mut ended = None;
    for _ in 0..10_000 {
        if !more {
            ended = Some("the end");
            break;
        }
        length += 1;
        let row = record(&[Value::Null, Value::blob(vec![8u8; length])]);
        let rowid = t.rowid();
        if let Err(e) = t.insert_row(&mut db.pager, rowid, row[..].into(), InsertHint::Seek) {
            assert_eq!(e.code(), turso_error::ResultCode::CORRUPT);
            ended = Some("damage");
            break;
        }
        more = t.next(&mut db.pager).unwrap();
    }
    assert_eq!(ended, Some("damage"));
}
