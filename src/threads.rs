//! Threads that start or do not: a system without one, or without the memory for one, is an error.
//!
//! The runtime's own builder panics there, and its drop waits for threads that never were; so do its
//! ways out of a task that blocks. A heap that is used up ends the process: no
//! thread is started in the last of it.

use std::collections::VecDeque;
use std::hint::black_box;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::sync::lock;

/// How long the start of a few threads may take, on a machine that is very busy.
const START_WAIT: Duration = Duration::from_secs(10);
/// The memory that is left before a start, for its stack of 2 MiB and for the heap. So much is always
/// asked of the system: of up to 32 MiB glibc may say yes from a heap that other threads cannot use.
const SPARE_BYTES: usize = 40 << 20;

/// Starts a thread of its own, unless there is too little memory left to live with it.
pub fn spawn<T, F>(name: &str, work: F) -> io::Result<JoinHandle<T>>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    spare()?;
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    thread::Builder::new().name(name.into()).spawn(work)
}

/// An error where an allocation might soon fail.
fn spare() -> io::Result<()> {
    let mut probe: Vec<u8> = Vec::new();
    let got = probe.try_reserve_exact(SPARE_BYTES);
    // Else the compiler may take an allocation that nobody reads for granted.
    black_box(&probe);
    got.map_err(|_| io::ErrorKind::WouldBlock.into())
}

/// Whether so many threads can be started now. Another process may take them before they are used.
pub(crate) fn reserve(threads: usize) -> Result<()> {
    let mut parked: Vec<JoinHandle<()>> = Vec::new();
    let mut reserved = Ok(());
    for _ in 0..threads {
        match spawn("nfclease-reserved", thread::park) {
            Ok(thread) => parked.push(thread),
            Err(error) => {
                reserved = Err(no_threads(error));
                break;
            }
        }
    }
    if reserved.is_ok() {
        reserved = spare().map_err(no_threads);
    }
    for thread in parked {
        thread.thread().unpark();
        // It does nothing that could panic.
        let _ = thread.join();
    }
    reserved
}

/// A runtime with so many threads, made aside: where its start fails half-way it does not come back.
pub(crate) fn runtime(threads: usize, name: &'static str) -> Result<Runtime> {
    let missing = || io::Error::from(io::ErrorKind::WouldBlock);
    let build = move || {
        Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name(name)
            .enable_all()
            .build()
    };
    let (sender, started) = channel();
    let start = spawn("nfclease-start", move || {
        let runtime = catch_unwind(AssertUnwindSafe(build)).unwrap_or_else(|_| Err(missing()));
        // One that comes too late ends here.
        let _ = sender.send(runtime);
    })
    .map_err(no_threads)?;
    let runtime = started.recv_timeout(START_WAIT);
    let runtime = runtime.map_err(|_| no_threads(missing()))?;
    // Its stack is the next thread's: no more of them live at once than were reserved.
    let _ = start.join();
    runtime.map_err(no_threads)
}

/// A thread of its own for what blocks: one piece of work after the other, and no thread of a runtime
/// is held meanwhile. It ends when all is done, so that transfers whose disk was slow once do not
/// keep a thread each.
pub struct Aside {
    name: &'static str,
    jobs: Arc<Mutex<Jobs>>,
}

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    /// Whether a thread is there, or about to be, that does all that waits.
    has_thread: bool,
}

impl Aside {
    /// Starts nothing yet.
    pub fn new(name: &'static str) -> Self {
        let jobs = Arc::default();
        Self { name, jobs }
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
            match done.await {
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
        if spawn(self.name, move || do_all(&theirs)).is_err() {
            do_all(&self.jobs);
        }
    }
}

fn do_all(jobs: &Mutex<Jobs>) {
    loop {
        let mut left = lock(jobs);
        let Some(job) = left.waiting.pop_front() else {
            left.has_thread = false;
            return;
        };
        drop(left);
        job();
    }
}

pub(crate) fn no_threads(error: io::Error) -> Error {
    Error::io("<native threads>", error)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn work_aside_holds_up_no_task() {
        let (go_on, wait) = channel::<()>();
        let mut aside = Aside::new("test");
        let first = aside.run(move || wait.recv().is_ok());
        let second = aside.run(|| 2);
        let (first, second, ()) = tokio::join!(first, second, async { go_on.send(()).unwrap() });
        assert_eq!((first.unwrap(), second.unwrap()), (true, 2));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_thread_with_nothing_to_do_ends() {
        let mut aside = Aside::new("test");
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
        let mut aside = Aside::new("test");
        let waiting = tokio::spawn(aside.run(|| std::panic::panic_any("mine")));
        assert!(waiting.await.unwrap_err().is_panic());
        assert_eq!(aside.run(|| 1).await.unwrap(), 1);
    }
}
