//! What a request carries.

use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::error::Result;
use crate::sync::lock;

/// A request body.
#[derive(Debug)]
pub(crate) enum Body {
    /// None.
    Empty,
    /// All at hand.
    Bytes(Bytes),
    /// A stream of known length.
    Stream(BodyStream),
}

/// A body that is pulled piece by piece; its length is announced.
pub(crate) struct BodyStream {
    /// The announced length in bytes.
    pub(crate) length: u64,
    /// The next piece, the end, or a reason to break the connection off.
    pub(crate) next: Box<NextPiece>,
}

/// Polls for the next piece of a body.
pub(crate) type NextPiece =
    dyn FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, BodyAborted>>> + Send + Sync;

/// The body ended before its length; the reason is kept where the stream came from.
#[derive(Debug, thiserror::Error)]
#[error("the request body was aborted")]
pub(crate) struct BodyAborted;

impl std::fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BodyStream")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// A stream while a connection has it.
pub(super) struct Lent {
    length: u64,
    shared: Arc<Mutex<Shared>>,
}

/// Takes a stream back when it is dropped, whatever the connection is at: one whose host reads
/// nothing more would keep it for as long as that host likes.
#[derive(Debug)]
pub(super) struct TakesBack(Weak<Mutex<Shared>>);

#[derive(Debug)]
struct Shared {
    stream: Option<BodyStream>,
    /// Who waits for the next piece.
    waiting: Option<Waker>,
}

impl BodyStream {
    /// For a connection, as long as the other part is kept.
    pub(super) fn lend(self) -> (Lent, TakesBack) {
        let length = self.length;
        let shared = Arc::new(Mutex::new(Shared {
            stream: Some(self),
            waiting: None,
        }));
        let takes_back = TakesBack(Arc::downgrade(&shared));
        (Lent { length, shared }, takes_back)
    }
}

impl Drop for TakesBack {
    fn drop(&mut self) {
        let Some(shared) = self.0.upgrade() else {
            return;
        };
        let (stream, waiting) = {
            let mut shared = lock(&shared);
            (shared.stream.take(), shared.waiting.take())
        };
        drop(stream);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = BodyAborted;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyAborted>>> {
        let mut shared = lock(&self.shared);
        let Some(stream) = &mut shared.stream else {
            return Poll::Ready(Some(Err(BodyAborted)));
        };
        let piece = (stream.next)(cx).map(|piece| piece.map(|bytes| bytes.map(Frame::data)));
        if piece.is_pending() {
            shared.waiting = Some(cx.waker().clone());
        }
        piece
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
