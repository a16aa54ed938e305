//! Packages: descriptor, manifest file, archive, pieces and gzip.

use bytes::Bytes;

use super::memory::{Arriving, Memory, NAME};
use crate::io::{ChecksumType, GzipCount, Slice, Watched};
use crate::ovf::{
    Compression, Descriptor, DiskCheck, FileCheck, Incoming, ManifestFile, Outside, Package,
};

/// What a compressed file may become here. It is read in passing, so that it is time that this bounds.
const MOST_PLAIN: u64 = 16 << 20;

/// Reads a descriptor. No file that it names may lead out of its folder.
pub(super) fn descriptor(data: &[u8]) {
    let noted = Descriptor::parse(data, NAME, Outside::Noted);
    let strict = Descriptor::parse(data, NAME, Outside::Refused);
    if let Ok(strict) = strict {
        let noted = noted.as_ref();
        let files = noted.map(|noted| noted.files.clone());
        assert_eq!(files.unwrap_or_default(), strict.files);
    }
    for file in noted.iter().flat_map(|found| &found.files) {
        let path = file.path.iter().flat_map(|path| path.split('/'));
        for part in path {
            assert!(!matches!(part, "" | "." | ".."), "{:?}", file.path);
        }
    }
}

/// Reads a manifest file. What is written of its lines says the same.
pub(super) fn manifest(data: &[u8]) {
    let Ok(read) = ManifestFile::parse(data, NAME) else {
        return;
    };
    // A name that a manifest file cannot have is refused there.
    if let Ok(built) = ManifestFile::build(&read.entries) {
        let again = ManifestFile::parse(&built, NAME);
        assert_eq!(again.map(|again| again.entries).ok(), Some(read.entries));
    }
}

/// Reads an archive by position and in order. What both take is the same.
pub(super) fn archive(data: &[u8]) {
    let stored = Package::of_archive(Memory::of(data));
    let arriving = Box::new(Arriving::of(Bytes::copy_from_slice(data)));
    let incoming = Incoming::open(arriving, NAME.into());
    let came = incoming.and_then(|incoming| incoming.finish().map(|()| incoming.seen()));
    if let (Ok(stored), Ok(came)) = (&stored, &came) {
        assert_eq!(stored.descriptor_name(), came.descriptor_name);
        assert_eq!(stored.descriptor(), &came.descriptor);
        assert_eq!(stored.members(), came.members);
    }
    let Ok(package) = stored else { return };
    for (name, size) in package.members() {
        if let Ok(Some(slice)) = package.find(&name) {
            assert_eq!(slice.length, size);
            assert!(slice.offset.saturating_add(size) <= data.len() as u64);
        }
    }
}

/// Checks all files of an archive, as `verify` does.
pub(super) fn package(data: &[u8]) {
    let Ok(package) = Package::of_archive(Memory::of(data)) else {
        return;
    };
    let described = Descriptor::parse(package.descriptor(), NAME, Outside::Refused);
    for file in described.iter().flat_map(|found| &found.files) {
        let Ok(pieces) = package.pieces(&file.href, file.chunk_size, file.size) else {
            continue;
        };
        let is_gzip = file.compression == Compression::Gzip;
        for disk in [DiskCheck::Ends, DiskCheck::Grains] {
            let check = FileCheck {
                pieces: pieces.clone(),
                sums: vec![ChecksumType::Sha1],
                is_gzip,
                disk,
            };
            let (length, count) = (check.length(), pieces.len());
            if let Ok(checked) = check.run(&Watched::default()) {
                let sizes = checked.pieces.iter().map(|piece| piece.size);
                assert_eq!((sizes.sum(), checked.pieces.len()), (length, count));
            }
        }
        let joined = package.file(&file.href, file.chunk_size, file.size);
        if let Ok(slice) = joined {
            let read = slice.read(0, slice.length);
            assert!(read.is_ok_and(|bytes| bytes.len() as u64 == slice.length));
        }
    }
}

/// Decompresses a file. An import and `verify` take the same ones.
pub(super) fn gzip(data: &[u8]) {
    let slice = Memory::slice(data);
    if let Some(is_whole) = counted(&slice) {
        let check = FileCheck {
            pieces: vec![(NAME.into(), slice)],
            sums: Vec::new(),
            is_gzip: true,
            disk: DiskCheck::None,
        };
        let checked = check.run(&Watched::default());
        let flaw = checked.map(|checked| checked.flaw);
        assert_eq!(flaw.ok().map(|flaw| flaw.is_none()), Some(is_whole));
    }
}

/// Whether it is whole; `None` where it becomes too long to say.
fn counted(slice: &Slice) -> Option<bool> {
    let Ok(mut count) = GzipCount::start(slice.clone()) else {
        return Some(false);
    };
    match count.step(MOST_PLAIN) {
        Ok(Some(_)) => Some(true),
        Ok(None) => None,
        Err(_) => Some(false),
    }
}
