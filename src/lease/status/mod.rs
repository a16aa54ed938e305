//! What is known of the lease, and the only writer of its phase.
//!
//! [`learning`] is how it is learnt from the server.

mod learning;

use std::sync::Arc;

use tokio::sync::watch;

use super::phase::{Event, Phase};
use crate::error::{Error, Result};
use crate::soap::LeaseInfo;
use crate::text::Text;

pub(super) use self::learning::{LAST_FAULTS, fault_text};

/// What is known at one moment.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Where the lease is.
    pub(super) phase: Phase,
    /// `info`, once it was ready: `Arc`, since it may be large and is read for every Progress.
    pub(super) info: Option<Arc<LeaseInfo>>,
    /// Why it is lost or gone: the first cause, of which later ones are only consequences.
    pub(super) cause: Option<Error>,
    /// Why its state could not be read the last time, for who waits in vain.
    unread: Option<Unread>,
}

/// Why its state could not be read.
#[derive(Debug, Clone)]
pub(super) struct Unread {
    /// In words.
    pub(super) why: Text,
    /// The error, where there was one.
    pub(super) cause: Option<Arc<Error>>,
}

impl From<Error> for Unread {
    fn from(error: Error) -> Self {
        Self {
            why: Text::of(&error),
            cause: Some(Arc::new(error)),
        }
    }
}

impl From<&str> for Unread {
    fn from(why: &str) -> Self {
        Self {
            why: why.into(),
            cause: None,
        }
    }
}

/// What is known now. Everybody may watch it; it is changed by the methods here.
#[derive(Debug)]
pub(super) struct Status {
    /// A watch: who waits for a change is woken by it.
    known: watch::Sender<Known>,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            known: watch::Sender::new(Known {
                phase: Phase::Initializing,
                info: None,
                cause: None,
                unread: None,
            }),
        }
    }
}

impl Status {
    /// Everything at one moment.
    pub(super) fn now(&self) -> Known {
        self.known.borrow().clone()
    }

    /// Where the lease is.
    pub(super) fn phase(&self) -> Phase {
        self.known.borrow().phase
    }

    /// `info`, once it was ready.
    pub(super) fn info(&self) -> Option<Arc<LeaseInfo>> {
        self.known.borrow().info.clone()
    }

    /// Why it is lost or gone.
    pub(super) fn cause(&self) -> Option<Error> {
        self.known.borrow().cause.clone()
    }

    /// Wakes all that wait for a change.
    pub(super) fn watch(&self) -> watch::Receiver<Known> {
        self.known.subscribe()
    }

    /// The info of a ready lease, `None` while it initializes, an error when it is over.
    pub(super) fn info_if_ready(&self) -> Result<Option<Arc<LeaseInfo>>> {
        let known = self.known.borrow();
        match known.phase {
            Phase::Initializing => Ok(None),
            Phase::Ready => Ok(Some(known.info.clone().unwrap_or_default())),
            phase => Err(known.cause.clone().unwrap_or(Error::LeaseState {
                state: phase.as_str(),
                hint: "open a new one with ExportVm, ExportSnapshot or ImportVApp".into(),
            })),
        }
    }

    /// Applies an event where it is legal; `true` when it was.
    pub(super) fn apply(&self, event: Event) -> bool {
        self.known.send_if_modified(|known| known.go(event))
    }

    /// The same for an event that has a cause, which is kept where it is the first.
    pub(super) fn apply_with(&self, event: Event, cause: Error) -> bool {
        self.known.send_if_modified(|known| {
            let legal = known.go(event);
            if legal {
                known.cause.get_or_insert(cause);
            }
            legal
        })
    }

    /// The server reads `ready`, with this. Nobody is woken for what was known.
    fn ready(&self, info: LeaseInfo) {
        self.known.send_if_modified(|known| {
            let before = known.phase;
            if !known.go(Event::ServerReady) {
                return false;
            }
            known.info.get_or_insert_with(|| Arc::new(info));
            known.phase != before
        });
    }

    /// A cause that comes before its event. Nobody is woken for it.
    pub(super) fn expect_end(&self, cause: Error) {
        self.known.send_if_modified(|known| {
            known.cause.get_or_insert(cause);
            false
        });
    }

    /// Why the state could not be read, or that it could. Nobody is woken for it.
    pub(super) fn set_unread(&self, why: Option<Unread>) {
        self.known.send_if_modified(|known| {
            known.unread = why;
            false
        });
    }

    /// Why who waits in vain does so.
    fn unread(&self) -> Option<Unread> {
        self.known.borrow().unread.clone()
    }
}

impl Known {
    fn go(&mut self, event: Event) -> bool {
        let next = self.phase.after(event);
        if let Some(next) = next {
            self.phase = next;
        }
        next.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(reason: &str) -> Error {
        Error::LeaseLost {
            reason: reason.into(),
            fault: None,
            cause: None,
        }
    }

    #[test]
    fn the_first_cause_stays() {
        let status = Status::default();
        status.expect_end(Error::Cancelled);
        assert!(status.apply_with(Event::ContactLost, cause("silence")));
        assert!(status.apply_with(Event::ServerEnded, cause("the server ended it")));
        assert!(matches!(status.cause(), Some(Error::Cancelled)));
    }

    #[test]
    fn what_is_not_legal_leaves_no_cause() {
        let status = Status::default();
        assert!(status.apply(Event::Complete));
        assert!(!status.apply_with(Event::ContactLost, cause("silence")));
        assert!(status.cause().is_none());
        assert_eq!(status.phase(), Phase::Completing);
    }

    #[test]
    fn readiness_wakes_once() {
        let status = Status::default();
        let mut watch = status.watch();
        status.set_unread(Some(Unread::from("no answer")));
        assert!(!watch.has_changed().unwrap());
        status.ready(LeaseInfo::default());
        assert!(watch.has_changed().unwrap());
        watch.mark_unchanged();
        status.ready(LeaseInfo::default());
        assert!(!watch.has_changed().unwrap());
    }
}
