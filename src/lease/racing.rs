//! Schedules that are played on purpose: what can be seen in the very moment of a wake-up.
//!
//! A waker runs inside the call that wakes, so that one that looks by itself sees exactly what the
//! fastest other thread could see.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use url::Url;

use super::options::{KeepAlive, Options};
use super::phase::{Event, Phase};
use super::transfers::Begun;
use super::transfers::turns::Order;
use super::verification::compare::RequireManifest;
use super::verification::uploads::RequireUploads;
use super::{Lease, PlainHttp, Sessions, keep_alive};
use crate::error::{Error, Failure, Step};
use crate::http::retry::RetryPolicy;
use crate::http::tls::{Trust, Verify};
use crate::io::ChecksumType;
use crate::soap::{Credentials, Endpoint};
use crate::sync::lock;
use crate::transfer::{
    Completed, Depth, Format, Moved, Progress, Transfer, Verified, VerifySize, Way,
};

fn lease() -> Arc<Lease> {
    let endpoint = Endpoint {
        url: Url::parse("https://127.0.0.1:9/sdk").unwrap(),
        soap_action: "urn:vim25/8.0.1.0".into(),
        trust: Trust::of(Verify::Unverified),
        proxy: None,
        timeout: Duration::from_secs(1),
        connect_timeout: Duration::from_secs(1),
    };
    let sessions = Sessions::new(endpoint, Credentials::default()).unwrap();
    let options = Options {
        checksum_type: None,
        keep_alive: KeepAlive::Off,
        max_concurrency: 4,
        retry: RetryPolicy {
            max_retries: 0,
            retry_timeout: Duration::ZERO,
        },
        timeout: Duration::from_secs(1),
        require_manifest: RequireManifest::No,
        require_uploads: RequireUploads::Of(Vec::new()),
        disk_format: Format::Any,
        disk_depth: Depth::Ends,
        verify_size: VerifySize::Yes,
        max_unannounced_size: i64::MAX.unsigned_abs(),
        max_bytes_per_second: None,
        plain_http: PlainHttp::Refuse,
    };
    Lease::adopt(&sessions, "session[1]lease-1".into(), options).unwrap()
}

fn failed() -> Failure {
    Failure::new(
        "k",
        Step::Headers,
        Error::Connect {
            what: "disk".into(),
            reason: "gone".into(),
            help: None,
            cause: None,
        },
    )
}

fn completed() -> Completed {
    Completed {
        moved: Moved {
            key: "k".into(),
            what: "disk".into(),
            bytes: 1,
            checksum: "aa".into(),
            checksum_type: ChecksumType::Sha1,
            file_checksum: None,
            content: None,
            way: Way::Here,
        },
        verified: Verified::Stream,
        seconds: 0.0,
        attempts: 1,
    }
}

/// How a transfer ends.
enum Ends {
    Well,
    With(Error),
    InPanic,
}

/// One transfer that ends on command, and the command.
fn gated(lease: &Arc<Lease>, ends: Ends) -> (Transfer, CancellationToken) {
    let gate = CancellationToken::new();
    let opened = gate.clone();
    let work = |_| async move {
        opened.cancelled().await;
        match ends {
            Ends::Well => Ok(completed()),
            Ends::With(error) => Err(Failure { error, ..failed() }),
            Ends::InPanic => panic!("on purpose"),
        }
    };
    let progress = Arc::new(Progress::new(None));
    (lease.start(Order::Any, "k", progress, work).unwrap(), gate)
}

/// Looks when it is woken, once.
struct Look<F>(Mutex<Option<F>>, AtomicU32);

