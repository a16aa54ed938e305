//! A download to a file that gets its final name only at the end.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::again::{self, Again};
use super::digest::ChecksumType;
use super::sink::{Sink, Wait};
use super::staged::{Overwrite, Staged};
use super::writes::Writes;
use crate::error::{Error, Result};
use crate::text::Place;

/// A file target, written as `name.part`. A write goes no further than the system's cache, from the
/// task that has the bytes in its own, as long as that is quick.
pub struct FileSink {
    /// `None` while a commit has it.
    file: Option<Staged>,
    writes: Writes,
}

impl FileSink {
    /// Creates `target.part` beside `target`. Fails before anything is sent when the directory is
    /// missing or read-only, when the target exists, or when another transfer writes to it. `place` is
    /// what log records of it are about.
    pub fn create(target: &Path, overwrite: Overwrite, place: Arc<Place>) -> Result<Self> {
        Ok(Self {
            file: Some(Staged::create(target, overwrite, place)?),
            writes: Writes::new("nfclease-file"),
        })
    }

    fn file(&mut self) -> Result<&mut Staged> {
        let file = self.file.as_mut();
        file.ok_or_else(gone)
    }

    fn forget(&mut self) -> Result<()> {
        let file = self.file()?;
        again::restart(file.file(), 0).map_err(|e| Error::io(file.path(), e))
    }

    /// Works on the file when all writes are over, on a thread of its own.
    async fn end(
        &mut self,
        work: impl FnOnce(&mut Staged) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        self.file()?;
        let Some(mut file) = self.file.take() else {
            return Ok(());
        };
        let work = move || {
            let done = work(&mut file);
            (file, done)
        };
        let (file, done) = self.writes.aside().run(work).await?;
        self.file = Some(file);
        done
    }

    fn remove(&mut self) -> Vec<PathBuf> {
        self.file.as_mut().map_or_else(Vec::new, Staged::discard)
    }
}

fn gone() -> Error {
    Error::internal("a file is there until it is committed")
}

impl Sink for FileSink {
    fn expect(&mut self, bytes: u64) -> Result<()> {
        self.file()?.expect(bytes)
    }

    fn write(&mut self, bytes: Bytes) -> Wait<'_, Result<()>> {
        let Some(file) = self.file.as_mut() else {
            return Wait::over(Err(gone()));
        };
        self.writes.write(file.part(), bytes)
    }

    fn restart(&mut self) -> Wait<'_, Result<()>> {
        if !self.writes.may_go_on() {
            return Wait::over(self.forget());
        }
        Wait::going(async {
            self.writes.settled().await;
            self.forget()
        })
    }

    fn digest(&mut self, checksum_type: ChecksumType) -> Wait<'_, Result<Option<String>>> {
        Wait::going(async move {
            let file = self.file()?;
            let path = file.path();
            let reading = Again::begin(file.file(), 0, path)?;
            let digest = reading.digest(checksum_type, self.writes.aside()).await?;
            Ok(Some(digest))
        })
    }

    fn prepare(&mut self) -> Wait<'_, Result<()>> {
        Wait::going(self.end(|file| file.sync()))
    }

    fn commit(&mut self) -> Wait<'_, Result<()>> {
        Wait::going(self.end(|file| file.sync().and_then(|()| file.publish())))
    }

    fn retract(&mut self) -> Wait<'_, Vec<PathBuf>> {
        Wait::over(self.file.as_mut().map_or_else(Vec::new, Staged::retract))
    }

    fn discard(&mut self) -> Wait<'_, Vec<PathBuf>> {
        if !self.writes.may_go_on() {
            return Wait::over(self.remove());
        }
        Wait::going(async {
            self.writes.settled().await;
            self.remove()
        })
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use std::fs;

    use super::*;

    async fn written(path: &Path, overwrite: Overwrite) -> FileSink {
        let mut sink = FileSink::create(path, overwrite, Arc::default()).unwrap();
        for piece in [&b"abc"[..], b"def"] {
            sink.write(Bytes::from_static(piece)).await.unwrap();
        }
        sink
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_runtime_of_one_thread_commits() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("disk");
        let mut sink = written(&path, Overwrite::Never).await;
        sink.commit().await.unwrap();
        assert_eq!(sink.discard().await, Vec::<PathBuf>::new());
        drop(sink);
        assert_eq!(fs::read(&path).unwrap(), b"abcdef");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_was_written_is_read_again() {
        let root = tempfile::tempdir().unwrap();
        let mut sink = written(&root.path().join("disk"), Overwrite::Never).await;
        for _ in 0..2 {
            let digest = sink.digest(ChecksumType::Sha1).await.unwrap();
            assert_eq!(
                digest.as_deref(),
                Some("1f8ac10f23c5b5bc1167bda84b833e5c057a77d2")
            );
        }
        sink.write(Bytes::from_static(b"ghi")).await.unwrap();
        sink.commit().await.unwrap();
        assert_eq!(fs::read(root.path().join("disk")).unwrap(), b"abcdefghi");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_commit_that_fails_leaves_what_is_discarded() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("disk");
        let mut sink = written(&path, Overwrite::Never).await;
        fs::write(&path, b"somebody else's").unwrap();
        sink.commit().await.unwrap_err();
        assert_eq!(sink.discard().await, Vec::<PathBuf>::new());
        assert_eq!(fs::read(&path).unwrap(), b"somebody else's");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
