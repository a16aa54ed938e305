//! One connection, and who moves it: the task that waits for its answer, or a task of its own.
//!
//! A download moves its connection itself. With a task for it, each piece of a disk is handed from
//! task to task, and a second thread is woken for it. An upload sends while it waits for other
//! things, so its connection has a task.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::{self, ThreadId};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio_util::task::AbortOnDropHandle;

use super::super::body::Body;
use super::super::fault::Fault;
use super::stream::Stream;
use super::tls::BUFFER;

type Moved = Pin<Box<Connection<TokioIo<Stream>, Body>>>;

/// A connection.
pub(super) struct Link {
    sender: SendRequest<Body>,
    mover: Mover,
    /// Its events come to this thread, which may be busy when another one wants it.
    thread: ThreadId,
}

enum Mover {
    /// Those that wait.
    Waiter(Moved),
    /// A task, which ends with this.
    Task { _task: AbortOnDropHandle<()> },
    /// Nobody: it has ended.
    Nobody,
}

/// A request that did not get an answer.
pub(super) struct Unanswered {
    /// The request itself where nothing of it was sent.
    pub(super) request: Option<Request<Body>>,
    pub(super) fault: Fault,
}

impl Link {
    /// Speaks HTTP over a connection.
    pub(super) async fn new(stream: Stream) -> Result<Self, Fault> {
        let made = Builder::new()
            .allow_obsolete_multiline_headers_in_responses(false)
            .allow_spaces_after_header_name_in_responses(false)
            .ignore_invalid_headers_in_responses(false)
            .http09_responses(false)
            .read_buf_exact_size(Some(BUFFER))
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, connection) = made.map_err(Fault::of)?;
        Ok(Self {
            sender,
            mover: Mover::Waiter(Box::pin(connection)),
            thread: thread::current().id(),
        })
    }

    /// Gives it a task of its own.
    pub(super) fn go_alone(&mut self) {
        self.mover = match std::mem::replace(&mut self.mover, Mover::Nobody) {
            Mover::Waiter(connection) => Mover::Task {
                _task: AbortOnDropHandle::new(tokio::spawn(async {
                    // Who waits for the answer hears of it.
                    let _ = connection.await;
                })),
            },
            other => other,
        };
    }

    /// Whether this thread can use it. One of another thread only where it has a task there, and
    /// nothing but that task is needed.
    pub(super) fn is_of_use(&self, or_elsewhere: bool) -> bool {
        let is_alone = matches!(self.mover, Mover::Task { .. });
        self.thread == thread::current().id() || (or_elsewhere && is_alone)
    }

    /// Moves what can be moved now, where that is the caller's to do.
    fn poll_move(&mut self, cx: &mut Context<'_>) {
        if let Mover::Waiter(connection) = &mut self.mover
            && connection.as_mut().poll(cx).is_ready()
        {
            // How it ended is said to who waits for an answer.
            self.mover = Mover::Nobody;
        }
    }

    /// Sends a request, and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, Unanswered> {
        let mut answer = Box::pin(self.sender.try_send_request(request));
        let answer = poll_fn(|cx| {
            self.poll_move(cx);
            answer.as_mut().poll(cx)
        });
        answer.await.map_err(|mut unanswered| Unanswered {
            request: unanswered.take_message(),
            fault: Fault::of(unanswered.into_error()),
        })
    }

    /// The next bytes of an answer.
    pub(super) async fn data(&mut self, body: &mut Incoming) -> Result<Option<Bytes>, Fault> {
        loop {
            let frame = poll_fn(|cx| {
                // What lies there is taken before more is read.
                if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) {
                    return Poll::Ready(frame);
                }
                self.poll_move(cx);
                Pin::new(&mut *body).poll_frame(cx)
            });
            match frame.await.transpose().map_err(Fault::of)? {
                None => return Ok(None),
                // Trailers are not data.
                Some(frame) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// Whether it takes a request now.
    pub(super) fn is_ready(&mut self, cx: &mut Context<'_>) -> bool {
        self.poll_move(cx);
        matches!(self.sender.poll_ready(cx), Poll::Ready(Ok(())))
    }
}
