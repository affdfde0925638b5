//! What is promised under which journal mode and `synchronous`: the table of `docs/durability.md`, as the checks use it.

/// How much of what was reported as committed must be there after a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// All of it.
    All,
    /// All but the last commit, whose end (the removal of the journal) may not have reached the disk.
    AllButLast,
    /// What had been committed when the log was last synced.
    LogSync,
    /// Nothing; only the death of processes loses nothing.
    Processes,
    /// Nothing, and a death in the middle of a commit may leave half of it.
    BetweenCommits,
}

impl Guarantee {
    /// The row of the table.
    pub fn of(mode: &str, synchronous: &str) -> Self {
        match (mode, synchronous) {
            ("memory" | "off", _) => Guarantee::BetweenCommits,
            (_, "off") => Guarantee::Processes,
            ("wal", "normal") => Guarantee::LogSync,
            ("wal", _) | ("delete", "extra") | ("truncate", "full" | "extra") | ("persist", _) => Guarantee::All,
            _ => Guarantee::AllButLast,
        }
    }

    /// True where the soundness of the database rests on the order in which a journal's bytes reach the disk.
    pub fn needs_ordered_journals(mode: &str, synchronous: &str) -> bool {
        synchronous == "normal" && mode != "wal"
    }

    /// True where a loss of power leaves a sound database.
    pub fn survives_power_loss(self) -> bool {
        matches!(self, Guarantee::All | Guarantee::AllButLast | Guarantee::LogSync)
    }
}
