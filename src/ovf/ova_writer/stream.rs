//! An archive for what cannot go back: a pipe, a socket, an upload elsewhere.

use std::io::{self, Read, Seek};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::Texts;
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::io::Sink;
use crate::io::part::Part;
use crate::ovf::tar::write::{END, header, padding};
use crate::threads::Aside;

/// Read at once.
const PIECE: usize = 1024 * 1024;

/// Writes all of it in order. Each spooled file is removed when it was written.
pub(super) async fn write(
    mut sink: Box<dyn Sink>,
    texts: &Texts,
    shared: &Shared,
    mut aside: Aside,
) -> Result<()> {
    let written = write_to(sink.as_mut(), texts, shared, &mut aside).await;
    if written.is_err() {
        sink.discard().await;
    }
    written
}

async fn write_to(
    sink: &mut dyn Sink,
    texts: &Texts,
    shared: &Shared,
    aside: &mut Aside,
) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mtime = now.map_or(0, |now| now.as_secs());
    sink.write(texts.front(mtime)?.into()).await?;
    for member in shared.take_spools() {
        let (name, size, mut spool) = (member.name, member.size, member.spool);
        let block = header(&name, size, mtime)?;
        sink.write(Bytes::copy_from_slice(&block)).await?;
        let rewound = spool.file.rewind();
        rewound.map_err(|e| Error::io(spool.path(), e))?;
        let mut sent = 0_u64;
        loop {
            shared.check()?;
            let (piece, part) = aside.run(move || (read_piece(&mut spool), spool)).await?;
            spool = part;
            let piece = piece.map_err(|e| Error::io(spool.path(), e))?;
            if piece.is_empty() {
                break;
            }
            sent = sent.saturating_add(piece.len() as u64);
            sink.write(piece.into()).await?;
        }
        if sent != size {
            return Err(Error::SizeMismatch {
                what: format!("{name} (its file {} was changed)", spool.path().display()).into(),
                expected: size,
                actual: sent,
            });
        }
        let zeros = usize::try_from(padding(size)).unwrap_or_default();
        sink.write(vec![0; zeros].into()).await?;
    }
    sink.write(Bytes::from_static(&END)).await?;
    sink.commit().await
}

fn read_piece(spool: &mut Part) -> io::Result<Vec<u8>> {
    let mut piece = Vec::new();
    let limited = &mut (&spool.file).take(PIECE as u64);
    limited.read_to_end(&mut piece)?;
    Ok(piece)
}
