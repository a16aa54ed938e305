//! Threads that meet at a lease's end, in every order with a bounded number of preemptions.

use loom::future::block_on;
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};

use super::model::{Model, Server};
use super::order;
use super::phase::{Event, Phase};
use super::starts::Begun;

/// Preemptions of a thread that could go on. More of them find nothing else, as a rule, and take long:
/// `LOOM_MAX_PREEMPTIONS` allows others.
const PREEMPTIONS: usize = 2;

/// Runs it in each order, and looks at what is left.
fn in_every_order(run: impl Fn() -> Arc<Model> + Sync + Send + 'static, seen: fn(&Server, Phase)) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(PREEMPTIONS));
    builder.check(move || {
        let model = run();
        let server = model.server.lock().unwrap();
        assert!(server.completes <= 1 && server.aborts <= 1, "one of each");
        assert!(server.effective <= 1, "two calls that ended it");
        assert!(server.ended, "it is held for ever");
        seen(&server, model.phase());
    });
}

fn spawn(model: &Arc<Model>, work: fn(&Arc<Model>)) -> JoinHandle<()> {
    let model = Arc::clone(model);
    thread::spawn(move || work(&model))
}

fn completes(model: &Arc<Model>) {
    if model.begin(Event::Complete) == Begun::Yes {
        block_on(order::complete(model));
    }
}

fn aborts(model: &Arc<Model>) {
    let _ = block_on(order::abort(model, &()));
}

/// Threads of this lease that meet, and are waited for.
fn meeting<const N: usize>(
    refuses: bool,
    renewed: bool,
    threads: [fn(&Arc<Model>); N],
) -> Arc<Model> {
    let model = Model::new(refuses, renewed);
    let running = threads.map(|work| spawn(&model, work));
    running.into_iter().for_each(|one| one.join().unwrap());
    model
}

fn renews(model: &Arc<Model>) {
    model.renew();
}

fn expires(model: &Arc<Model>) {
    model.expire();
}

fn starts(model: &Arc<Model>) {
    if let Some(moving) = model.start() {
        model.move_all(&moving);
    }
}

#[test]
fn complete_meets_abort_and_keep_alive() {
    in_every_order(
        || meeting(false, true, [renews, completes, aborts]),
        |server, phase| {
            assert_eq!(server.completes + server.aborts, 1);
            assert_eq!(phase == Phase::Completed, server.completes == 1);
        },
    );
}

#[test]
fn a_complete_that_is_refused_leaves_the_lease_to_the_abort() {
    in_every_order(
        || meeting(true, true, [renews, completes, aborts]),
        |server, phase| assert_eq!((server.aborts, phase), (1, Phase::Aborted)),
    );
}

#[test]
fn aborts_that_meet_are_one() {
    in_every_order(
        || meeting(false, true, [renews, aborts, aborts]),
        |server, _| assert_eq!((server.completes, server.aborts), (0, 1)),
    );
}

#[test]
fn nothing_starts_behind_a_complete_and_no_complete_beside_a_transfer() {
    in_every_order(
        || {
            let model = meeting(false, false, [starts, completes]);
            // Who found something moving asks again, as `Lease::complete` does.
            completes(&model);
            model
        },
        |server, phase| assert_eq!((server.completes, phase), (1, Phase::Completed)),
    );
}

#[test]
fn a_transfer_ends_before_the_abort() {
    in_every_order(
        || meeting(false, false, [starts, aborts, completes]),
        |server, _| assert_eq!(server.completes + server.aborts, 1),
    );
}

#[test]
fn the_servers_own_end_meets_ours() {
    in_every_order(
        || meeting(false, true, [expires, renews, completes]),
        |server, phase| assert_eq!(phase == Phase::Completed, server.effective == 1),
    );
}
