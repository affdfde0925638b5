//! Forked children. A child inherits its parent's descriptors together with their locks: what the child locked, unlocked or
//! wrote through them would be done to the parent. So whatever was opened knows in which process that was.

use std::sync::atomic::{AtomicU32, Ordering};

use turso_error::{Error, Result, ResultCode};

/// How many forks lie between this process and the one that asked first.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The process in which something began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Birth(u32);

impl Birth {
    /// This process.
    pub fn here() -> Self {
        #[cfg(unix)]
        {
            static WATCH: std::sync::Once = std::sync::Once::new();
            WATCH.call_once(|| {
                // SAFETY: the handler is a function of this library, which is never unloaded while its files are open, and does
                // nothing but add to an atomic number. (Without memory for it, no fork is noticed.)
                unsafe { libc::pthread_atfork(None, None, Some(forked)) };
            });
        }
        Self(FORKS.load(Ordering::Relaxed))
    }

    /// False in a child of the process.
    #[inline(always)]
    pub fn is_here(self) -> bool {
        self.0 == FORKS.load(Ordering::Relaxed)
    }

    /// Fails in a child of the process.
    #[inline]
    pub fn check(self) -> Result<()> {
        if self.is_here() { Ok(()) } else { Err(elsewhere()) }
    }
}

#[cfg(unix)]
extern "C" fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

#[cold]
fn elsewhere() -> Error {
    Error::new(
        ResultCode::MISUSE,
        "the database connection was opened before fork() and belongs to the parent process: open one in this process",
    )
}
