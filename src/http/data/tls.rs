//! TLS over TCP in buffers of our own: several records are read at once, decrypted where they lie,
//! and a record that came whole is copied once.
//!
//! The buffered API of the library reads one record at a time, each with a call of the system, and
//! makes its buffer anew for each.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

use super::outgoing::Outgoing;

/// What is read, decrypted or encrypted at once: several records, and not more than stays in the
/// cache of a processor while it is digested and written.
pub(super) const BUFFER: usize = 64 * 1024;
/// What a handshake and the head of a request take. A download, of which there are many at once, sends
/// no more; with the data of an upload the buffer grows.
const HEADS: usize = 4 * 1024;

/// A client's end of a TLS connection.
pub(super) struct Tls {
    tcp: TcpStream,
    records: UnbufferedClientConnection,
    /// What came and was not decrypted yet is in `received` of it.
    incoming: Box<[u8]>,
    received: Range<usize>,
    /// Of what was decrypted, the part for which a reader had no room.
    plain: Vec<u8>,
    taken: usize,
    outgoing: Outgoing,
    /// The other end has said that it sends no more.
    is_over: bool,
    /// What broke behind bytes that were still good.
    broken: Option<io::Error>,
    /// A record was wrong: the library must not be given another one.
    has_failed: bool,
    /// The other end was told that no more is sent.
    is_closing: bool,
}

/// What of ours is to be encrypted.
#[derive(Clone, Copy)]
enum Ours<'a> {
    Nothing,
    Data(&'a [u8]),
    /// That no more comes.
    Close,
}

/// What the state machine has done, or what it waits for.
enum Step {
    /// There is more to do.
    Again,
    /// The handshake needs an answer.
    Blocked,
    /// All that came is read, and data can be sent.
    Idle,
    /// So many bytes of ours are encrypted.
    Encrypted(usize),
    /// Both ends have closed.
    Closed,
}

