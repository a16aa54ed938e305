//! Records of TLS as no host sends them, and as some may.

use std::io::Write as _;

use http::Method;
use rustls::ContentType;
use rustls::version::TLS13;

use super::host::{ByHand, Host, config, config_by_hand};
use super::{Body, OK, VERSIONS, ask, broken, cut, get, head, noise, post, stream};
use crate::error::{Error, Result};

/// A handshake message of no content: the host wants to shake hands once more.
const HELLO_REQUEST: [u8; 4] = [0; 4];

/// Alerts: fatal, and what is the matter.
const BAD_RECORD_MAC: [u8; 2] = [2, 20];
const CERTIFICATE_REQUIRED: [u8; 2] = [2, 116];

#[test]
fn records_of_any_length() {
    for version in VERSIONS {
        for record in [1, 2, 100, 16_383, 16_384, 100_000] {
            let data = noise(if record < 100 { 3000 } else { 700_000 });
            let sent = data.clone();
            let received = get(version, move |mut host| {
                host.say(head(sent.len()));
                sent.chunks(record).for_each(|piece| host.say(piece));
                host.wait();
            });
            assert!(received.unwrap() == data, "{version:?} {record}");
        }
    }
}

#[test]
fn a_head_and_chunks_in_records_of_one_byte() {
    for version in VERSIONS {
        let received = get(version, |mut host| {
            let answer = format!("{OK}Transfer-Encoding: chunked\r\n\r\n4\r\ndisk\r\n0\r\n\r\n");
            answer.bytes().for_each(|byte| host.say([byte]));
            host.wait();
        });
        assert_eq!(received.unwrap(), b"disk");
    }
}

#[test]
fn one_byte_of_tcp_at_a_time() {
    for version in VERSIONS {
        let data = noise(40_000);
        let sent = data.clone();
        let received = get(version, move |mut host| {
            host.tcp.set_nodelay(true).unwrap();
            let sealed = [host.sealed(head(sent.len())), host.sealed(&sent)].concat();
            let (slowly, rest) = sealed.split_at(300);
            for byte in slowly {
                host.tcp.write_all(&[*byte]).unwrap();
            }
            host.tcp.write_all(rest).unwrap();
            host.wait();
        });
        assert!(received.unwrap() == data, "{version:?}");
    }
}

/// Seals it and changes a bit of that, as a bad cable does.
fn say_damaged(host: &mut Host, data: &str) {
    let mut sealed = host.sealed(data);
    *sealed.last_mut().unwrap() ^= 1;
    host.tcp.write_all(&sealed).unwrap();
}

#[test]
fn a_record_that_was_changed_amid_a_body() {
    for version in VERSIONS {
        for headers in ["Content-Length: 999999\r\n\r\n", "\r\n"] {
            let changed = get(version, move |mut host| {
                host.say(format!("{OK}{headers}"));
                host.say(noise(900_000));
                say_damaged(&mut host, "other");
                host.wait();
            });
            assert!(cut(changed) <= 900_000, "{headers}");
        }
    }
}

/// It tells nothing of whom to trust: the same request may go well over another connection.
#[test]
fn a_record_that_was_changed_before_an_answer() {
    for version in VERSIONS {
        let answers = [
            get(version, |mut host| {
                say_damaged(&mut host, OK);
                host.wait();
            }),
            post(version, stream(&[70_000], true), |mut host| {
                say_damaged(&mut host, OK);
                host.wait();
            }),
        ];
        for answer in answers {
            let changed = answer.unwrap_err();
            assert!(matches!(changed, Error::Connect { .. }), "{changed:?}");
            assert!(changed.to_string().contains("decrypt"), "{changed}");
        }
    }
}

/// The host finds one of the client's records changed, and says so.
#[test]
fn a_record_of_the_client_that_was_changed() {
    let answer = ask(
        config_by_hand(),
        Method::POST,
        stream(&[70_000], true),
        |mut host| {
            host.hear("\r\n\r\n");
            let mut host = host.by_hand();
            host.say(ContentType::Alert, BAD_RECORD_MAC);
            host.wait();
        },
    );
    let changed = answer.unwrap_err();
    assert!(matches!(changed, Error::Connect { .. }), "{changed:?}");
}

/// A host that wants a certificate of the client may say so as late.
#[test]
fn a_refusal_of_the_client_after_the_handshake() {
    let answer = ask(config_by_hand(), Method::GET, Body::Empty, |mut host| {
        host.hear("\r\n\r\n");
        let mut host = host.by_hand();
        host.say(ContentType::Alert, CERTIFICATE_REQUIRED);
        host.wait();
    });
    let refused = answer.unwrap_err();
    assert!(matches!(refused, Error::Tls { .. }), "{refused:?}");
}

#[test]
fn new_keys_amid_a_body() {
    let data = noise(300_000);
    let sent = data.clone();
    let received = get(&TLS13, move |mut host| {
        host.say(head(sent.len()));
        for piece in sent.chunks(40_000) {
            host.say(piece);
            host.tls.refresh_traffic_keys().unwrap();
        }
        host.wait();
    });
    assert!(received.unwrap() == data);
}

/// The client answers with new keys of its own, in the midst of what it sends.
#[test]
fn new_keys_amid_an_upload() {
    let received = ask(
        config(&TLS13),
        Method::POST,
        stream(&[100_000; 9], false),
        |mut host| {
            host.hear("\r\n\r\n");
            for _ in 0..9 {
                host.take(100_000);
                host.tls.refresh_traffic_keys().unwrap();
                host.say("");
            }
            host.say(head(5) + "taken");
            host.wait();
        },
    );
    assert_eq!(received.unwrap(), b"taken");
}

#[test]
fn new_keys_without_end() {
    let endless = get(&TLS13, |mut host| {
        host.say(head(9) + "half");
        let mut is_there = true;
        while is_there {
            host.tls.refresh_traffic_keys().unwrap();
            is_there = host.try_say("");
        }
    });
    let endless = broken(endless);
    assert!(endless.contains("KeyUpdate"), "{endless}");
}

/// What TLS 1.2 alone has.
fn renegotiated(script: impl FnOnce(&mut ByHand) + Send + 'static) -> Result<Vec<u8>> {
    ask(config_by_hand(), Method::GET, Body::Empty, |mut host| {
        host.hear("\r\n\r\n");
        let mut host = host.by_hand();
        host.say(ContentType::ApplicationData, head(8) + "half");
        script(&mut host);
        host.wait();
    })
}

#[test]
fn a_host_that_wants_to_renegotiate_is_not_heard() {
    let received = renegotiated(|host| {
        host.say(ContentType::Handshake, HELLO_REQUEST);
        host.say(ContentType::ApplicationData, "half");
    });
    assert_eq!(received.unwrap(), b"halfhalf");
}

#[test]
fn a_host_that_insists_on_renegotiating_is_left() {
    let left = broken(renegotiated(|host| {
        for _ in 0..2 {
            host.say(ContentType::Handshake, HELLO_REQUEST);
        }
        host.say(ContentType::ApplicationData, "half");
    }));
    assert!(left.contains("Renegotiation"), "{left}");
}
