//! Rows on pages that nothing led to: they go to a table of their own, with the root of the tree that the page belonged to.

use std::collections::HashMap;

use turso_core::{Result, Value};

use crate::cells::{TreePage, be32};
use crate::pages::Pages;
use crate::sink::{Row, Sink};
use crate::walk::PageSet;

/// The most fields of a lost row that are kept: with the other columns no more than a table may have.
const MAX_FIELDS: usize = 1900;

/// The pages of the freelist are used.
pub(crate) fn mark_freelist(pages: &mut dyn Pages, used: &mut PageSet) {
    let geometry = pages.geometry();
    let mut trunk = geometry.freelist;
    let mut seen = PageSet::new(geometry.pages);
    while seen.insert(trunk) {
        used.insert(trunk);
        let Some(page) = pages.page(trunk) else { return };
        let count = be32(&page, 4).unwrap_or(0) as usize;
        for i in 0..count.min(geometry.usable() / 4 - 2) {
            used.insert(be32(&page, 8 + 4 * i).unwrap_or(0));
        }
        trunk = be32(&page, 0).unwrap_or(0);
    }
}

/// Hand over the rows of all pages that are not used, into a table of this name.
pub(crate) fn recover_lost(pages: &mut dyn Pages, used: &PageSet, table: &str, sink: &mut dyn Sink) -> Result<()> {
    let geometry = pages.geometry();
    let lost = |page: u32| page > 1 && !used.contains(page) && !geometry.is_no_tree(page);
    let mut parents: HashMap<u32, u32> = HashMap::new();
    let mut most_fields = None;
    for number in (1..=geometry.pages).filter(|page| lost(*page)) {
        let Some(bytes) = pages.page(number) else { continue };
        let Some(page) = TreePage::new(&bytes, number) else { continue };
        for child in page.children() {
            parents.entry(child).or_insert(number);
        }
        page.records(pages, |record| {
            let fields = record.fields.len().min(MAX_FIELDS);
            most_fields = most_fields.max((fields > 0).then_some(fields));
            Ok::<(), turso_core::Error>(())
        })?;
    }
    let Some(most_fields) = most_fields else { return Ok(()) };
    let mut sql = format!("CREATE TABLE {table}(rootpgno INTEGER, pgno INTEGER, nfield INTEGER, id INTEGER");
    (0..most_fields).for_each(|i| sql.push_str(&format!(", c{i}")));
    sql.push(')');
    sink.statement(sql.as_bytes())?;
    let head = format!("INSERT INTO {table}");
    for number in (1..=geometry.pages).filter(|page| lost(*page)) {
        let Some(bytes) = pages.page(number) else { continue };
        let Some(page) = TreePage::new(&bytes, number) else { continue };
        let root = i64::from(root_of(number, &parents));
        page.records(pages, |mut record| {
            if record.fields.is_empty() {
                return Ok(());
            }
            let fields = record.fields.len();
            record.fields.resize(most_fields, Value::Null);
            let mut values = vec![
                Value::Integer(root),
                Value::Integer(i64::from(number)),
                Value::Integer(fields as i64),
                record.rowid.map_or(Value::Null, Value::Integer),
            ];
            values.append(&mut record.fields);
            sink.row(&Row { head: head.as_bytes(), values: &values, one_line: false })
        })?;
    }
    Ok(())
}

/// The topmost page above this one.
fn root_of(page: u32, parents: &HashMap<u32, u32>) -> u32 {
    let mut root = page;
    // In a circle, any page will do.
    for _ in 0..MAX_DEPTH {
        match parents.get(&root) {
            Some(parent) if *parent != page => root = *parent,
            _ => break,
        }
    }
    root
}

/// No sound tree is deeper.
const MAX_DEPTH: usize = 64;
