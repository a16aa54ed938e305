//! Both ends, and pairs of lanes.

use std::thread;

use super::*;
use crate::io::ChecksumType;

fn sha1() -> Digests {
    Digests::new(ChecksumType::Sha1, None)
}

fn alone(pieces: &[Bytes]) -> String {
    let mut digests = sha1();
    for piece in pieces {
        digests.update(piece);
    }
    digests.first()
}

/// Pieces of a stream, other ones for each number.
fn pieces(stream: u8) -> Vec<Bytes> {
    let length = |piece: usize| 1 + (piece * 977 + usize::from(stream) * 131) % 5000;
    (0..200)
        .map(|piece| vec![stream ^ u8::try_from(piece % 251).unwrap(); length(piece)].into())
        .collect()
}

fn poll(taker: &mut Taker) -> Poll<Option<Bytes>> {
    taker.poll(&mut Context::from_waker(Waker::noop()))
}

fn digested(taker: &Taker) -> usize {
    lock(&taker.lane.queue).digested
}

/// Gives all pieces, of which a few at a time are on their way, and says the sum.
fn give_all(giver: &Giver, pieces: &[Bytes]) -> String {
    for (number, piece) in pieces.iter().enumerate() {
        while lock(&giver.lane.queue).pieces.len() > 4 {
            thread::yield_now();
        }
        let is_digested = giver.is_alone() || number + 1 == pieces.len() || number % 17 == 0;
        if is_digested {
            giver.add(piece, |_| ()).unwrap();
        }
        giver.give(piece.clone(), is_digested).unwrap();
    }
    giver.add(&[], Digests::first).unwrap()
}

#[test]
fn each_sum_is_what_it_is_alone() {
    let lanes = Arc::<Lanes>::default();
    thread::scope(|scope| {
        for stream in 0..5 {
            let (giver, mut taker) = lanes.open(sha1());
            let expected = pieces(stream);
            scope.spawn(move || {
                let mut came = Vec::new();
                while let Some(piece) = wait(&mut taker) {
                    came.push(piece);
                }
                assert_eq!(came, pieces(stream));
            });
            scope.spawn(move || assert_eq!(give_all(&giver, &expected), alone(&expected)));
        }
    });
    assert!(lock(&lanes.0).is_empty());
}

/// The next piece, woken as a connection is.
fn wait(taker: &mut Taker) -> Option<Bytes> {
    struct Thread(thread::Thread);
    impl std::task::Wake for Thread {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Thread(thread::current())));
    loop {
        if let Poll::Ready(piece) = taker.poll(&mut Context::from_waker(&waker)) {
            return piece;
        }
        thread::park();
    }
}

#[test]
fn who_needs_a_piece_takes_one_of_another_along() {
    let lanes = Arc::<Lanes>::default();
    let ((one, mut first), (other, mut second)) = (lanes.open(sha1()), lanes.open(sha1()));
    if !one.pairs {
        return;
    }
    assert!(!one.is_alone());
    let (a, b) = (Bytes::from(vec![1; 1000]), Bytes::from(vec![2; 3000]));
    one.give(a.clone(), false).unwrap();
    other.give(b.clone(), false).unwrap();
    assert_eq!(poll(&mut first), Poll::Ready(Some(a.clone())));
    assert_eq!(digested(&second), 1);
    assert_eq!(poll(&mut first), Poll::Pending);
    assert_eq!(poll(&mut second), Poll::Ready(Some(b.clone())));
    drop(other);
    assert_eq!(poll(&mut second), Poll::Ready(None));
    assert!(one.is_alone());
    assert_eq!(one.add(&[], Digests::first).unwrap(), alone(&[a]));
}

#[test]
fn nobody_waits_for_one_that_stands_still() {
    let lanes = Arc::<Lanes>::default();
    let ((one, mut first), (_still, _)) = (lanes.open(sha1()), lanes.open(sha1()));
    let piece = Bytes::from_static(b"piece");
    one.give(piece.clone(), false).unwrap();
    assert_eq!(poll(&mut first), Poll::Ready(Some(piece.clone())));
    assert_eq!(one.add(&[], Digests::first).unwrap(), alone(&[piece]));
}

#[test]
fn what_its_reader_adds_comes_after_what_waits() {
    let lanes = Arc::<Lanes>::default();
    let ((one, first), _other) = (lanes.open(sha1()), lanes.open(sha1()));
    let waiting = [Bytes::from_static(b"one"), Bytes::from_static(b"two")];
    for piece in &waiting {
        one.give(piece.clone(), false).unwrap();
    }
    let sum = one.add(b"three", Digests::first).unwrap();
    let [a, b] = waiting;
    assert_eq!(sum, alone(&[a, b, Bytes::from_static(b"three")]));
    assert_eq!(digested(&first), 2);
}

#[test]
fn a_connection_that_is_gone_takes_nothing() {
    let lanes = Arc::<Lanes>::default();
    let ((one, first), (other, mut second)) = (lanes.open(sha1()), lanes.open(sha1()));
    one.give(Bytes::from_static(b"lost"), false).unwrap();
    other.give(Bytes::from_static(b"sent"), false).unwrap();
    drop(first);
    let refused = one.give(Bytes::from_static(b"more"), false);
    assert!(matches!(refused, Err(Error::Cancelled)));
    assert!(poll(&mut second).is_ready());
}
