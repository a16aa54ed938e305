//! The lease's life as a pure table: no I/O, no clock. An illegal event changes nothing.
//!
//! It holds the promise that every way out ends in exactly one Complete or one Abort of ours, and
//! in neither when the server has already ended the lease. The rules:
//!
//! 1. A lease begins as `Initializing`. Only the server makes it `Ready`.
//! 2. Complete and Abort are each legal in one go only: the one that applies the event sends the call,
//!    and every other thread finds it illegal. They exclude each other.
//! 3. A Complete that the server refuses leaves the lease held (`Ready`): it is the one event that
//!    goes back, and an Abort may follow it.
//! 4. An Abort is legal while the server may hold the lease for us, so also after contact was lost.
//!    It ends the lease whatever the server answers.
//! 5. The server's own end is believed in every phase but `Aborting`: there the answer to our Abort
//!    is still to come, and tells the same.
//! 6. `Completed`, `Aborted`, `Gone` and `HandedOn` are final.
//!
//! ```text
//!                     ServerReady            Complete              CompleteTaken
//! Initializing --------------------> Ready -----------> Completing -------------> Completed
//!      |   |                         |  ^                   |
//!      |   '---- Complete, Detach ---'  '- CompleteRefused -'
//!      |                             |
//!      |---------- Detach -----------+--> HandedOn
//!      |---------- Abort  -----------+--> Aborting -- AbortSent --> Aborted
//!      |                             |       ^
//!      |-------- ContactLost --------+--> Lost
//!      '-------- ServerEnded --------+--> Gone   (from Completing and Lost as well)
//! ```

/// Where the lease is, as seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The server prepares.
    Initializing,
    /// Held; data may move.
    Ready,
    /// Complete was sent.
    Completing,
    /// Abort was sent, or is about to be.
    Aborting,
    /// The server took the Complete.
    Completed,
    /// Our Abort was sent, whatever the server said.
    Aborted,
    /// Out of contact for too long; the server may still hold it.
    Lost,
    /// The server ended it: failed, timed out, or ended by another client.
    Gone,
    /// Somebody else renews and ends it now.
    HandedOn,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    /// The server reads `ready`.
    ServerReady,
    /// The server reads `error` or `done`, or no longer knows the lease.
    ServerEnded,
    /// No keep-alive got through for too long.
    ContactLost,
    /// We want to send Complete.
    Complete,
    /// The server took it.
    CompleteTaken,
    /// The server refused it.
    CompleteRefused,
    /// We want to send Abort.
    Abort,
    /// The Abort was sent.
    AbortSent,
    /// The script gives it to somebody else.
    Detach,
}

impl Phase {
    /// The phase after `event`, or `None` when the event is not legal here.
    pub(crate) fn after(self, event: Event) -> Option<Self> {
        use Event as E;
        use Phase as P;
        Some(match (self, event) {
            (P::Initializing | P::Ready, E::ServerReady) | (P::Completing, E::CompleteRefused) => {
                P::Ready
            }
            (P::Initializing | P::Ready | P::Completing | P::Lost, E::ServerEnded) => P::Gone,
            (P::Initializing | P::Ready, E::ContactLost) => P::Lost,
            (P::Initializing | P::Ready, E::Complete) => P::Completing,
            (P::Completing, E::CompleteTaken) => P::Completed,
            (P::Initializing | P::Ready | P::Lost, E::Abort) => P::Aborting,
            (P::Aborting, E::AbortSent) => P::Aborted,
            (P::Initializing | P::Ready, E::Detach) => P::HandedOn,
            _ => return None,
        })
    }

    /// Whether the server may hold the lease for us.
    pub fn is_held(self) -> bool {
        matches!(self, Self::Initializing | Self::Ready | Self::Lost)
    }

    /// Whether its end is still to come, or not through yet.
    pub fn is_open(self) -> bool {
        self.is_held() || matches!(self, Self::Completing | Self::Aborting)
    }

    /// The word for messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Ready => "ready",
            Self::Completing => "being completed",
            Self::Aborting => "being aborted",
            Self::Completed => "completed",
            Self::Aborted => "aborted",
            Self::Lost => "lost",
            Self::Gone => "ended by the server",
            Self::HandedOn => "handed on",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Event as E;
    use Phase as P;

    const PHASES: [Phase; 9] = [
        P::Initializing,
        P::Ready,
        P::Completing,
        P::Aborting,
        P::Completed,
        P::Aborted,
        P::Lost,
        P::Gone,
        P::HandedOn,
    ];
    const EVENTS: [Event; 9] = [
        E::ServerReady,
        E::ServerEnded,
        E::ContactLost,
        E::Complete,
        E::CompleteTaken,
        E::CompleteRefused,
        E::Abort,
        E::AbortSent,
        E::Detach,
    ];

    /// Every event in every phase: rows and columns are in the order of the lists above.
    #[test]
    fn the_whole_table() {
        let x = None;
        let [ready, completing, aborting] = [P::Ready, P::Completing, P::Aborting].map(Some);
        let [lost, gone, handed_on] = [P::Lost, P::Gone, P::HandedOn].map(Some);
        let [completed, aborted] = [P::Completed, P::Aborted].map(Some);
        let held = [ready, gone, lost, completing, x, x, aborting, x, handed_on];
        let table = [
            held,
            held,
            [x, gone, x, x, completed, ready, x, x, x],
            [x, x, x, x, x, x, x, aborted, x],
            [x; 9],
            [x; 9],
            [x, gone, x, x, x, x, aborting, x, x],
            [x; 9],
            [x; 9],
        ];
        for (phase, row) in PHASES.into_iter().zip(table) {
            for (event, next) in EVENTS.into_iter().zip(row) {
                assert_eq!(phase.after(event), next, "{phase:?} {event:?}");
            }
        }
    }

    #[test]
    fn the_ends_are_final() {
        for phase in [P::Completed, P::Aborted, P::Gone, P::HandedOn] {
            for event in EVENTS {
                assert_eq!(phase.after(event), None, "{phase:?} {event:?}");
            }
        }
    }

    #[test]
    fn no_path_sends_two_endings() {
        let mut open: Vec<(Phase, u32, bool)> = vec![(P::Initializing, 0, false)];
        let mut seen = std::collections::HashSet::new();
        while let Some((phase, sent, refused)) = open.pop() {
            if !seen.insert((phase, sent, refused)) {
                continue;
            }
            assert!(sent <= 1 || refused, "{phase:?} after {sent} endings");
            for event in EVENTS {
                let Some(next) = phase.after(event) else {
                    continue;
                };
                let sent = sent + u32::from(matches!(event, E::Complete | E::Abort));
                open.push((next, sent.min(3), refused || event == E::CompleteRefused));
            }
        }
        assert!(seen.iter().any(|(phase, ..)| *phase == P::Completed));
    }

    #[test]
    fn held_means_that_abort_is_legal() {
        for phase in PHASES {
            assert_eq!(
                phase.is_held(),
                phase.after(E::Abort).is_some(),
                "{phase:?}"
            );
        }
    }
}
