//! How much data a streamOptimized VMDK holds: its grains are counted as their markers pass.

use super::stream::SECTOR;

/// What a marker has before its data: value, size, type.
const MARKER: usize = 16;

/// Where the header has the sectors of a grain, and those before the first marker.
const GRAIN_SIZE: usize = 20;
const OVERHEAD: usize = 64;

/// The grains of one stream. What is not a marker where one should be ends the count.
#[derive(Debug, Clone)]
pub(crate) struct Grains {
    /// The marker, or the header, as far as it has come.
    part: Vec<u8>,
    /// How much of it is wanted.
    wanted: usize,
    /// Bytes to pass over before it.
    ahead: u64,
    /// Bytes of a grain; 0 until the header has come.
    grain: u64,
    /// How many have passed.
    count: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Markers come.
    Counting,
    /// The end-of-stream marker has come.
    Whole,
    /// What came is not a marker.
    Lost,
}

impl Default for Grains {
    fn default() -> Self {
        Self {
            part: Vec::new(),
            wanted: SECTOR,
            ahead: 0,
            grain: 0,
            count: 0,
            state: State::Counting,
        }
    }
}

impl Grains {
    /// Bytes of the disk that have a grain; `None` unless the stream was walked to its end.
    pub(crate) fn populated(&self) -> Option<u64> {
        let bytes = self.count.checked_mul(self.grain);
        bytes.filter(|_| self.state == State::Whole)
    }

    /// Looks at the next bytes.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while self.state == State::Counting && !bytes.is_empty() {
            let skip = usize::try_from(self.ahead).unwrap_or(usize::MAX);
            if skip >= bytes.len() {
                self.ahead = self.ahead.saturating_sub(bytes.len() as u64);
                return;
            }
            bytes = bytes.get(skip..).unwrap_or_default();
            self.ahead = 0;
            let missing = self.wanted.saturating_sub(self.part.len());
            let (now, later) = bytes.split_at(missing.min(bytes.len()));
            self.part.extend_from_slice(now);
            bytes = later;
            if self.part.len() == self.wanted {
                self.state = self.next().unwrap_or(State::Lost);
                self.part.clear();
            }
        }
    }

    /// Takes the header or a marker; `None` where it is neither.
    fn next(&mut self) -> Option<State> {
        let sectors = |count: u64| count.checked_mul(SECTOR as u64);
        if self.grain == 0 {
            self.grain = sectors(self.u64_at(GRAIN_SIZE)?).filter(|bytes| *bytes > 0)?;
            self.ahead = sectors(self.u64_at(OVERHEAD)?)?.checked_sub(SECTOR as u64)?;
            self.wanted = MARKER;
            return Some(State::Counting);
        }
        let (value, size, kind) = (self.u64_at(0)?, self.u32_at(8)?, self.u32_at(12)?);
        let length = match (size, kind) {
            (0, 0) => return Some(State::Whole),
            // A table, a directory, a footer or the progress of the writer: sectors that follow.
            (0, 1..=4) => sectors(value.checked_add(1)?)?,
            (0, _) => return None,
            (size, _) => {
                self.count = self.count.checked_add(1)?;
                u64::from(size)
                    .checked_add(12)?
                    .next_multiple_of(SECTOR as u64)
            }
        };
        self.ahead = length.checked_sub(MARKER as u64)?;
        Some(State::Counting)
    }

    fn u64_at(&self, at: usize) -> Option<u64> {
        let bytes = self.part.get(at..)?.first_chunk()?;
        Some(u64::from_le_bytes(*bytes))
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        let bytes = self.part.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(value: u64, size: u32, kind: u32, data: usize) -> Vec<u8> {
        let mut bytes = value.to_le_bytes().to_vec();
        bytes.extend(size.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.resize(data.max(16).next_multiple_of(SECTOR), 7);
        bytes
    }

    /// Two grains, a table, a marker of the writer's progress, a directory, a footer, the end.
    fn disk() -> Vec<u8> {
        let mut bytes = vec![0; 128 * SECTOR];
        bytes[20..28].copy_from_slice(&128_u64.to_le_bytes());
        bytes[64..72].copy_from_slice(&128_u64.to_le_bytes());
        bytes.extend(marker(0, 501, 7, 513));
        bytes.extend(marker(0, 0, 4, SECTOR));
        bytes.extend(marker(128, 500, 0, 512));
        for (kind, sectors) in [(1, 4), (2, 1), (3, 1)] {
            bytes.extend(marker(sectors, 0, kind, SECTOR));
            bytes.resize(bytes.len() + usize::try_from(sectors).unwrap() * SECTOR, 9);
        }
        bytes.resize(bytes.len() + SECTOR, 0);
        bytes
    }

    #[test]
    fn grains_are_counted_however_the_stream_is_cut() {
        let disk = disk();
        for piece in [1, 15, 16, 17, 511, 512, 4096, disk.len()] {
            let mut grains = Grains::default();
            for bytes in disk.chunks(piece) {
                grains.update(bytes);
            }
            assert_eq!(grains.populated(), Some(2 * 65_536));
        }
    }

    #[test]
    fn what_is_not_walked_to_its_end_has_no_count() {
        let disk = disk();
        for end in 0..disk.len() - SECTOR + MARKER {
            let mut grains = Grains::default();
            grains.update(&disk[..end]);
            assert_eq!(grains.populated(), None, "{end}");
        }
        let mut numbers = disk.clone();
        for at in (0..disk.len()).step_by(4) {
            numbers[at..at + 4].fill(0xff);
            let mut grains = Grains::default();
            grains.update(&numbers);
            numbers[at..at + 4].copy_from_slice(&disk[at..at + 4]);
        }
    }
}
