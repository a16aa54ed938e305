//! The handle of a running transfer: watch it, wait for it, cancel it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::progress::{Progress, Snapshot};
use super::{Completed, Engine};
use crate::error::{Error, Failure, Result};

/// How a transfer ended.
pub type Outcome = Result<Arc<Completed>, Arc<Failure>>;

/// A transfer that the engine runs. Dropping the handle stops nothing.
#[derive(Debug, Clone)]
pub struct Transfer {
    progress: Arc<Progress>,
    cancel: CancellationToken,
    outcome: watch::Receiver<Option<Outcome>>,
    seen: Arc<AtomicBool>,
}

impl Transfer {
    /// Hands the work to the engine. `work` must end soon after `cancel` is cancelled, cleaned up.
    pub fn start<F>(
        engine: &Engine,
        progress: Arc<Progress>,
        cancel: CancellationToken,
        work: F,
    ) -> Result<Self>
    where
        F: Future<Output = Result<Completed, Failure>> + Send + 'static,
    {
        let (sender, outcome) = watch::channel(None);
        engine.transfer(async move {
            let ended = work.await.map(Arc::new).map_err(Arc::new);
            sender.send_replace(Some(ended));
        })?;
        Ok(Self {
            progress,
            cancel,
            outcome,
            seen: Arc::default(),
        })
    }

    /// Waits for the end.
    pub async fn ended(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let ended = outcome.wait_for(Option::is_some).await;
        match ended.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            _ => Err(Arc::new(lost_task())),
        }
    }

    /// How it ended, if it has.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome.borrow().clone()
    }

    /// The user is told how it ended, and owns its error.
    pub fn see(&self) {
        self.seen.store(true, Ordering::Relaxed);
    }

    /// Its failure, where the user was not told.
    pub fn unseen_failure(&self) -> Option<Arc<Failure>> {
        if self.seen.load(Ordering::Relaxed) {
            return None;
        }
        self.outcome()?.err()
    }

    /// Asks the transfer to stop; its partial file is removed before [`Self::ended`] returns.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// The counters now.
    pub fn progress(&self) -> Snapshot {
        self.progress.snapshot()
    }
}

/// The sender is dropped unsent only when the task panicked or its runtime is gone.
fn lost_task() -> Failure {
    Failure {
        error: Error::internal("a transfer's task ends with an outcome"),
        phase: "internal",
        disk_key: String::new(),
        bytes_done: 0,
        attempts: 0,
        files_left: Vec::new(),
    }
}
