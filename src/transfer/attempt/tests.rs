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
