//! The client against a host that speaks TLS and HTTP as it likes.
//!
//! No time decides a test: where a host never ends, it ends when the client has gone.

#![allow(
    clippy::disallowed_methods,
    reason = "a test has threads and a runtime of its own"
)]

mod cuts;
mod heads;
mod host;
mod records;
mod reuse;
mod stolen;
mod uploads;

use std::future::Future;
use std::net::TcpListener;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use url::Url;

use self::host::Host;
use super::{Body, BodyStream, Client, Connection, Request, Trust, Verify};
use crate::error::{Error, Result};

const OK: &str = "HTTP/1.1 200 OK\r\n";

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A test that takes so long has failed.
const MOST: Duration = Duration::from_secs(60);

/// A host that plays `script` on each connection, and says when that is over.
fn play(
    config: ServerConfig,
    script: impl FnOnce(&mut dyn FnMut() -> Host) + Send + 'static,
) -> (u16, oneshot::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (over, is_over) = oneshot::channel();
    let config = Arc::new(config);
    thread::spawn(move || {
        script(&mut || Host::accept(&listener, Arc::clone(&config)));
        let _ = over.send(());
    });
    (port, is_over)
}

fn request(port: u16, method: Method, body: Body, connection: Connection) -> Request {
    Request {
        method,
        url: Url::parse(&format!("https://127.0.0.1:{port}/nfc/ticket/disk")).unwrap(),
        headers: HeaderMap::new(),
        body,
        what: "disk".into(),
        connection,
    }
}

fn client() -> Client {
    Client::new(&Trust::of(Verify::Unverified), None, MOST).unwrap()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let done = runtime.block_on(async { tokio::time::timeout(MOST, work).await });
    done.unwrap()
}

/// What a request brings. The host's script must be played to its end meanwhile.
fn ask(
    config: ServerConfig,
    method: Method,
    body: Body,
    script: impl FnOnce(Host) + Send + 'static,
) -> Result<Vec<u8>> {
    let (port, over) = play(config, |accept| script(accept()));
    run(async {
        let client = client();
        let answer = async {
            let request = request(port, method, body, Connection::Fresh);
            let response = client.send(request).await?.checked()?;
            match response.status() {
                200 => response.read(1 << 30, "size").await,
                _ => Err(response.into_status_error().await),
            }
        };
        let answer = answer.await;
        drop(client);
        over.await.unwrap();
        answer
    })
}

/// What a GET brings whose head was read.
fn get(
    version: &'static SupportedProtocolVersion,
    script: impl FnOnce(Host) + Send + 'static,
) -> Result<Vec<u8>> {
    ask(
        host::config(version),
        Method::GET,
        Body::Empty,
        |mut host| {
            host.hear("\r\n\r\n");
            script(host);
        },
    )
}

/// What a POST brings whose head was read.
fn post(
    version: &'static SupportedProtocolVersion,
    body: Body,
    script: impl FnOnce(Host) + Send + 'static,
) -> Result<Vec<u8>> {
    ask(host::config(version), Method::POST, body, |mut host| {
        host.hear("\r\n\r\n");
        script(host);
    })
}

/// A body of such pieces, and where it is endless one more byte, which never comes.
fn stream(pieces: &[usize], is_endless: bool) -> Body {
    let mut left: Vec<usize> = pieces.iter().rev().copied().collect();
    let length = left.iter().sum::<usize>() as u64 + u64::from(is_endless);
    Body::Stream(BodyStream::new(
        length,
        Box::new(move |_| match left.pop() {
            Some(piece) => Poll::Ready(Some(Ok(Bytes::from(vec![b'x'; piece])))),
            None if is_endless => Poll::Pending,
            None => Poll::Ready(None),
        }),
    ))
}

/// Bytes in which no two stretches are alike.
fn noise(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(17);
    std::iter::repeat_with(|| random.u8(..))
        .take(length)
        .collect()
}

fn head(length: usize) -> String {
    format!("{OK}Content-Length: {length}\r\n\r\n")
}

/// How much came of an answer that ended early.
fn cut(answer: Result<Vec<u8>>) -> u64 {
    match answer.unwrap_err() {
        Error::Truncated { seen, .. } => seen,
        other => panic!("{other:?}"),
    }
}

/// Why a connection broke, before an answer or in it: what comes in one go with what breaks it may
/// be lost.
fn broken(answer: Result<Vec<u8>>) -> String {
    match answer.unwrap_err() {
        error @ (Error::Truncated { .. } | Error::Connect { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}
