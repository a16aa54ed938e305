//! Uploads by PUT: what counts as sent.

use nfclease::Error;
use nfclease::transfer::Verified;

use super::script::{Answer, Server};
use super::world::{complete, manifest_of, options, ready, upload};

/// More than fits into the sockets between: the last byte is sent when the server reads it.
const FILE: &[u8] = &[7; 32 << 20];

#[tokio::test]
async fn a_file_arrives_as_it_is() {
    let file = &FILE[..100_000];
    let server = Server::new([Answer::ok([])]);
    server.list(manifest_of(file));
    let (lease, device) = ready(&server, options()).await;
    let done = upload(&lease, &device, file).ended().await.unwrap();
    assert_eq!((done.attempts, done.verified), (1, Verified::Manifest));
    let [put] = &server.asked("PUT")[..] else {
        panic!("one PUT: {:?}", server.asked("PUT").len());
    };
    assert_eq!(put.body, file);
    complete(&lease).await;
}

#[tokio::test]
async fn files_share_a_connection() {
    let file = &FILE[..1000];
    let server = Server::new([Answer::ok([]), Answer::ok([]), Answer::ok([])]);
    server.list(manifest_of(file));
    let (lease, device) = ready(&server, options()).await;
    for _ in 0..3 {
        upload(&lease, &device, file).ended().await.unwrap();
    }
    let puts = server.asked("PUT");
    assert_eq!(puts.len(), 3);
    assert!(puts.iter().all(|put| put.connection == puts[0].connection));
}

#[tokio::test]
async fn a_good_answer_before_the_last_byte_is_none() {
    let early = || Answer::Early { after: 1000 };
    let server = Server::new([early(), early(), early()]);
    let (lease, device) = ready(&server, options()).await;
    let failure = upload(&lease, &device, FILE).ended().await.unwrap_err();
    assert!(
        matches!(failure.error, Error::Protocol { .. }),
        "{}",
        failure.error
    );
    assert!(
        failure
            .error
            .to_string()
            .contains("before it had the whole body"),
        "{}",
        failure.error
    );
    assert_eq!((server.asked("PUT").len(), failure.attempts), (1, 1));
}
