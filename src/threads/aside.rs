//! Work that blocks, one piece after the other, while no thread of a runtime is held.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::pool::{Job, Pool};
use super::spawn;
use crate::error::{Error, Result};
use crate::sync::lock;

/// What is done for many transfers. One that is slow again and again has a thread of its own.
static SHARED: Pool = Pool::new("nfclease-aside", 4);

/// One piece of work after the other, in threads that all share, or in one of its own. That one ends
/// when nothing is left to do: many transfers, whose disk was slow once, keep no thread each.
pub struct Aside {
    name: &'static str,
    is_alone: bool,
    jobs: Arc<Mutex<Jobs>>,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    /// Whether a thread is there, or about to be, that does what waits.
    has_thread: bool,
}

impl Aside {
    /// With a thread of its own, for work that may wait for anything. Starts nothing yet.
    pub fn alone(name: &'static str) -> Self {
        let jobs = Arc::default();
        Self {
            name,
            is_alone: true,
            jobs,
        }
    }

    /// With the threads that all share, for work on local files. `name` is of its own thread, where it
    /// gets one.
    pub fn shared(name: &'static str) -> Self {
        Self {
            is_alone: false,
            ..Self::alone(name)
        }
    }

    /// Whether it has a thread of its own.
    pub(crate) fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// From the next work on it has a thread of its own, or has not.
    pub(crate) fn set_alone(&mut self, is_alone: bool) {
        self.is_alone = is_alone;
    }

    /// Does the work when all earlier work is done. Without a thread it is done at once, by the
    /// caller. It is done even if nobody waits for it.
    pub fn run<T, F>(&mut self, work: F) -> impl Future<Output = Result<T>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (sender, done) = oneshot::channel();
        let job = Box::new(move || {
            // Nobody may be waiting any more.
            let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
        });
        self.give(job);
        async move {
            match SHARED.answer(done).await {
                Ok(Ok(output)) => Ok(output),
                // As if it had happened here: who runs the task tells of it.
                Ok(Err(panic)) => resume_unwind(panic),
                Err(_) => Err(Error::internal("work aside ends with an answer")),
            }
        }
    }

    fn give(&mut self, job: Job) {
        let mut jobs = lock(&self.jobs);
        jobs.waiting.push_back(job);
        if std::mem::replace(&mut jobs.has_thread, true) {
            return;
        }
        drop(jobs);
        let theirs = Arc::clone(&self.jobs);
        if Handle::try_current().is_err() && !self.is_alone {
            // This thread does not drive a runtime, so it may block.
            do_all(&theirs);
        } else if !self.is_alone {
            share(theirs);
        } else if spawn(self.name, move || do_all(&theirs)).is_err() {
            do_all(&self.jobs);
        }
    }
}

/// Does what waits in the shared threads, by turns with the work of others.
fn share(jobs: Arc<Mutex<Jobs>>) {
    SHARED.give(Box::new(move || {
        if do_next(&jobs) {
            share(jobs);
        }
    }));
}

fn do_all(jobs: &Mutex<Jobs>) {
    while do_next(jobs) {}
}

/// Does the next piece of work. Returns whether more waits; else nobody comes back for it.
fn do_next(jobs: &Mutex<Jobs>) -> bool {
    let next = lock(jobs).waiting.pop_front();
    if let Some(job) = next {
        job();
    }
    let mut left = lock(jobs);
    left.has_thread = !left.waiting.is_empty();
    left.has_thread
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use std::collections::HashSet;
    use std::pin::pin;
    use std::sync::mpsc::channel;
    use std::task::{Context, Poll, Waker};
    use std::thread;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn work_aside_holds_up_no_task() {
        for mut aside in [Aside::alone("test"), Aside::shared("test")] {
            let (go_on, wait) = channel::<()>();
            let first = aside.run(move || wait.recv().is_ok());
            let second = aside.run(|| 2);
            let (first, second, ()) =
                tokio::join!(first, second, async { go_on.send(()).unwrap() });
            assert_eq!((first.unwrap(), second.unwrap()), (true, 2));
        }
    }

    #[test]
    fn a_thread_that_is_no_runtimes_does_it_itself() {
        let mut aside = Aside::shared("test");
        let mut work = pin!(aside.run(|| thread::current().id()));
        let done = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(done, Poll::Ready(Ok(id)) if id == thread::current().id()));
    }

    #[tokio::test]
    async fn what_all_share_takes_few_threads() {
        let (seen, threads) = channel();
        let started = (0..200).map(|_| {
            let seen = seen.clone();
            Aside::shared("test").run(move || seen.send(thread::current().id()).unwrap())
        });
        let started: Vec<_> = started.collect();
        for each in started {
            each.await.unwrap();
        }
        drop(seen);
        let threads: HashSet<_> = threads.iter().collect();
        // Those that other tests hold up do not count.
        assert!(threads.len() < 20, "{}", threads.len());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_thread_with_nothing_to_do_ends() {
        let mut aside = Aside::alone("test");
        let first = aside.run(|| thread::current().id()).await.unwrap();
        while lock(&aside.jobs).has_thread {
            tokio::task::yield_now().await;
        }
        let second = aside.run(|| thread::current().id()).await.unwrap();
        assert_ne!(first, second);
        assert_ne!(second, thread::current().id());
    }

    #[tokio::test]
    async fn a_panic_is_told_to_who_waits() {
        let mut aside = Aside::alone("test");
        let waiting = tokio::spawn(aside.run(|| std::panic::panic_any("mine")));
        assert!(waiting.await.unwrap_err().is_panic());
        assert_eq!(aside.run(|| 1).await.unwrap(), 1);
    }
}
