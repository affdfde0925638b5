//! Why two engines may answer differently on a damaged file. The first answer that differs decides: what follows comes from it.

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
            Self::GivenUp => "given up",
            Self::Unexplained => "unexplained",
        }
    }
}

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
    let Some((sql, (ours, stock))) = pairs.find(|(_, (ours, stock))| ours != stock) else { return (Class::Same, "") };
    let class = match (ours, stock) {
        (Said::GivenUp | Said::Error(FULL), _) | (_, Said::GivenUp) => Class::GivenUp,
        _ if tells_damage(ours) && tells_damage(stock) => Class::BothDamaged,
        _ if tells_damage(ours) => Class::OnlyOurs,
        _ if tells_damage(stock) => Class::OnlyStock,
        (Said::Rows(..), Said::Rows(..)) => Class::OtherRows,
        _ => Class::Unexplained,
    };
    (class, sql)
}
