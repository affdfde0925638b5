//! io_uring: submitted operations are the kernel's, and no thread of ours waits for any of them but one.
//!
//! ```text
//!  submit --- read of bytes that the system has in memory ------------------------------------> ready at once
//!     |                                                                                            ^
//!     +--> Request in a slot --> submission queue --> kernel --> completion queue --> reaper ------+
//!             ^                                                                          |
//!             +--------- what a short read or write left over, what found no room -------+
//! ```
//!
//! One ring and one reaping thread serve the whole process: they start with the first file and end with the process. A
//! second ring would buy nothing, since a submission holds the lock for well under a microsecond. Blocking calls go through
//! on the caller's thread. Buffers and files belong to the request until the kernel has answered, so that whoever asked
//! may go away at any time. A forked child has the ring, but not the thread: there, everything runs on the caller's thread.

mod request;
mod ring;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use turso_error::Result;

use crate::pool::{Job, Pool};
use crate::syscall::SyscallFile;
use crate::{Completion, File, Io, Op, OpenFlags, POOL_THREADS, SyscallIo};
use request::Request;
use ring::Ring;

/// See the module's documentation.
pub struct UringIo {
    inner: SyscallIo,
    ring: &'static Ring,
}

impl UringIo {
    /// `None` where the system lacks io_uring, or forbids it, as containers often do.
    pub fn new() -> Option<Self> {
        Some(Self { inner: SyscallIo::new(), ring: Ring::of_process()? })
    }
}

impl Io for UringIo {
    fn name(&self) -> &'static str {
        "io_uring"
    }
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        let inner = SyscallIo::open_file(path, flags)?;
        Ok(Arc::new(UringFile { inner, ring: self.ring }))
    }
    delegate_io!();
    fn run_elsewhere(&self, job: Job) -> std::result::Result<(), Job> {
        if self.ring.is_alive() { helpers().run(job) } else { Err(job) }
    }
    fn shared_identity(&self) -> Option<usize> {
        Some(std::ptr::from_ref(self.ring).addr())
    }
}

/// Threads for what is no single operation, such as a recovery.
fn helpers() -> &'static Pool {
    static HELPERS: OnceLock<Pool> = OnceLock::new();
    HELPERS.get_or_init(|| Pool::new(POOL_THREADS))
}

struct UringFile {
    inner: Arc<SyscallFile>,
    ring: &'static Ring,
}

impl UringFile {
    /// The request that is left of an operation after what could be done at once; its completion is ready if nothing is.
    fn begin(&self, op: Op) -> (Completion, Option<Request>) {
        if !self.ring.is_alive() {
            return (Completion::ready(op.run(&*self.inner)), None);
        }
        match Request::begin(self.inner.clone(), op) {
            Ok(request) => (request.completion().clone(), Some(request)),
            Err(result) => (Completion::ready(result), None),
        }
    }
}

impl File for UringFile {
    fn submit(&self, op: Op) -> Completion {
        let (completion, request) = self.begin(op);
        if let Some(request) = request {
            self.ring.submit([request]);
        }
        completion
    }
    fn submit_all(&self, ops: Vec<Op>) -> Vec<Completion> {
        let mut requests = Vec::with_capacity(ops.len());
        let completions = ops
            .into_iter()
            .map(|op| {
                let (completion, request) = self.begin(op);
                requests.extend(request);
                completion
            })
            .collect();
        self.ring.submit(requests);
        completions
    }
    fn completes_inline(&self) -> bool {
        false
    }
    delegate_file_data!();
    delegate_file!();
}
