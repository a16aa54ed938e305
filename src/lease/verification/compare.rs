//! What moved here against what the server says it sent or received.

use crate::error::{Error, Result};
use crate::io::ChecksumType;
use crate::soap::ManifestEntry;
use crate::transfer::{Moved, Verified, Way};

/// Whether a missing manifest entry is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequireManifest {
    /// Yes.
    Yes,
    /// As the server does: one that lists others of the lease's uploads lists each.
    AsListed,
    /// No.
    No,
}

/// Compares one transfer with the lease manifest, by `key`. Where a key is listed more than once, as
/// after an upload that was repeated, the entry that agrees is the one that is meant.
pub(crate) fn compare(
    manifest: &[ManifestEntry],
    moved: &Moved,
    require: RequireManifest,
) -> Result<Verified> {
    let mut verdict = Ok(Verified::Stream);
    let entries = manifest.iter().filter(|entry| entry.key == moved.key);
    let is_left_out =
        entries.clone().count() == 0 && moved.way == Way::There && !manifest.is_empty();
    for one in entries.map(|entry| compare_entry(entry, moved)) {
        match (&verdict, one) {
            (_, Ok(Verified::Manifest)) => return Ok(Verified::Manifest),
            (Ok(_), Err(error)) => verdict = Err(error),
            _ => {}
        }
    }
    match (verdict, require) {
        (Ok(Verified::Stream), RequireManifest::Yes) => Err(Error::ManifestMissing {
            what: (&moved.what).into(),
            checksum_type: moved.checksum_type.as_str(),
            listed: listed(manifest, moved).map(ChecksumType::as_str),
        }),
        (Ok(Verified::Stream), RequireManifest::AsListed) if is_left_out => Err(Error::Unlisted {
            what: (&moved.what).into(),
        }),
        (other, _) => other,
    }
}

/// The type of sum that the server lists in place of the one that was computed.
pub(super) fn listed(manifest: &[ManifestEntry], moved: &Moved) -> Option<ChecksumType> {
    let lists = |checksum_type| {
        let mut entries = manifest.iter().filter(|entry| entry.key == moved.key);
        entries.any(|entry| !checksums(entry, checksum_type).is_empty())
    };
    let instead = ChecksumType::Sha256;
    (!lists(moved.checksum_type) && lists(instead)).then_some(instead)
}

fn compare_entry(entry: &ManifestEntry, moved: &Moved) -> Result<Verified> {
    if let Some(size) = entry.size
        && size != moved.bytes
    {
        return Err(Error::SizeMismatch {
            what: (&moved.what).into(),
            expected: size,
            actual: moved.bytes,
        });
    }
    let expected = checksums(entry, moved.checksum_type);
    if expected.is_empty() {
        return Ok(Verified::Stream);
    }
    match expected
        .into_iter()
        .find(|expected| *expected != moved.checksum)
    {
        None => Ok(Verified::Manifest),
        Some(expected) => Err(Error::ChecksumMismatch {
            what: (&moved.what).into(),
            checksum_type: moved.checksum_type.as_str(),
            expected: expected.into(),
            actual: moved.checksum.clone().into(),
        }),
    }
}

