//! The rounds. The names are those of FIPS 180-4 and of Intel's description of the instructions.
use super::Block;
use std::arch::x86_64::*;

/// FIPS 180-4, 4.2.2.
#[rustfmt::skip]
const K: [[u32; 4]; 16] = [
    [0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5], [0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5],
    [0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3], [0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174],
    [0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc], [0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da],
    [0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7], [0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967],
    [0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13], [0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85],
    [0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3], [0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070],
    [0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5], [0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3],
    [0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208], [0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2],
];

/// Four words, the lowest first.
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn words(of: [u32; 4]) -> __m128i {
    let [a, b, c, d] = of.map(u32::cast_signed);
    _mm_set_epi32(d, c, b, a)
}

/// Four rounds of SHA-1, the `$at`th of twenty times.
macro_rules! sha1_step {
    ($at:literal, $abcd:ident, $before:ident, $w:ident) => {
        if $at >= 4 {
            let sum = _mm_xor_si128(_mm_sha1msg1_epu32($w[0], $w[1]), $w[2]);
            $w = [$w[1], $w[2], $w[3], _mm_sha1msg2_epu32(sum, $w[3])];
        }
        let word = if $at >= 4 { $w[3] } else { $w[$at % 4] };
        let e = if $at == 0 {
            _mm_add_epi32($before, word)
        } else {
            _mm_sha1nexte_epu32($before, word)
        };
        $before = $abcd;
        $abcd = _mm_sha1rnds4_epu32::<{ $at / 5 }>($abcd, e);
    };
}

/// Four rounds of SHA-256, the `$at`th of sixteen times.
macro_rules! sha256_step {
    ($at:literal, $abef:ident, $cdgh:ident, $w:ident) => {
        if $at >= 4 {
            let shifted = _mm_alignr_epi8::<4>($w[3], $w[2]);
            let sum = _mm_add_epi32(_mm_sha256msg1_epu32($w[0], $w[1]), shifted);
            $w = [$w[1], $w[2], $w[3], _mm_sha256msg2_epu32(sum, $w[3])];
        }
        let word = if $at >= 4 { $w[3] } else { $w[$at % 4] };
        let word = _mm_add_epi32(word, words(K[$at]));
        $cdgh = _mm_sha256rnds2_epu32($cdgh, $abef, word);
        $abef = _mm_sha256rnds2_epu32($abef, $cdgh, _mm_shuffle_epi32::<0x0e>(word));
    };
}

/// Adds whole blocks to both states.
#[target_feature(enable = "sha,ssse3,sse4.1")]
pub(super) fn both(sha1: &mut [u32; 5], sha256: &mut [u32; 8], blocks: &[Block]) {
    let backwards = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
    let big_endian = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let (mut abcd, mut eeee) = sha1_state(sha1);
    let [a, b, c, d, e, f, g, h] = *sha256;
    let (mut abef, mut cdgh) = (words([f, e, b, a]), words([h, g, d, c]));
    for block in blocks {
        let (mut w, mut v) = (ordered(block, backwards), ordered(block, big_endian));
        let (mut abcd1, mut before) = (abcd, eeee);
        let (mut abef1, mut cdgh1) = (abef, cdgh);
        macro_rules! in_turns {
            ($($at:literal)*) => {$(
                sha1_step!($at, abcd1, before, w);
                sha256_step!($at, abef1, cdgh1, v);
            )*};
        }
        in_turns!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        // SHA-1 has 80 rounds, SHA-256 has 64.
        sha1_step!(16, abcd1, before, w);
        sha1_step!(17, abcd1, before, w);
        sha1_step!(18, abcd1, before, w);
        sha1_step!(19, abcd1, before, w);
        eeee = _mm_sha1nexte_epu32(before, eeee);
        abcd = _mm_add_epi32(abcd, abcd1);
        (abef, cdgh) = (_mm_add_epi32(abef, abef1), _mm_add_epi32(cdgh, cdgh1));
    }
    *sha1 = sha1_of(abcd, eeee);
    let ([a, b, e, f], [c, d, g, h]) = (lanes(abef), lanes(cdgh));
    *sha256 = [a, b, c, d, e, f, g, h];
}

/// Adds equally many blocks to each state.
#[target_feature(enable = "sha,ssse3,sse4.1")]
#[allow(clippy::needless_range_loop)]
pub(super) fn sha1<const N: usize>(mut states: [&mut [u32; 5]; N], streams: [&[Block]; N]) {
    let backwards = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
    let mut all: [_; N] = std::array::from_fn(|n| sha1_state(states[n]));
    for at in 0..streams[0].len() {
        let mut w: [_; N] = std::array::from_fn(|n| ordered(&streams[n][at], backwards));
        let mut next = all;
        macro_rules! in_turns {
            ($($at:literal)*) => {$(
                for n in 0..N {
                    let ((mut abcd, mut before), mut words) = (next[n], w[n]);
                    sha1_step!($at, abcd, before, words);
                    (next[n], w[n]) = ((abcd, before), words);
                }
            )*};
        }
        in_turns!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19);
        for ((abcd, eeee), (abcd1, before)) in all.iter_mut().zip(next) {
            *eeee = _mm_sha1nexte_epu32(before, *eeee);
            *abcd = _mm_add_epi32(*abcd, abcd1);
        }
    }
    (states.iter_mut().zip(all)).for_each(|(state, (abcd, eeee))| **state = sha1_of(abcd, eeee));
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
fn sha1_state(&[a, b, c, d, e]: &[u32; 5]) -> (__m128i, __m128i) {
    (words([d, c, b, a]), words([0, 0, 0, e]))
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
fn sha1_of(abcd: __m128i, eeee: __m128i) -> [u32; 5] {
    let ([a, b, c, d], [e, ..]) = (lanes(abcd), lanes(eeee));
    [a, b, c, d, e]
}

/// The words of a block, whose bytes are put into another order.
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn ordered(block: &Block, order: __m128i) -> [__m128i; 4] {
    let quarters = block.as_chunks::<16>().0;
    std::array::from_fn(|at| {
        let quarter = u128::from_le_bytes(quarters[at]);
        let quarter = _mm_set_epi64x((quarter >> 64) as i64, quarter as i64);
        _mm_shuffle_epi8(quarter, order)
    })
}

/// The four words, the highest first.
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn lanes(of: __m128i) -> [u32; 4] {
    let (a, b) = (_mm_extract_epi32::<3>(of), _mm_extract_epi32::<2>(of));
    let (c, d) = (_mm_extract_epi32::<1>(of), _mm_extract_epi32::<0>(of));
    [a, b, c, d].map(i32::cast_unsigned)
}
