//! The one loop of attempts: a request is made until it goes well, or until no other is worth it.
//!
//! The verb says what may be done twice, the error whether that may help, and the policy how often
//! and how long. What one attempt does is its [`Exchange`]'s.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::progress::{Progress, Snapshot};
use crate::error::{Again, Error, Failure, Result, Step};
use crate::http::Connection;
use crate::http::retry::{Retries, RetryPolicy};

/// What a request does to the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Changes nothing, and brings a file.
    Get,
    /// Replaces a whole file by what is sent.
    Put,
    /// Adds to a disk: what has come of it stays.
    Post,
    /// A call that changes nothing.
    Ask,
}

impl Verb {
    /// Whether it may be made again when the other end has seen some of it.
    fn is_idempotent(self) -> bool {
        match self {
            Self::Get | Self::Put | Self::Ask => true,
            Self::Post => false,
        }
    }

    /// Whether wrong bytes may be right ones the next time. Those that are sent stay the same.
    fn brings_bytes(self) -> bool {
        self == Self::Get
    }

    /// Whether another attempt does no harm and may help.
    fn may_repeat(self, reached: &Reached, error: &Error) -> bool {
        match error.again() {
            Again::AsAllowed => !reached.is_moved && (self.is_idempotent() || !reached.is_touched),
            Again::Once => self.brings_bytes(),
            Again::Never => false,
        }
    }
}

/// How far an attempt has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached {
    /// What it was at, for the caller's error.
    pub(crate) step: Step,
    /// Whether the other end may have seen some of the body.
    pub(crate) is_touched: bool,
    /// Whether all bytes have moved and only the server's word on them is missing, for which they
    /// need not move once more.
    pub(crate) is_moved: bool,
    /// When the last bytes moved, or when it began: time without progress counts against the
    /// policy, whatever the verb.
    pub(crate) last_moved: Instant,
}

impl Reached {
    /// Nothing yet.
    pub(crate) fn nothing() -> Self {
        Self {
            step: Step::Connect,
            is_touched: false,
            is_moved: false,
            last_moved: Instant::now(),
        }
    }
}

/// What is attempted.
pub(crate) trait Exchange: Send {
    /// What it brings.
    type Done: Send;

    /// What it does to the other end.
    fn verb(&self) -> Verb;
    /// Forgets the attempt before.
    fn begin(&mut self);
    /// One attempt.
    fn attempt(
        &mut self,
        connection: Connection,
    ) -> impl Future<Output = Result<Self::Done>> + Send;
    /// Makes what an attempt brought the caller's. Once begun, it is not given up half-way.
    fn commit(&mut self) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }
    /// Lets go of what a failed attempt held, and says how far that had come.
    fn stop(&mut self) -> impl Future<Output = Reached> + Send;
    /// Whether the local end can go back to where it began.
    fn can_restart(&self) -> bool {
        true
    }
    /// Takes it there.
    fn restart(&mut self) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }
    /// Why the lease is lost, where it is.
    fn still_ready(&mut self) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }
    /// Logs that there will be another attempt.
    fn say(&self, error: &Error, delay: Duration);
}

/// The last attempt.
#[derive(Debug)]
pub(crate) struct Failed {
    /// Its error, or that of the lease where that is lost.
    pub(crate) error: Error,
    /// What it was at, for the caller's error.
    step: Step,
    /// The other end has some of what cannot be sent to it once more.
    is_spoilt: bool,
    /// It was not repeated, since the local end cannot go back.
    pub(super) stays: bool,
}

impl Failed {
    /// With what is known of a transfer.
    pub(super) fn of_transfer(self, key: &str, progress: &Progress) -> Failure {
        let Snapshot {
            bytes_done,
            attempts,
            ..
        } = progress.snapshot();
        Failure {
            bytes_done,
            attempts,
            spoilt: self.is_spoilt,
            ..Failure::new(key, self.step, self.error)
        }
    }
}

/// Makes attempts to the first that goes well or the last that is worth it.
pub(crate) async fn run<E: Exchange>(
    exchange: &mut E,
    policy: RetryPolicy,
    cancel: &CancellationToken,
) -> Result<E::Done, Failed> {
    run_by(exchange, policy, cancel, tokio::time::sleep).await
}

