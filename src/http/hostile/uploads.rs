//! Answers that come before a body is over.

use std::sync::{Arc, Barrier};
use std::task::Poll;

use bytes::Bytes;
use http::Method;
use tokio_util::sync::CancellationToken;

use super::host::config;
use super::{
    Body, BodyStream, Connection, VERSIONS, ask, client, head, play, post, request, run, stream,
};
use crate::error::Error;

#[test]
fn a_body_arrives_as_it_is() {
    for version in VERSIONS {
        let pieces = [1, 300_000, 16_384, 2, 400_000, 70_000];
        let length: usize = pieces.iter().sum();
        let received = ask(
            config(version),
            Method::POST,
            stream(&pieces, false),
            move |mut host| {
                let asked = host.hear("\r\n\r\n");
                let announced = format!("content-length: {length}\r\n");
                assert!(asked.contains(&announced), "{asked}");
                host.take(length);
                host.say(head(5) + "taken");
                host.wait();
            },
        );
        assert_eq!(received.unwrap(), b"taken");
    }
}

/// Whether the host then closes, waits, or has read anything.
#[test]
fn a_refusal_amid_a_body() {
    for version in VERSIONS {
        for (is_read, is_closed) in [(false, false), (true, false), (false, true), (true, true)] {
            let refused = post(version, stream(&[70_000], true), move |mut host| {
                if is_read {
                    host.take(70_000);
                }
                host.say("HTTP/1.1 507 Insufficient Storage\r\nContent-Length: 4\r\n\r\nfull");
                if is_closed {
                    host.close();
                }
                host.wait();
            });
            let refused = refused.unwrap_err();
            assert!(
                matches!(refused, Error::HttpStatus { status: 507, .. }),
                "{refused}"
            );
            assert!(refused.to_string().contains("full"), "{refused}");
        }
    }
}

/// A host that refuses, and then neither reads nor closes, does not keep the body: it is the source
/// that a next attempt reads.
#[test]
fn a_body_is_taken_back_from_a_host_that_reads_nothing_more() {
    for version in VERSIONS {
        let both = Arc::new(Barrier::new(2));
        let ours = Arc::clone(&both);
        let (port, over) = play(config(version), move |accept| {
            let mut host = accept();
            host.hear("\r\n\r\n");
            host.say("HTTP/1.1 507 Insufficient Storage\r\nContent-Length: 4\r\n\r\nfull");
            both.wait();
        });
        // More than lies in the buffers on the way.
        let (body, go_on, dropped) = gated(50_000_000);
        go_on.cancel();
        run(async {
            let client = client();
            let request = request(port, Method::POST, body, Connection::Fresh);
            let response = client.send(request).await.unwrap();
            let refused = response.into_status_error().await;
            assert!(refused.to_string().contains("full"), "{refused}");
            dropped.cancelled().await;
            ours.wait();
            over.await.unwrap();
        });
    }
}

/// A body whose second piece comes when it is let go on, and what tells that it was dropped.
fn gated(piece: usize) -> (Body, CancellationToken, CancellationToken) {
    let (go_on, dropped) = (CancellationToken::new(), CancellationToken::new());
    let (gate, guard) = (go_on.clone(), dropped.clone().drop_guard());
    let mut wait = Box::pin(gate.cancelled_owned());
    let mut sent = 0;
    let body = BodyStream::new(
        2 * piece as u64,
        Box::new(move |cx| {
            let _ = &guard;
            match sent {
                1 if wait.as_mut().poll(cx).is_pending() => return Poll::Pending,
                0 | 1 => {}
                _ => return Poll::Ready(None),
            }
            sent += 1;
            Poll::Ready(Some(Ok(Bytes::from(vec![b'x'; piece]))))
        }),
    );
    (Body::Stream(body), go_on, dropped)
}

/// The rest is sent as long as the answer is kept.
#[test]
fn success_amid_a_body_that_goes_on() {
    for version in VERSIONS {
        let (port, over) = play(config(version), |accept| {
            let mut host = accept();
            host.hear("\r\n\r\n");
            host.take(70_000);
            host.say(head(0));
            host.take(70_000);
            host.wait();
        });
        let (body, go_on, dropped) = gated(70_000);
        run(async {
            let client = client();
            let request = request(port, Method::POST, body, Connection::Fresh);
            let response = client.send(request).await.unwrap();
            assert_eq!(response.status(), 200);
            assert!(!dropped.is_cancelled());
            go_on.cancel();
            dropped.cancelled().await;
            drop((response, client));
            over.await.unwrap();
        });
    }
}

/// A host that answers and hangs up takes no more: the body is let go, and nobody waits for it.
#[test]
fn success_amid_a_body_that_is_let_go() {
    for version in VERSIONS {
        let (port, over) = play(config(version), |accept| {
            let mut host = accept();
            host.hear("\r\n\r\n");
            host.say(head(0));
            host.close();
            host.wait();
        });
        let (body, _go_on, dropped) = gated(70_000);
        run(async {
            let client = client();
            let request = request(port, Method::POST, body, Connection::Fresh);
            let response = client.send(request).await.unwrap();
            assert_eq!(response.status(), 200);
            dropped.cancelled().await;
            over.await.unwrap();
            drop((response, client));
        });
    }
}

/// The host refuses and resets the connection, all while the client is at its next piece. What it
/// said is lost, but not that it is gone.
#[test]
fn a_refusal_and_a_reset_amid_a_piece() {
    for version in VERSIONS {
        let both = Arc::new(Barrier::new(2));
        let ours = Arc::clone(&both);
        let mut sent = 0;
        let body = BodyStream::new(
            3_000_000,
            Box::new(move |_| {
                sent += 1;
                if sent == 2 {
                    ours.wait(); // the host begins
                    ours.wait(); // it is done
                }
                Poll::Ready(Some(Ok(Bytes::from(vec![b'x'; 1_000_000]))))
            }),
        );
        let refused = post(version, Body::Stream(body), move |mut host| {
            both.wait();
            host.say("HTTP/1.1 507 Insufficient Storage\r\nContent-Length: 4\r\n\r\nfull");
            drop(host);
            both.wait();
        });
        let refused = refused.unwrap_err();
        let is_told = matches!(
            refused,
            Error::HttpStatus { status: 507, .. } | Error::Connect { .. }
        );
        assert!(is_told, "{refused:?}");
    }
}
