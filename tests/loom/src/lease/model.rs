//! What an ending is made of, in a model: a server that counts, locks and flags of loom.

use loom::sync::atomic::{AtomicBool, Ordering::SeqCst};
use loom::sync::{Arc, Condvar, Mutex};

use super::order::Steps;
use super::phase::{Event, Phase};
use super::starts::{Begun, Moves, Starts};

/// The lease at its server.
#[derive(Default)]
pub(super) struct Server {
    /// Whether it refuses each Complete.
    pub(super) refuses: bool,
    /// Whether the lease was ended, by whomever.
    pub(super) ended: bool,
    /// Completes that came.
    pub(super) completes: u32,
    /// Aborts that came.
    pub(super) aborts: u32,
    /// Calls that ended it.
    pub(super) effective: u32,
    /// Transfers that move.
    moving: u32,
}

/// A value, and who waits for a change of it.
pub(super) struct Watched<T>(Mutex<T>, Condvar);

impl<T> Watched<T> {
    fn new(value: T) -> Self {
        Self(Mutex::new(value), Condvar::new())
    }

    pub(super) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.0.lock().unwrap());
        self.1.notify_all();
        result
    }

    fn wait(&self, until: impl Fn(&T) -> bool) {
        let mut value = self.0.lock().unwrap();
        while !until(&value) {
            value = self.1.wait(value).unwrap();
        }
    }
}

/// A transfer of the model.
#[derive(Clone)]
pub(super) struct Moving(Arc<Watched<bool>>);

impl Moves for Moving {
    fn still_moves(&self) -> bool {
        self.0.change(|moves| *moves)
    }
}

/// A lease as the endings see it.
pub(super) struct Model {
    pub(super) server: Mutex<Server>,
    phase: Watched<Phase>,
    starts: Starts<Moving>,
    stopped: AtomicBool,
    /// Whether somebody wants the keep-alive to end.
    quiet: AtomicBool,
    /// Whether the keep-alive still serves.
    renewed: Watched<bool>,
}

impl Model {
    /// A lease that is ready, with a keep-alive or without.
    pub(super) fn new(refuses: bool, renewed: bool) -> Arc<Self> {
        let server = Server {
            refuses,
            ..Server::default()
        };
        Arc::new(Self {
            server: Mutex::new(server),
            phase: Watched::new(Phase::Ready),
            starts: Starts::default(),
            stopped: AtomicBool::new(false),
            quiet: AtomicBool::new(false),
            renewed: Watched::new(renewed),
        })
    }

    /// The keep-alive's thread: at most one Progress, and what it learns.
    pub(super) fn renew(&self) {
        if !self.quiet.load(SeqCst) {
            let refused = {
                let server = self.server.lock().unwrap();
                let ours = server.completes + server.aborts;
                assert_eq!(ours, 0, "a Progress behind a Complete or Abort of ours");
                server.ended
            };
            if refused && self.apply(Event::ServerEnded) {
                self.stopped.store(true, SeqCst);
            }
        }
        self.renewed.change(|renewed| *renewed = false);
    }

    /// Starts a transfer where that may be.
    pub(super) fn start(&self) -> Option<Moving> {
        let started = self.starts.add(|_| {
            if self.phase() != Phase::Ready || self.stopped.load(SeqCst) {
                return Err(());
            }
            Ok(Moving(Arc::new(Watched::new(true))))
        });
        started.ok()
    }

    /// Its work: it moves unless the lease was ended by us meanwhile.
    pub(super) fn move_all(&self, moving: &Moving) {
        {
            let mut server = self.server.lock().unwrap();
            assert_eq!(server.completes, 0, "a transfer behind a Complete");
            server.moving += 1;
        }
        self.server.lock().unwrap().moving -= 1;
        moving.0.change(|moves| *moves = false);
    }

    /// Begins an end, as `Lease::begin_end` does.
    pub(super) fn begin(&self, end: Event) -> Begun {
        self.starts.end(|| self.apply(end))
    }

    /// The server ends the lease: its time is over, or somebody else was there.
    pub(super) fn expire(&self) {
        self.server.lock().unwrap().ended = true;
    }
}

impl Steps for Arc<Model> {
    type Failed = ();
    type Why = ();
    type Answer = ();

    fn apply(&self, event: Event) -> bool {
        self.as_ref().apply(event)
    }

    fn phase(&self) -> Phase {
        self.as_ref().phase()
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(SeqCst)
    }

    fn why((): &()) {}

    async fn stop_transfers(&self) {
        self.stopped.store(true, SeqCst);
        let all = self.starts.with(<[Moving]>::to_vec);
        all.iter().for_each(|one| one.0.wait(|moves| !moves));
    }

    async fn stop_keep_alive(&self) {
        self.quiet.store(true, SeqCst);
        self.renewed.wait(|renewed| !renewed);
    }

    async fn other_ending(&self) {
        let under_way = [Phase::Completing, Phase::Aborting];
        self.phase.wait(|phase| !under_way.contains(phase));
    }

    async fn send_complete(&self) -> Result<(), ()> {
        let taken = {
            let mut server = self.server.lock().unwrap();
            assert_eq!(server.moving, 0, "Complete beside a transfer");
            server.completes += 1;
            let taken = !server.refuses && !server.ended;
            if taken {
                server.ended = true;
                server.effective += 1;
            }
            (taken, server.ended)
        };
        let event = match taken {
            (true, _) => return Ok(()),
            (false, true) => Event::ServerEnded,
            (false, false) => Event::CompleteRefused,
        };
        Steps::apply(self, event);
        Err(())
    }

    async fn send_abort(&self, (): &()) {
        let mut server = self.server.lock().unwrap();
        server.aborts += 1;
        if !server.ended {
            server.ended = true;
            server.effective += 1;
        }
    }
}

impl Model {
    pub(super) fn apply(&self, event: Event) -> bool {
        self.phase.change(|phase| {
            let next = phase.after(event);
            *phase = next.unwrap_or(*phase);
            next.is_some()
        })
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase.change(|phase| *phase)
    }
}
