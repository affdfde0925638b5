//! Why two engines may answer differently on a damaged file. The first answer that differs decides: what follows comes from it. The
//! reasons are told in `docs/durability.md`.

use super::work::{Said, Task};

/// How the answers of a case compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// All answers are the same.
    Same,
    /// Both say that the file is damaged, at the same statement, with different texts or after different rows.
    BothDamaged,
    /// Only we notice the damage that early: we look at a page more, or at more of it.
    OnlyOurs,
    /// Only SQLite notices the damage that early.
    OnlyStock,
    /// Both go on, with other rows.
    OtherRows,
    /// A statement that damage stopped in its middle has taken our transaction with it; SQLite keeps the transaction, with a part of
    /// the statement in it, and its COMMIT fails.
    TransactionOver,
    /// SQLite refuses the first checkpoint after a change to WAL where all databases have just been checked, sound ones too: the
    /// check has left `temp` in a read transaction.
    CheckpointLocked,
    /// One of the two was stopped, as it meant to go on for too long, or the disk that we have was full.
    GivenUp,
    /// Anything else. None of this is meant to be.
    Unexplained,
}

impl Class {
    /// As reports say it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Same => "the same answers",
            Self::BothDamaged => "damage, described in other words",
            Self::OnlyOurs => "damage that only we notice then",
            Self::OnlyStock => "damage that only SQLite notices then",
            Self::OtherRows => "other rows",
            Self::TransactionOver => "a transaction that damage has ended",
            Self::CheckpointLocked => "a checkpoint that SQLite refuses after a check",
            Self::GivenUp => "given up",
            Self::Unexplained => "unexplained",
        }
    }
}

/// `SQLITE_ERROR`.
const ERROR: i32 = 1;
/// `SQLITE_LOCKED`.
const LOCKED: i32 = 6;
/// `SQLITE_FULL`.
const FULL: i32 = 13;

/// `SQLITE_CORRUPT` and `SQLITE_NOTADB`, and `SQLITE_IOERR`, which tells of a page that is not there as a whole.
fn tells_damage(said: &Said) -> bool {
    matches!(said, Said::Damage(..) | Said::Error(10 | 11 | 26))
}

/// The class of a case, and the statement that decides it. What comes after a change of the wal-index, which SQLite's has not
/// seen, is not compared.
pub fn compare(script: &[Task], ours: &[Said], stock: &[Said]) -> (Class, &'static str) {
    let sql = script.iter().map_while(|task| match task {
        Task::Sql(sql) => Some(*sql),
        Task::ChangeIndex(_) => None,
    });
    let mut pairs = sql.zip(ours.iter().zip(stock));
    let mut damage_before = false;
    let first = pairs.find(|(_, (ours, stock))| {
        damage_before |= ours == stock && tells_damage(ours);
        ours != stock
    });
    let Some((sql, (ours, stock))) = first else { return (Class::Same, "") };
    let ends_transaction = sql.starts_with("ROLLBACK TO") || sql == "COMMIT";
    let class = match (ours, stock) {
        (Said::GivenUp | Said::Error(FULL), _) | (_, Said::GivenUp) => Class::GivenUp,
        (Said::Error(ERROR), _) | (_, Said::Error(11)) if ends_transaction && damage_before => Class::TransactionOver,
        (Said::Rows(..), Said::Error(LOCKED)) if sql.starts_with("PRAGMA wal_checkpoint") => Class::CheckpointLocked,
        _ if tells_damage(ours) && tells_damage(stock) => Class::BothDamaged,
        _ if tells_damage(ours) => Class::OnlyOurs,
        _ if tells_damage(stock) => Class::OnlyStock,
        (Said::Rows(..), Said::Rows(..)) => Class::OtherRows,
        _ => Class::Unexplained,
    };
    (class, sql)
}
