//! One submitted operation: its entries for the kernel, and what becomes of the answers.

use std::io::Error as OsError;
use std::sync::Arc;

use io_uring::opcode;
use io_uring::squeue::{Entry, Flags};
use io_uring::types::{Fd, FsyncFlags};
use turso_error::{Error, Result, ResultCode};

use crate::syscall::{SyscallFile, read_error, sync_error, write_error};
use crate::{Buffer, Completion, File, Op, Output, SyncKind};

/// The kernel takes at most so many pieces per call.
const MOST_PIECES: usize = 1024;

/// Reads of at least so many bytes are run by a thread of the kernel, which copies while the caller computes.
const LONG_READ: usize = 64 << 10;

/// A request has at most a write and the sync behind it under way.
pub(super) const ENTRIES_OF_ONE: usize = 2;

/// Which of a request's entries an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The read, the write, or a sync alone.
    Main = 0,
    /// The sync that is linked behind a write.
    Sync = 1,
}

/// What to do after an answer.
pub(super) enum Progress {
    /// Another entry is still under way.
    Waits,
    /// Push entries for what is left.
    Again,
    /// Nothing is left.
    Done,
}

pub(super) struct Request {
    file: Arc<SyscallFile>,
    completion: Completion,
    work: Work,
    /// Entries that are under way.
    under_way: u8,
    failure: Option<Error>,
}

enum Work {
    /// `ended`: nothing is left, because the buffer is full or the file ends.
    Read {
        buf: Box<[u8]>,
        offset: u64,
        done: usize,
        ended: bool,
    },
    Write {
        pieces: Pieces,
        sync: Option<SyncKind>,
    },
    Sync(SyncKind),
    /// Done, whatever it was.
    Nothing,
}

/// What is left to be written.
struct Pieces {
    /// Keeps alive what `vectors` points at.
    _bufs: Vec<Buffer>,
    vectors: Vec<libc::iovec>,
    /// Vectors before this one are written.
    first: usize,
    offset: u64,
}

// SAFETY: the pointers lead into `_bufs`, whose bytes are immutable, `Send`, and stay where they are while they live.
unsafe impl Send for Pieces {}

impl Request {
    /// Does what can be done without waiting; the result, if that was all.
    pub fn begin(file: Arc<SyscallFile>, op: Op) -> Result<Self, Result<Output>> {
        let work = match op {
            Op::Read { mut buf, offset } => {
                let done = if buf.len() < LONG_READ { read_resident(&file, &mut buf, offset) } else { 0 };
                if done == buf.len() {
                    return Err(Ok(Output::Read(buf, done)));
                }
                Work::Read { buf, offset, done, ended: false }
            }
            Op::Write { bufs, offset } => Work::Write { pieces: Pieces::new(bufs, offset), sync: None },
            Op::WriteThenSync { bufs, offset, kind } => {
                Work::Write { pieces: Pieces::new(bufs, offset), sync: Some(kind) }
            }
            Op::Sync(kind) => Work::Sync(kind),
            // A change of the inode, quick, and unknown to older kernels' rings.
            Op::Truncate(size) => return Err(file.truncate(size).map(|()| Output::Done)),
        };
        Ok(Self { file, completion: Completion::new(), work, under_way: 0, failure: None })
    }

    pub fn completion(&self) -> &Completion {
        &self.completion
    }

    /// The entries for what is left, tagged by `tag`; at least one.
    pub fn entries(&mut self, tag: impl Fn(Part) -> u64) -> Vec<Entry> {
        let fd = Fd(self.file.descriptor());
        let mut entries = Vec::with_capacity(ENTRIES_OF_ONE);
        match &mut self.work {
            Work::Read { buf, offset, done, .. } => {
                let rest = &mut buf[*done..];
                let len = u32::try_from(rest.len()).unwrap_or(u32::MAX);
                let read = opcode::Read::new(fd, rest.as_mut_ptr(), len).offset(*offset + *done as u64).build();
                entries.push(if rest.len() < LONG_READ { read } else { read.flags(Flags::ASYNC) });
            }
            Work::Write { pieces, sync } => {
                let rest = &pieces.vectors[pieces.first..];
                let count = rest.len().min(MOST_PIECES);
                let write = opcode::Writev::new(fd, rest.as_ptr(), count as u32).offset(pieces.offset).build();
                match sync {
                    // The link breaks where the write fails or is short: then the sync is cancelled.
                    Some(kind) if count == rest.len() => {
                        entries.push(write.flags(Flags::IO_LINK));
                        entries.push(sync_entry(fd, *kind).user_data(tag(Part::Sync)));
                    }
                    _ => entries.push(write),
                }
            }
            Work::Sync(kind) => entries.push(sync_entry(fd, *kind)),
            Work::Nothing => entries.push(opcode::Nop::new().build()),
        }
        self.under_way = entries.len() as u8;
        entries[0].set_user_data(tag(Part::Main));
        entries
    }