impl<F: FnOnce() + Send + 'static> Wake for Look<F> {
    fn wake(self: Arc<Self>) {
        if let Some(look) = lock(&self.0).take() {
            look();
        }
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

/// What `look` sees when `waited` learns that the gated transfer has ended.
fn seen_at_wake_up<T: Send + 'static>(
    waited: impl Future,
    gate: &CancellationToken,
    look: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (sender, seen) = std::sync::mpsc::channel();
    let look = Arc::new(Look(
        Mutex::new(Some(move || sender.send(look()).unwrap())),
        AtomicU32::new(0),
    ));
    let waker = Waker::from(look);
    let mut waited = pin!(waited);
    assert!(
        waited
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    gate.cancel();
    seen.recv_timeout(Duration::from_secs(30)).unwrap()
}

#[test]
fn a_failure_is_there_when_the_lease_may_go_on() {
    let lease = lease();
    let (transfer, gate) = gated(&lease, Ends::With(failed().error));
    let looking = Arc::clone(&lease);
    let seen = seen_at_wake_up(lease.transfers.all_ended(), &gate, move || {
        (
            transfer.outcome().is_some(),
            looking.transfers.unobserved_failure().is_some(),
        )
    });
    assert_eq!(seen, (true, true));
}

/// Else the next one may fail while nobody knows that this one went well.
#[test]
fn an_outcome_is_there_when_its_place_is_free() {
    for ends in [Ends::Well, Ends::With(failed().error)] {
        let lease = lease();
        let (transfer, gate) = gated(&lease, ends);
        let all = Arc::clone(&lease.transfers.places).acquire_many_owned(4);
        let seen = seen_at_wake_up(all, &gate, move || transfer.outcome().is_some());
        assert!(seen);
    }
}

#[test]
fn what_moved_is_there_when_anybody_may_go_on() {
    let lease = lease();
    let (_, gate) = gated(&lease, Ends::Well);
    let looking = Arc::clone(&lease);
    let moved = move || looking.transfers.moved().len();
    assert_eq!(
        seen_at_wake_up(lease.transfers.all_ended(), &gate, moved),
        1
    );

    let (transfer, gate) = gated(&lease, Ends::Well);
    let looking = Arc::clone(&lease);
    let moved = move || looking.transfers.moved().len();
    assert_eq!(seen_at_wake_up(transfer.ended(), &gate, moved), 2);
}

#[test]
fn the_cause_is_there_when_the_transfer_ends() {
    let lease = lease();
    let (transfer, gate) = gated(&lease, Ends::With(Error::Cancelled));
    let reason = "the server ended it".into();
    let (fault, cause) = (None, None);
    let lost = Error::LeaseLost {
        reason,
        fault,
        cause,
    };
    lease.ended(Event::ServerEnded, lost);
    let watched = transfer.clone();
    let seen = seen_at_wake_up(transfer.ended(), &gate, move || watched.outcome());
    assert!(matches!(
        seen.unwrap().unwrap_err().error,
        Error::LeaseLost { .. }
    ));
}

#[test]
fn a_panic_ends_a_transfer_for_everybody() {
    let lease = lease();
    let (transfer, gate) = gated(&lease, Ends::InPanic);
    let (watched, looking) = (transfer.clone(), Arc::clone(&lease));
    let seen = seen_at_wake_up(lease.transfers.all_ended(), &gate, move || {
        (
            watched.outcome(),
            looking.transfers.unobserved_failure().is_some(),
        )
    });
    let failure = seen.0.unwrap().unwrap_err();
    assert!(failure.error.to_string().contains("on purpose"));
    assert_eq!((failure.disk_key.as_str(), seen.1), ("k", true));
}

#[test]
fn a_panic_is_told_within_a_second_and_ends_nothing_else() {
    let lease = lease();
    let (panics, its_gate) = gated(&lease, Ends::InPanic);
    let (other, gate) = gated(&lease, Ends::Well);
    let (watched, began) = (panics.clone(), Instant::now());
    let seen = seen_at_wake_up(panics.ended(), &its_gate, move || {
        (watched.outcome(), began.elapsed())
    });
    let failure = seen.0.unwrap().unwrap_err();
    assert!(matches!(failure.error, Error::Internal { .. }));
    assert!(seen.1 < Duration::from_secs(1), "{:?}", seen.1);
    assert!(other.outcome().is_none());
    let watched = other.clone();
    let seen = seen_at_wake_up(other.ended(), &gate, move || watched.outcome());
    assert!(seen.unwrap().is_ok());
    let (next, gate) = gated(&lease, Ends::Well);
    let watched = next.clone();
    let seen = seen_at_wake_up(next.ended(), &gate, move || watched.outcome());
    assert!(seen.unwrap().is_ok());
}

#[test]
fn what_is_cancelled_too_late_was_not_cancelled() {
    let lease = lease();
    let (transfer, gate) = gated(&lease, Ends::With(failed().error));
    // The script looks, the transfer fails, the script cancels.
    assert!(transfer.outcome().is_none());
    let watched = transfer.clone();
    seen_at_wake_up(transfer.ended(), &gate, move || watched.cancel());
    assert!(lease.transfers.unobserved_failure().is_some());
}

#[test]
fn nothing_starts_behind_a_complete() {
    let lease = lease();
    let (transfer, gate) = gated(&lease, Ends::Well);
    assert_eq!(lease.begin_end(Event::Complete), Begun::StillMoving);
    let watched = transfer.clone();
    seen_at_wake_up(transfer.ended(), &gate, move || watched.outcome());
    assert_eq!(lease.begin_end(Event::Complete), Begun::Yes);
    let work = |_| async { Ok(completed()) };
    let started = lease.start(Order::Any, "k", Arc::new(Progress::new(None)), work);
    assert!(matches!(started, Err(Error::LeaseState { .. })));
}

#[test]
fn a_keep_alive_that_dies_ends_the_lease() {
    let lease = lease();
    let _entered = lease.engine().enter().unwrap();
    let seen = {
        let looking = Arc::clone(&lease);
        let (registration, dying) = keep_alive::dying(Arc::clone(&lease));
        let gate = CancellationToken::new();
        let opened = gate.clone();
        std::thread::spawn(move || {
            while !opened.is_cancelled() {
                std::thread::yield_now();
            }
            drop(dying);
        });
        let phase = move || looking.phase();
        seen_at_wake_up(registration.stop(), &gate, phase)
    };
    assert_eq!(seen, Phase::Lost);
    assert!(lease.transfers.is_stopped());
}
