//! Digests by the SHA extensions of the processor: what does not fill a block, and the padding.
//!
//! FIPS 180-4. A stream's SHA-1 and SHA-256 are taken in one pass, and the SHA-1 of two streams at
//! once; `nfclease_sha` has the rounds.

#[cfg(test)]
mod tests;

use nfclease_sha::{Block, Extensions};

/// FIPS 180-4, 5.3.1.
const SHA1: [u32; 5] = [
    0x6745_2301,
    0xefcd_ab89,
    0x98ba_dcfe,
    0x1032_5476,
    0xc3d2_e1f0,
];

/// FIPS 180-4, 5.3.3.
const SHA256: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// What does not fill a block yet.
#[derive(Clone)]
struct Rest {
    bytes: Block,
    filled: usize,
    length: u64,
}

impl Rest {
    const EMPTY: Self = Self {
        bytes: [0; 64],
        filled: 0,
        length: 0,
    };

    /// Fills the block that was begun: that block once it is full, and what follows it.
    fn fill<'a>(&mut self, bytes: &'a [u8]) -> (Option<Block>, &'a [u8]) {
        self.length = self.length.wrapping_add(bytes.len() as u64);
        if self.filled == 0 {
            return (None, bytes);
        }
        let room = self.bytes.get_mut(self.filled..).unwrap_or_default();
        let (head, tail) = bytes.split_at(bytes.len().min(room.len()));
        room[..head.len()].copy_from_slice(head);
        self.filled = self.filled.saturating_add(head.len());
        if self.filled < self.bytes.len() {
            return (None, tail);
        }
        self.filled = 0;
        (Some(self.bytes), tail)
    }

    /// Keeps what comes behind the last whole block.
    fn keep(&mut self, tail: &[u8]) {
        if !tail.is_empty() {
            self.bytes[..tail.len()].copy_from_slice(tail);
            self.filled = tail.len();
        }
    }

    /// A one, zeros, and the length in bits (5.1.1).
    fn padding(&self) -> Vec<u8> {
        let zeros = 55_usize.wrapping_sub(self.filled) % 64;
        let mut padding = vec![0; zeros.saturating_add(1)];
        padding[0] = 0x80;
        padding.extend(self.length.wrapping_mul(8).to_be_bytes());
        padding
    }
}

/// A running SHA-1, which can go on together with another one.
#[derive(Clone)]
pub(super) struct Sha1 {
    extensions: Extensions,
    state: [u32; 5],
    rest: Rest,
}

impl Sha1 {
    /// Starts one, where the processor can.
    pub(super) fn new() -> Option<Self> {
        Some(Self {
            extensions: Extensions::detect()?,
            state: SHA1,
            rest: Rest::EMPTY,
        })
    }

    /// Adds bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        let (blocks, tail) = self.begin(bytes);
        self.compress(blocks);
        self.rest.keep(tail);
    }

    /// Adds bytes to each of two, in less time than to one after the other.
    pub(super) fn update_both(one: &mut Self, bytes: &[u8], other: &mut Self, others: &[u8]) {
        let (blocks, tail) = one.begin(bytes);
        let (others, other_tail) = other.begin(others);
        let states = [&mut one.state, &mut other.state];
        one.extensions.sha1(states, [blocks, others]);
        one.rest.keep(tail);
        other.rest.keep(other_tail);
    }

    /// Fills the block that was begun; what follows are whole blocks and a tail.
    fn begin<'a>(&mut self, bytes: &'a [u8]) -> (&'a [Block], &'a [u8]) {
        let (block, bytes) = self.rest.fill(bytes);
        if let Some(block) = block {
            self.compress(&[block]);
        }
        if self.rest.filled > 0 {
            return (&[], &[]);
        }
        bytes.as_chunks()
    }

    fn compress(&mut self, blocks: &[Block]) {
        let nobody = &mut SHA1.clone();
        self.extensions
            .sha1([&mut self.state, nobody], [blocks, &[]]);
    }

    /// The sum of all bytes.
    pub(super) fn finish(mut self) -> [u8; 20] {
        self.update(&self.rest.padding());
        big_endian(&self.state)
    }
}

/// A running SHA-1 and a running SHA-256 of the same bytes.
#[derive(Clone)]
pub(crate) struct Both {
    extensions: Extensions,
    sha1: [u32; 5],
    sha256: [u32; 8],
    rest: Rest,
}

impl Both {
    /// Starts both, where the processor can.
    pub(super) fn new() -> Option<Self> {
        Some(Self {
            extensions: Extensions::detect()?,
            sha1: SHA1,
            sha256: SHA256,
            rest: Rest::EMPTY,
        })
    }

    /// Adds bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        let (block, bytes) = self.rest.fill(bytes);
        if let Some(block) = block {
            self.compress(&[block]);
        }
        if self.rest.filled == 0 {
            let (blocks, tail) = bytes.as_chunks();
            self.compress(blocks);
            self.rest.keep(tail);
        }
    }

    fn compress(&mut self, blocks: &[Block]) {
        self.extensions
            .both(&mut self.sha1, &mut self.sha256, blocks);
    }

    /// The SHA-1 and the SHA-256 of all bytes.
    pub(super) fn finish(mut self) -> ([u8; 20], [u8; 32]) {
        self.update(&self.rest.padding());
        (big_endian(&self.sha1), big_endian(&self.sha256))
    }
}

fn big_endian<const BYTES: usize>(words: &[u32]) -> [u8; BYTES] {
    std::array::from_fn(|at| words[at / 4].to_be_bytes()[at % 4])
}
