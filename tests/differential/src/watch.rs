//! Interrupts our engine when a statement takes far too long.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use turso_core::Connection;

/// SQLite is done within a fraction of this: it counts its steps.
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Watched {
    running: Option<(Instant, Connection)>,
    interrupted: bool,
}

/// The guard over the statement that runs now.
#[derive(Clone)]
pub struct Watch(Arc<Mutex<Watched>>);

impl Watch {
    /// The guard of this process; its thread is started with the first call.
    pub fn shared() -> Self {
        static SHARED: OnceLock<Watch> = OnceLock::new();
        SHARED
            .get_or_init(|| {
                let watch = Watch(Arc::default());
                let own = watch.clone();
                std::thread::spawn(move || {
                    loop {
                        std::thread::sleep(Duration::from_millis(500));
                        own.look();
                    }
                });
                watch
            })
            .clone()
    }

    fn look(&self) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.running.as_ref().is_some_and(|(since, _)| since.elapsed() > LIMIT) {
            if let Some((_, connection)) = &watched.running {
                connection.interrupt();
            }
            watched.interrupted = true;
        }
    }

    /// A statement starts.
    pub fn start(&self, connection: &Connection) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *watched = Watched { running: Some((Instant::now(), connection.clone())), interrupted: false };
    }

    /// It is over; true when it was interrupted.
    pub fn stop(&self) -> bool {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.running = None;
        watched.interrupted
    }
}