/// The same by a clock of the caller's.
async fn run_by<E: Exchange, S: Future<Output = ()> + Send>(
    exchange: &mut E,
    policy: RetryPolicy,
    cancel: &CancellationToken,
    sleep: impl Fn(Duration) -> S + Send + Sync,
) -> Result<E::Done, Failed> {
    let (verb, mut retries) = (exchange.verb(), Retries::new(policy));
    let mut were_wrong = false;
    loop {
        exchange.begin();
        // What cannot be repeated goes over no connection of which nobody knows how it is.
        let pooled = verb.is_idempotent() && exchange.can_restart() && retries.are_left();
        let connection = if pooled {
            Connection::Pooled
        } else {
            Connection::Fresh
        };
        // Boxed: it is large, and would be a part of each future around it.
        let work = Box::pin(exchange.attempt(connection));
        let error = match unless(cancel, work).await {
            Ok(done) => match exchange.commit().await {
                Ok(()) => return Ok(done),
                Err(error) => error,
            },
            Err(error) => error,
        };
        let reached = exchange.stop().await;
        let wrong = error.again() == Again::Once;
        let wrong_twice = wrong && std::mem::replace(&mut were_wrong, true);
        let may_repeat = verb.may_repeat(&reached, &error) && !wrong_twice;
        let can_restart = exchange.can_restart();
        let failed = |error| Failed {
            error,
            step: reached.step,
            is_spoilt: reached.is_touched && !verb.is_idempotent(),
            stays: may_repeat && !can_restart,
        };
        let lost = reached.last_moved.elapsed();
        let delay = (may_repeat && can_restart)
            .then(|| retries.next(lost, fastrand::f64(), error.retry_after()))
            .flatten();
        let waiting = async {
            let delay = due(exchange, error, delay).await?;
            sleep(delay).await;
            Ok(())
        };
        unless(cancel, waiting).await.map_err(failed)?;
        exchange.restart().await.map_err(|error| Failed {
            error,
            step: Step::Body,
            is_spoilt: false,
            stays: false,
        })?;
    }
}

/// When the next attempt is due, or the error when there is none.
async fn due<E: Exchange>(
    exchange: &mut E,
    error: Error,
    delay: Option<Duration>,
) -> Result<Duration> {
    // A broken stream may mean that the lease is gone: then that is the error.
    if error.may_mean_lost_lease() {
        exchange.still_ready().await?;
    }
    let Some(delay) = delay else {
        return Err(error);
    };
    exchange.say(&error, delay);
    Ok(delay)
}

