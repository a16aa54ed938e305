//! The one thread of the process that renews leases, with its runtime.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::serving;
use crate::error::{Error, Result};
use crate::lease::Lease;
use crate::lease::phase::Event;
use crate::sync::lock;
use crate::text::said_at;
use crate::threads;
use crate::transfer::panics::caught;

/// How long an ending waits for a Progress that is under way before it goes ahead.
const STOP_WAIT: Duration = Duration::from_secs(2);

static THREAD: Mutex<Option<Thread>> = Mutex::new(None);

struct Thread {
    /// Whose thread it is: a forked child has none.
    pid: u32,
    /// Takes new leases; closed once the thread has died.
    inbox: mpsc::UnboundedSender<Served>,
}

struct Served {
    /// What is renewed.
    lease: Arc<Lease>,
    /// The interval that was chosen; else the lease's timeout gives one.
    interval: Option<Duration>,
    /// Cancelled by its [`Registration`].
    stop: CancellationToken,
    /// Whether the service ended as it should.
    done: bool,
    /// Dropped last: who waits for the end of the service finds what it left of the lease.
    _ended: DropGuard,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It panicked, or its thread did: a lease that nobody renews must not look like one.
        if !self.done {
            let reason = "its keep-alive stopped by an internal error; please report it".into();
            let lost = Error::LeaseLost {
                reason,
                fault: None,
                cause: None,
            };
            self.lease.ended(Event::ContactLost, lost);
        }
    }
}

/// A lease's place at the keep-alive. Dropping it ends the service without waiting.
#[derive(Debug)]
pub(crate) struct Registration {
    /// Asks for the end of the service.
    stop: CancellationToken,
    /// Cancelled when the service has ended, so that no Progress follows the lease's end.
    ended: CancellationToken,
}

impl Registration {
    /// Ends the service; returns when no Progress is under way.
    pub(crate) fn stop(&self) -> impl Future<Output = ()> + Send + use<> {
        self.stop.cancel();
        let ended = self.ended.clone();
        async move {
            let _ = tokio::time::timeout(STOP_WAIT, ended.cancelled()).await;
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn place(lease: Arc<Lease>, interval: Option<Duration>) -> (Registration, Served) {
    let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
    let served = Served {
        lease,
        interval,
        stop: stop.clone(),
        done: false,
        _ended: ended.clone().drop_guard(),
    };
    (Registration { stop, ended }, served)
}

/// A service that only needs to be dropped, as a panic drops it.
#[cfg(test)]
pub(in crate::lease) fn dying(lease: Arc<Lease>) -> (Registration, impl Send) {
    place(lease, None)
}

/// Puts a lease under the keep-alive; starts the thread if it does not run.
pub(super) fn register(lease: Arc<Lease>, interval: Option<Duration>) -> Result<Registration> {
    let (registration, mut served) = place(lease, interval);
    let pid = std::process::id();
    let mut running = lock(&THREAD);
    if let Some(there) = running.as_ref().filter(|there| there.pid == pid) {
        match there.inbox.send(served) {
            Ok(()) => return Ok(registration),
            Err(unsent) => served = unsent.0,
        }
    }
    let (inbox, outbox) = mpsc::unbounded_channel();
    if let Err(error) = start(outbox) {
        served.done = true; // who asked is woken
        return Err(error);
    }
    // A thread that has nothing to serve yet waits for the first.
    let _ = inbox.send(served);
    *running = Some(Thread { pid, inbox });
    Ok(registration)
}

fn start(inbox: mpsc::UnboundedReceiver<Served>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::io("<keep-alive thread>", e))?;
    let work = move || {
        #[allow(
            clippy::disallowed_methods,
            reason = "this thread exists to run this runtime"
        )]
        runtime.block_on(serve_all(inbox));
    };
    threads::spawn("nfclease-keep-alive", work)
        .map(|_| ())
        .map_err(|e| Error::io("<keep-alive thread>", e))
}

async fn serve_all(mut inbox: mpsc::UnboundedReceiver<Served>) {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            Some(served) = inbox.recv() => {
                tasks.spawn(serve(served));
            }
            Some(_) = tasks.join_next() => {}
        }
        while let Ok(served) = inbox.try_recv() {
            tasks.spawn(serve(served));
        }
        if tasks.is_empty() {
            // Leases register under this lock, so that none slips in between look and end.
            let mut running = lock(&THREAD);
            if let Ok(served) = inbox.try_recv() {
                tasks.spawn(serve(served));
            } else {
                *running = None;
                return;
            }
        }
    }
}

async fn serve(mut served: Served) {
    let serving = serving::serve(&served.lease, served.interval, &served.stop);
    match caught(serving).await {
        Ok(()) => served.done = true,
        // The lease is lost with `served`; this says why.
        Err(error) => {
            let lease = &served.lease;
            said_at!(error, lease.place(), "{}: {error}", lease.label());
        }
    }
}
