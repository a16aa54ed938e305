//! One download that goes to several places: none gets its name before all can.

use std::path::PathBuf;

use bytes::Bytes;

use super::digest::ChecksumType;
use super::sink::{Sink, Wait};
use crate::error::Result;

/// Sinks that get the same bytes.
pub struct SeveralSinks {
    sinks: Vec<Box<dyn Sink>>,
    /// What could not be taken back.
    left: Vec<PathBuf>,
}

impl SeveralSinks {
    /// In the order in which they get their names.
    pub fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        let left = Vec::new();
        Self { sinks, left }
    }

    async fn commit_each(&mut self) -> Result<()> {
        for sink in &mut self.sinks {
            sink.prepare().await?;
        }
        for number in 0..self.sinks.len() {
            let (before, rest) = self.sinks.split_at_mut(number);
            let Some(sink) = rest.first_mut() else { break };
            if let Err(error) = sink.commit().await {
                for sink in before {
                    self.left.extend(sink.retract().await);
                }
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Sink for SeveralSinks {
    fn turn(&mut self) -> Wait<'_, ()> {
        Wait::going(async {
            for sink in &mut self.sinks {
                sink.turn().await;
            }
        })
    }

    fn expect(&mut self, bytes: u64) -> Result<()> {
        self.sinks
            .iter_mut()
            .try_for_each(|sink| sink.expect(bytes))
    }

    fn write(&mut self, bytes: Bytes) -> Wait<'_, Result<()>> {
        Wait::going(async move {
            for sink in &mut self.sinks {
                sink.write(bytes.clone()).await?;
            }
            Ok(())
        })
    }

    fn restart(&mut self) -> Wait<'_, Result<()>> {
        Wait::going(async {
            for sink in &mut self.sinks {
                sink.restart().await?;
            }
            Ok(())
        })
    }

    fn is_repeatable(&self) -> bool {
        self.sinks.iter().all(|sink| sink.is_repeatable())
    }

    /// Of the first that can be read.
    fn digest(&mut self, checksum_type: ChecksumType) -> Wait<'_, Result<Option<String>>> {
        Wait::going(async move {
            for sink in &mut self.sinks {
                if let Some(digest) = sink.digest(checksum_type).await? {
                    return Ok(Some(digest));
                }
            }
            Ok(None)
        })
    }

    fn commit(&mut self) -> Wait<'_, Result<()>> {
        Wait::going(self.commit_each())
    }

    fn discard(&mut self) -> Wait<'_, Vec<PathBuf>> {
        Wait::going(async {
            let mut left = std::mem::take(&mut self.left);
            for sink in &mut self.sinks {
                left.extend(sink.discard().await);
            }
            left
        })
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::io::{FileSink, Overwrite};

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        let mut names: Vec<_> = entries.map(|entry| name(entry.unwrap())).collect();
        names.sort();
        names
    }

    async fn written(folder: &Path, overwrite: Overwrite) -> SeveralSinks {
        let sink = |name: &str| -> Box<dyn Sink> {
            Box::new(FileSink::create(&folder.join(name), overwrite, Arc::default()).unwrap())
        };
        let mut sinks = SeveralSinks::new(vec![sink("one"), sink("two"), sink("three")]);
        sinks.write(Bytes::from_static(b"bytes")).await.unwrap();
        assert_eq!(names(folder), ["one.part", "three.part", "two.part"]);
        sinks
    }

    #[tokio::test(flavor = "current_thread")]
    async fn all_get_their_names() {
        let root = tempfile::tempdir().unwrap();
        written(root.path(), Overwrite::Never)
            .await
            .commit()
            .await
            .unwrap();
        assert_eq!(names(root.path()), ["one", "three", "two"]);
        assert_eq!(fs::read(root.path().join("two")).unwrap(), b"bytes");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_name_that_cannot_be_given_takes_the_others_back() {
        let root = tempfile::tempdir().unwrap();
        let mut sinks = written(root.path(), Overwrite::Never).await;
        fs::write(root.path().join("two"), b"of another").unwrap();
        sinks.commit().await.unwrap_err();
        assert_eq!(sinks.discard().await, Vec::<PathBuf>::new());
        drop(sinks);
        assert_eq!(names(root.path()), ["two"]);
        assert_eq!(fs::read(root.path().join("two")).unwrap(), b"of another");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_replaced_another_file_stays_and_is_told() {
        let root = tempfile::tempdir().unwrap();
        let mut sinks = written(root.path(), Overwrite::Replace).await;
        fs::remove_file(root.path().join("two.part")).unwrap();
        sinks.commit().await.unwrap_err();
        assert_eq!(sinks.discard().await, [root.path().join("one")]);
        assert_eq!(names(root.path()), ["one"]);
    }
}
