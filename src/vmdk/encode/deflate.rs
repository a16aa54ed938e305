//! The compressors for grains.

use flate2::{Compress, FlushCompress, Status};
use libdeflater::{CompressionLvl, Compressor};

/// What compresses a grain. Any reader takes either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GrainCompression {
    /// libdeflate at level 3, a fifth of the time of zlib at level 6 for about the same size.
    #[default]
    Libdeflate,
    /// zlib at level 1, which is what VMware's own streams are made with, to the byte.
    Zlib,
}

/// Level 1 takes two thirds of its time, and makes streams that are 2 % longer.
const LEVEL: i32 = 3;

/// How much of a grain tells whether it can be compressed: so many bytes at so many places.
const SAMPLE: usize = 1024;
const SAMPLES: usize = 4;

/// A sample that stays longer than this is of noise. Of text a third is left.
const NOISE: usize = SAMPLE * SAMPLES / 32 * 31;

/// One thread's compressor.
pub(super) enum Deflater {
    Libdeflate {
        fast: Compressor,
        /// Stores what cannot be compressed, which costs next to nothing.
        store: Compressor,
        sample: Vec<u8>,
        room: Vec<u8>,
    },
    Zlib(Compress),
}

impl Deflater {
    pub(super) fn new(compression: GrainCompression) -> Self {
        match compression {
            GrainCompression::Libdeflate => Self::Libdeflate {
                fast: Compressor::new(CompressionLvl::new(LEVEL).unwrap_or_default()),
                store: Compressor::new(CompressionLvl::fastest()),
                sample: Vec::new(),
                room: Vec::new(),
            },
            GrainCompression::Zlib => Self::Zlib(Compress::new(flate2::Compression::new(1), true)),
        }
    }

    /// Appends the zlib stream of these bytes. An error is never about the bytes themselves.
    pub(super) fn deflate(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::Libdeflate {
                fast,
                store,
                sample,
                room,
            } => {
                let compressor = if is_noise(fast, plain, sample, room) {
                    store
                } else {
                    fast
                };
                append(compressor, plain, out)
            }
            Self::Zlib(compress) => {
                compress.reset();
                // More than zlib's own bound: what is full would be an error.
                out.reserve(plain.len().saturating_mul(2).saturating_add(64));
                let ended = compress.compress_vec(plain, out, FlushCompress::Finish);
                match ended {
                    Ok(Status::StreamEnd) => Ok(()),
                    other => Err(format!("zlib did not come to its end ({other:?})")),
                }
            }
        }
    }
}

fn append(compressor: &mut Compressor, plain: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let start = out.len();
    let most = compressor.zlib_compress_bound(plain.len());
    out.resize(start.saturating_add(most), 0);
    let room = out.get_mut(start..).unwrap_or_default();
    let compressed = compressor.zlib_compress(plain, room);
    let length = compressed.map_err(|error| format!("libdeflate: {error}"))?;
    out.truncate(start.saturating_add(length));
    Ok(())
}

/// Whether compressing would not make it shorter, as pieces of it show.
fn is_noise(
    compressor: &mut Compressor,
    plain: &[u8],
    sample: &mut Vec<u8>,
    room: &mut Vec<u8>,
) -> bool {
    let part = plain.len() / SAMPLES;
    if part < SAMPLE {
        return false;
    }
    sample.clear();
    for piece in plain.chunks(part).take(SAMPLES) {
        sample.extend_from_slice(piece.get(..SAMPLE).unwrap_or(piece));
    }
    room.clear();
    append(compressor, sample, room).is_ok() && room.len() > NOISE
}

#[cfg(test)]
mod tests {
    use super::super::GRAIN_BYTES;
    use super::*;
    use crate::vmdk::Inflater;

    fn noise(length: usize) -> Vec<u8> {
        let mut chance = fastrand::Rng::with_seed(7);
        std::iter::repeat_with(|| chance.u8(..))
            .take(length)
            .collect()
    }

    #[test]
    fn every_kind_of_grain_comes_back() {
        let mut half = noise(GRAIN_BYTES);
        half[GRAIN_BYTES / 2..].fill(b'x');
        let text = b"some text, again and again. ".repeat(GRAIN_BYTES / 28 + 1);
        let grains = [noise(GRAIN_BYTES), half, text[..GRAIN_BYTES].to_vec()];
        for compression in [GrainCompression::Libdeflate, GrainCompression::Zlib] {
            let mut deflater = Deflater::new(compression);
            for plain in &grains {
                let mut data = b"before".to_vec();
                deflater.deflate(plain, &mut data).unwrap();
                assert!(data.starts_with(b"before"));
                let mut inflater = Inflater::new();
                let found = inflater.inflate(&data[6..], GRAIN_BYTES, GRAIN_BYTES);
                assert!(found.unwrap() == plain, "{compression:?}");
                assert!(data.len() < GRAIN_BYTES + 64);
            }
        }
    }

    #[test]
    fn only_noise_is_stored() {
        let mut deflater = Deflater::new(GrainCompression::Libdeflate);
        let mut length = |plain: &[u8]| {
            let mut data = Vec::new();
            deflater.deflate(plain, &mut data).unwrap();
            data.len()
        };
        let mut plain = noise(GRAIN_BYTES);
        assert!(length(&plain) > GRAIN_BYTES);
        // A quarter of it has text, and so has one sample.
        plain[GRAIN_BYTES / 4 * 3..].fill(b'.');
        assert!(length(&plain) < GRAIN_BYTES / 10 * 8);
    }
}
