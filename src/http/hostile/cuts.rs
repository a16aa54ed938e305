//! Bodies that end too early or too late.

use std::task::Poll;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use rustls::version::TLS13;

use super::host::config;
use super::{
    Body, BodyStream, Connection, OK, VERSIONS, client, cut, get, head, play, post, request, run,
    stream,
};
use crate::error::Error;

/// How a body of two halves is announced, and how the first of them is sent.
const FRAMINGS: [(&str, &str); 3] = [
    ("Content-Length: 8\r\n\r\n", "half"),
    ("Transfer-Encoding: chunked\r\n\r\n", "4\r\nhalf\r\n"),
    ("Connection: close\r\n\r\n", "half"),
];

#[test]
fn a_body_that_is_cut_without_close_notify() {
    for version in VERSIONS {
        for (headers, half) in FRAMINGS {
            let answer = get(version, move |mut host| {
                host.say(format!("{OK}{headers}{half}"));
                host.cut();
                host.wait();
            });
            assert_eq!(cut(answer), 4, "{headers}");
        }
    }
}

/// Where nothing announces the end, `close_notify` is it.
#[test]
fn a_body_that_ends_with_close_notify() {
    for version in VERSIONS {
        for (headers, half) in FRAMINGS {
            let answer = get(version, move |mut host| {
                host.say(format!("{OK}{headers}{half}"));
                host.close();
                host.wait();
            });
            if headers.starts_with("Connection") {
                assert_eq!(answer.unwrap(), b"half");
            } else {
                assert_eq!(cut(answer), 4, "{headers}");
            }
        }
    }
}

/// A whole body is whole, however rudely the host leaves.
#[test]
fn a_cut_after_the_end_is_none() {
    for version in VERSIONS {
        for (headers, body) in [
            ("Content-Length: 4", "half"),
            ("Transfer-Encoding: chunked", "4\r\nhalf\r\n0\r\n\r\n"),
        ] {
            let answer = get(version, move |mut host| {
                host.say(format!("{OK}{headers}\r\n\r\n{body}"));
                host.cut();
                host.wait();
            });
            assert_eq!(answer.unwrap(), b"half", "{headers}");
        }
    }
}

#[test]
fn a_connection_that_ends_before_an_answer() {
    for version in VERSIONS {
        for said in ["", "HTTP/1.1 200 OK\r\nContent-"] {
            for is_cut in [true, false] {
                let answer = get(version, move |mut host| {
                    host.say(said);
                    host.end(is_cut);
                    host.wait();
                });
                let error = answer.unwrap_err();
                assert!(matches!(error, Error::Connect { .. }), "{said}: {error}");
            }
        }
    }
}

/// The host still reads, but will say nothing any more.
#[test]
fn half_a_connection_amid_an_upload() {
    for version in VERSIONS {
        for is_cut in [true, false] {
            let answer = post(version, stream(&[70_000], true), move |mut host| {
                host.take(70_000);
                host.end(is_cut);
                host.wait();
            });
            let error = answer.unwrap_err();
            assert!(matches!(error, Error::Connect { .. }), "{error}");
        }
    }
}

/// Bytes behind a body are not taken for the answer to the next request.
#[test]
fn a_body_that_is_longer_than_announced() {
    for version in VERSIONS {
        let (port, over) = play(config(version), |accept| {
            let mut first = accept();
            first.hear("\r\n\r\n");
            first.say(head(4) + "disk" + &head(6) + "forged");
            let mut second = accept();
            second.hear("\r\n\r\n");
            second.say(head(4) + "next");
            first.wait();
            second.wait();
        });
        run(async {
            let client = client();
            for expected in [b"disk", b"next"] {
                let request = request(port, Method::GET, Body::Empty, Connection::Pooled);
                let response = client.send(request).await.unwrap();
                assert_eq!(response.read(99, "size").await.unwrap(), expected);
            }
            drop(client);
            over.await.unwrap();
        });
    }
}

#[test]
fn chunks_that_are_none() {
    for chunks in [
        "x\r\nhalf\r\n".to_owned(),
        "-4\r\nhalf\r\n".to_owned(),
        "fffffffffffffffff\r\n".to_owned(),
        "2\r\nhalf\r\n".to_owned(),
        format!("4;{}\r\n", "x".repeat(100_000)),
        format!("0\r\nA: {}\r\n", "x".repeat(500_000)),
        format!("0\r\n{}\r\n", "A: b\r\n".repeat(2000)),
    ] {
        let begin: String = chunks.chars().take(20).collect();
        let answer = get(&TLS13, move |mut host| {
            host.try_say(format!("{OK}Transfer-Encoding: chunked\r\n\r\n{chunks}"));
            host.wait();
        });
        let error = answer.unwrap_err();
        let is_refused = matches!(error, Error::Protocol { .. } | Error::Truncated { .. });
        assert!(is_refused, "{begin}: {error}");
    }
}

/// The library must not end the body then as if all of it had come.
#[test]
fn a_connection_whose_task_dies() {
    for (headers, half) in FRAMINGS {
        let mut polls = 0;
        let dying = Body::Stream(BodyStream::new(
            9,
            Box::new(move |cx| -> Poll<Option<Result<Bytes, _>>> {
                polls += 1;
                assert!(polls < 500, "what the library does not expect");
                cx.waker().wake_by_ref();
                thread::sleep(Duration::from_millis(1));
                Poll::Pending
            }),
        ));
        let answer = post(&TLS13, dying, move |mut host| {
            host.say(format!("{OK}{headers}{half}"));
            host.wait();
        });
        assert_eq!(cut(answer), 4, "{headers}");
    }
}
