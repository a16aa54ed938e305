//! The digest of a stream, updated by the task that has the bytes in cache.

use data_encoding::HEXLOWER;
use sha1::Digest as _;

use super::blocks;
use crate::error::{Error, Result};

/// A checksum that a lease manifest (`HttpNfcLeaseManifestEntryChecksumType`) or a package's manifest
/// file knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ChecksumType {
    /// SHA-1, in every manifest entry since vSphere API 4.1.
    #[default]
    Sha1,
    /// SHA-256, since vSphere API 6.7 and only when asked for.
    Sha256,
    /// SHA-512, in manifest files only: no server offers it.
    Sha512,
}

impl ChecksumType {
    /// Parses vSphere's spelling of what a server lists, in any case.
    pub fn parse(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "sha1" => Ok(Self::Sha1),
            "sha256" => Ok(Self::Sha256),
            _ => Err(Error::InvalidArgument {
                reason: format!("checksum_type must be 'sha1' or 'sha256', not {name:?}").into(),
            }),
        }
    }

    /// Parses the same, of what a manifest file may have too.
    pub fn parse_of_file(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "sha1" => Ok(Self::Sha1),
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            _ => Err(Error::InvalidArgument {
                reason: format!(
                    "a manifest file has 'sha1', 'sha256' or 'sha512' sums, not {name:?}"
                )
                .into(),
            }),
        }
    }

    /// Hex digits of a sum.
    pub fn digits(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }

    /// vSphere's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// A running digest.
#[derive(Clone)]
pub struct Digest(State);

#[derive(Clone)]
enum State {
    /// By the processor's SHA extensions.
    Fast(Box<blocks::Sha1>),
    Sha1(sha1::Sha1),
    Sha256(Box<sha2::Sha256>),
    Sha512(Box<sha2::Sha512>),
}

impl Digest {
    /// Starts a digest.
    pub fn new(checksum_type: ChecksumType) -> Self {
        Self(match checksum_type {
            ChecksumType::Sha1 => match blocks::Sha1::new() {
                Some(sha1) => State::Fast(Box::new(sha1)),
                None => State::Sha1(sha1::Sha1::new()),
            },
            ChecksumType::Sha256 => State::Sha256(Box::default()),
            ChecksumType::Sha512 => State::Sha512(Box::default()),
        })
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Fast(state) => state.update(bytes),
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// Whether two of its kind take less time together than one after the other.
    pub(crate) fn pairs(&self) -> bool {
        matches!(self.0, State::Fast(_))
    }

    /// Adds bytes to each of two.
    pub(crate) fn update_both(one: &mut Self, bytes: &[u8], other: &mut Self, others: &[u8]) {
        if let (State::Fast(one), State::Fast(other)) = (&mut one.0, &mut other.0) {
            return blocks::Sha1::update_both(one, bytes, other, others);
        }
        one.update(bytes);
        other.update(others);
    }

    /// The digest so far as lower-case hex.
    pub fn finish(self) -> String {
        match self.0 {
            State::Fast(state) => hex(&state.finish()),
            State::Sha1(state) => hex(&state.finalize()),
            State::Sha256(state) => hex(&state.finalize()),
            State::Sha512(state) => hex(&state.finalize()),
        }
    }
}

/// A sum as everyone writes it.
pub(in crate::io) fn hex(sum: &[u8]) -> String {
    HEXLOWER.encode(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        for (checksum_type, expected) in [
            (
                ChecksumType::Sha1,
                "a9993e364706816aba3e25717850c26c9cd0d89d",
            ),
            (
                ChecksumType::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                ChecksumType::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
        ] {
            let mut digest = Digest::new(checksum_type);
            digest.update(b"a");
            digest.update(b"bc");
            assert_eq!(digest.finish(), expected);
            assert_eq!(expected.len(), checksum_type.digits());
        }
    }

    #[test]
    fn checksum_types_are_vspheres() {
        assert_eq!(ChecksumType::parse("SHA256").unwrap(), ChecksumType::Sha256);
        assert!(ChecksumType::parse("sha512").is_err());
        let of_file = ChecksumType::parse_of_file("SHA512");
        assert_eq!(of_file.unwrap(), ChecksumType::Sha512);
        assert!(ChecksumType::parse_of_file("md5").is_err());
    }
}
