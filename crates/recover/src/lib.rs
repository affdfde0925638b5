//! What can be saved of a damaged database, as statements that make a new one.
//!
//! Nothing is believed that can be checked: pages are read as they are ([`Pages`]), cells and records as far as they make sense
//! ([`cells`]), and no tree is trusted to be one. No damage is an error; errors are those of whoever takes the statements, and
//! of reading where nothing at all can be read.
//!
//! ```text
//! Pages -> entries of the schema -> tables, each from its root  -> statements -> Sink
//!                                -> pages that nothing led to   -> lost_and_found
//! ```
//!
//! The statements are those of `sqlite3`'s `.recover`, in its order. Where that one loses rows (a table whose definition cannot
//! be run, columns behind a generated one, `INTEGER PRIMARY KEY DESC`, what a text holds behind a zero byte, a file without its
//! first page) they are here.
//!
//! This crate knows the file format for itself: the engine's own readers refuse what is damaged.
#![forbid(unsafe_code)]

mod cells;
mod lost;
mod pages;
mod schema;
mod sink;
mod tables;
mod walk;

pub use pages::{ConnectionPages, Geometry, ImagePages, Pages};
pub use sink::{IntoDatabase, Row, Sink, TextSink};

use turso_core::{Connection, Result};

/// What to do, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// Look for rows on pages of the freelist too: what was deleted may come back.
    pub freelist: bool,
    /// The table for rows that belong to none; `None`: they are left out. Where a table has that name, a number is appended.
    pub lost_and_found: Option<String>,
    /// Keep the rowids of tables without INTEGER PRIMARY KEY.
    pub rowids: bool,
    /// Make all indexes before the rows come, not after.
    pub slow_indexes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { freelist: true, lost_and_found: Some("lost_and_found".into()), rowids: true, slow_indexes: false }
    }
}

/// Save what can be saved of a database that a connection has open (`schema`: its name, as `main`).
///
/// What is read is one snapshot: the connection must not be in a transaction. Where not even its pages can be read through the
/// connection, since there is no header, they are taken from the file as it is, without its log.
pub fn recover(connection: &Connection, schema: &str, options: &Options, sink: &mut dyn Sink) -> Result<()> {
    match ConnectionPages::open(connection, schema) {
        Ok(mut pages) => recover_pages(&mut pages, options, sink),
        Err(error) => {
            let file = connection.databases().into_iter().find(|(name, _)| name.eq_ignore_ascii_case(schema));
            let Some((_, path)) = file.filter(|(_, path)| !path.is_empty()) else { return Err(error) };
            match ImagePages::open(path.as_ref()) {
                Ok(mut pages) => recover_pages(&mut pages, options, sink),
                Err(_) => Err(error),
            }
        }
    }
}

/// Save what can be saved of these pages.
pub fn recover_pages(pages: &mut dyn Pages, options: &Options, sink: &mut dyn Sink) -> Result<()> {
    sink.begin(pages.geometry())?;
    let mut used = walk::PageSet::new(pages.geometry().pages);
    let plan = schema::Plan::read(pages, &mut used)?;
    for sql in plan.before_rows(options.slow_indexes) {
        sink.statement(sql)?;
    }
    for table in &plan.tables {
        tables::recover_table(pages, table, options.rowids, &mut used, sink)?;
    }
    for root in &plan.other_roots {
        walk::mark_index(pages, *root, &mut used);
    }
    if let Some(name) = &options.lost_and_found {
        if !options.freelist {
            lost::mark_freelist(pages, &mut used);
        }
        let name = plan.unused_name(name);
        lost::recover_lost(pages, &used, &name, sink)?;
    }
    for sql in plan.after_rows(options.slow_indexes) {
        sink.statement(sql)?;
    }
    sink.end()
}
