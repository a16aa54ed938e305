//! A remote file whose server answers no Range: it is read once, in order.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::ask::Asker;
use super::pump::Stream;
use crate::error::{Error, Result};
use crate::http::Response;
use crate::io::Reader;
use crate::transfer::Engine;
use crate::transfer::pace::Pace;

/// Pieces on the way to the reader.
const PIECES: usize = 8;

/// The answer to the first request, whose body nobody has read.
pub(super) struct Whole {
    pub(super) engine: Arc<Engine>,
    pub(super) asker: Arc<Asker>,
    pub(super) response: Response,
}

impl Whole {
    /// The name for messages.
    pub(super) fn name(&self) -> String {
        self.asker.what.to_string()
    }

    /// What the server says of its length.
    pub(super) fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// Starts to read it, for a thread that may wait.
    pub(super) fn read(self) -> Result<Box<dyn Reader>> {
        let (sender, pieces) = mpsc::channel(PIECES);
        let name = PathBuf::from(self.name());
        let engine = Arc::clone(&self.engine);
        let task = AbortOnDropHandle::new(engine.transfer(self.run(sender))?);
        Ok(Box::new(Stream::new(name, pieces, task)))
    }

    async fn run(mut self, sender: mpsc::Sender<Result<Bytes>>) {
        let mut pace = Pace::new(self.asker.address.timeout);
        let framed = self.response.is_framed();
        loop {
            let piece = match pace.next(&self.asker.what, &mut self.response).await {
                Ok(Some(piece)) => Ok(piece),
                Ok(None) if framed => return,
                Ok(None) => Err(Error::Truncated {
                    what: (&self.asker.what).into(),
                    seen: 0,
                    reason: "the server says neither a length nor a last chunk, so nothing proves \
                             that this is all"
                        .into(),
                    cause: None,
                }),
                Err(error) => Err(error),
            };
            let is_last = piece.is_err();
            // Nobody listens to who stopped reading.
            if sender.send(piece).await.is_err() || is_last {
                return;
            }
        }
    }
}
