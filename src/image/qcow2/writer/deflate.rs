//! Clusters that are compressed as QEMU compresses them: raw deflate with a window of 4 KiB, which is
//! what every reader of qcow2 takes (QEMU, block/qcow2-threads.c).

use flate2::{Compress, Compression, FlushCompress, Status};

use crate::error::{Error, Result};
use crate::image::qcow2::layout::CLUSTER_BITS;

/// As a power of two.
const WINDOW: u8 = 12;

/// zlib's own default, and QEMU's.
const LEVEL: u32 = 6;

/// One thread's encoder, which begins with its first cluster.
#[derive(Default)]
pub(super) struct Deflater {
    compress: Option<Compress>,
    deflated: Vec<u8>,
}

impl Deflater {
    /// A cluster compressed; None where that would not be shorter.
    pub(super) fn deflate(&mut self, plain: &[u8]) -> Result<Option<&[u8]>> {
        self.deflated.resize((1 << CLUSTER_BITS) - 1, 0);
        let new = || Compress::new_with_window_bits(Compression::new(LEVEL), false, WINDOW);
        let compress = self.compress.get_or_insert_with(new);
        compress.reset();
        let ended = compress.compress(plain, &mut self.deflated, FlushCompress::Finish);
        match ended.map_err(|_| Error::internal("a cluster can be compressed"))? {
            Status::StreamEnd => {
                let length = usize::try_from(compress.total_out()).unwrap_or(usize::MAX);
                Ok(self.deflated.get(..length))
            }
            Status::Ok | Status::BufError => Ok(None),
        }
    }
}
