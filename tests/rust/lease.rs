//! The lease itself: it is renewed while it is held, and ended once.

use std::error::Error as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nfclease::Error;
use nfclease::lease::{KeepAlive, Options, Phase};
use nfclease::soap::Abort;

use super::script::Server;
use super::world::{adopted, complete, on, options, ready};

fn renewed() -> Options {
    Options {
        keep_alive: KeepAlive::Native(Some(Duration::from_millis(50))),
        ..options()
    }
}

async fn until_renewed(server: &Server, times: usize) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.asked("HttpNfcLeaseProgress").len() < times {
        assert!(Instant::now() < deadline, "the lease is not renewed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn it_is_renewed_until_its_complete_and_not_after() {
    let server = Server::new([]);
    let (lease, _) = ready(&server, renewed()).await;
    until_renewed(&server, 5).await;
    complete(&lease).await;
    let renewals = server.asked("HttpNfcLeaseProgress");
    let [ended] = &server.asked("HttpNfcLeaseComplete")[..] else {
        panic!("one Complete");
    };
    assert!(renewals.iter().all(|one| one.at <= ended.at));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.asked("HttpNfcLeaseProgress").len(), renewals.len());
    assert_eq!(lease.phase(), Phase::Completed);
}

#[tokio::test]
async fn an_abort_says_why() {
    let server = Server::new([]);
    let (lease, _) = ready(&server, options()).await;
    let ended = Arc::clone(&lease);
    let why = Abort {
        reason: "enough <&>".into(),
    };
    on(&lease, async move { ended.abort(why).await }).await;
    let [abort] = &server.asked("HttpNfcLeaseAbort")[..] else {
        panic!("one Abort");
    };
    assert!(String::from_utf8_lossy(&abort.body).contains("<reason>enough &lt;&amp;&gt;</reason>"));
    assert!(server.asked("HttpNfcLeaseComplete").is_empty());
}

#[tokio::test]
async fn who_waits_in_vain_gets_what_went_wrong_as_the_source() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let lease = adopted(address, renewed());
    let deadline = Instant::now() + Duration::from_secs(20);
    let source = loop {
        let waiting = Arc::clone(&lease);
        let patience = Duration::from_millis(200);
        let waited = on(&lease, async move { waiting.wait_ready(patience).await }).await;
        let error = waited.unwrap_err();
        assert!(matches!(error, Error::LeaseInit { .. }), "{error}");
        if error.to_string().contains("its state cannot be read") {
            break error.source().map(ToString::to_string);
        }
        assert!(Instant::now() < deadline, "{error}");
    };
    assert!(source.unwrap().contains("cannot connect"));
}
