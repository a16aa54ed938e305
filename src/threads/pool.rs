//! A few threads for what blocks; work that is held up does not count.
//!
//! When many transfers end at once, a thread for each would be a hundred threads that wait for a
//! core. A fixed number of them would let one disk, or one name server, that does not come back hold
//! up all the others.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot::{Receiver, error::RecvError};
use tokio::time::timeout;

use super::spawn;
use crate::sync::lock;

/// Work that takes longer is held up.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often who waits looks for that.
const LOOK: Duration = Duration::from_millis(100);
/// How long a thread waits for more work. With none of that, those that end and those that start
/// would be there together.
const IDLE: Duration = Duration::from_millis(500);

/// A piece of work.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// Threads that do one piece of work after the other, in order of arrival.
pub struct Pool {
    name: &'static str,
    /// So many at once, beside those that are held up.
    most: usize,
    /// None where work that takes long counts like any other.
    patience: Option<Duration>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Of the process: a forked child has no thread of its parent's.
    pid: u32,
    waiting: VecDeque<Job>,
    /// When each piece of work that is done now was begun, by its number.
    busy: Vec<(u64, Instant)>,
    begun: u64,
    /// Threads that take what waits, also those that are about to be there.
    idle: usize,
}

impl State {
    /// Whether one more thread may begin something.
    fn has_room(&self, most: usize, patience: Option<Duration>) -> bool {
        let is_held_up = |begun: &Instant| patience.is_some_and(|most| begun.elapsed() > most);
        let all = self.busy.len().saturating_add(self.idle);
        let held_up = self.busy.iter().filter(|(_, begun)| is_held_up(begun));
        let held_up = held_up.count();
        // Where many are, the next ones may well be, too: soon all of these have a thread.
        all.saturating_sub(held_up) < most.max(held_up)
    }
}

impl Pool {
    /// Starts nothing yet.
    pub const fn new(name: &'static str, most: usize) -> Self {
        Self::of(name, most, Some(PATIENCE))
    }

    /// One thread, however long it takes.
    pub const fn of_one(name: &'static str) -> Self {
        Self::of(name, 1, None)
    }

    const fn of(name: &'static str, most: usize, patience: Option<Duration>) -> Self {
        Self {
            name,
            most,
            patience,
            state: Mutex::new(State {
                pid: 0,
                waiting: VecDeque::new(),
                busy: Vec::new(),
                begun: 0,
                idle: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// Does this in a thread, after what came before. Without one it is done at once, by the caller.
    pub fn give(&'static self, job: Box<dyn FnOnce() + Send>) {
        if let Err((_, left)) = self.put(job) {
            left.into_iter().for_each(run);
        }
    }

    /// The same, but for an error without a thread.
    pub(crate) fn try_give(&'static self, job: Job) -> io::Result<()> {
        self.put(job).map_err(|(error, _)| error)
    }

    /// Queues a job. The error has all queued jobs, when no thread runs and none can start.
    fn put(&'static self, job: Job) -> Result<(), (io::Error, VecDeque<Job>)> {
        let mut state = self.state();
        state.waiting.push_back(job);
        match self.grow(&mut state) {
            Err(error) if state.busy.is_empty() && state.idle == 0 => {
                Err((error, std::mem::take(&mut state.waiting)))
            }
            // Those that are there do it.
            _ => Ok(()),
        }
    }

    /// Waits for an answer of such work, and sees that it is not held up by other work.
    pub async fn answer<T>(&'static self, mut answer: Receiver<T>) -> Result<T, RecvError> {
        // `timeout` needs the clock of a runtime.
        while Handle::try_current().is_ok() {
            match timeout(LOOK, &mut answer).await {
                Ok(answered) => return answered,
                // Where none can be started those that are there go on.
                Err(_) => drop(self.grow(&mut self.state())),
            }
        }
        answer.await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = lock(&self.state);
        let pid = std::process::id();
        if state.pid != pid {
            // What the parent had waiting is the parent's; it may hold what has no place here.
            std::mem::take(&mut state.waiting)
                .into_iter()
                .for_each(std::mem::forget);
            state.busy.clear();
            (state.pid, state.idle) = (pid, 0);
        }
        state
    }

    /// Has a thread for what waits, where it may be.
    fn grow(&'static self, state: &mut State) -> io::Result<()> {
        let idle = state.idle.min(state.waiting.len());
        (0..idle).for_each(|_| self.changed.notify_one());
        for _ in idle..state.waiting.len() {
            if !state.has_room(self.most, self.patience) {
                break;
            }
            spawn(self.name, || self.work())?;
            state.idle = state.idle.saturating_add(1);
        }
        Ok(())
    }

    fn work(&self) {
        let mut state = self.state();
        loop {
            let is_empty = |state: &mut State| state.waiting.is_empty();
            let woken = self.changed.wait_timeout_while(state, IDLE, is_empty);
            (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
            state.idle = state.idle.saturating_sub(1);
            let Some(job) = state.waiting.pop_front() else {
                return;
            };
            let me = state.begun;
            state.begun = me.wrapping_add(1);
            state.busy.push((me, Instant::now()));
            drop(state);
            run(job);
            state = self.state();
            state.busy.retain(|(number, _)| *number != me);
            state.idle = state.idle.saturating_add(1);
        }
    }
}

/// The next one is done whatever becomes of this one.
fn run(job: Job) {
    let _ = catch_unwind(AssertUnwindSafe(job));
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use tokio::sync::oneshot;

    use super::*;

    fn asked<T: Send + 'static>(
        pool: &'static Pool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, RecvError>> {
        let (sender, answer) = oneshot::channel();
        pool.give(Box::new(move || drop(sender.send(work()))));
        pool.answer(answer)
    }

    #[test]
    fn much_work_takes_few_threads() {
        static POOL: Pool = Pool::new("test", 3);
        static DONE: AtomicUsize = AtomicUsize::new(0);
        let (sender, threads) = mpsc::channel();
        for _ in 0..300 {
            let sender = sender.clone();
            POOL.give(Box::new(move || {
                DONE.fetch_add(1, Ordering::Relaxed);
                sender.send(thread::current().id()).unwrap();
            }));
        }
        drop(sender);
        let threads: HashSet<_> = threads.iter().collect();
        assert!(threads.len() <= 3, "{}", threads.len());
        assert_eq!(DONE.load(Ordering::Relaxed), 300);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_is_held_up_holds_up_no_other() {
        static POOL: Pool = Pool::new("test", 2);
        let (go_on, wait) = mpsc::channel::<()>();
        let wait = std::sync::Arc::new(Mutex::new(wait));
        let stuck = (0..9).map(|_| {
            let wait = std::sync::Arc::clone(&wait);
            asked(&POOL, move || lock(&wait).recv().is_err())
        });
        let stuck: Vec<_> = stuck.collect();
        assert_eq!(asked(&POOL, || 1).await, Ok(1));
        drop(go_on);
        for each in stuck {
            assert_eq!(each.await, Ok(true));
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_thread_with_nothing_to_do_ends() {
        static POOL: Pool = Pool::of_one("test");
        asked(&POOL, || ()).await.unwrap();
        while lock(&POOL.state).idle > 0 || !lock(&POOL.state).busy.is_empty() {
            tokio::time::sleep(LOOK).await;
        }
        assert_eq!(asked(&POOL, || 2).await, Ok(2));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_panic_ends_no_thread() {
        static POOL: Pool = Pool::of_one("test");
        let gone = asked(&POOL, || std::panic::panic_any("mine"));
        let next = asked(&POOL, || 2);
        assert!(gone.await.is_err());
        assert_eq!(next.await, Ok(2));
    }
}
