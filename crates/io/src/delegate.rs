//! What a wrapping back end passes on unchanged.

/// The methods of [`Io`](crate::Io) that a wrapper passes on to its field `inner`: all but `name`, `open`, `step`,
/// `run_elsewhere` and `shared_identity`, which say what the wrapper is.
#[macro_export]
macro_rules! delegate_io {
    () => {
        $crate::delegate_io_surroundings!();
        fn delete(&self, path: &std::path::Path, sync_dir: bool) -> $crate::Result<()> {
            self.inner.delete(path, sync_dir)
        }
        fn sync_directory_of(&self, path: &std::path::Path) -> $crate::Result<()> {
            self.inner.sync_directory_of(path)
        }
        fn sleep(&self, duration: std::time::Duration) {
            self.inner.sleep(duration);
        }
        fn for_uri(
            &self,
            path: &std::path::Path,
            parameters: &[(String, String)],
        ) -> $crate::Result<Option<std::sync::Arc<dyn $crate::Io>>> {
            self.inner.for_uri(path, parameters)
        }
    };
}

/// The methods of [`Io`](crate::Io) about names, the clock and randomness that a wrapper passes on to its field `inner`.
#[macro_export]
macro_rules! delegate_io_surroundings {
    () => {
        $crate::delegate_io_names!();
        fn randomness(&self, buf: &mut [u8]) {
            self.inner.randomness(buf);
        }
    };
}

/// The methods of [`Io`](crate::Io) about names and the clock that a wrapper passes on to its field `inner`.
#[macro_export]
macro_rules! delegate_io_names {
    () => {
        fn exists(&self, path: &std::path::Path) -> $crate::Result<bool> {
            self.inner.exists(path)
        }
        fn create_like(&self, path: &std::path::Path, model: &std::path::Path) {
            self.inner.create_like(path, model);
        }
        fn full_path(&self, path: &std::path::Path) -> $crate::Result<std::path::PathBuf> {
            self.inner.full_path(path)
        }
        fn temp_path(&self) -> $crate::Result<std::path::PathBuf> {
            self.inner.temp_path()
        }
        fn now_julian_ms(&self) -> i64 {
            self.inner.now_julian_ms()
        }
    };
}

/// The methods of [`File`](crate::File) about data that a wrapper passes on to its field `inner`.
#[macro_export]
macro_rules! delegate_file_data {
    () => {
        fn read_at(&self, buf: &mut [u8], offset: u64) -> $crate::Result<usize> {
            self.inner.read_at(buf, offset)
        }
        fn write_at(&self, buf: &[u8], offset: u64) -> $crate::Result<()> {
            self.inner.write_at(buf, offset)
        }
        fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> $crate::Result<()> {
            self.inner.write_vectored_at(bufs, offset)
        }
        fn sync(&self, kind: $crate::SyncKind) -> $crate::Result<()> {
            self.inner.sync(kind)
        }
        fn truncate(&self, size: u64) -> $crate::Result<()> {
            self.inner.truncate(size)
        }
    };
}

/// The methods of [`File`](crate::File) about what the file is that a wrapper passes on to its field `inner`.
#[macro_export]
macro_rules! delegate_file_facts {
    () => {
        $crate::delegate_file_nature!();
        fn size(&self) -> $crate::Result<u64> {
            self.inner.size()
        }
    };
}

/// The methods of [`File`](crate::File) about what never changes in a file that a wrapper passes on to its field `inner`.
#[macro_export]
macro_rules! delegate_file_nature {
    () => {
        fn is_read_only(&self) -> bool {
            self.inner.is_read_only()
        }
        fn id(&self) -> Option<$crate::FileId> {
            self.inner.id()
        }
        fn sector_size(&self) -> u32 {
            self.inner.sector_size()
        }
        fn growth_step(&self) -> u32 {
            self.inner.growth_step()
        }
        fn takes_runs(&self) -> bool {
            self.inner.takes_runs()
        }
        fn is_powersafe(&self) -> bool {
            self.inner.is_powersafe()
        }
    };
}

/// The methods of [`File`](crate::File) that a wrapper passes on to its field `inner`: facts, locks and shared memory, so all but
/// those of [`delegate_file_data`](crate::delegate_file_data), `submit`, `submit_all`, `completes_inline` and `reads_ahead`.
#[macro_export]
macro_rules! delegate_file {
    () => {
        $crate::delegate_file_facts!();
        $crate::delegate_file_locks!();
    };
}

/// The methods of [`File`](crate::File) about locks and shared memory that a wrapper passes on to its field `inner`.
#[macro_export]
macro_rules! delegate_file_locks {
    () => {
        fn lock(&self, level: $crate::LockLevel) -> $crate::Result<()> {
            self.inner.lock(level)
        }
        fn unlock(&self, level: $crate::LockLevel) -> $crate::Result<()> {
            self.inner.unlock(level)
        }
        fn lock_level(&self) -> $crate::LockLevel {
            self.inner.lock_level()
        }
        fn check_reserved(&self) -> $crate::Result<bool> {
            self.inner.check_reserved()
        }
        fn shm_map(&self, region: u32, extend: bool) -> $crate::Result<Option<$crate::ShmRegion>> {
            self.inner.shm_map(region, extend)
        }
        fn shm_lock(&self, first: u32, count: u32, kind: $crate::ShmLockKind) -> $crate::Result<()> {
            self.inner.shm_lock(first, count, kind)
        }
        fn shm_unlock(&self, first: u32, count: u32) -> $crate::Result<()> {
            self.inner.shm_unlock(first, count)
        }
        fn shm_locked_elsewhere(&self, lock: u32) -> bool {
            self.inner.shm_locked_elsewhere(lock)
        }
        fn shm_barrier(&self) {
            self.inner.shm_barrier();
        }
        fn shm_shared_with_others(&self) -> $crate::Result<bool> {
            self.inner.shm_shared_with_others()
        }
        fn shm_unmap(&self, delete: bool) -> $crate::Result<()> {
            self.inner.shm_unmap(delete)
        }
    };
}
