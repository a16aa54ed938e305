//! What is encrypted and not sent yet.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustls::unbuffered::{EncodeError, EncryptError};
use tokio::io::AsyncWrite as _;
use tokio::net::TcpStream;

/// A buffer that grows to what is written into it at once, and is empty before the next data.
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    unsent: Range<usize>,
}

/// Why nothing was written into it.
pub(super) enum Refused {
    /// It takes so much room.
    Room(usize),
    /// For a reason of its own.
    Error(io::Error),
}

impl Outgoing {
    pub(super) fn new(room: usize) -> Self {
        Self {
            bytes: vec![0; room],
            unsent: 0..0,
        }
    }

    /// Adds what `write` writes. Where there is too little room for it, that is made.
    pub(super) fn add(
        &mut self,
        mut write: impl FnMut(&mut [u8]) -> Result<usize, Refused>,
    ) -> io::Result<()> {
        let end = self.unsent.end;
        let mut written = write(self.bytes.get_mut(end..).unwrap_or_default());
        if let Err(Refused::Room(room)) = written {
            self.bytes.resize(end.saturating_add(room), 0);
            written = write(self.bytes.get_mut(end..).unwrap_or_default());
        }
        match written {
            Ok(count) => {
                self.unsent.end = end.saturating_add(count);
                Ok(())
            }
            Err(Refused::Room(_)) => Err(io::Error::other("TLS asks for ever more room")),
            Err(Refused::Error(error)) => Err(error),
        }
    }

    /// Sends all of it.
    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        tcp: &mut TcpStream,
    ) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let unsent = self.bytes.get(self.unsent.clone()).unwrap_or_default();
            match ready!(Pin::new(&mut *tcp).poll_write(cx, unsent))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.unsent.start = self.unsent.start.saturating_add(count),
            }
        }
        self.unsent = 0..0;
        Poll::Ready(Ok(()))
    }
}

impl From<EncodeError> for Refused {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::InsufficientSize(size) => Self::Room(size.required_size),
            EncodeError::AlreadyEncoded => Self::Error(io::Error::other(error)),
        }
    }
}

impl From<EncryptError> for Refused {
    fn from(error: EncryptError) -> Self {
        match error {
            EncryptError::InsufficientSize(size) => Self::Room(size.required_size),
            EncryptError::EncryptExhausted => Self::Error(io::Error::other(error)),
        }
    }
}
