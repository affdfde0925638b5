//! The shape of small trees, written out.

use super::harness::{Db, record};
use crate::btree::layout::Node;
use crate::btree::{BTreeCursor, InsertHint, SeekResult};
use crate::page::PageNo;
use crate::pager::Pager;
use turso_value::Value;

/// `p3 (p4 [1..5] p6 [6..9])`: interior pages in parentheses, leaves with their first and last rowid.
fn draw(pager: &mut Pager, no: PageNo, out: &mut String) {
    let page = pager.page(no).unwrap();
    let node = Node::new(&page, no, pager.usable_size() as usize).unwrap();
    *out += &format!("p{no} ");
    if node.kind.is_leaf() {
        match node.count {
            0 => *out += "[]",
            n => *out += &format!("[{}..{}]", node.rowid(0).unwrap(), node.rowid(n - 1).unwrap()),
        }
        return;
    }
    *out += "(";
    for i in 0..=node.count {
        if i > 0 {
            *out += " ";
        }
        draw(pager, node.child(i).unwrap(), out);
    }
    *out += ")";
}

struct Tree {
    db: Db,
    cursor: BTreeCursor,
}

impl Tree {
    fn insert(&mut self, rows: impl Iterator<Item = i64>) {
        let row = record(&[Value::Null, Value::blob([7; 50])]);
        for i in rows {
            self.cursor.insert_row(&mut self.db.pager, i, row[..].into(), InsertHint::Seek).unwrap();
        }
    }

    fn delete(&mut self, rows: impl Iterator<Item = i64>) {
        for i in rows {
            assert_eq!(self.cursor.seek_rowid(&mut self.db.pager, i).unwrap(), SeekResult::Found);
            self.cursor.delete(&mut self.db.pager).unwrap();
        }
    }
}

fn check_tree(change: impl FnOnce(&mut Tree), expected: &str) {
    let db = Db::new(512, 0);
    let mut tree = Tree { cursor: db.table_cursor(), db };
    change(&mut tree);
    let mut drawn = String::new();
    draw(&mut tree.db.pager, tree.db.table, &mut drawn);
    assert_eq!(drawn, expected);
    tree.db.ask_sqlite(expected);
}

#[test]
fn rows_that_fit_stay_on_the_root() {
    check_tree(|t| t.insert(1..=8), "p2 [1..8]");
}

#[test]
fn appended_rows_fill_leaves_entirely() {
    check_tree(|t| t.insert(1..=30), "p2 (p4 [1..5] p5 [6..13] p6 [14..21] p7 [22..29] p8 [30..30])");
}

#[test]
fn deleting_all_but_one_row_collapses_the_root() {
    check_tree(
        |t| {
            t.insert(1..=30);
            t.delete(1..=29);
        },
        "p2 [30..30]",
    );
}

#[test]
fn deleting_everything_leaves_an_empty_leaf() {
    check_tree(
        |t| {
            t.insert(1..=30);
            t.delete((1..=30).rev());
        },
        "p2 []",
    );
}
