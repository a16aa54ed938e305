//! Against the vectors of NIST and against the crates `sha1` and `sha2`, for every length and every split.

use sha2::Digest as _;

use super::{Both, Sha1};
use crate::io::digest::hex;

fn both(pieces: &[&[u8]]) -> Option<(String, String)> {
    let mut both = Both::new()?;
    let mut alone = Sha1::new()?;
    for piece in pieces {
        both.update(piece);
        alone.update(piece);
    }
    let (sha1, sha256) = both.finish();
    assert_eq!(sha1, alone.finish());
    Some((hex(&sha1), hex(&sha256)))
}

fn rust_crypto(bytes: &[u8]) -> (String, String) {
    let sha1 = sha1::Sha1::digest(bytes);
    (hex(&sha1), hex(&sha2::Sha256::digest(bytes)))
}

/// Bytes that no pattern explains.
fn content(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[4]
    })
    .take(length)
    .collect()
}

#[test]
fn vectors_of_nist() {
    let million = vec![b'a'; 1_000_000];
    for (message, sha1, sha256) in [
        (
            &b""[..],
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            b"abc",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            &million,
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        ),
    ] {
        let Some(sums) = both(&[message]) else {
            return; // not run: this processor has no SHA extensions
        };
        assert_eq!(sums, (sha1.to_owned(), sha256.to_owned()));
    }
}

#[test]
fn every_length_to_five_blocks() {
    let bytes = content(320);
    for length in 0..=bytes.len() {
        let message = &bytes[..length];
        let Some(sums) = both(&[message]) else { return };
        assert_eq!(sums, rust_crypto(message), "{length} bytes");
    }
}

#[test]
fn every_split_of_three_blocks() {
    let bytes = content(192);
    let expected = rust_crypto(&bytes);
    for first in 0..=bytes.len() {
        for second in first..=bytes.len() {
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            let Some(sums) = both(&pieces) else { return };
            assert_eq!(sums, expected, "split at {first} and {second}");
        }
    }
}

#[test]
fn long_streams_in_odd_pieces() {
    let bytes = content(3 * 256 * 1024 + 17);
    let expected = rust_crypto(&bytes);
    for size in [1, 63, 64, 65, 1000, 16_384, 262_144] {
        let pieces: Vec<_> = bytes.chunks(size).collect();
        let Some(sums) = both(&pieces) else { return };
        assert_eq!(sums, expected, "pieces of {size}");
    }
}

/// Of two streams together each is what it is alone, wherever both are within a block.
#[test]
fn two_streams_in_pieces_of_any_length() {
    let (bytes, others) = (content(900), content(1000).split_off(100));
    let mut chance = fastrand::Rng::with_seed(1);
    for round in 0..3000 {
        let (Some(mut one), Some(mut other)) = (Sha1::new(), Sha1::new()) else {
            return;
        };
        let (mut rest, mut other_rest) = (&bytes[..], &others[..]);
        while !rest.is_empty() || !other_rest.is_empty() {
            let length = chance.usize(..=rest.len().min(200));
            let other_length = chance.usize(..=other_rest.len().min(200));
            let (now, later) = rest.split_at(length);
            let (other_now, other_later) = other_rest.split_at(other_length);
            Sha1::update_both(&mut one, now, &mut other, other_now);
            (rest, other_rest) = (later, other_later);
        }
        assert_eq!(hex(&one.finish()), rust_crypto(&bytes).0, "round {round}");
        assert_eq!(
            hex(&other.finish()),
            rust_crypto(&others).0,
            "round {round}"
        );
    }
}
