//! The log of a process: warnings and notices that are nobody's result (`errlog.html`).

use std::sync::OnceLock;

use crate::ResultCode;

/// Takes a line of the log.
pub type Sink = fn(ResultCode, &str);

static SINK: OnceLock<Sink> = OnceLock::new();

/// Whoever calls this first gets all lines from now on.
pub fn set_sink(sink: Sink) {
    let _ = SINK.set(sink);
}

/// A line for the log. Its text is made only where somebody listens.
#[inline]
pub fn write(code: ResultCode, text: impl FnOnce() -> String) {
    if let Some(sink) = SINK.get() {
        sink(code, &text());
    }
}
