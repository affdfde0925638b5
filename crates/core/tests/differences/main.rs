//! What generated scripts have found, each under the name of its symptom: this engine does what SQLite does.

mod changes;
mod comparisons;
mod errors;
mod foreign_keys;
mod functions;
mod names;
mod queries;
mod schema;
#[path = "../support/mod.rs"]
mod support;

fn opened() -> (turso_core::Connection, rusqlite::Connection) {
    let ours = turso_core::Database::open(":memory:", turso_core::OpenOptions::default()).unwrap();
    (ours.connect().unwrap(), rusqlite::Connection::open_in_memory().unwrap())
}
