//! What a pending operation waits for.

use std::sync::Arc;
use std::time::Duration;

use turso_error::Result;
use turso_storage::TempSpace;

/// What has to happen before the operation that answered `Error::Pending` is run again.
#[derive(Clone)]
pub enum Wait {
    /// Input or output of the database with this index in the connection.
    Io(usize),
    /// Input of a temporary file.
    Temporary(Arc<TempSpace>),
    /// A thread that may block: the operation has to wait for the disk in place, and the caller must not.
    Thread,
    /// A lock that somebody else holds: try again after this time, or when a connection of this process gives one back
    /// (the main database's count of such events, see `DatabaseFile::lock_epoch`).
    Lock(Duration, Option<u64>),
}

/// What came of an attempt that must not block.
#[derive(Debug)]
pub enum Attempt<T> {
    /// It is over.
    Over(Result<T>),
    /// The same has to be tried where blocking is allowed: [`crate::Statement::try_step`], [`crate::Connection::try_prepare`]
    /// on a thread of [`crate::Connection::run_elsewhere`].
    MustBlock,
}

/// How long to sleep before the `attempt`-th new try for a lock, if `waited` is still below `timeout`.
///
/// The steps are those of SQLite's default busy handler, so that mixed processes back off alike.
pub(crate) fn busy_delay(attempt: u32, waited: Duration, timeout: Duration) -> Option<Duration> {
    const STEPS_MS: [u64; 12] = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100];
    let left = timeout.checked_sub(waited).filter(|left| !left.is_zero())?;
    let step = STEPS_MS[(attempt as usize).min(STEPS_MS.len() - 1)];
    Some(Duration::from_millis(step).min(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_tenth_of_a_second_and_end_with_the_timeout() {
        let ms = Duration::from_millis;
        assert_eq!(busy_delay(0, ms(0), ms(5000)), Some(ms(1)));
        assert_eq!(busy_delay(40, ms(4000), ms(5000)), Some(ms(100)));
        assert_eq!(busy_delay(40, ms(4950), ms(5000)), Some(ms(50)));
        assert_eq!(busy_delay(40, ms(5000), ms(5000)), None);
        assert_eq!(busy_delay(0, ms(0), ms(0)), None);
    }
}
