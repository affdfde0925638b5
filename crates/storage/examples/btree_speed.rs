//! Times of the B-tree alone: appends, random inserts, random searches, a scan. Run with `--release`.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Instant;
use turso_storage::btree::{BTreeCursor, CursorKind, InsertHint, SeekResult, create_tree};
use turso_storage::pager::{Pager, WriteMode};
use turso_value::{KeyInfo, TextEncoding, Value, encode_record};

fn time(what: &str, n: u64, f: impl FnOnce()) {
    let start = Instant::now();
    f();
    let spent = start.elapsed();
    println!("{what:30} {:8.1} ms {:8.1} ns each", spent.as_secs_f64() * 1e3, spent.as_nanos() as f64 / n as f64);
}

fn pages(pager: &Pager, before: &mut u32) {
    println!("    {} pages more", pager.page_count() - *before);
    *before = pager.page_count();
}

fn main() {
    let n: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let mut pager = Pager::in_memory(4096);
    pager.begin_write(WriteMode::Reserved).expect("write transaction");
    let pager = &mut pager;
    let table = create_tree(pager, true).expect("tree");
    let random_table = create_tree(pager, true).expect("tree");
    let index = create_tree(pager, false).expect("tree");
    let sorted_index = create_tree(pager, false).expect("tree");
    let mut row = Vec::new();
    encode_record(
        &[Value::Null, Value::Integer(123_456), Value::text("some text of a row")],
        TextEncoding::Utf8,
        &mut row,
    );
    let scatter = |i: u64| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) as i64;

    let mut before = pager.page_count();
    let mut t = BTreeCursor::new(table, CursorKind::Table);
    time("append", n, || {
        for i in 0..n {
            let last = if t.last(pager).expect("last") { t.rowid() } else { 0 };
            assert!(last == i as i64);
            t.insert_row(pager, last + 1, row[..].into(), InsertHint::Append).expect("insert");
        }
    });
    pages(pager, &mut before);
    let mut r = BTreeCursor::new(random_table, CursorKind::Table);
    time("random insert", n, || {
        for i in 0..n {
            let rowid = scatter(i);
            let found = r.seek_rowid(pager, rowid).expect("seek");
            assert!(found != SeekResult::Found);
            r.insert_row(pager, rowid, row[..].into(), InsertHint::AtSeek).expect("insert");
        }
    });
    pages(pager, &mut before);
    time("random seek", n, || {
        for i in 0..n {
            assert!(t.seek_rowid(pager, 1 + (scatter(i) as u64 % n) as i64).expect("seek") == SeekResult::Found);
        }
    });
    time("random seek, random table", n, || {
        for i in 0..n {
            assert!(r.seek_rowid(pager, scatter((i * 7919) % n)).expect("seek") == SeekResult::Found);
        }
    });
    let mut sum = 0u64;
    time("scan", n, || {
        let mut more = t.first(pager).expect("first");
        while more {
            sum += u64::from(t.local_payload()[2]) + t.rowid() as u64;
            more = t.next(pager).expect("next");
        }
    });
    let info = Arc::new(KeyInfo::binary(2));
    let mut x = BTreeCursor::new(index, CursorKind::Index(info.clone()));
    let mut entry = Vec::new();
    let mut key = [Value::Integer(0), Value::Integer(0)];
    time("random index insert", n, || {
        for i in 0..n {
            key = [Value::Integer(scatter(i)), Value::Integer(i as i64)];
            entry.clear();
            encode_record(&key, TextEncoding::Utf8, &mut entry);
            x.insert_record(pager, entry[..].into(), Some(&key), InsertHint::Seek).expect("insert");
        }
    });
    pages(pager, &mut before);
    time("random index seek", n, || {
        for i in 0..n {
            key[0] = Value::Integer(scatter((i * 7919) % n));
            assert!(x.seek_record(pager, &key[..1], Ordering::Equal).expect("seek").is_eq());
        }
    });
    let mut s = BTreeCursor::new(sorted_index, CursorKind::Index(info));
    time("sorted index insert", n, || {
        for i in 0..n {
            key = [Value::Integer(i as i64 * 3), Value::Integer(i as i64)];
            entry.clear();
            encode_record(&key, TextEncoding::Utf8, &mut entry);
            s.insert_record(pager, entry[..].into(), Some(&key), InsertHint::Append).expect("insert");
        }
    });
    pages(pager, &mut before);
    time("count", n, || assert!(t.count(pager).expect("count") == n));
    time("random delete", n, || {
        for i in 0..n {
            assert!(r.seek_rowid(pager, scatter((i * 7919) % n)).expect("seek") == SeekResult::Found);
            r.delete(pager).expect("delete");
        }
    });
    println!("{} pages, sum {sum}", pager.page_count());
}
