//! In which order a lease is ended, without what that is made of.
//!
//! `tests/loom` compiles this very file, and runs it in every order that threads can have.

use std::future::Future;

use crate::lease::phase::{Event, Phase};

/// What an ending is made of. Each way to wait is bounded by who implements it.
pub(in crate::lease) trait Steps: Sync {
    /// Why a Complete failed.
    type Failed: Send + Sync;
    /// What an Abort tells the server.
    type Why: Send + Sync;
    /// What became of an Abort that was sent.
    type Answer: Send;

    /// Applies an event where it is legal; `true` when it was.
    fn apply(&self, event: Event) -> bool;
    /// Where the lease is.
    fn phase(&self) -> Phase;
    /// Whether somebody wants all transfers to stop.
    fn is_stopped(&self) -> bool;
    /// What an Abort after this failure tells.
    fn why(failed: &Self::Failed) -> Self::Why;

    /// Stops every transfer, and waits for their clean-up.
    fn stop_transfers(&self) -> impl Future<Output = ()> + Send;
    /// Ends the keep-alive, and waits until no Progress is under way.
    fn stop_keep_alive(&self) -> impl Future<Output = ()> + Send;
    /// Waits while a Complete or Abort of another is under way.
    fn other_ending(&self) -> impl Future<Output = ()> + Send;
    /// Sends Complete; what its failure means for the phase is applied.
    fn send_complete(&self) -> impl Future<Output = Result<(), Self::Failed>> + Send;
    /// Sends Abort.
    fn send_abort(&self, why: &Self::Why) -> impl Future<Output = Self::Answer> + Send;
}

/// The Complete, once [`Event::Complete`] was applied; `None` when the server ended the lease before.
pub(in crate::lease) async fn complete<S: Steps>(steps: &S) -> Option<Result<(), S::Failed>> {
    steps.stop_keep_alive().await;
    // The last Progress may have learnt that the server has ended it.
    if steps.phase() != Phase::Completing {
        return None;
    }
    let sent = steps.send_complete().await;
    match &sent {
        Ok(()) => {
            steps.apply(Event::CompleteTaken);
        }
        Err(failed) => abort_if_stopped(steps, &S::why(failed)).await,
    }
    Some(sent)
}

/// Who wanted the Abort has found the Complete under way, and waits for it no more.
pub(in crate::lease) async fn abort_if_stopped<S: Steps>(steps: &S, why: &S::Why) {
    if steps.is_stopped() && steps.phase().is_held() {
        let _ = abort(steps, why).await;
    }
}

/// One Abort while the lease is held; else the phase in which it was found.
pub(in crate::lease) async fn abort<S: Steps>(steps: &S, why: &S::Why) -> Result<S::Answer, Phase> {
    steps.stop_transfers().await;
    steps.stop_keep_alive().await;
    // A Complete that is under way decides first.
    steps.other_ending().await;
    let before = steps.phase();
    if !steps.apply(Event::Abort) {
        return Err(before);
    }
    let answer = steps.send_abort(why).await;
    steps.apply(Event::AbortSent);
    Ok(answer)
}
