//! SHA-1 and SHA-256 by the SHA extensions of x86-64, several at once: each waits for its own last
//! result most of the time, and step by step in turns, one works while another waits.
//!
//! A crate of its own for its `unsafe`, which the rest of the workspace forbids: a function compiled for
//! a feature of the processor may be called only where the processor has it.

#[cfg(target_arch = "x86_64")]
mod x86;

/// 64 bytes, which is what both compress at once.
pub type Block = [u8; 64];

/// That this processor has the extensions: only then there is a value.
#[derive(Debug, Clone, Copy)]
pub struct Extensions(());

impl Extensions {
    /// Asks the processor; no other than x86-64 is asked.
    pub fn detect() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        let possible = is_x86_feature_detected!("sha")
            && is_x86_feature_detected!("ssse3")
            && is_x86_feature_detected!("sse4.1");
        #[cfg(not(target_arch = "x86_64"))]
        let possible = false;
        possible.then_some(Self(()))
    }

    /// Adds blocks to the SHA-1 of each of two streams.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    pub fn sha1(self, [one, other]: [&mut [u32; 5]; 2], blocks: [&[Block]; 2]) {
        let together = blocks[0].len().min(blocks[1].len());
        let [(first, rest), (others, others_rest)] = blocks.map(|all| all.split_at(together));
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code)]
        // SAFETY: `detect`, the only way to a value of this type, has asked for these features.
        unsafe {
            x86::sha1([&mut *one, &mut *other], [first, others]);
            x86::sha1([one], [rest]);
            x86::sha1([other], [others_rest]);
        }
    }

    /// Adds blocks to a SHA-1 and a SHA-256 of the same stream.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    pub fn both(self, sha1: &mut [u32; 5], sha256: &mut [u32; 8], blocks: &[Block]) {
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code)]
        // SAFETY: As above.
        unsafe {
            x86::both(sha1, sha256, blocks);
        }
    }
}
