//! The small reads of a remote file, a few KB around each kept: headers of an archive lie side by
//! side, and a request for each would be slow.

use std::collections::VecDeque;

use bytes::Bytes;

/// What one request for a small part brings: some of what is before, the most of what is behind.
const BEFORE: u64 = 4 * 1024;
const BLOCK: u64 = 16 * 1024;

/// Longer parts are not kept.
pub(super) const SMALL: u64 = 32 * 1024;

/// So many blocks are kept: 1 MiB, or 2 MiB of the longest parts.
const MOST: usize = 64;

/// The first request's length: most descriptors are in it.
pub(super) const HEAD: u64 = 64 * 1024;

/// The newest blocks.
#[derive(Debug, Default)]
pub(super) struct Blocks(VecDeque<(u64, Bytes)>);

impl Blocks {
    /// The bytes where all of them are there.
    pub(super) fn get(&self, offset: u64, length: u64) -> Option<Bytes> {
        self.0.iter().find_map(|(start, bytes)| {
            let from = usize::try_from(offset.checked_sub(*start)?).ok()?;
            let to = from.checked_add(usize::try_from(length).ok()?)?;
            (to <= bytes.len()).then(|| bytes.slice(from..to))
        })
    }

    pub(super) fn keep(&mut self, start: u64, bytes: Bytes) {
        if self.0.len() >= MOST {
            // The first has the descriptor.
            self.0.remove(1);
        }
        self.0.push_back((start, bytes));
    }
}

/// Begin and length of what to ask for in place of a small part.
pub(super) fn around(offset: u64, length: u64, total: u64) -> (u64, u64) {
    let start = offset.saturating_sub(BEFORE);
    let end = start.saturating_add(BLOCK);
    let end = end.max(offset.saturating_add(length)).min(total);
    (start, end.saturating_sub(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_in_what_is_kept() {
        let mut blocks = Blocks::default();
        blocks.keep(100, Bytes::from_static(b"0123456789"));
        assert_eq!(blocks.get(103, 2).as_deref(), Some(&b"34"[..]));
        assert_eq!(blocks.get(108, 2).as_deref(), Some(&b"89"[..]));
        for (offset, length) in [(99, 2), (108, 3), (u64::MAX, 1), (103, u64::MAX)] {
            assert_eq!(blocks.get(offset, length), None);
        }
        for number in 0..200 {
            blocks.keep(1000 + number, Bytes::new());
        }
        assert_eq!((blocks.0.len(), blocks.get(100, 1).is_some()), (MOST, true));
    }

    #[test]
    fn what_is_around_stays_inside() {
        assert_eq!(around(0, 512, 1 << 30), (0, BLOCK));
        assert_eq!(around(1 << 20, 512, 1 << 30), ((1 << 20) - BEFORE, BLOCK));
        assert_eq!(around(1000, 24, 1024), (0, 1024));
        assert_eq!(around(u64::MAX - 1, 9, u64::MAX).0, u64::MAX - 1 - BEFORE);
    }
}
