//! The image of a stream.

use std::io::{self, Read as _};

use crate::error::Result;
use crate::image::check::Disk;
use crate::image::writer::ImageWriter;
use crate::io::{Slice, Watched};

/// Read at once: what is moved on is still in a processor's own cache.
const BUFFER_BYTES: usize = 256 * 1024;

/// Reads all of it.
pub(super) fn fill(mut writer: ImageWriter, source: &Slice, watched: &Watched) -> Result<Disk> {
    let mut reader = source.stored.open(source.offset, source.length)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        watched.goes_on()?;
        let count = match reader.read(&mut buffer) {
            Ok(0) => return writer.finish(),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(reader.error(error)),
        };
        writer.update(buffer.get(..count).unwrap_or_default())?;
        watched.count(count as u64);
    }
}
