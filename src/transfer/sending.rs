//! A request body while the connection has it: what moved, when, and whether it was let go.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::progress::Progress;
use super::rate::{Pieces, RateLimits};
use crate::http::{BodyAborted, BodyStream};
use crate::io::Next;
use crate::sync::lock;

/// A host that has taken the last byte may still be closing the disk.
const SHORTEST_ANSWER_WAIT: Duration = Duration::from_secs(120);

/// One attempt's body, as its transfer sees it. The connection owns the pieces: nobody else waits
/// for them, and no wake-up can go to the wrong one.
pub(super) struct Sending {
    /// The `Content-Length`: with so many bytes the body is whole.
    length: u64,
    /// The transfer's counters.
    progress: Arc<Progress>,
    /// Whether the connection has asked for the first piece: the host may have some of it since.
    started: AtomicBool,
    /// Whether the pieces ended before the length.
    cut: AtomicBool,
    /// Whether the attempt is over, for a connection that is late to hear of it.
    over: AtomicBool,
    /// Bytes that the connection was given.
    handed: AtomicU64,
    /// Whether the next piece waits for a limit of ours, and not for the host.
    held: AtomicBool,
    /// When the last of them was, for the stall rule.
    moved: Mutex<Instant>,
    /// Cancelled when the connection drops the body, which may be after the answer.
    let_go: CancellationToken,
}

impl Sending {
    pub(super) fn new(length: u64, progress: Arc<Progress>) -> Arc<Self> {
        Arc::new(Self {
            length,
            progress,
            started: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            over: AtomicBool::new(false),
            handed: AtomicU64::new(0),
            held: AtomicBool::new(false),
            moved: Mutex::new(Instant::now()),
            let_go: CancellationToken::new(),
        })
    }

