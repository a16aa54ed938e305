//! Where a download goes: a file, a caller's file object, a member of an archive, an upload elsewhere.

use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::digest::ChecksumType;
use crate::error::Result;

/// The local end of a download.
///
/// `restart`, `commit` and `discard` may be called while a `write` that was waited for has been
/// dropped: who dropped it has given the transfer up, and what it left under way is the sink's own.
pub trait Sink: Send {
    /// Waits until the server should be asked for the first byte.
    fn turn(&mut self) -> Wait<'_, ()> {
        Wait::over(())
    }
    /// Told of the size before the first byte, where the server names one.
    fn expect(&mut self, _bytes: u64) -> Result<()> {
        Ok(())
    }
    /// Appends bytes. Not called again before the last call is over: a sink that is slower than the
    /// server holds it up.
    fn write(&mut self, bytes: Bytes) -> Wait<'_, Result<()>>;
    /// Forgets what was written, for a second GET of the whole disk.
    fn restart(&mut self) -> Wait<'_, Result<()>>;
    /// Whether it can: else the first failure is the last.
    fn is_repeatable(&self) -> bool {
        true
    }
    /// The digest of what was written, read once more; `None` where it cannot be read.
    fn digest(&mut self, _checksum_type: ChecksumType) -> Wait<'_, Result<Option<String>>> {
        Wait::over(Ok(None))
    }

    /// Does all of a commit but what makes the bytes visible: of several sinks, each does so before
    /// the first is committed.
    fn prepare(&mut self) -> Wait<'_, Result<()>> {
        Wait::over(Ok(()))
    }

    /// Takes back what a commit made visible, since that of another sink failed; returns what stays.
    fn retract(&mut self) -> Wait<'_, Vec<PathBuf>> {
        Wait::over(Vec::new())
    }

    /// Makes the bytes durable and visible; called once, after verification, and waited for to its
    /// end whatever happens meanwhile.
    fn commit(&mut self) -> Wait<'_, Result<()>>;
    /// Removes what a failed transfer left; returns what could not be removed.
    fn discard(&mut self) -> Wait<'_, Vec<PathBuf>>;
}

/// What is over already, or is to be waited for. What is over costs no allocation, as most writes of
/// a file are.
#[must_use = "it may be to be waited for"]
pub enum Wait<'a, T> {
    /// It is over; `None` once that was taken.
    Over(Option<T>),
    /// It goes on.
    Going(Pin<Box<dyn Future<Output = T> + Send + 'a>>),
}

impl<'a, T> Wait<'a, T> {
    /// What is over.
    pub fn over(value: T) -> Self {
        Self::Over(Some(value))
    }

    /// What goes on.
    pub fn going(work: impl Future<Output = T> + Send + 'a) -> Self {
        Self::Going(Box::pin(work))
    }
}

impl<'a> Wait<'a, Result<()>> {
    /// Does more once it went well.
    pub(crate) fn and_then(self, then: impl FnOnce() -> Result<()> + Send + 'a) -> Self {
        match self {
            Self::Over(done) => Self::Over(done.map(|done| done.and_then(|()| then()))),
            Self::Going(work) => Self::going(async move {
                work.await?;
                then()
            }),
        }
    }
}

// Nothing in it is pinned in place.
impl<T> Unpin for Wait<'_, T> {}

impl<T> Future for Wait<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match &mut *self {
            // One that was taken is not polled again by any executor.
            Self::Over(value) => value.take().map_or(Poll::Pending, Poll::Ready),
            Self::Going(work) => work.as_mut().poll(cx),
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::error::Error;

    /// A sink that is slower than its writer and knows at its end only whether all went well, as an
    /// object store is.
    struct Remote {
        parts: mpsc::Sender<Bytes>,
    }

    impl Sink for Remote {
        fn write(&mut self, bytes: Bytes) -> Wait<'_, Result<()>> {
            match self.parts.try_send(bytes) {
                Ok(()) => Wait::over(Ok(())),
                Err(mpsc::error::TrySendError::Closed(_)) => Wait::over(Err(Error::Cancelled)),
                Err(mpsc::error::TrySendError::Full(bytes)) => Wait::going(async move {
                    let sent = self.parts.send(bytes).await;
                    sent.map_err(|_| Error::Cancelled)
                }),
            }
        }
        fn restart(&mut self) -> Wait<'_, Result<()>> {
            Wait::over(Ok(()))
        }
        fn commit(&mut self) -> Wait<'_, Result<()>> {
            Wait::going(async {
                let taken = self.parts.reserve().await;
                taken.map(|_| ()).map_err(|_| Error::Cancelled)
            })
        }
        fn discard(&mut self) -> Wait<'_, Vec<PathBuf>> {
            Wait::over(Vec::new())
        }
    }

    #[tokio::test]
    async fn a_sink_may_wait_for_another_task() {
        let (parts, mut received) = mpsc::channel::<Bytes>(1);
        let taking = tokio::spawn(async move {
            let mut bytes = 0;
            while let Some(part) = received.recv().await {
                bytes += part.len();
            }
            bytes
        });
        let mut sink: Box<dyn Sink> = Box::new(Remote { parts });
        for _ in 0..10 {
            sink.write(Bytes::from_static(b"abc")).await.unwrap();
        }
        sink.commit().await.unwrap();
        drop(sink);
        assert_eq!(taking.await.unwrap(), 30);
    }
}
