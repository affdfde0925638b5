//! `writer FILE MODE SECONDS NAME [KEPT AUTOCHECKPOINT]`: commits numbered rows until the time is over, and prints the number of
//! each commit once it has been acknowledged. With KEPT, older rows of its own are deleted. For tests that run writers side by
//! side and kill them.
#![forbid(unsafe_code)]

use std::io::Write;
use std::time::{Duration, Instant};

use turso_core::{Database, OpenOptions, ResultCode};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, file, mode, seconds, name, more @ ..] = arguments.as_slice() else {
        return Err("writer FILE MODE SECONDS NAME [KEPT AUTOCHECKPOINT]".into());
    };
    let kept: u64 = more.first().map_or(Ok(u64::MAX), |kept| kept.parse())?;
    let run = Duration::from_secs_f64(seconds.parse()?);
    let options = OpenOptions { new_uses_wal: false, busy_timeout: Duration::from_secs(60), ..OpenOptions::default() };
    let database = Database::open(file, options).map_err(|e| e.message().to_owned())?;
    let connection = database.connect().map_err(|e| e.message().to_owned())?;
    let mut out = std::io::stdout().lock();
    // The mode is in the file; only a rollback mode that is a variant of it has to be chosen.
    if mode != "wal" {
        connection.execute_batch(format!("PRAGMA journal_mode = {mode}")).map_err(|e| e.message().to_owned())?;
    }
    if let Some(frames) = more.get(1) {
        let sql = format!("PRAGMA wal_autocheckpoint = {frames}");
        connection.execute_batch(&sql).map_err(|e| e.message().to_owned())?;
    }
    let start = Instant::now();
    let mut number = 0u64;
    while start.elapsed() < run {
        number += 1;
        // A row, and a counter that reads what it writes: a lost update would show.
        let sql = format!(
            "BEGIN IMMEDIATE; INSERT INTO rows(writer, number, filler) VALUES ('{name}', {number}, printf('%.{}c', 'f')); \
             DELETE FROM rows WHERE writer = '{name}' AND number = {}; UPDATE counter SET n = n + 1; COMMIT",
            number % 997,
            number.saturating_sub(kept)
        );
        loop {
            match connection.execute_batch(&sql) {
                Ok(()) => break,
                Err(error) if error.code().primary() == ResultCode::BUSY => {
                    if !connection.is_autocommit() {
                        connection.execute_batch("ROLLBACK").map_err(|e| e.message().to_owned())?;
                    }
                    eprintln!("busy: {}", error.message());
                }
                Err(error) => return Err(format!("row {number}: {} ({})", error.message(), error.code().0).into()),
            }
        }
        writeln!(out, "{number}")?;
        out.flush()?;
    }
    Ok(())
}
