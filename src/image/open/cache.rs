//! What was read last, of a bounded number of things.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::sync::lock;

/// Bytes by their number; the one that was used longest ago goes first.
pub(super) struct Cache {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Counts the uses.
    now: u64,
    entries: HashMap<u64, (u64, Arc<[u8]>)>,
}

impl Cache {
    /// Keeps so many.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            kept: Mutex::default(),
        }
    }

    /// What is kept of a number.
    pub(super) fn get(&self, number: u64) -> Option<Arc<[u8]>> {
        let mut kept = lock(&self.kept);
        let now = kept.next();
        let (used, bytes) = kept.entries.get_mut(&number)?;
        *used = now;
        Some(Arc::clone(bytes))
    }

    /// Keeps these bytes.
    pub(super) fn put(&self, number: u64, bytes: &Arc<[u8]>) {
        let mut kept = lock(&self.kept);
        let now = kept.next();
        if kept.entries.len() >= self.most && !kept.entries.contains_key(&number) {
            let oldest = kept.entries.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(number, _)| *number) {
                kept.entries.remove(&oldest);
            }
        }
        kept.entries.insert(number, (now, Arc::clone(bytes)));
    }
}

impl Kept {
    fn next(&mut self) -> u64 {
        self.now = self.now.saturating_add(1);
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_unused_goes() {
        let cache = Cache::new(2);
        let bytes = |number: u8| Arc::from([number].as_slice());
        for number in 1..=2_u8 {
            cache.put(number.into(), &bytes(number));
        }
        assert!(cache.get(1).is_some());
        cache.put(3, &bytes(3));
        assert!(cache.get(2).is_none());
        assert_eq!(
            (&*cache.get(1).unwrap(), &*cache.get(3).unwrap()),
            ([1].as_slice(), [3].as_slice())
        );
        cache.put(1, &bytes(4));
        assert_eq!(
            (&*cache.get(1).unwrap(), cache.get(3).is_some()),
            ([4].as_slice(), true)
        );
    }
}
