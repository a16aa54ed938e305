//! The digest of a stream, updated by the task that has the bytes in cache.

use data_encoding::HEXLOWER;
use sha1::Digest as _;

use crate::error::{Error, Result};

/// A checksum that vSphere's lease manifest knows (`HttpNfcLeaseManifestEntryChecksumType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ChecksumType {
    /// SHA-1, in every manifest entry since vSphere API 4.1.
    #[default]
    Sha1,
    /// SHA-256, since vSphere API 6.7 and only when asked for.
    Sha256,
}

impl ChecksumType {
    /// Parses vSphere's spelling, in any case.
    pub fn parse(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "sha1" => Ok(Self::Sha1),
            "sha256" => Ok(Self::Sha256),
            _ => Err(Error::InvalidArgument {
                reason: format!("checksum_type must be 'sha1' or 'sha256', not {name:?}").into(),
            }),
        }
    }

    /// vSphere's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }
}

/// A running digest.
#[derive(Clone)]
pub struct Digest(State);

#[derive(Clone)]
enum State {
    Sha1(sha1::Sha1),
    Sha256(Box<sha2::Sha256>),
}

impl Digest {
    /// Starts a digest.
    pub fn new(checksum_type: ChecksumType) -> Self {
        Self(match checksum_type {
            ChecksumType::Sha1 => State::Sha1(sha1::Sha1::new()),
            ChecksumType::Sha256 => State::Sha256(Box::default()),
        })
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
        }
    }

    /// The digest so far as lower-case hex.
    pub fn finish(self) -> String {
        match self.0 {
            State::Sha1(state) => HEXLOWER.encode(&state.finalize()),
            State::Sha256(state) => HEXLOWER.encode(&state.finalize()),
        }
    }
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
        ] {
            let mut digest = Digest::new(checksum_type);
            digest.update(b"a");
            digest.update(b"bc");
            assert_eq!(digest.finish(), expected);
        }
    }

    #[test]
    fn checksum_types_are_vspheres() {
        assert_eq!(ChecksumType::parse("SHA256").unwrap(), ChecksumType::Sha256);
        assert!(ChecksumType::parse("sha512").is_err());
    }
}