/// `checksum` belongs to `checksumType`; `sha1` is there beside it. Whatever is given must agree.
fn checksums(entry: &ManifestEntry, checksum_type: ChecksumType) -> Vec<&str> {
    let typed = (entry.checksum_type == checksum_type.as_str()).then_some(entry.checksum.as_str());
    let sha1 = (checksum_type == ChecksumType::Sha1).then_some(entry.sha1.as_str());
    typed
        .into_iter()
        .chain(sha1)
        .filter(|checksum| !checksum.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(checksum_type: ChecksumType) -> Moved {
        Moved {
            key: "k".into(),
            what: "disk".into(),
            bytes: 7,
            checksum: "aa".into(),
            checksum_type,
            file_checksum: None,
            content: None,
            way: Way::Here,
        }
    }

    fn entry(sha1: &str, checksum: &str, checksum_type: &str, size: u64) -> ManifestEntry {
        ManifestEntry {
            key: "k".into(),
            sha1: sha1.into(),
            checksum: checksum.into(),
            checksum_type: checksum_type.into(),
            size: Some(size),
        }
    }

    #[test]
    fn agreement_and_disagreement() {
        let sha1 = moved(ChecksumType::Sha1);
        let judge = |entry: ManifestEntry| compare(&[entry], &sha1, RequireManifest::No);
        assert_eq!(judge(entry("aa", "", "", 7)).unwrap(), Verified::Manifest);
        assert!(matches!(
            judge(entry("bb", "", "", 7)),
            Err(Error::ChecksumMismatch { .. })
        ));
        assert!(matches!(
            judge(entry("aa", "", "", 8)),
            Err(Error::SizeMismatch { .. })
        ));
        assert_eq!(
            judge(entry("", "aa", "sha1", 7)).unwrap(),
            Verified::Manifest
        );
        assert!(matches!(
            judge(entry("bb", "aa", "sha1", 7)),
            Err(Error::ChecksumMismatch { .. })
        ));
        assert_eq!(
            judge(entry("aa", "cc", "sha256", 7)).unwrap(),
            Verified::Manifest
        );
    }

    #[test]
    fn sha256_needs_a_sha256_entry() {
        let sha256 = moved(ChecksumType::Sha256);
        let judge = |entry: ManifestEntry| compare(&[entry], &sha256, RequireManifest::No);
        assert_eq!(
            judge(entry("zz", "aa", "sha256", 7)).unwrap(),
            Verified::Manifest
        );
        assert_eq!(judge(entry("aa", "", "", 7)).unwrap(), Verified::Stream);
    }

    #[test]
    fn an_upload_is_listed_where_others_are() {
        let sent = Moved {
            way: Way::There,
            ..moved(ChecksumType::Sha1)
        };
        let other = ManifestEntry {
            key: "other".into(),
            ..entry("aa", "", "", 7)
        };
        let judge = |manifest: &[ManifestEntry], require| compare(manifest, &sent, require);
        let others = std::slice::from_ref(&other);
        assert!(matches!(
            judge(others, RequireManifest::AsListed),
            Err(Error::Unlisted { .. })
        ));
        for (manifest, require) in [
            (others, RequireManifest::No),
            (&[], RequireManifest::AsListed),
        ] {
            assert_eq!(judge(manifest, require).unwrap(), Verified::Stream);
        }
        let received = moved(ChecksumType::Sha1);
        let judged = compare(others, &received, RequireManifest::AsListed);
        assert_eq!(judged.unwrap(), Verified::Stream);
    }

    #[test]
    fn a_key_that_is_listed_twice() {
        let sha1 = moved(ChecksumType::Sha1);
        let (good, bad) = (entry("aa", "", "", 7), entry("bb", "", "", 9));
        for manifest in [[good.clone(), bad.clone()], [bad.clone(), good]] {
            let judged = compare(&manifest, &sha1, RequireManifest::No);
            assert_eq!(judged.unwrap(), Verified::Manifest);
        }
        assert!(compare(&[bad.clone(), bad], &sha1, RequireManifest::No).is_err());
    }

    #[test]
    fn a_sum_of_another_kind_is_named() {
        let sha1 = moved(ChecksumType::Sha1);
        let only = [entry("", "cc", "sha256", 7)];
        let judged = compare(&only, &sha1, RequireManifest::Yes);
        assert!(
            judged
                .unwrap_err()
                .to_string()
                .ends_with("; it lists sha256")
        );
        assert_eq!(listed(&only, &sha1), Some(ChecksumType::Sha256));
        assert_eq!(listed(&[], &sha1), None);
    }

    #[test]
    fn a_missing_entry_is_an_error_only_when_required() {
        let sha1 = moved(ChecksumType::Sha1);
        assert_eq!(
            compare(&[], &sha1, RequireManifest::No).unwrap(),
            Verified::Stream
        );
        assert!(matches!(
            compare(&[], &sha1, RequireManifest::Yes),
            Err(Error::ManifestMissing { .. })
        ));
    }
}
