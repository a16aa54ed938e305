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

fn spawn(model: &Arc<Model>, work: impl FnOnce(&Arc<Model>) + 'static) -> JoinHandle<()> {
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

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    threads.into_iter().for_each(|one| one.join().unwrap());
}

#[test]
fn complete_meets_abort_and_keep_alive() {
    in_every_order(
        || {
            let model = Model::new(false, true);
            let threads = [
                spawn(&model, |model| model.renew()),
                spawn(&model, completes),
                spawn(&model, aborts),
            ];
            join(threads);
            model
        },
        |server, phase| {
            assert_eq!(server.completes + server.aborts, 1);
            assert_eq!(phase == Phase::Completed, server.completes == 1);
        },
    );
}

#[test]
fn a_complete_that_is_refused_leaves_the_lease_to_the_abort() {
    in_every_order(
        || {
            let model = Model::new(true, true);
            let threads = [
                spawn(&model, |model| model.renew()),
                spawn(&model, completes),
                spawn(&model, aborts),
            ];
            join(threads);
            model
        },
        |server, phase| {
            assert_eq!(server.aborts, 1);
            assert_eq!(phase, Phase::Aborted);
        },
    );
}

#[test]
fn aborts_that_meet_are_one() {
    in_every_order(
        || {
            let model = Model::new(false, true);
            let threads = [
                spawn(&model, |model| model.renew()),
                spawn(&model, aborts),
                spawn(&model, aborts),
            ];
            join(threads);
            model
        },
        |server, _| assert_eq!((server.completes, server.aborts), (0, 1)),
    );
}

#[test]
fn nothing_starts_behind_a_complete_and_no_complete_beside_a_transfer() {
    in_every_order(
        || {
            let model = Model::new(false, false);
            let starts = |model: &Arc<Model>| {
                if let Some(moving) = model.start() {
                    model.move_all(&moving);
                }
            };
            join([spawn(&model, starts), spawn(&model, completes)]);
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
        || {
            let model = Model::new(false, false);
            let starts = |model: &Arc<Model>| {
                if let Some(moving) = model.start() {
                    model.move_all(&moving);
                }
            };
            join([
                spawn(&model, starts),
                spawn(&model, aborts),
                spawn(&model, completes),
            ]);
            model
        },
        |server, _| assert_eq!(server.completes + server.aborts, 1),
    );
}

#[test]
fn the_servers_own_end_meets_ours() {
    in_every_order(
        || {
            let model = Model::new(false, true);
            join([
                spawn(&model, |model| model.expire()),
                spawn(&model, |model| model.renew()),
                spawn(&model, completes),
            ]);
            model
        },
        |server, phase| assert_eq!(phase == Phase::Completed, server.effective == 1),
    );
}
