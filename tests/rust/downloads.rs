//! Downloads: what is asked for again, and when.

use std::fs;
use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use nfclease::io::{Sink, Wait};
use nfclease::transfer::Verified;
use nfclease::{Error, Result};

use super::script::{Answer, Server};
use super::world::{complete, download, manifest_of, options, ready};

const FILE: &[u8] = &[7; 100_000];

#[tokio::test]
async fn after_a_broken_connection_it_is_asked_for_again() {
    let broken = Answer::Broken {
        body: FILE.into(),
        sent: 40_000,
    };
    let server = Server::new([broken, Answer::ok(FILE)]);
    server.list(manifest_of(FILE));
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("vm.nvram");
    let (lease, device) = ready(&server, options()).await;
    let done = download(&lease, &device, &target).ended().await.unwrap();
    assert_eq!((done.attempts, done.verified), (2, Verified::Manifest));
    assert_eq!(fs::read(&target).unwrap(), FILE);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    complete(&lease).await;
    assert_eq!((server.asked("GET").len(), server.left()), (2, 0));
    assert_eq!(server.asked("HttpNfcLeaseComplete").len(), 1);
}

#[tokio::test]
async fn a_busy_host_is_left_alone_as_long_as_it_asks() {
    let server = Server::new([Answer::busy(2), Answer::ok(FILE)]);
    server.list(manifest_of(FILE));
    let folder = tempfile::tempdir().unwrap();
    let (lease, device) = ready(&server, options()).await;
    let transfer = download(&lease, &device, &folder.path().join("vm.nvram"));
    assert_eq!(transfer.ended().await.unwrap().attempts, 2);
    let asked = server.asked("GET");
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(2));
}

#[tokio::test]
async fn a_host_that_is_busy_for_longer_than_failing_may_take_is_not_waited_for() {
    let server = Server::new([Answer::busy(3600), Answer::ok(FILE)]);
    let folder = tempfile::tempdir().unwrap();
    let (lease, device) = ready(&server, options()).await;
    let transfer = download(&lease, &device, &folder.path().join("vm.nvram"));
    let failure = transfer.ended().await.unwrap_err();
    assert!(
        matches!(failure.error, Error::HttpStatus { status: 503, .. }),
        "{}",
        failure.error
    );
    assert_eq!(failure.attempts, 1);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(server.left(), 1);
}

/// A sink whose turn never comes.
struct Last {
    is_discarded: Arc<AtomicBool>,
}

impl Sink for Last {
    fn turn(&mut self) -> Wait<'_, ()> {
        Wait::going(pending())
    }
    fn write(&mut self, _bytes: Bytes) -> Wait<'_, Result<()>> {
        panic!("it is not asked for")
    }
    fn restart(&mut self) -> Wait<'_, Result<()>> {
        panic!("it has not begun")
    }
    fn commit(&mut self) -> Wait<'_, Result<()>> {
        panic!("it is not whole")
    }
    fn discard(&mut self) -> Wait<'_, Vec<PathBuf>> {
        self.is_discarded.store(true, Ordering::SeqCst);
        Wait::over(Vec::new())
    }
}

#[tokio::test]
async fn one_that_waits_for_its_turn_can_be_cancelled() {
    let server = Server::new([Answer::ok(FILE)]);
    let (lease, device) = ready(&server, options()).await;
    let is_discarded = Arc::new(AtomicBool::new(false));
    let sink = Box::new(Last {
        is_discarded: Arc::clone(&is_discarded),
    });
    let transfer = lease.start_download(&device, sink, None).unwrap();
    // Before the wait or in it: both are to end so.
    tokio::time::sleep(Duration::from_millis(50)).await;
    transfer.cancel();
    let failure = transfer.ended().await.unwrap_err();
    assert!(
        matches!(failure.error, Error::Cancelled),
        "{}",
        failure.error
    );
    assert!(is_discarded.load(Ordering::SeqCst));
    assert_eq!((server.asked("GET").len(), server.left()), (0, 1));
}
