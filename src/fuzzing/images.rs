//! Disks that are read at any place, and qcow2 images that become streams.

use std::path::Path;
use std::sync::Arc;

use super::memory::{Memory, NAME};
use crate::image::{Encoding, EncodingOptions, Extents, GrainCheck, OpenDisk, SourceFormat};
use crate::io::Watched;
use crate::vmdk::GrainCompression;

/// What is read at once.
const PIECE: u64 = 8 * 1024;

/// Asks what is stored of a disk, and reads the begin and the end of each part.
pub(super) fn open(data: &[u8]) {
    let Ok(disk) = OpenDisk::open(NAME.into(), Memory::slice(data)) else {
        return;
    };
    if let Ok(about) = disk.about() {
        assert_eq!(about.capacity, disk.size());
        assert!(about.cells.iter().all(|cell| *cell <= 1000));
    }
    let disk = Arc::new(disk);
    let mut extents = Extents::new(Arc::clone(&disk));
    let mut end = 0;
    while let Ok(found) = extents.next(16) {
        let is_over = found.is_empty();
        for extent in found {
            assert_eq!(extent.start, end, "nothing is between two parts");
            assert!(extent.length > 0);
            end = extent.start.saturating_add(extent.length);
            for at in [extent.start, end.saturating_sub(512)] {
                if let Ok(bytes) = disk.read_at(at, PIECE) {
                    assert_eq!(bytes.len() as u64, PIECE.min(disk.size() - at));
                }
            }
        }
        assert!(end <= disk.size());
        if is_over {
            assert_eq!(end, disk.size(), "the parts are the whole disk");
            return;
        }
    }
}

/// Makes a stream of an image. What is made can be read.
pub(super) fn qcow2(data: &[u8]) {
    let options = EncodingOptions {
        format: Some(SourceFormat::Qcow2),
        capacity: None,
        compression: GrainCompression::Libdeflate,
        threads: Some(0),
    };
    let target = Path::new("fuzz.vmdk");
    let Ok(encoding) = Encoding::open(Memory::slice(data), NAME, target, options) else {
        return;
    };
    let (capacity, mut stream) = (encoding.capacity(), Vec::new());
    let Ok(made) = encoding.write_to(&mut stream, target, &Watched::default()) else {
        return;
    };
    let mut check = GrainCheck::new(Some(0));
    check.update(&stream);
    let read = check.finish();
    let read = read.unwrap_or_else(|error| unreachable!("nothing is written: {error}"));
    assert_eq!((read.finding, read.grains), (None, made.grains));
    assert_eq!(read.capacity, Some(capacity));
}
