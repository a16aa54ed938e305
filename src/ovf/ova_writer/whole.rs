//! A file that is whole already, piece after piece: into the archive, or to what cannot go back.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;

use super::shared::Shared;
use crate::error::{Error, Result};
use crate::io::{ChecksumType, Digest, Sink};
use crate::threads::Aside;

/// Read at once.
const PIECE: usize = 1024 * 1024;

/// What a file is known to be.
#[derive(Debug, Clone)]
pub struct KnownSum {
    /// The digest.
    pub checksum_type: ChecksumType,
    /// Its value, lower-case hex.
    pub checksum: String,
}

/// Writes all of a file, which is at its start, to a sink; `seen` gets each piece first. Returns how
/// many bytes that was.
pub(super) async fn copy(
    mut file: File,
    path: &Path,
    sink: &mut dyn Sink,
    (shared, aside): (&Shared, &mut Aside),
    mut seen: impl FnMut(&[u8]) + Send,
) -> Result<u64> {
    let mut sent = 0_u64;
    loop {
        shared.check()?;
        let (piece, rest) = aside.run(move || (read_piece(&file), file)).await?;
        file = rest;
        let piece = piece.map_err(|e| Error::io(path, e))?;
        if piece.is_empty() {
            return Ok(sent);
        }
        seen(&piece);
        sent = sent.saturating_add(piece.len() as u64);
        sink.write(Bytes::from(piece)).await?;
    }
}

/// The same for a file that has to be what it was: its digest is compared before its last byte
/// counts.
pub(super) async fn copy_known(
    (name, path): (&str, &Path),
    known: &KnownSum,
    sink: &mut dyn Sink,
    shared: &Shared,
) -> Result<()> {
    let mut aside = Aside::shared("nfclease-ova");
    let opened = path.to_owned();
    let file = aside.run(move || File::open(opened)).await?;
    let file = file.map_err(|e| Error::io(path, e))?;
    let mut digest = Digest::new(known.checksum_type);
    copy(file, path, sink, (shared, &mut aside), |piece| {
        digest.update(piece);
    })
    .await?;
    let actual = digest.finish();
    if actual == known.checksum {
        return Ok(());
    }
    Err(Error::ChecksumMismatch {
        what: format!("{name} (its file {} was changed)", path.display()).into(),
        checksum_type: known.checksum_type.as_str(),
        expected: known.checksum.as_str().into(),
        actual: actual.into(),
    })
}

fn read_piece(file: &File) -> io::Result<Vec<u8>> {
    let mut piece = Vec::new();
    file.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece)
}
