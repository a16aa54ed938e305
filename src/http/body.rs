//! What a request carries.

use std::pin::Pin;
use std::sync::{Arc, Weak};
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
    length: u64,
    /// The next piece, the end, or a reason to break the connection off.
    pub(crate) next: Box<NextPiece>,
    /// One reference as long as a connection has it.
    kept: Arc<()>,
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

impl Body {
    /// Whether it may come over a longer time.
    pub(super) fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    /// Tells whether somebody still has it, where it is one that others wait for.
    pub(super) fn kept(&self) -> Weak<()> {
        match self {
            Self::Stream(stream) => Arc::downgrade(&stream.kept),
            _ => Weak::new(),
        }
    }
}

impl BodyStream {
    /// A body of so many bytes.
    pub(crate) fn new(length: u64, next: Box<NextPiece>) -> Self {
        Self {
            length,
            next,
            kept: Arc::default(),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyAborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyAborted>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(stream) => {
                (stream.next)(cx).map(|piece| piece.map(|bytes| bytes.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stream(stream) => stream.length,
        })
    }
}
