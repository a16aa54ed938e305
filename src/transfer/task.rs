//! The handle of a running transfer: watch it, wait for it, cancel it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::panics::caught;
use super::progress::{Progress, Snapshot};
use super::{Completed, Engine};
use crate::error::{Error, Failure, Result, Step};
use crate::text::ServerText;

/// How a transfer ended.
pub type Outcome = Result<Arc<Completed>, Arc<Failure>>;

/// A transfer that the engine runs. Dropping the handle stops nothing.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// Its counters, which the work moves.
    progress: Arc<Progress>,
    /// Stops the work, which cleans up before it ends.
    cancel: CancellationToken,
    /// A watch: as many as want to wait for the end, and the outcome stays for who comes late.
    outcome: watch::Receiver<Option<Outcome>>,
    /// Whether the caller has observed the outcome; the end of the lease raises a failure else.
    observed: Arc<AtomicBool>,
    /// Whether the caller has asked for the outcome: what is started then for the same device does
    /// not wait for this one's success.
    asked: Arc<AtomicBool>,
    /// Whether the caller cancelled it: then that it was cancelled needs not be observed.
    cancelled_by_caller: Arc<AtomicBool>,
    /// `DeviceUrl.key`, by which what goes to one device keeps its order.
    key: Arc<str>,
}

impl Transfer {
    /// Hands the work to the engine. `work` must end soon after `cancel` is cancelled, cleaned up.
    /// The tracker counts it until its outcome is there for everybody, and what `work` returns beside it
    /// is kept as long: whoever waits for that sees the outcome.
    pub(crate) fn start<F, K>(
        engine: &Engine,
        tracker: &TaskTracker,
        key: &str,
        progress: Arc<Progress>,
        cancel: CancellationToken,
        work: F,
    ) -> Result<Self>
    where
        F: Future<Output = (Result<Completed, Failure>, K)> + Send + 'static,
        K: Send + 'static,
    {
        let (sender, outcome) = watch::channel(None);
        let transfer = Self {
            progress,
            cancel,
            outcome,
            observed: Arc::default(),
            asked: Arc::default(),
            cancelled_by_caller: Arc::default(),
            key: key.into(),
        };
        let end = End {
            outcome: sender,
            lost: (Arc::clone(&transfer.key), Arc::clone(&transfer.progress)),
            _tracked: tracker.token(),
        };
        engine.transfer_then(caught(work), move |caught| match caught {
            Ok((result, _kept)) => end.publish(result.map(Arc::new).map_err(Arc::new)),
            Err(panic) => end.publish(Err(Arc::new(end.failure(panic)))),
        })?;
        Ok(transfer)
    }

    /// `DeviceUrl.key` of its device.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The same as its failure has it.
    pub fn disk_key(&self) -> ServerText {
        ServerText::new(&self.key)
    }

    /// Waits for the end.
    pub async fn ended(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let ended = outcome.wait_for(Option::is_some).await;
        match ended.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            _ => Err(Arc::new(self.lost())),
        }
    }

    /// How it ended, if it has. Nobody polls a dead task: that one has ended too.
    pub fn outcome(&self) -> Option<Outcome> {
        let dead = self.outcome.has_changed().is_err(); // looked at first: what it left came before
        let outcome = self.outcome.borrow().clone();
        outcome.or_else(|| dead.then(|| Err(Arc::new(self.lost()))))
    }

    /// The caller has asked how it ended. Whether it has observed the answer is another matter.
    pub fn set_asked(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether it failed and the caller has not asked.
    pub(crate) fn has_failed_unasked(&self) -> bool {
        !self.asked.load(Ordering::Relaxed) && self.unobserved_failure().is_some()
    }

    /// The caller has observed how it ended, and owns its error.
    pub fn set_observed(&self) {
        self.set_asked();
        self.observed.store(true, Ordering::Relaxed);
    }

    /// Its failure, where the caller has not observed it. Who cancelled it need not.
    pub(crate) fn unobserved_failure(&self) -> Option<Arc<Failure>> {
        if self.observed.load(Ordering::Relaxed) {
            return None;
        }
        let failure = self.outcome()?.err()?;
        let wanted = self.cancelled_by_caller.load(Ordering::Relaxed)
            && matches!(failure.error, Error::Cancelled);
        (!wanted).then_some(failure)
    }

    /// Asks the transfer to stop; its partial file is removed before [`Self::ended`] returns.
    pub fn cancel(&self) {
        self.cancelled_by_caller.store(true, Ordering::Relaxed);
        self.cancel.cancel();
    }

    /// Stops the transfer as [`Self::cancel`] does, but the caller did not ask for that: it has failed.
    pub fn break_off(&self) {
        self.cancel.cancel();
    }

    /// The counters now.
    pub fn progress(&self) -> Snapshot {
        self.progress.snapshot()
    }

    fn lost(&self) -> Failure {
        lost(&self.key, &self.progress, no_outcome())
    }
}

/// The one place where a transfer ends. Who learns by whichever way that it has ended finds the
/// outcome: it is published first, and the tracker learns it last.
struct End {
    /// Everybody who waits is woken by it.
    outcome: watch::Sender<Option<Outcome>>,
    /// Key and counters, for the failure of a task that leaves no outcome.
    lost: (Arc<str>, Arc<Progress>),
    /// Dropped after the outcome is published: the lease's end waits for it.
    _tracked: TaskTrackerToken,
}

impl End {
    fn publish(&self, outcome: Outcome) {
        self.outcome.send_replace(Some(outcome));
    }

    fn failure(&self, error: Error) -> Failure {
        lost(&self.lost.0, &self.lost.1, error)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // Its runtime went away under the task.
        if self.outcome.borrow().is_none() {
            self.publish(Err(Arc::new(self.failure(no_outcome()))));
        }
    }
}

fn no_outcome() -> Error {
    Error::internal("a transfer's task ends with an outcome")
}

fn lost(key: &str, progress: &Progress, error: Error) -> Failure {
    let Snapshot {
        bytes_done,
        attempts,
        ..
    } = progress.snapshot();
    let step = match attempts {
        0 => Step::Lease,
        _ => Step::Body,
    };
    Failure {
        bytes_done,
        attempts,
        ..Failure::new(key, step, error)
    }
}
