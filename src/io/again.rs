//! A file that is written is read once more, for a sum that was not computed in passing.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use super::digest::{ChecksumType, Digest};
use crate::error::{Error, Result};
use crate::threads::Aside;

/// Read at once.
const PIECE: usize = 4 * 1024 * 1024;

/// Forgets what was written from a place on.
pub(crate) fn restart(file: &mut File, start: u64) -> io::Result<()> {
    file.set_len(start)?;
    file.seek(SeekFrom::Start(start)).map(|_| ())
}

/// What is read: a file from a place to its end. Writing goes on there afterwards.
pub(crate) struct Again {
    file: File,
    path: PathBuf,
    buffer: Vec<u8>,
}

impl Again {
    /// Begins; `path` is for messages.
    pub(crate) fn begin(file: &mut File, start: u64, path: PathBuf) -> Result<Self> {
        let sought = file.seek(SeekFrom::Start(start));
        let file = sought.and_then(|_| file.try_clone());
        let file = file.map_err(|e| Error::io(&path, e))?;
        let buffer = vec![0; PIECE];
        Ok(Self { file, path, buffer })
    }

    /// The digest of all of it. Piece by piece: reading ends when the transfer was given up.
    pub(crate) async fn digest(
        self,
        checksum_type: ChecksumType,
        aside: &mut Aside,
    ) -> Result<String> {
        let (mut reading, mut digest) = (self, Digest::new(checksum_type));
        loop {
            let work = move || {
                let read = reading.read_piece(&mut digest);
                (read, reading, digest)
            };
            let read;
            (read, reading, digest) = aside.run(work).await?;
            if read.map_err(|e| Error::io(&reading.path, e))? == 0 {
                return Ok(digest.finish());
            }
        }
    }

    /// Digests the next piece; 0 at the end.
    fn read_piece(&mut self, digest: &mut Digest) -> io::Result<usize> {
        loop {
            match self.file.read(&mut self.buffer) {
                Ok(bytes) => {
                    digest.update(self.buffer.get(..bytes).unwrap_or_default());
                    return Ok(bytes);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}
