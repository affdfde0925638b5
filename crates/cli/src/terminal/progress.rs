//! Signs of life for long statements and long files, on a terminal only.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A statement that takes longer shows that it runs.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How often the line changes.
const TICK: Duration = Duration::from_millis(120);
const SPINNER: &str = "⠁⠉⠙⠚⠒⠂⠂⠒⠲⠴⠤⠄⠄⠤⠴⠲⠒⠂⠂⠒⠚⠙⠉⠁";
/// Goes to the beginning of the line and empties it.
const ERASE: &str = "\r\x1b[2K";
/// A file that is longer shows how far it has been read.
const LONG_FILE: u64 = 4 << 20;

/// Waits beside a statement; shows a line after a while, until the first output or the end.
pub struct Patience {
    worker: Option<(Sender<()>, JoinHandle<()>)>,
    rows: Arc<AtomicU64>,
}

impl Patience {
    /// Begin to wait.
    pub fn new(interactive: bool) -> Self {
        let rows = Arc::new(AtomicU64::new(0));
        let worker = (interactive && std::io::stderr().is_terminal()).then(|| {
            let (sender, receiver) = channel();
            let rows = rows.clone();
            let thread = std::thread::spawn(move || {
                if receiver.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                let begun = Instant::now();
                let mut error = std::io::stderr();
                for mark in SPINNER.chars().cycle() {
                    let seconds = (PATIENCE + begun.elapsed()).as_secs();
                    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
                    let count = rows.load(Ordering::Relaxed);
                    let what = if count == 0 { "running".to_owned() } else { format!("{count} rows") };
                    // The line ends where its text does: the terminal shows `^C` behind it, and both are erased.
                    let time = format!("{hours:02}:{minutes:02}:{seconds:02}");
                    // A sign of life that cannot be given is no error of the statement.
                    let _ =
                        write!(error, "{ERASE}{mark} {time} {what}  (Ctrl-C interrupts)").and_then(|()| error.flush());
                    if receiver.recv_timeout(TICK) != Err(RecvTimeoutError::Timeout) {
                        break;
                    }
                }
                let _ = write!(error, "{ERASE}").and_then(|()| error.flush());
            });
            (sender, thread)
        });
        Self { worker, rows }
    }

    /// A row has come.
    pub fn row(&self) {
        if self.worker.is_some() {
            self.rows.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Take the line away.
    pub fn end(&mut self) {
        if let Some((sender, thread)) = self.worker.take() {
            drop(sender);
            // It has nothing to tell.
            let _ = thread.join();
        }
    }
}

impl Drop for Patience {
    fn drop(&mut self) {
        self.end();
    }
}

/// How far a file has been read.
pub struct FileProgress(Option<ProgressBar>);

impl FileProgress {
    /// A bar for a long file on a terminal.
    pub fn new(interactive: bool, name: &str, length: Option<u64>) -> Self {
        let length = length.filter(|l| interactive && *l >= LONG_FILE && std::io::stderr().is_terminal());
        Self(length.map(|length| {
            let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
            let template = "{msg} {wide_bar} {bytes}/{total_bytes} {eta}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(name.to_owned());
            bar
        }))
    }

    /// So many bytes have been read.
    pub fn at(&self, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(bytes);
        }
    }

    /// Take the bar away.
    pub fn end(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}
