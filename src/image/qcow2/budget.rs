//! What clusters may take of their file, all together. In a sound image no two entries refer to the same
//! cluster; without a limit, a small file of tables that do could keep a reader busy for 64 TiB.

/// Bytes of the file that nothing has referred to so far.
pub(super) struct Budget(u64);

impl Budget {
    /// Of a file of this length, whose last cluster need not be there to its end.
    pub(super) fn new(length: u64, cluster: u64) -> Self {
        Self(length.div_ceil(cluster.max(1)).saturating_mul(cluster))
    }

    /// So many bytes of it are referred to.
    pub(super) fn spend(&mut self, bytes: u64) -> Result<(), &'static str> {
        let left = self.0.checked_sub(bytes);
        self.0 = left.ok_or("its tables refer to more clusters than the file has room for")?;
        Ok(())
    }
}
