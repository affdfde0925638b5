//! The order in which SQLite goes through the tables of its catalogue: what `integrity_check`, ANALYZE and lists of tables show of it.
//!
//! Nothing documents it; this is what observation gives. Names are in a list and, from the fifth on, in a hash table beside it. Who
//! comes new stands before the others of its bucket, or where the bucket is empty in front of all:
//!
//! ```text
//! list     t3 -> sqlite_master -> t0 -> t1 -> t2        a name of t0's bucket goes before t0,
//!          |     |                |                     one of an empty bucket before t3
//! bucket   9     4                7
//! ```
//!
//! When there are more than two names to a bucket, the table grows to three buckets for each name (64 at most), and all of them come new
//! to it in the order of the list: which turns most of it round.

use std::sync::Arc;

use crate::schema::Schema;
use crate::table::Table;

/// Fewer names have no hash table.
const FEWEST_HASHED: usize = 5;
/// The most buckets.
const MOST_BUCKETS: usize = 64;

impl Schema {
    /// Tables and views as SQLite goes through them.
    pub fn tables_in_order(&self) -> Vec<&Arc<Table>> {
        let mut tables: Vec<&Arc<Table>> = self.tables.values().collect();
        tables.sort_by_key(|table| table.sequence);
        let mut order = Order::default();
        for table in &tables {
            // The schema's own table is there under its old name.
            order.add(match &*table.name {
                "sqlite_schema" => "sqlite_master",
                "sqlite_temp_schema" => "sqlite_temp_master",
                name => name,
            });
        }
        order.list().into_iter().filter_map(|place| tables.get(place).copied()).collect()
    }
}

/// Each byte without the bit that tells upper from lower case, and multiplicative hashing by the golden ratio.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0u32, |hash, byte| hash.wrapping_add(u32::from(byte & 0xdf)).wrapping_mul(0x9E37_79B1))
}

#[derive(Default)]
struct Order {
    hashes: Vec<u32>,
    /// The list: who comes behind each, and before it.
    next: Vec<Option<usize>>,
    previous: Vec<Option<usize>>,
    first: Option<usize>,
    /// The first of each bucket.
    buckets: Vec<Option<usize>>,
}

impl Order {
    fn add(&mut self, name: &str) {
        let new = self.hashes.len();
        self.hashes.push(hash(name));
        self.next.push(None);
        self.previous.push(None);
        let count = new + 1;
        if count >= FEWEST_HASHED && count > 2 * self.buckets.len() {
            let wanted = (3 * count).min(MOST_BUCKETS);
            if wanted != self.buckets.len() {
                let before = self.list();
                self.first = None;
                self.buckets = vec![None; wanted];
                before.into_iter().for_each(|name| self.insert(name));
            }
        }
        self.insert(new);
    }

    fn insert(&mut self, new: usize) {
        let behind = match self.hashes[new].checked_rem(self.buckets.len() as u32) {
            Some(bucket) => self.buckets[bucket as usize].replace(new).or(self.first),
            None => self.first,
        };
        let before = behind.and_then(|behind| self.previous[behind]);
        self.next[new] = behind;
        self.previous[new] = before;
        if let Some(behind) = behind {
            self.previous[behind] = Some(new);
        }
        match before {
            Some(before) => self.next[before] = Some(new),
            None => self.first = Some(new),
        }
    }

    fn list(&self) -> Vec<usize> {
        std::iter::successors(self.first, |place| self.next[*place]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order that a fresh connection of SQLite has for tables created in this order.
    fn check(names: &[&str], expected: &str) {
        let mut order = Order::default();
        let all: Vec<&str> = std::iter::once("sqlite_master").chain(names.iter().copied()).collect();
        all.iter().for_each(|name| order.add(name));
        let listed: Vec<&str> = order.list().into_iter().map(|place| all[place]).collect();
        assert_eq!(listed.join(" "), expected);
    }

    #[test]
    fn few_tables_come_newest_first() {
        check(&["t0", "t1", "t2"], "t2 t1 t0 sqlite_master");
    }

    #[test]
    fn more_of_them_are_hashed() {
        check(&["aa", "bb", "cc", "dd"], "dd sqlite_master aa bb cc");
        check(&["t0", "t1", "t2", "T3", "t4", "t5", "t6", "t7"], "t4 T3 t7 t6 t5 sqlite_master t0 t1 t2");
        check(&["t0", "t1", "t2", "t3", "ae"], "t3 sqlite_master ae t0 t1 t2");
    }

    #[test]
    fn the_hash_table_grows() {
        let names: Vec<String> = (0..30).map(|i| format!("t{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        check(
            &names,
            "t29 t0 sqlite_master t1 t10 t2 t11 t3 t12 t4 t13 t5 t14 t6 t15 t7 t16 t8 t17 t9 t18 t19 t20 t21 t22 t23 t24 t25 \
             t26 t27 t28",
        );
    }
}
