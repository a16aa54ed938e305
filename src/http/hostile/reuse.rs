//! Connections that are used again, and those that must not be.

use std::sync::mpsc::channel;
use std::thread;

use http::Method;
use rustls::version::TLS13;
use tokio::sync::oneshot;

use super::host::{Host, config};
use super::{Body, Client, Connection, VERSIONS, client, head, play, request, run, stream};
use crate::error::Result;

const GET: fn() -> (Method, Body) = || (Method::GET, Body::Empty);
const PUT: fn() -> (Method, Body) = || (Method::PUT, stream(&[70_000], false));

/// A request over any connection, and its answer.
async fn asked(client: &Client, port: u16, (method, body): (Method, Body)) -> Result<Vec<u8>> {
    let request = request(port, method, body, Connection::Pooled);
    client.send(request).await?.read(99, "size").await
}

/// Hears a request and answers it.
fn serve(host: &mut Host, said: &str) {
    if host.hear("\r\n\r\n").starts_with("PUT") {
        host.take(70_000);
    }
    host.say(head(said.len()) + said);
}

#[test]
fn requests_share_a_connection() {
    for version in VERSIONS {
        let (port, over) = play(config(version), |accept| {
            let mut host = accept();
            for said in ["a", "b", "c", "d"] {
                serve(&mut host, said);
            }
            host.wait();
        });
        run(async {
            let client = client();
            for (asks, expected) in [(GET, b"a"), (PUT, b"b"), (PUT, b"c"), (GET, b"d")] {
                assert_eq!(asked(&client, port, asks()).await.unwrap(), expected);
            }
            drop(client);
            over.await.unwrap();
        });
    }
}

#[test]
fn one_that_the_host_has_closed_is_not_used() {
    for version in VERSIONS {
        for asks in [GET, PUT] {
            let (closes, is_closed) = oneshot::channel();
            let (port, over) = play(config(version), move |accept| {
                let mut first = accept();
                serve(&mut first, "a");
                first.close();
                closes.send(()).unwrap();
                let mut second = accept();
                serve(&mut second, "b");
                second.wait();
            });
            run(async {
                let client = client();
                assert_eq!(asked(&client, port, asks()).await.unwrap(), b"a");
                is_closed.await.unwrap();
                assert_eq!(asked(&client, port, asks()).await.unwrap(), b"b");
                drop(client);
                over.await.unwrap();
            });
        }
    }
}

/// Else the rest of the body would be the answer to the next request.
#[test]
fn one_with_a_body_half_read_is_not_used() {
    let (port, over) = play(config(&TLS13), |accept| {
        let mut first = accept();
        first.hear("\r\n\r\n");
        first.say(head(8) + "half");
        let mut second = accept();
        serve(&mut second, "b");
        first.try_say(head(1) + "c");
        second.wait();
    });
    run(async {
        let client = client();
        let request = request(port, Method::GET, Body::Empty, Connection::Pooled);
        let mut response = client.send(request).await.unwrap();
        assert_eq!(response.chunk().await.unwrap().unwrap(), "half".as_bytes());
        drop(response);
        assert_eq!(asked(&client, port, GET()).await.unwrap(), b"b");
        drop(client);
        over.await.unwrap();
    });
}

/// A thread may be busy when another one waits for bytes that come to it. An upload's connection
/// needs no other thread than its own.
#[test]
fn of_another_thread_only_an_uploads_is_used() {
    let (port, over) = play(config(&TLS13), |accept| {
        let mut first = accept();
        for said in ["a", "b"] {
            serve(&mut first, said);
        }
        let mut second = accept();
        serve(&mut second, "c");
        first.wait();
        second.wait();
    });
    run(async {
        let client = client();
        assert_eq!(asked(&client, port, PUT()).await.unwrap(), b"a");
        let (theirs, (send, answers)) = (client.clone(), channel());
        let (ends, is_over) = oneshot::channel();
        thread::spawn(move || {
            for asks in [PUT, GET] {
                let answer = run(asked(&theirs, port, asks()));
                send.send(answer.unwrap()).unwrap();
            }
            ends.send(()).unwrap();
        });
        is_over.await.unwrap();
        assert_eq!(answers.iter().collect::<Vec<_>>(), [b"b", b"c"]);
        drop(client);
        over.await.unwrap();
    });
}
