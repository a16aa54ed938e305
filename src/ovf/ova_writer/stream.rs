//! An archive for what cannot go back: a pipe, a socket, an upload elsewhere.

use std::io::Seek;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::Texts;
use super::shared::Shared;
use super::whole::copy;
use crate::error::{Error, Result};
use crate::io::Sink;
use crate::ovf::tar::write::{END, header, padding};
use crate::threads::Aside;

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
        let file = spool.file.try_clone();
        let file = file.map_err(|e| Error::io(spool.path(), e))?;
        let sent = copy(file, &spool.path(), sink, (shared, &mut *aside), |_| ()).await?;
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
