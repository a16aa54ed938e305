//! Which calls go over a connection that lies idle, seen by a server that resets one it is used
//! again, as one does that was just about to close it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use url::Url;

use super::{Credentials, Endpoint, Session};
use crate::http::{Trust, Verify};

const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Answers so many requests of each connection, and resets it at the next.
fn serve(listener: &TcpListener, answers: u32, made: &AtomicU32) {
    for connection in listener.incoming() {
        let mut connection = connection.unwrap();
        made.fetch_add(1, Ordering::SeqCst);
        for _ in 0..answers {
            if !request(&mut connection) {
                return;
            }
            connection.write_all(REPLY).unwrap();
        }
        // Idle from here on; kept until the test ends, or reset with what comes unread.
        thread::spawn(move || connection.peek(&mut [0]));
    }
}

/// Reads a request with its body; `false` at the end.
fn request(connection: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(b"\r\n\r\nbody") {
        match connection.read(&mut byte) {
            Ok(1) => seen.push(byte[0]),
            _ => return false,
        }
    }
    true
}

fn session(listener: &TcpListener) -> Session {
    let port = listener.local_addr().unwrap().port();
    let endpoint = Endpoint {
        url: Url::parse(&format!("http://127.0.0.1:{port}/sdk")).unwrap(),
        soap_action: "urn:vim25/8.0.1.0".into(),
        trust: Trust::of(Verify::Unverified),
        proxy: None,
        timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(30),
    };
    Session::new(endpoint, Credentials::default()).unwrap()
}

/// How many connections these calls took, each of which has to be answered.
fn connections(answers: u32, calls: &[&str]) -> u32 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let session = session(&listener);
    let made = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&made);
    thread::spawn(move || serve(&listener, answers, &counted));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    #[allow(clippy::disallowed_methods, reason = "the test's own thread")]
    runtime.block_on(async {
        for call in calls {
            let reply = session.invoke(call, b"body".to_vec()).await.unwrap();
            assert_eq!(reply.body, b"ok", "{call}");
        }
    });
    made.load(Ordering::SeqCst)
}

#[test]
fn what_cannot_be_repeated_goes_over_a_new_connection() {
    let calls = [
        "HttpNfcLeaseGetManifest",
        "HttpNfcLeaseComplete",
        "HttpNfcLeaseAbort",
        "HttpNfcLeasePullFromUrls_Task",
    ];
    assert_eq!(connections(1, &calls), 4);
}

#[test]
fn what_can_be_repeated_shares_one() {
    let calls = ["HttpNfcLeaseProgress", "Fetch", "RetrievePropertiesEx"];
    assert_eq!(connections(3, &calls), 1);
}
