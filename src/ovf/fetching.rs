//! A file of a package that is elsewhere comes here, and its sums are computed on the way.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::error::{Error, Result};
use crate::io::{ChecksumType, Digest, Slice, Watched};
use crate::vmdk::is_zero;

/// So many zeros become a hole of the new file.
const BLOCK_BYTES: usize = 64 * 1024;

/// Reads all of it into a new file; its sums, in the order that they were asked for.
///
/// What is there of the file after an error is left to the caller, as is making it durable.
pub fn fetch(
    source: &Slice,
    target: &Path,
    sums: &[ChecksumType],
    watched: &Watched,
) -> Result<Vec<String>> {
    let failed = |error| Error::io(target, error);
    let mut file = File::create_new(target).map_err(failed)?;
    file.set_len(source.length).map_err(failed)?;
    let mut digests: Vec<_> = sums.iter().copied().map(Digest::new).collect();
    source.each(watched, |bytes| {
        for digest in &mut digests {
            digest.update(bytes);
        }
        write_sparse(&mut file, bytes).map_err(failed)
    })?;
    Ok(digests.into_iter().map(Digest::finish).collect())
}

fn write_sparse(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    for block in bytes.chunks(BLOCK_BYTES) {
        if is_zero(block) {
            let length = i64::try_from(block.len()).unwrap_or(i64::MAX);
            file.seek(SeekFrom::Current(length))?;
        } else {
            file.write_all(block)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::io::StoredFile;

    #[test]
    fn all_of_it_comes_and_zeros_are_holes() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        let mut bytes = vec![0; 3 * BLOCK_BYTES + 5];
        bytes[..3].copy_from_slice(b"one");
        bytes[2 * BLOCK_BYTES] = 7;
        std::fs::write(&from, &bytes).unwrap();
        let source = Slice::all(Arc::new(StoredFile::open(&from).unwrap()));
        let kinds = [ChecksumType::Sha256, ChecksumType::Sha1];
        let sums = fetch(&source, &to, &kinds, &Watched::default()).unwrap();
        let expected = kinds.map(|kind| {
            let mut digest = Digest::new(kind);
            digest.update(&bytes);
            digest.finish()
        });
        assert_eq!(sums, expected);
        assert_eq!(std::fs::read(&to).unwrap(), bytes);
        // What is there already is not written to.
        assert!(fetch(&source, &to, &kinds, &Watched::default()).is_err());
    }

    #[test]
    fn it_ends_when_it_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::write(&from, b"something").unwrap();
        let source = Slice::all(Arc::new(StoredFile::open(&from).unwrap()));
        let watched = Watched::default();
        watched.stop();
        assert!(matches!(
            fetch(&source, &to, &[], &watched),
            Err(Error::Cancelled)
        ));
    }
}
