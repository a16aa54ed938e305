//! SHA-1 and SHA-256 of one stream in one pass, by the SHA extensions of x86-64.
//!
//! Each of the two waits for its own last result most of the time. Step by step in turns, one works
//! while the other waits: both take three quarters of the time that they take one after the other.
//!
//! It is a crate of its own for its one `unsafe` block: a function that is compiled for a feature of
//! the processor may be called only where the processor has that feature. Everything else in the
//! workspace forbids `unsafe`.

#[cfg(target_arch = "x86_64")]
mod x86;

/// A running SHA-1 and a running SHA-256 of the same bytes.
#[derive(Clone)]
pub struct Both {
    sha1: [u32; 5],
    sha256: [u32; 8],
    /// What does not fill a block yet.
    rest: [u8; 64],
    filled: usize,
    length: u64,
}

impl Both {
    /// Starts both, where the processor can; else RustCrypto's are to be used one after the other.
    pub fn new() -> Option<Self> {
        is_possible().then_some(Self {
            // FIPS 180-4, 5.3.1 and 5.3.3.
            sha1: [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0],
            sha256: [
                0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
                0x5be0cd19,
            ],
            rest: [0; 64],
            filled: 0,
            length: 0,
        })
    }

    /// Adds bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.length = self.length.wrapping_add(bytes.len() as u64);
        if self.filled > 0 {
            let (head, tail) = bytes.split_at(bytes.len().min(64 - self.filled));
            self.rest[self.filled..self.filled + head.len()].copy_from_slice(head);
            self.filled += head.len();
            bytes = tail;
            if self.filled < 64 {
                return;
            }
            let block = self.rest;
            self.compress(&[block]);
            self.filled = 0;
        }
        let (blocks, tail) = bytes.as_chunks();
        self.compress(blocks);
        self.rest[..tail.len()].copy_from_slice(tail);
        self.filled = tail.len();
    }

    /// The SHA-1 and the SHA-256 of all bytes.
    pub fn finish(mut self) -> ([u8; 20], [u8; 32]) {
        // FIPS 180-4, 5.1.1: a one, zeros, and the length in bits.
        let bits = self.length.wrapping_mul(8);
        let zeros = 55usize.wrapping_sub(self.filled) % 64;
        self.update(&[0x80]);
        self.update(&[0; 64][..zeros]);
        self.update(&bits.to_be_bytes());
        (big_endian(&self.sha1), big_endian(&self.sha256))
    }

    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    fn compress(&mut self, blocks: &[[u8; 64]]) {
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code)]
        // SAFETY: `new`, the only way to a value of this type, has asked for these features.
        unsafe {
            x86::compress(&mut self.sha1, &mut self.sha256, blocks);
        }
    }
}

/// Whether the processor can; no other than x86-64 is asked.
fn is_possible() -> bool {
    #[cfg(target_arch = "x86_64")]
    let possible = is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1");
    #[cfg(not(target_arch = "x86_64"))]
    let possible = false;
    possible
}

fn big_endian<const BYTES: usize>(words: &[u32]) -> [u8; BYTES] {
    std::array::from_fn(|at| words[at / 4].to_be_bytes()[at % 4])
}
