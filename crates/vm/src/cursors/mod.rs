//! Cursors.

/// A cursor slot of a frame.
#[derive(Default)]
pub(crate) enum Cursor {
    #[default]
    Closed,
}

impl Cursor {
    pub fn close(&mut self) {
        *self = Cursor::Closed;
    }
}