    /// An answer of the kernel: a count of bytes, or a negated error number.
    pub fn take_answer(&mut self, part: Part, answer: i32) -> Progress {
        self.under_way = self.under_way.saturating_sub(1);
        let outcome = usize::try_from(answer).map_err(|_| OsError::from_raw_os_error(-answer));
        match (part, outcome) {
            (Part::Main, Err(e)) if is_transient(&e) && !matches!(self.work, Work::Sync(_)) => {}
            (Part::Main, outcome) => self.advance(outcome),
            (Part::Sync, Ok(_)) => {
                // A kernel that does not break the link at a short write has synced too early.
                if let Work::Write { pieces, .. } = &self.work
                    && pieces.is_empty()
                {
                    self.work = Work::Nothing;
                }
            }
            (Part::Sync, Err(e)) if e.raw_os_error() == Some(libc::ECANCELED) => {}
            (Part::Sync, Err(e)) => self.fail(sync_error(&e)),
        }
        if self.under_way > 0 {
            return Progress::Waits;
        }
        match &self.work {
            _ if self.failure.is_some() => Progress::Done,
            Work::Nothing => Progress::Done,
            Work::Read { ended: true, .. } => Progress::Done,
            Work::Write { pieces, sync } if pieces.is_empty() => match *sync {
                None => Progress::Done,
                Some(kind) => {
                    self.work = Work::Sync(kind);
                    Progress::Again
                }
            },
            _ => Progress::Again,
        }
    }

    fn advance(&mut self, outcome: Result<usize, OsError>) {
        let failure = match (&mut self.work, outcome) {
            (Work::Read { buf, done, ended, .. }, Ok(n)) => {
                *done += n;
                *ended = n == 0 || *done == buf.len();
                return;
            }
            (Work::Write { pieces, .. }, Ok(n)) if n > 0 || pieces.is_empty() => return pieces.advance(n),
            (Work::Write { .. }, Ok(_)) => Error::from_code(ResultCode::FULL),
            (Work::Sync(_) | Work::Nothing, Ok(_)) => {
                self.work = Work::Nothing;
                return;
            }
            (Work::Read { .. }, Err(e)) => read_error(&e),
            (Work::Write { .. }, Err(e)) => write_error(&e),
            (Work::Sync(_) | Work::Nothing, Err(e)) => sync_error(&e),
        };
        self.fail(failure);
    }

    /// The first failure counts.
    fn fail(&mut self, error: Error) {
        self.failure.get_or_insert(error);
    }

    /// What the caller gets, once nothing is left.
    pub fn finish(self) -> (Completion, Result<Output>) {
        let result = match (self.failure, self.work) {
            (Some(failure), _) => Err(failure),
            (None, Work::Read { buf, done, .. }) => Ok(Output::Read(buf, done)),
            (None, _) => Ok(Output::Done),
        };
        (self.completion, result)
    }
}

impl Pieces {
    fn new(bufs: Vec<Buffer>, offset: u64) -> Self {
        let vectors = bufs
            .iter()
            .map(Buffer::bytes)
            .filter(|bytes| !bytes.is_empty())
            .map(|bytes| libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() })
            .collect();
        Self { _bufs: bufs, vectors, first: 0, offset }
    }

    fn is_empty(&self) -> bool {
        self.first == self.vectors.len()
    }

    /// The first `n` bytes are written.
    fn advance(&mut self, mut n: usize) {
        self.offset += n as u64;
        while let Some(vector) = self.vectors.get_mut(self.first) {
            if n < vector.iov_len {
                vector.iov_base = vector.iov_base.wrapping_byte_add(n);
                vector.iov_len -= n;
                return;
            }
            n -= vector.iov_len;
            self.first += 1;
        }
    }
}

