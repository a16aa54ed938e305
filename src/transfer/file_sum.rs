//! The sum that a package's manifest file has of a file, in the same pass as the server's.

use std::sync::{Arc, Mutex};

use super::Job;
use crate::error::{Error, Result};
use crate::io::{ChecksumType, Digests};
use crate::sync::lock;

/// What a manifest file is to say of a file, or says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSum {
    checksum_type: ChecksumType,
    /// An upload of other bytes fails before the host has the last of them.
    expected: Option<String>,
}

impl FileSum {
    /// A sum to compute, and the one that it must be where the file's is known.
    pub fn new(checksum_type: ChecksumType, expected: Option<&str>) -> Result<Self> {
        let expected = expected.map(str::to_ascii_lowercase);
        let is_sum = |sum: &String| {
            sum.len() == checksum_type.digits() && sum.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        if let Some(other) = expected.as_ref().filter(|sum| !is_sum(sum)) {
            let (name, digits) = (checksum_type.as_str(), checksum_type.digits());
            return Err(Error::InvalidArgument {
                reason: format!("a {name} sum has {digits} hex digits, {other:?} has not").into(),
            });
        }
        Ok(Self {
            checksum_type,
            expected,
        })
    }

    /// Which sum it is.
    pub(super) fn checksum_type(&self) -> ChecksumType {
        self.checksum_type
    }

    fn compare(&self, actual: &str, what: &Arc<str>) -> Result<()> {
        match &self.expected {
            Some(expected) if expected != actual => Err(Error::ManifestFileMismatch {
                what: what.into(),
                checksum_type: self.checksum_type.as_str(),
                expected: expected.into(),
                actual: actual.into(),
            }),
            _ => Ok(()),
        }
    }
}

/// The sum of one attempt of an upload. It is compared when the last piece was read, before that is
/// handed over: a host that lacks it keeps no file.
pub(super) struct Comparing {
    wanted: Option<FileSum>,
    what: Arc<str>,
    told: Computed,
}

/// Where the sum is when all was read.
#[derive(Clone, Default)]
pub(super) struct Computed(Arc<Mutex<Option<String>>>);

impl Comparing {
    /// Begins with a source of this length; an empty one is compared here.
    pub(super) fn begin(job: &Job, length: u64) -> Result<(Self, Option<Computed>)> {
        let told = Computed::default();
        let comparing = Self {
            wanted: job.file_sum.clone(),
            what: Arc::clone(&job.what),
            told: told.clone(),
        };
        if length == 0 {
            comparing.compare(&job.digests())?;
        }
        let asked = comparing.wanted.is_some();
        Ok((comparing, asked.then_some(told)))
    }

    /// All is in the digests.
    pub(super) fn compare(&self, digests: &Digests) -> Result<()> {
        let Some((wanted, actual)) = self.wanted.as_ref().zip(digests.also()) else {
            return Ok(());
        };
        wanted.compare(&actual, &self.what)?;
        *lock(&self.told.0) = Some(actual);
        Ok(())
    }
}

impl Computed {
    /// The sum, after the source's end.
    pub(super) fn get(&self) -> Result<String> {
        let told = lock(&self.0);
        told.clone()
            .ok_or_else(|| Error::internal("a source shows each of its pieces"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_has_its_digits() {
        let sum = "A9993E364706816ABA3E25717850C26C9CD0D89D";
        let known = FileSum::new(ChecksumType::Sha1, Some(sum)).unwrap();
        known
            .compare(&sum.to_ascii_lowercase(), &"disk".into())
            .unwrap();
        let mismatch = known.compare("aa", &"disk".into()).unwrap_err();
        assert!(mismatch.to_string().contains("manifest file"), "{mismatch}");
        for wrong in [
            "",
            "zz",
            &sum[1..],
            "g9993e364706816aba3e25717850c26c9cd0d89d",
        ] {
            assert!(FileSum::new(ChecksumType::Sha1, Some(wrong)).is_err());
        }
        assert!(FileSum::new(ChecksumType::Sha256, Some(sum)).is_err());
    }
}
