//! A stretch of a remote file as a stream: broken connections are taken up where they broke.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::ask::{Answer, Asker, Version};
use crate::error::{Error, Result};
use crate::http::retry::Retries;
use crate::io::piece_reader::PieceReader;
use crate::text::said_at;
use crate::transfer::Engine;

/// Pieces on the way to the reader; each has at most what one read of a socket brings.
const PIECES: usize = 8;

/// A connection that brought so much was good: it is taken up at once, and counts for nothing.
const WORTH_IT: u64 = 64 * 1024;

/// What is asked for, and of which version.
#[derive(Debug, Clone)]
pub(super) struct Stretch {
    pub(super) asker: Arc<Asker>,
    pub(super) version: Version,
    pub(super) total: u64,
    pub(super) at: u64,
    pub(super) end: u64,
    /// When something last came: only failing counts against the time for it.
    pub(super) moved: Instant,
}

type Piece = Result<Bytes>;

impl Stretch {
    /// Starts to read it.
    pub(super) fn start(self, engine: &Engine) -> Result<Stream> {
        let (sender, pieces) = mpsc::channel(PIECES);
        let name = PathBuf::from(&*self.asker.what);
        let task = engine.transfer(self.run(sender))?;
        Ok(Stream::new(name, pieces, AbortOnDropHandle::new(task)))
    }

    async fn run(mut self, sender: mpsc::Sender<Piece>) {
        let policy = self.asker.address.retry;
        let mut retries = Retries::new(policy);
        while self.at < self.end {
            let from = self.at;
            self.moved = Instant::now();
            let Err(error) = self.ask(&sender).await else {
                continue;
            };
            if self.at.saturating_sub(from) >= WORTH_IT {
                retries = Retries::new(policy);
                if matches!(error, Error::Truncated { .. }) {
                    continue;
                }
            }
            let Some(delay) = retries.after(&error, self.moved.elapsed()) else {
                // Nobody listens to who stopped reading.
                let _ = sender.send(Err(error)).await;
                return;
            };
            say_again(&self.asker, &error, delay);
            tokio::time::sleep(delay).await;
        }
    }

    /// One request, as far as it brings something.
    async fn ask(&mut self, sender: &mpsc::Sender<Piece>) -> Result<()> {
        let asker = Arc::clone(&self.asker);
        let length = self.end.saturating_sub(self.at);
        let mut part = match asker.part(self.at, length, Some(&self.version)).await? {
            Answer::Part(part) => part,
            Answer::Whole(_) | Answer::Empty(_) => {
                return Err(asker.protocol(
                    "the file changed at the server while it was read, or the server stopped \
                     answering for parts of it; start again",
                ));
            }
        };
        if part.range.total != self.total || !part.version.fits(&self.version) {
            return Err(
                asker.protocol("the file changed at the server while it was read; start again")
            );
        }
        while let Some(chunk) = part.next(&asker).await? {
            self.moved = Instant::now();
            let after = self.at.saturating_add(chunk.len() as u64);
            if sender.send(Ok(chunk)).await.is_err() {
                self.at = self.end; // nobody reads any more
                return Ok(());
            }
            self.at = after;
        }
        Ok(())
    }
}

pub(super) fn say_again(asker: &Asker, error: &Error, delay: Duration) {
    let place = asker.address.place();
    said_at!(
        warn,
        place,
        "{error}; asking again in {:.1} s",
        delay.as_secs_f64()
    );
}

/// What arrives, for a thread that may wait. The task that fetches ends with it.
pub(super) type Stream = PieceReader<AbortOnDropHandle<()>>;
