//! What a wrapping file passes on unchanged: everything but `submit` and `completes_inline`.

macro_rules! delegate_file {
    () => {
        fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
            self.inner.read_at(buf, offset)
        }
        fn write_at(&self, buf: &[u8], offset: u64) -> Result<()> {
            self.inner.write_at(buf, offset)
        }
        fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> Result<()> {
            self.inner.write_vectored_at(bufs, offset)
        }
        fn sync(&self, kind: SyncKind) -> Result<()> {
            self.inner.sync(kind)
        }
        fn truncate(&self, size: u64) -> Result<()> {
            self.inner.truncate(size)
        }
        fn size(&self) -> Result<u64> {
            self.inner.size()
        }
        fn is_read_only(&self) -> bool {
            self.inner.is_read_only()
        }
        fn id(&self) -> Option<FileId> {
            self.inner.id()
        }
        fn sector_size(&self) -> u32 {
            self.inner.sector_size()
        }
        fn lock(&self, level: LockLevel) -> Result<()> {
            self.inner.lock(level)
        }
        fn unlock(&self, level: LockLevel) -> Result<()> {
            self.inner.unlock(level)
        }
        fn lock_level(&self) -> LockLevel {
            self.inner.lock_level()
        }
        fn check_reserved(&self) -> Result<bool> {
            self.inner.check_reserved()
        }
        fn shm_map(&self, region: u32, extend: bool) -> Result<Option<ShmRegion>> {
            self.inner.shm_map(region, extend)
        }
        fn shm_lock(&self, first: u32, count: u32, kind: ShmLockKind) -> Result<()> {
            self.inner.shm_lock(first, count, kind)
        }
        fn shm_unlock(&self, first: u32, count: u32) -> Result<()> {
            self.inner.shm_unlock(first, count)
        }
        fn shm_locked_elsewhere(&self, lock: u32) -> bool {
            self.inner.shm_locked_elsewhere(lock)
        }
        fn shm_barrier(&self) {
            self.inner.shm_barrier();
        }
        fn shm_shared_with_others(&self) -> Result<bool> {
            self.inner.shm_shared_with_others()
        }
        fn shm_unmap(&self, delete: bool) -> Result<()> {
            self.inner.shm_unmap(delete)
        }
    };
}
