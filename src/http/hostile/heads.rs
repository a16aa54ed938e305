//! What comes before an answer, and heads that never end.

use std::time::Duration;

use http::Method;
use rustls::version::TLS13;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::host::{Host, config};
use super::{Body, Connection, OK, VERSIONS, client, get, head, play, post, request, run, stream};
use crate::error::Error;

/// As hosts say them; the last is one that nobody has defined.
const INTERIM: [&str; 4] = [
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 102 Processing\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nContent-Length: 7\r\n\r\n",
    "HTTP/1.1 199 Odd\r\n\r\n",
];

#[test]
fn what_comes_before_an_answer() {
    for version in VERSIONS {
        for interim in [&INTERIM[..1], &INTERIM[1..2], &INTERIM[2..3], &INTERIM] {
            let received = get(version, move |mut host| {
                for said in interim {
                    host.say(said);
                }
                host.say(interim.concat() + &head(3) + "end");
                host.wait();
            });
            assert_eq!(received.unwrap(), b"end", "{interim:?}");
        }
    }
}

/// Nobody asked for any of it, and each of it stands between two pieces of the body.
#[test]
fn what_comes_amid_an_upload() {
    for version in VERSIONS {
        let received = post(version, stream(&[300_000; 4], false), |mut host| {
            for said in INTERIM {
                host.say(said);
                host.take(300_000);
            }
            host.say(INTERIM.concat() + &head(5) + "taken");
            host.wait();
        });
        assert_eq!(received.unwrap(), b"taken");
    }
}

#[test]
fn an_offer_of_another_protocol_is_no_answer() {
    let refused = get(&TLS13, |mut host| {
        host.say(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n",
        );
        host.wait();
    });
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, Error::HttpStatus { status: 101, .. }),
        "{refused}"
    );
}

#[test]
fn a_head_that_never_ends() {
    for (begin, more) in [
        (OK, "A: b\r\n"),
        ("HTTP/1.1 200 OK\r\nA: ", "endless"),
        ("HTTP/1.1 200 ", "endless"),
        ("HTTP/1.1 103 Early Hints\r\n", "A: b\r\n"),
    ] {
        let refused = get(&TLS13, move |mut host| {
            host.say(begin);
            let more = more.repeat(1000);
            while host.try_say(&more) {}
        });
        let refused = refused.unwrap_err();
        assert!(
            matches!(refused, Error::Protocol { .. }),
            "{begin}{more}: {refused}"
        );
    }
}

#[test]
fn a_head_that_contradicts_itself() {
    for headers in [
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: -1",
        "Content-Length: 99999999999999999999",
        "Content-Length: 18446744073709551615",
    ] {
        let refused = get(&TLS13, move |mut host| {
            host.say(format!("{OK}{headers}\r\n\r\nabcd"));
            host.wait();
        });
        let refused = refused.unwrap_err();
        assert!(
            matches!(refused, Error::Protocol { .. }),
            "{headers}: {refused}"
        );
    }
}

/// A coding that nobody knows would end the body with the connection, as whole.
#[test]
fn a_body_that_ends_otherwise_than_it_seems() {
    for (headers, says) in [
        ("Transfer-Encoding: chunked\r\nContent-Length: 4", "both"),
        ("Content-Length: 4\r\nTransfer-Encoding: \u{e9}", "both"),
        ("Transfer-Encoding: identity", "identity"),
        ("Transfer-Encoding: gzip, chunked", "gzip"),
        ("Transfer-Encoding: \u{e9}", "transfer-encoding"),
        (
            "Content-Length: 4\r\nContent-Encoding: identity\r\nContent-Encoding: gzip",
            "gzip",
        ),
        (
            "Content-Length: 4\r\nContent-Encoding: \u{e9}",
            "content-encoding",
        ),
    ] {
        for version in VERSIONS {
            let refused = get(version, move |mut host| {
                host.say(format!("{OK}{headers}\r\n\r\nabcd"));
                host.wait();
            });
            let refused = refused.unwrap_err();
            assert!(
                matches!(refused, Error::Protocol { .. }) && refused.to_string().contains(says),
                "{headers}: {refused}"
            );
        }
    }
    for headers in [
        "Transfer-Encoding: Chunked",
        "Transfer-Encoding: chunked\r\nContent-Encoding: Identity",
        "Transfer-Encoding: chunked\r\nContent-Encoding:",
    ] {
        let received = get(&TLS13, move |mut host| {
            host.say(format!("{OK}{headers}\r\n\r\n3\r\nend\r\n0\r\n\r\n"));
            host.wait();
        });
        assert_eq!(received.unwrap(), b"end", "{headers}");
    }
}

/// A transfer waits for the head of an answer as long as it likes, whatever comes instead, and is
/// then rid of the connection: the host's script ends only with it.
fn is_left(body: Body, script: impl Fn(&mut Host) -> bool + Send + 'static) {
    let (hears, is_heard) = oneshot::channel();
    let (port, over) = play(config(&TLS13), move |accept| {
        let mut host = accept();
        host.hear("\r\n\r\n");
        hears.send(()).unwrap();
        while script(&mut host) {}
        host.wait();
    });
    run(async {
        let client = client();
        let request = request(port, Method::POST, body, Connection::Fresh);
        tokio::select! {
            _ = client.send(request) => panic!("it got an answer that nobody sent"),
            () = async {
                is_heard.await.unwrap();
                sleep(Duration::from_millis(100)).await;
            } => {}
        }
        over.await.unwrap();
        drop(client);
    });
}

#[test]
fn what_comes_before_an_answer_without_end() {
    for said in INTERIM {
        let more = said.repeat(100);
        let again = more.clone();
        is_left(Body::Empty, move |host| host.try_say(&more));
        is_left(stream(&[70_000], true), move |host| host.try_say(&again));
    }
}

/// The host still listens, and says one thing of each only.
#[test]
fn a_host_that_only_begins_to_answer() {
    for said in [
        "",
        "HTTP/1.1 200 OK\r\nA: ",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        is_left(Body::Empty, move |host| {
            host.say(said);
            false
        });
    }
}
