//! The digests of one stream: what the server lists, and what the package's manifest file has.

use super::blocks::Both;
use super::digest::{ChecksumType, Digest, hex};

/// One running digest, or two of the same bytes. Where both are of one type, nothing is computed
/// twice.
#[derive(Clone)]
pub struct Digests {
    first: ChecksumType,
    also: Option<ChecksumType>,
    running: Running,
}

#[derive(Clone)]
enum Running {
    One(Digest),
    /// One after the other.
    Two(Digest, Digest),
    /// SHA-1 and SHA-256, in one pass.
    AtOnce(Box<Both>),
}

impl Digests {
    /// Starts a digest, and another beside it.
    pub fn new(first: ChecksumType, also: Option<ChecksumType>) -> Self {
        let both = Both::new().map(Box::new);
        Self {
            first,
            also,
            running: Running::of(first, also, both),
        }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.running {
            Running::One(digest) => digest.update(bytes),
            Running::Two(first, also) => {
                first.update(bytes);
                also.update(bytes);
            }
            Running::AtOnce(both) => both.update(bytes),
        }
    }

    /// Whether two of these take less time together than one after the other.
    pub(crate) fn pairs(&self) -> bool {
        matches!(&self.running, Running::One(digest) if digest.pairs())
    }

    /// Adds bytes to each of two.
    pub(crate) fn update_both(one: &mut Self, bytes: &[u8], other: &mut Self, others: &[u8]) {
        if let (Running::One(one), Running::One(other)) = (&mut one.running, &mut other.running) {
            return Digest::update_both(one, bytes, other, others);
        }
        one.update(bytes);
        other.update(others);
    }

    /// The first one so far, as lower-case hex.
    pub fn first(&self) -> String {
        match &self.running {
            Running::One(first) | Running::Two(first, _) => first.clone().finish(),
            Running::AtOnce(both) => of_both(both, self.first),
        }
    }

    /// The other one so far, where there is one.
    pub fn also(&self) -> Option<String> {
        let also = self.also?;
        Some(match &self.running {
            Running::One(digest) | Running::Two(_, digest) => digest.clone().finish(),
            Running::AtOnce(both) => of_both(both, also),
        })
    }
}

impl Running {
    /// What computes them, with `both` where the processor can.
    fn of(first: ChecksumType, also: Option<ChecksumType>, both: Option<Box<Both>>) -> Self {
        use ChecksumType::{Sha1, Sha256};
        match (first, also, both) {
            (_, None, _) => Self::One(Digest::new(first)),
            (_, Some(also), _) if also == first => Self::One(Digest::new(first)),
            (Sha1, Some(Sha256), Some(both)) | (Sha256, Some(Sha1), Some(both)) => {
                Self::AtOnce(both)
            }
            (_, Some(also), _) => Self::Two(Digest::new(first), Digest::new(also)),
        }
    }
}

fn of_both(both: &Both, checksum_type: ChecksumType) -> String {
    let (sha1, sha256) = both.clone().finish();
    match checksum_type {
        ChecksumType::Sha1 => hex(&sha1),
        _ => hex(&sha256),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: [ChecksumType; 3] = [
        ChecksumType::Sha1,
        ChecksumType::Sha256,
        ChecksumType::Sha512,
    ];

    fn alone(checksum_type: ChecksumType, pieces: &[&[u8]]) -> String {
        let mut digest = Digest::new(checksum_type);
        for piece in pieces {
            digest.update(piece);
        }
        digest.finish()
    }

    /// Any two of them, with and without what the processor can do.
    #[test]
    fn two_are_what_each_is_alone() {
        let pieces = [&b"a"[..], &[7; 200], b"", &[9; 64], b"bc"];
        for first in TYPES {
            for also in TYPES {
                for both in [Both::new().map(Box::new), None] {
                    let mut digests = Digests {
                        first,
                        also: Some(also),
                        running: Running::of(first, Some(also), both),
                    };
                    for piece in pieces {
                        digests.update(piece);
                    }
                    assert_eq!(digests.first(), alone(first, &pieces));
                    assert_eq!(digests.also(), Some(alone(also, &pieces)));
                }
            }
        }
    }

    #[test]
    fn one_alone() {
        let mut digests = Digests::new(ChecksumType::Sha256, None);
        digests.update(b"abc");
        assert_eq!(digests.first(), alone(ChecksumType::Sha256, &[b"abc"]));
        assert_eq!(digests.also(), None);
    }

    #[test]
    fn what_is_computed_together() {
        let of = |first, also| Running::of(first, Some(also), Both::new().map(Box::new));
        let [sha1, sha256, sha512] = TYPES;
        assert!(matches!(of(sha1, sha1), Running::One(_)));
        assert!(matches!(of(sha1, sha512), Running::Two(..)));
        if Both::new().is_some() {
            assert!(matches!(of(sha1, sha256), Running::AtOnce(_)));
            assert!(matches!(of(sha256, sha1), Running::AtOnce(_)));
        }
    }
}
