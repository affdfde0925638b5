//! Auto-vacuum databases: roots at the front, files that shrink, pointer maps that SQLite agrees with.

use super::harness::{Db, Random, record};
use crate::btree::{
    BTreeCursor, CursorKind, InsertHint, TreeEraser, auto_vacuum_commit, drop_tree, incremental_vacuum_step,
};
use crate::page::PageNo;
use turso_value::Value;

fn fill(db: &mut Db, root: PageNo, rows: i64, random: &mut Random) {
    let mut cursor = BTreeCursor::new(root, CursorKind::Table);
    for i in 0..rows {
        let len = if i % 9 == 0 { random.below(3000) } else { random.below(200) };
        let row = record(&[Value::Null, Value::blob(vec![i as u8; len as usize])]);
        cursor.insert_row(&mut db.pager, i, row[..].into(), InsertHint::Append).unwrap();
    }
}

/// Removes a table: its tree and its schema row; a root that moved gets its schema row corrected.
fn drop_table(db: &mut Db, name: &str, root: PageNo) -> Option<PageNo> {
    TreeEraser::new(root, true).run(&mut db.pager).unwrap();
    let moved = drop_tree(&mut db.pager, root).unwrap().moved_from;
    let mut schema = BTreeCursor::new(PageNo::ONE, CursorKind::Table);
    let mut more = schema.first(&mut db.pager).unwrap();
    while more {
        let mut values = Vec::new();
        turso_value::RecordReader::new(schema.local_payload())
            .unwrap()
            .decode_all(turso_value::TextEncoding::Utf8, &mut values)
            .unwrap();
        if values[1] == Value::text(name) {
            schema.delete(&mut db.pager).unwrap();
        } else if moved.is_some_and(|from| values[3] == Value::Integer(i64::from(from.0))) {
            values[3] = Value::Integer(i64::from(root.0));
            let rowid = schema.rowid();
            schema.insert_row(&mut db.pager, rowid, record(&values)[..].into(), InsertHint::Seek).unwrap();
        }
        more = schema.next(&mut db.pager).unwrap();
    }
    if moved == Some(db.table) {
        db.table = root;
    }
    if moved == Some(db.index) {
        db.index = root;
    }
    moved
}

fn check_vacuum(page_size: u32, auto_vacuum: u8, seed: u64) {
    let mut random = Random(seed);
    let mut db = Db::new(page_size, auto_vacuum);
    let rows = 60 + random.below(100) as i64;
    let table = db.table;
    fill(&mut db, table, rows, &mut random);
    let mut extra: Vec<(String, PageNo)> = Vec::new();
    for round in 0..12 {
        let note = format!("page size {page_size} auto_vacuum {auto_vacuum} seed {seed} round {round}");
        if extra.len() < 2 || random.below(2) == 0 {
            let name = format!("x{round}");
            let sql = format!("CREATE TABLE {name}(a INTEGER PRIMARY KEY, b)");
            let root = db.create("table", &name, &sql, true);
            let rows = random.below(150) as i64;
            fill(&mut db, root, rows, &mut random);
            extra.push((name, root));
        } else {
            let at = random.below(extra.len() as u64) as usize;
            let (name, root) = extra.swap_remove(at);
            if let Some(from) = drop_table(&mut db, &name, root) {
                for (_, other) in &mut extra {
                    if *other == from {
                        *other = root;
                    }
                }
            }
        }
        assert_eq!(db.ask_sqlite(&note), (rows, 0), "{note}");
        let before = db.pager.page_count();
        let free = db.pager.header().freelist_count;
        if auto_vacuum == 1 {
            auto_vacuum_commit(&mut db.pager, &mut { u32::MAX }).unwrap();
            assert_eq!(db.pager.header().freelist_count, 0, "{note}");
            assert!(db.pager.page_count() <= before - free, "{note}");
        } else {
            for _ in 0..random.below(5) {
                let free = db.pager.header().freelist_count > 0;
                assert_eq!(incremental_vacuum_step(&mut db.pager).unwrap(), free, "{note}");
            }
        }
        assert_eq!(db.ask_sqlite(&note), (rows, 0), "{note}");
    }
}

#[test]
fn files_shrink_and_stay_sound() {
    for seed in 1..8 {
        check_vacuum(512, 1, seed * 11);
        check_vacuum(512, 2, seed * 19);
    }
    check_vacuum(1024, 1, 5);
    check_vacuum(4096, 2, 6);
}
