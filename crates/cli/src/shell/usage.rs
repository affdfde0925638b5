//! Time, traces and counters of statements.

use std::io::Write;
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use turso_core::Statement;

use super::Shell;
use crate::settings::Stats;

/// Measures a statement.
pub struct Clock {
    begun: Instant,
    user_us: i64,
    system_us: i64,
}

impl Clock {
    /// From now on.
    pub fn start() -> Self {
        let (user_us, system_us) = processor_time();
        Self { begun: Instant::now(), user_us, system_us }
    }

    /// The line of `.timer`.
    pub fn report(&self) -> String {
        let (user, system) = processor_time();
        format!(
            "Run Time: real {:.3} user {:.6} sys {:.6}",
            self.begun.elapsed().as_secs_f64(),
            (user - self.user_us) as f64 / 1e6,
            (system - self.system_us) as f64 / 1e6
        )
    }
}

fn processor_time() -> (i64, i64) {
    getrusage(UsageWho::RUSAGE_SELF)
        .map_or((0, 0), |u| (u.user_time().num_microseconds(), u.system_time().num_microseconds()))
}

impl Shell {
    fn trace_line(&mut self, text: &str) {
        let written = match self.settings.trace.target.as_deref() {
            None | Some("off") => return,
            Some("stdout") => {
                self.write(text.as_bytes());
                return;
            }
            Some("stderr") => {
                self.flush();
                eprint!("{text}");
                return;
            }
            Some(file) => {
                std::fs::OpenOptions::new().append(true).open(file).and_then(|mut f| f.write_all(text.as_bytes()))
            }
        };
        if let Err(error) = written {
            self.settings.trace.target = None;
            self.complain(format!("Error: cannot write the trace: {error}"));
        }
    }

    /// `.trace`: a statement starts.
    pub fn trace_statement(&mut self, statement: &Statement, sql: &[u8]) {
        if self.settings.trace.target.is_none() || !self.settings.trace.statements {
            return;
        }
        let text = if self.settings.trace.expanded { statement.expanded_sql() } else { sql.to_vec() };
        self.trace_line(&traced(&text));
    }

    /// `.trace --profile`: a statement has ended.
    pub fn trace_profile(&mut self, sql: &[u8], started: Instant) {
        if self.settings.trace.target.is_some() && self.settings.trace.profile {
            let text = traced(sql);
            self.trace_line(&format!("{} -- {} ns\n", text.trim_end(), started.elapsed().as_nanos()));
        }
    }

    /// `.trace --row`: a row has come.
    pub fn trace_row(&mut self, statement: &Statement) {
        if self.settings.trace.target.is_some() && self.settings.trace.rows {
            let text = traced(statement.sql());
            self.trace_line(&text);
        }
    }

    /// `.stats`: the counters that the engine has.
    pub fn show_stats(&mut self) {
        if self.settings.stats == Stats::Off {
            return;
        }
        let usage = getrusage(UsageWho::RUSAGE_SELF);
        if self.settings.stats == Stats::On
            && let Ok(usage) = usage
        {
            self.line(format!("Memory Used (max resident):          {} bytes", usage.max_rss() * 1024));
            self.line(format!("Read operations of the system:       {}", usage.block_reads()));
            self.line(format!("Write operations of the system:      {}", usage.block_writes()));
        }
    }
}

/// A statement as a line of the trace.
fn traced(sql: &[u8]) -> String {
    let text = String::from_utf8_lossy(sql);
    format!("{};\n", text.trim_start().trim_end_matches(';'))
}
