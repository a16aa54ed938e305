//! Disks: the walk to the grain, and the check of both ends.

use std::mem::discriminant;

use crate::image::{Disk, GrainCheck};
use crate::vmdk::{Rule, StreamCheck, Walk};

/// Of a whole grain, whatever it becomes.
const MOST_PLAIN: usize = 64 * 1024;

/// Walks a disk and inflates its grains. However its bytes are split, it is the same.
pub(super) fn walk(data: &[u8]) {
    let mut next = 0;
    let mut count = 0_u64;
    let mut walk = Walk::new();
    // What is wrong with it is asked below.
    let _ = walk.update(data, &mut |grain| {
        assert!(grain.sectors.start >= next, "grains come in their order");
        assert!(grain.sectors.start < grain.sectors.end);
        assert!(grain.length <= grain.full && grain.full <= MOST_PLAIN);
        assert!(grain.data.len() <= 2 * MOST_PLAIN);
        next = grain.sectors.end;
        count += 1;
    });
    assert_eq!(count, walk.grains());
    let whole = checked(data, data.len());
    assert_eq!(whole, checked(data, 512));
    assert_eq!(whole, checked(data, 97));
    if let (Some(capacity), None) = (whole.capacity, &whole.finding) {
        assert!(next.saturating_mul(512) <= capacity);
    }
}

/// On this thread alone, in pieces.
fn checked(data: &[u8], piece: usize) -> Disk {
    let mut check = GrainCheck::new(Some(0));
    for piece in data.chunks(piece.max(1)) {
        check.update(piece);
    }
    let disk = check.finish();
    disk.unwrap_or_else(|error| unreachable!("nothing is written: {error}"))
}

/// Looks at both ends of a disk. All of its bytes give the same as its ends alone, but for what needs the
/// middle.
pub(super) fn header(data: &[u8]) {
    for rule in [Rule::Always, Rule::WhenItStartsSo, Rule::Never] {
        let by = |piece: usize| {
            let mut check = StreamCheck::new(rule);
            let read = data.chunks(piece).try_for_each(|piece| check.update(piece));
            let judged = read.and_then(|()| check.finish());
            judged
                .map(|()| check.content())
                .map_err(|flaw| discriminant(&flaw))
        };
        let whole = by(data.len().max(1));
        assert_eq!(whole, by(13));
        let (head, tail) = (data.len().min(512), data.len().saturating_sub(1024));
        let ends = StreamCheck::judge(rule, &data[..head], &data[tail..], data.len() as u64);
        assert_eq!(whole.map(|_| ()), ends.map_err(|flaw| discriminant(&flaw)));
    }
}