fn sync_entry(fd: Fd, kind: SyncKind) -> Entry {
    let flags = match kind {
        SyncKind::Data => FsyncFlags::DATASYNC,
        SyncKind::Full => FsyncFlags::empty(),
    };
    opcode::Fsync::new(fd).flags(flags).build()
}

fn is_transient(e: &OsError) -> bool {
    matches!(e.raw_os_error(), Some(libc::EINTR | libc::EAGAIN))
}

/// Reads what the system has in memory, without waiting; the rest is left to a request, errors too.
fn read_resident(file: &SyscallFile, buf: &mut [u8], offset: u64) -> usize {
    let piece = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
    // SAFETY: the one piece describes `buf`, which is writable and outlives the call.
    let n = unsafe { libc::preadv2(file.descriptor(), &piece, 1, offset as libc::off_t, libc::RWF_NOWAIT) };
    usize::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(pieces: &Pieces) -> Vec<usize> {
        pieces.vectors[pieces.first..].iter().map(|v| v.iov_len).collect()
    }

    fn write(sync: bool) -> Request {
        let io = crate::SyscallIo::new();
        let path = crate::Io::temp_path(&io).unwrap();
        let flags = crate::OpenFlags { create: true, delete_on_close: true, ..Default::default() };
        let file = crate::SyscallIo::open_file(&path, flags).unwrap();
        let bufs = vec![Buffer::Owned(Box::from(&b"abcd"[..])), Buffer::Owned(Box::from(&b"efg"[..]))];
        let op = match sync {
            false => Op::Write { bufs, offset: 10 },
            true => Op::WriteThenSync { bufs, offset: 10, kind: SyncKind::Data },
        };
        let mut request = Request::begin(file, op).unwrap_or_else(|_| panic!("a write waits"));
        assert_eq!(request.entries(|part| part as u64).len(), if sync { 2 } else { 1 });
        request
    }

    #[test]
    fn a_short_write_goes_on_where_it_ended() {
        let mut request = write(false);
        assert!(matches!(request.take_answer(Part::Main, 5), Progress::Again));
        let Work::Write { pieces, .. } = &request.work else { panic!() };
        assert_eq!((lengths(pieces), pieces.offset), (vec![2], 15));
        request.entries(|part| part as u64);
        assert!(matches!(request.take_answer(Part::Main, -libc::EINTR), Progress::Again));
        request.entries(|part| part as u64);
        assert!(matches!(request.take_answer(Part::Main, 2), Progress::Done));
        assert!(request.finish().1.is_ok());
    }

    #[test]
    fn the_sync_behind_a_short_write_is_done_again() {
        for early in [-libc::ECANCELED, 0] {
            let mut request = write(true);
            assert!(matches!(request.take_answer(Part::Main, 4), Progress::Waits));
            assert!(matches!(request.take_answer(Part::Sync, early), Progress::Again));
            assert_eq!(request.entries(|part| part as u64).len(), 2);
            assert!(matches!(request.take_answer(Part::Main, 3), Progress::Waits));
            assert!(matches!(request.take_answer(Part::Sync, 0), Progress::Done));
            assert!(request.finish().1.is_ok());
        }
    }

    #[test]
    fn a_failure_is_reported_once_everything_is_answered_and_a_sync_is_never_repeated() {
        let mut request = write(true);
        assert!(matches!(request.take_answer(Part::Main, -libc::ENOSPC), Progress::Waits));
        assert!(matches!(request.take_answer(Part::Sync, -libc::ECANCELED), Progress::Done));
        assert!(request.finish().1.is_err_and(|e| e.is(ResultCode::FULL)));

        let mut request = write(true);
        assert!(matches!(request.take_answer(Part::Main, 7), Progress::Waits));
        assert!(matches!(request.take_answer(Part::Sync, -libc::EIO), Progress::Done));
        assert!(request.finish().1.is_err_and(|e| e.is(ResultCode::IOERR_FSYNC)));
    }
}