async fn unless<T>(cancel: &CancellationToken, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::Cancelled),
        result = work => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::{Asked, Remedy};

    const SECOND: Duration = Duration::from_secs(1);

    /// An exchange that ends each time as it is told, having come so far.
    struct Script {
        verb: Verb,
        ends: Vec<Error>,
        reached: Reached,
        can_restart: bool,
        lease: Result<()>,
        made: Vec<Connection>,
        delays: std::sync::Mutex<Vec<Duration>>,
    }

    impl Exchange for Script {
        type Done = ();

        fn verb(&self) -> Verb {
            self.verb
        }

        fn begin(&mut self) {}

        async fn attempt(&mut self, connection: Connection) -> Result<()> {
            self.made.push(connection);
            let end = (!self.ends.is_empty()).then(|| self.ends.remove(0));
            end.map_or(Ok(()), Err)
        }

        async fn stop(&mut self) -> Reached {
            self.reached
        }

        fn can_restart(&self) -> bool {
            self.can_restart
        }

        async fn still_ready(&mut self) -> Result<()> {
            self.lease.clone()
        }

        fn say(&self, _: &Error, delay: Duration) {
            self.delays.lock().unwrap().push(delay);
        }
    }

    fn script(verb: Verb, ends: Vec<Error>) -> Script {
        let reached = Reached {
            is_touched: true,
            ..Reached::nothing()
        };
        Script {
            verb,
            ends,
            reached,
            can_restart: true,
            lease: Ok(()),
            made: Vec::new(),
            delays: std::sync::Mutex::default(),
        }
    }

    fn policy(max_retries: u32, seconds: u64) -> RetryPolicy {
        RetryPolicy {
            max_retries,
            retry_timeout: Duration::from_secs(seconds),
        }
    }

    /// By a clock on which no wait takes time.
    fn play(script: &mut Script, policy: RetryPolicy) -> Result<(), Failed> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.build().unwrap();
        let (never, at_once) = (CancellationToken::new(), |_| std::future::ready(()));
        #[allow(clippy::disallowed_methods, reason = "the test's own thread")]
        runtime.block_on(run_by(script, policy, &never, at_once))
    }

    fn broken() -> Error {
        Error::Connect {
            what: "disk".into(),
            reason: "gone".into(),
            help: None,
            cause: None,
        }
    }

    fn wrong() -> Error {
        Error::SizeMismatch {
            what: "disk".into(),
            expected: 2,
            actual: 1,
        }
    }

    fn late() -> Error {
        Error::WaitTimeout {
            what: "GetManifest".into(),
            seconds: 1.0,
        }
    }

    fn refused(asked: Asked, status: u16, retry_after: Option<u64>) -> Error {
        Error::HttpStatus {
            what: "disk".into(),
            asked,
            status,
            reason: "busy".into(),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    /// How many attempts a failure that stays gets out of four.
    fn attempts(verb: Verb, error: &Error, reached: Reached) -> usize {
        let mut script = script(verb, vec![error.clone(); 9]);
        script.reached = reached;
        play(&mut script, policy(3, 900)).unwrap_err();
        script.made.len()
    }

    #[test]
    fn the_verb_and_the_error_say_what_is_done_again() {
        let nothing = Reached::nothing();
        let touched = Reached {
            is_touched: true,
            ..nothing
        };
        let moved = Reached {
            is_moved: true,
            ..touched
        };
        for (verb, error, reached, expected) in [
            (Verb::Get, broken(), touched, 4),
            (Verb::Put, broken(), touched, 4),
            (Verb::Post, broken(), nothing, 4),
            (Verb::Post, broken(), touched, 1),
            (Verb::Ask, broken(), nothing, 4),
            (Verb::Ask, late(), nothing, 4),
            (Verb::Get, wrong(), moved, 2),
            (Verb::Put, wrong(), touched, 1),
            (Verb::Get, broken(), moved, 1),
            (Verb::Put, broken(), moved, 1),
            (Verb::Get, refused(Asked::Get, 404, None), nothing, 1),
            (Verb::Put, refused(Asked::Put, 503, None), touched, 4),
            (Verb::Get, Error::Forked, nothing, 1),
        ] {
            assert_eq!(
                attempts(verb, &error, reached),
                expected,
                "{verb:?} {error} {reached:?}"
            );
        }
    }

    #[test]
    fn the_servers_wish_counts_for_every_verb() {
        for (verb, asked) in [
            (Verb::Get, Asked::Get),
            (Verb::Put, Asked::Put),
            (Verb::Ask, Asked::Call),
        ] {
            let mut busy = script(verb, vec![refused(asked, 503, Some(99))]);
            play(&mut busy, policy(1, 180)).unwrap();
            assert_eq!(*busy.delays.lock().unwrap(), [99 * SECOND], "{verb:?}");
            let mut too_long = script(verb, vec![refused(asked, 503, Some(181))]);
            play(&mut too_long, policy(1, 180)).unwrap_err();
            assert_eq!(too_long.made.len(), 1, "{verb:?}");
        }
    }

    #[test]
    fn only_time_without_progress_is_lost() {
        for verb in [Verb::Get, Verb::Put, Verb::Ask] {
            let mut silent = script(verb, vec![broken()]);
            silent.reached.last_moved = Instant::now().checked_sub(9 * SECOND).unwrap();
            play(&mut silent, policy(1, 9)).unwrap_err();
            assert_eq!(silent.made.len(), 1, "{verb:?}");
            play(&mut script(verb, vec![broken()]), policy(1, 9)).unwrap();
        }
    }

    #[test]
    fn the_last_word_is_that_of_the_lease() {
        let mut lost = script(Verb::Get, vec![broken()]);
        lost.lease = Err(Error::Cancelled);
        let failed = play(&mut lost, policy(3, 900)).unwrap_err();
        assert!(matches!(failed.error, Error::Cancelled));
        assert_eq!(lost.made.len(), 1);
    }

    #[test]
    fn what_cannot_be_repeated_goes_over_a_new_connection() {
        use Connection::{Fresh, Pooled};
        let mut last = script(Verb::Put, vec![broken(); 9]);
        play(&mut last, policy(1, 900)).unwrap_err();
        assert_eq!(last.made, [Pooled, Fresh]);
        let mut post = script(Verb::Post, vec![]);
        play(&mut post, policy(1, 900)).unwrap();
        assert_eq!(post.made, [Fresh]);
        let mut pipe = script(Verb::Get, vec![broken()]);
        pipe.can_restart = false;
        assert!(play(&mut pipe, policy(1, 900)).unwrap_err().stays);
        assert_eq!(pipe.made, [Fresh]);
    }

    #[test]
    fn a_disk_that_was_begun_is_spoilt() {
        let mut post = script(Verb::Post, vec![broken()]);
        let failed = play(&mut post, policy(3, 900)).unwrap_err();
        let failure = failed.of_transfer("k", &Progress::new(None));
        assert_eq!(failure.remedy(), Remedy::NewLease);
    }
}
