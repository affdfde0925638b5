//! Changesets that come or go in pieces, through callbacks of the application.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI32, Ordering};

use turso_core::{Error, Result, ResultCode};
use turso_session::{DEFAULT_CHUNK, Sink, Source};

use crate::codes::OK;

/// Fills a buffer.
pub type XInput = Option<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int) -> c_int>;
/// Takes a piece.
pub type XOutput = Option<unsafe extern "C" fn(*mut c_void, *const c_void, c_int) -> c_int>;

static CHUNK: AtomicI32 = AtomicI32::new(DEFAULT_CHUNK as i32);

/// Bytes of a piece.
pub fn chunk() -> usize {
    usize::try_from(CHUNK.load(Ordering::Relaxed)).unwrap_or(DEFAULT_CHUNK)
}

/// Ask for another size, if it is one; answers the size in force.
pub fn set_chunk(size: c_int) -> c_int {
    if size > 0 {
        CHUNK.store(size, Ordering::Relaxed);
    }
    CHUNK.load(Ordering::Relaxed)
}

/// Where pieces come from.
pub struct CSource {
    /// The callback.
    pub input: XInput,
    /// Its first argument.
    pub context: *mut c_void,
}

impl Source for CSource {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let input = self.input.ok_or_else(|| Error::from_code(ResultCode::MISUSE))?;
        let room = c_int::try_from(buffer.len()).unwrap_or(c_int::MAX);
        let mut length = room;
        // SAFETY: the interface's contract: it writes at most that many bytes, and how many.
        match unsafe { input(self.context, buffer.as_mut_ptr().cast(), &raw mut length) } {
            OK => Ok(usize::try_from(length.min(room)).unwrap_or(0)),
            code => Err(Error::from_code(ResultCode(code))),
        }
    }
}

/// Where pieces go.
pub struct CSink {
    /// The callback.
    pub output: XOutput,
    /// Its first argument.
    pub context: *mut c_void,
}

impl Sink for CSink {
    fn write(&mut self, piece: &[u8]) -> Result<()> {
        let output = self.output.ok_or_else(|| Error::from_code(ResultCode::MISUSE))?;
        for part in piece.chunks(c_int::MAX as usize) {
            // SAFETY: the interface's contract: it reads that many bytes.
            match unsafe { output(self.context, part.as_ptr().cast(), part.len() as c_int) } {
                OK => {}
                code => return Err(Error::from_code(ResultCode(code))),
            }
        }
        Ok(())
    }
}
