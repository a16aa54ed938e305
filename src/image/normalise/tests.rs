//! Streams of both layouts, and what comes of them.

use std::fs;
use std::sync::Arc;

use super::*;
use crate::error::Error;
use crate::io::{FileSink, Overwrite, StoredFile};
use crate::vmdk::testing;

/// What becomes of these bytes, or the error; nothing else is left.
fn rewritten(bytes: &[u8], treatment: Treatment) -> Result<(Vec<u8>, Rewritten)> {
    let root = tempfile::tempdir().unwrap();
    let [source, target] = ["source", "target"].map(|name| root.path().join(name));
    fs::write(&source, bytes).unwrap();
    let rewriting = Rewriting {
        source: Slice::all(Arc::new(StoredFile::open(&source)?)),
        name: "source".into(),
        treatment,
        read_sums: vec![ChecksumType::Sha1, ChecksumType::Sha256],
        written_sum: Some(ChecksumType::Sha1),
    };
    let sink = FileSink::create(&target, Overwrite::Never, Arc::default())?;
    let done = rewriting.run(Box::new(sink), &Watched::default());
    let left = fs::read_dir(root.path()).unwrap().count();
    assert_eq!(left, if done.is_ok() { 2 } else { 1 });
    done.map(|done| (fs::read(&target).unwrap(), done))
}

fn sum(bytes: &[u8]) -> String {
    let mut digest = Digest::new(ChecksumType::Sha1);
    digest.update(bytes);
    digest.finish()
}

#[test]
fn a_copy_is_the_same() {
    let bytes: Vec<u8> = (0..=250).cycle().take(3_000_000).collect();
    let (copy, done) = rewritten(&bytes, Treatment::Copy).unwrap();
    assert!(copy == bytes);
    assert_eq!(
        (done.size, done.written_sum),
        (bytes.len() as u64, Some(sum(&bytes)))
    );
    assert_eq!(
        (done.read_sums.len(), &done.read_sums[0]),
        (2, &sum(&bytes))
    );
    assert!(done.disk.is_none());
}

#[test]
fn small_grains_are_refused() {
    for disk in [testing::at_end(), testing::open_vmdk(), testing::qemu()] {
        let refused = rewritten(&disk, Treatment::Move).map(|_| ());
        assert!(
            matches!(refused, Err(Error::DamagedDisk { .. })),
            "{refused:?}"
        );
    }
}