impl Tls {
    /// Shakes hands.
    pub(super) async fn connect(
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        tcp: TcpStream,
    ) -> io::Result<Self> {
        let records = UnbufferedClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut tls = Self {
            tcp,
            records,
            incoming: vec![0; BUFFER].into(),
            received: 0..0,
            plain: Vec::new(),
            taken: 0,
            outgoing: Outgoing::new(HEADS),
            is_over: false,
            broken: None,
            has_failed: false,
            is_closing: false,
        };
        std::future::poll_fn(|cx| tls.poll_handshake(cx)).await?;
        Ok(tls)
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.step(None, Ours::Nothing) {
                Ok(Step::Again) => {}
                Ok(Step::Blocked) => {
                    ready!(self.poll_send(cx))?;
                    if ready!(self.poll_receive(cx))? == 0 {
                        return Poll::Ready(Err(cut("tls handshake eof")));
                    }
                }
                Ok(Step::Idle | Step::Encrypted(_)) => return self.poll_send(cx),
                Ok(Step::Closed) => return Poll::Ready(Err(cut("tls handshake eof"))),
                Err(error) => return Poll::Ready(Err(self.last_words(error, cx))),
            }
        }
    }

    /// Takes one step. Received data goes into `buf`. If `buf` is full, the rest is kept for the next read.
    fn step(&mut self, buf: Option<&mut ReadBuf<'_>>, ours: Ours<'_>) -> io::Result<Step> {
        let incoming = self.incoming.get_mut(self.received.clone());
        let status = (self.records).process_tls_records(incoming.unwrap_or_default());
        let UnbufferedStatus { mut discard, state } = status;
        let step = match state.map_err(invalid) {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                let (buf, mut none) = (buf, ReadBuf::new(&mut []));
                let buf = buf.unwrap_or(&mut none);
                while let Some(record) = traffic.next_record() {
                    let record = record.map_err(invalid)?;
                    discard = discard.saturating_add(record.discard);
                    let fits = record.payload.len().min(buf.remaining());
                    let (now, later) = record.payload.split_at(fits);
                    buf.put_slice(now);
                    self.plain.extend_from_slice(later);
                }
                Ok(Step::Again)
            }
            Ok(ConnectionState::EncodeTlsData(mut message)) => {
                let encoded = self.outgoing.add(|room| Ok(message.encode(room)?));
                encoded.map(|()| Step::Again)
            }
            // What was encoded stays in our own buffer until it is sent.
            Ok(ConnectionState::TransmitTlsData(message)) => {
                message.done();
                Ok(Step::Again)
            }
            Ok(ConnectionState::WriteTraffic(mut traffic)) => match ours {
                Ours::Nothing => Ok(Step::Idle),
                Ours::Data(data) => {
                    let encrypted = self.outgoing.add(|room| Ok(traffic.encrypt(data, room)?));
                    encrypted.map(|()| Step::Encrypted(data.len()))
                }
                Ours::Close => {
                    let queued = (self.outgoing).add(|room| Ok(traffic.queue_close_notify(room)?));
                    queued.map(|()| Step::Encrypted(0))
                }
            },
            Ok(ConnectionState::BlockedHandshake) => Ok(Step::Blocked),
            Ok(ConnectionState::PeerClosed) => {
                self.is_over = true;
                Ok(Step::Again)
            }
            Ok(ConnectionState::Closed) => Ok(Step::Closed),
            Ok(_) => Err(io::Error::other("a state of TLS that a client has not")),
            Err(error) => {
                // What came behind it stays: the library may still point to messages there.
                self.has_failed = true;
                Err(error)
            }
        };
        self.received.start = self.received.start.saturating_add(discard);
        step
    }

    /// Reads what has come, as much as there is room for; 0 at the end.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.incoming.copy_within(self.received.clone(), 0);
        self.received = 0..self.received.len();
        let room = self.incoming.get_mut(self.received.end..);
        let mut buf = ReadBuf::new(room.unwrap_or_default());
        if buf.remaining() == 0 {
            return Poll::Ready(Err(invalid("a record is larger than any may be")));
        }
        ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut buf))?;
        let count = buf.filled().len();
        self.received.end = self.received.end.saturating_add(count);
        Poll::Ready(Ok(count))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.poll_send(cx, &mut self.tcp)
    }

    /// The alert that tells the other end what it did wrong is sent, if it can be at once.
    fn last_words(&mut self, error: io::Error, cx: &mut Context<'_>) -> io::Error {
        // One step: the alert is all that is queued, and another would judge the same bytes again.
        let _ = self.step(None, Ours::Nothing);
        let _ = self.poll_send(cx);
        error
    }

    /// Reads until the buffer is full or nothing more is there.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Err(error));
        }
        if self.has_failed {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let begin = buf.filled().len();
        let filled = self.poll_fill(cx, buf);
        if buf.filled().len() == begin {
            return filled;
        }
        if let Poll::Ready(Err(error)) = filled {
            self.broken = Some(error);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.take_plain(buf);
        while buf.remaining() > 0 {
            match self.step(Some(buf), Ours::Nothing) {
                Ok(Step::Again) => {}
                Ok(Step::Closed) => return Poll::Ready(Ok(())),
                Ok(_) if self.is_over => return Poll::Ready(Ok(())),
                Ok(Step::Idle | Step::Blocked | Step::Encrypted(_)) => {
                    // An answer to the other end's wish, such as for new keys.
                    if let Poll::Ready(Err(error)) = self.poll_send(cx) {
                        return Poll::Ready(Err(error));
                    }
                    if ready!(self.poll_receive(cx))? == 0 {
                        return Poll::Ready(Err(cut(
                            "peer closed connection without sending TLS close_notify",
                        )));
                    }
                }
                Err(error) => return Poll::Ready(Err(self.last_words(error, cx))),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Hands on what was decrypted before.
    fn take_plain(&mut self, buf: &mut ReadBuf<'_>) {
        let left = self.plain.get(self.taken..).unwrap_or_default();
        let count = left.len().min(buf.remaining());
        buf.put_slice(left.get(..count).unwrap_or_default());
        self.taken = self.taken.saturating_add(count);
        if self.taken >= self.plain.len() {
            self.plain.clear();
            self.taken = 0;
        }
    }

    /// Encrypts some of the data once what was encrypted before is sent.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.has_failed {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        ready!(self.poll_send(cx))?;
        let data = data.get(..data.len().min(BUFFER)).unwrap_or_default();
        loop {
            match self.step(None, Ours::Data(data)) {
                Ok(Step::Again) => {}
                Ok(Step::Encrypted(count)) => {
                    // What the connection does not take now is sent before the next.
                    return match self.poll_send(cx) {
                        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                        _ => Poll::Ready(Ok(count)),
                    };
                }
                Ok(_) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                Err(error) => return Poll::Ready(Err(self.last_words(error, cx))),
            }
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    /// Says that nothing more will be sent.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.has_failed && !self.is_closing {
            while let Step::Again = self.step(None, Ours::Close)? {}
            self.is_closing = true;
        }
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

impl Drop for Tls {
    /// The other end hears that this is the end, if that can be sent at once.
    fn drop(&mut self) {
        let _ = self.poll_shutdown(&mut Context::from_waker(Waker::noop()));
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn cut(said: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, said)
}
