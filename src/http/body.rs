//! What a request carries.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::error::Result;

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

impl http_body::Body for BodyStream {
    type Data = Bytes;
    type Error = BodyAborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyAborted>>> {
        (self.next)(cx).map(|piece| piece.map(|bytes| bytes.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