    /// What the connection pulls the pieces from.
    pub(super) fn body(self: &Arc<Self>, source: Next, limits: RateLimits) -> BodyStream {
        let mut pieces = Pieces::new(source, limits);
        let (sending, until_dropped) = (Arc::clone(self), self.let_go.clone().drop_guard());
        let next = move |cx: &mut Context<'_>| {
            let _ = &until_dropped;
            sending.started.store(true, Ordering::Relaxed);
            if sending.is_whole() {
                return Poll::Ready(None);
            }
            let piece = ready!(pieces.poll(cx, &sending.held));
            let passed = sending.pass(piece);
            sending.held.store(false, Ordering::Relaxed);
            Poll::Ready(Some(passed))
        };
        BodyStream::new(self.length, Box::new(next))
    }

    fn pass(&self, piece: Option<Bytes>) -> Result<Bytes, BodyAborted> {
        let Some(bytes) = piece else {
            self.cut.store(true, Ordering::Relaxed);
            return Err(BodyAborted);
        };
        // A connection that is late to hear of its end must not count for the next attempt.
        if self.over.load(Ordering::Relaxed) {
            return Err(BodyAborted);
        }
        let length = bytes.len() as u64;
        self.handed.fetch_add(length, Ordering::Relaxed);
        self.progress.add(length);
        *lock(&self.moved) = Instant::now();
        Ok(bytes)
    }

    /// The attempt is over: nothing more is handed out.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Whether the host may have seen a byte of it.
    pub(super) fn has_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    /// Whether the connection was given all of it.
    pub(super) fn is_whole(&self) -> bool {
        self.handed.load(Ordering::Relaxed) >= self.length
    }

    /// Whether the source ended before its length.
    pub(super) fn was_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    /// Returns when the connection has no more use for the body.
    pub(super) async fn let_go(&self) {
        self.let_go.cancelled().await;
    }

    /// When the last piece was handed over, or when it began. One that is held would move now.
    pub(super) fn last_moved(&self) -> Instant {
        if self.held.load(Ordering::Relaxed) {
            return Instant::now();
        }
        *lock(&self.moved)
    }

    /// Returns when nothing has moved for too long, and says how long that is: `timeout`, and two
    /// minutes at least for the answer to the last byte.
    pub(super) async fn stalled(&self, timeout: Duration) -> Duration {
        loop {
            let allowed = if self.is_whole() {
                timeout.max(SHORTEST_ANSWER_WAIT)
            } else {
                timeout
            };
            let left = allowed.saturating_sub(self.last_moved().elapsed());
            if left.is_zero() {
                return allowed;
            }
            tokio::time::sleep(left).await;
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use super::*;
    use std::task::Waker;

    use tokio::sync::mpsc;

    use crate::transfer::RateLimit;

    /// Sends pieces, and what polls for them.
    fn channel() -> (mpsc::Sender<Bytes>, Next) {
        let (sender, mut pieces) = mpsc::channel(2);
        (sender, Box::new(move |cx| pieces.poll_recv(cx)))
    }

    fn limits(lease: Option<u64>) -> RateLimits {
        RateLimits {
            lease: Arc::new(RateLimit::new(lease)),
            ..RateLimits::default()
        }
    }

    fn piece(body: &mut BodyStream) -> Poll<Option<Result<Bytes, BodyAborted>>> {
        (body.next)(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_body_ends_with_its_length_and_is_let_go() {
        let (sender, pieces) = channel();
        let sending = Sending::new(3, Arc::new(Progress::new(Some(3))));
        let mut body = sending.body(pieces, limits(None));
        assert!(piece(&mut body).is_pending() && sending.has_started());
        sender.try_send(Bytes::from_static(b"abc")).unwrap();
        assert!(matches!(piece(&mut body), Poll::Ready(Some(Ok(_)))));
        assert!(matches!(piece(&mut body), Poll::Ready(None)));
        assert!(sending.is_whole() && !sending.was_cut() && !sending.let_go.is_cancelled());
        drop(body);
        assert!(sending.let_go.is_cancelled());
    }

    #[test]
    fn a_source_that_ends_early_breaks_the_connection_off() {
        let (sender, pieces) = channel();
        let sending = Sending::new(3, Arc::new(Progress::new(Some(3))));
        let mut body = sending.body(pieces, limits(None));
        sender.try_send(Bytes::from_static(b"ab")).unwrap();
        drop(sender);
        assert!(matches!(piece(&mut body), Poll::Ready(Some(Ok(_)))));
        assert!(matches!(piece(&mut body), Poll::Ready(Some(Err(_)))));
        assert!(sending.was_cut() && !sending.is_whole());
    }
    #[tokio::test]
    async fn a_piece_that_a_limit_holds_is_no_stall() {
        const TIMEOUT: Duration = Duration::from_millis(20);
        let (sender, pieces) = channel();
        let sending = Sending::new(100_000, Arc::new(Progress::new(None)));
        let limits = limits(Some(1024));
        let mut body = sending.body(pieces, limits.clone());
        sender.try_send(vec![0; 100_000].into()).unwrap();
        assert!(piece(&mut body).is_pending());
        let stalled = tokio::time::timeout(10 * TIMEOUT, sending.stalled(TIMEOUT));
        assert!(stalled.await.is_err() && sending.last_moved().elapsed() < TIMEOUT);
        limits.lease.set(None);
        let mut moved = 0;
        while let Poll::Ready(Some(Ok(bytes))) = piece(&mut body) {
            moved += bytes.len();
        }
        assert_eq!(moved, 100_000);
        assert!(sending.is_whole());
    }

    #[tokio::test]
    async fn a_silent_host_is_a_stall_under_a_limit_too() {
        const TIMEOUT: Duration = Duration::from_millis(20);
        let (sender, pieces) = channel();
        let sending = Sending::new(100_000, Arc::new(Progress::new(None)));
        let mut body = sending.body(pieces, limits(Some(1 << 20)));
        sender.try_send(vec![0; 100_000].into()).unwrap();
        let first = std::future::poll_fn(|cx| (body.next)(cx)).await;
        assert!(matches!(first, Some(Ok(_))) && !sending.is_whole());
        // Nobody asks for more.
        assert_eq!(sending.stalled(TIMEOUT).await, TIMEOUT);
    }
}
