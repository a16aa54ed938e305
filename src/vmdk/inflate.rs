//! The compressed data of a grain: a zlib stream, whose Adler-32 is that of the plain bytes.
//!
//! RFC 1950 and 1951. The technote has bare deflate; every writer has the wrapper, and so a checksum.

use libdeflater::{DecompressionError, Decompressor};

/// Before the deflate data.
const WRAPPER: usize = 2;

/// Behind them.
const CHECKSUM: usize = 4;

/// One thread's decoder, with room for one grain.
pub(crate) struct Inflater {
    decompressor: Decompressor,
    plain: Vec<u8>,
}

impl Inflater {
    /// For grains of any size that the header may say.
    pub(crate) fn new() -> Self {
        Self {
            decompressor: Decompressor::new(),
            plain: Vec::new(),
        }
    }

    /// The plain bytes of a grain, which has room for `full` of them and needs `length` for the disk;
    /// else what is wrong with it.
    pub(crate) fn inflate(
        &mut self,
        data: &[u8],
        full: usize,
        length: usize,
    ) -> Result<&[u8], String> {
        let (deflated, sum) = unwrapped(data)?;
        self.plain.resize(full, 0);
        let inflated = self
            .decompressor
            .deflate_decompress(deflated, &mut self.plain);
        let count = inflated.map_err(|error| match error {
            DecompressionError::BadData => "its data cannot be decompressed".into(),
            DecompressionError::InsufficientSpace => format!("it has more than {full} bytes"),
        })?;
        if count != full && count != length {
            return Err(format!("it has {count} bytes, not {full}"));
        }
        let plain = self.plain.get(..count).unwrap_or_default();
        let (found, said) = (simd_adler32::adler32(&plain), u32::from_be_bytes(sum));
        if found != said {
            return Err(format!("its Adler-32 is {found:08x}, it says {said:08x}"));
        }
        Ok(plain)
    }
}

/// The deflate data of a grain, and its checksum; else what is wrong with what is around them.
pub(crate) fn unwrapped(data: &[u8]) -> Result<(&[u8], [u8; CHECKSUM]), String> {
    let (start, rest) = data
        .split_first_chunk::<WRAPPER>()
        .ok_or("it is too short")?;
    let (deflated, sum) = rest
        .split_last_chunk::<CHECKSUM>()
        .ok_or("it is too short")?;
    check_wrapper(*start)?;
    Ok((deflated, *sum))
}

fn check_wrapper([method, flags]: [u8; WRAPPER]) -> Result<(), String> {
    let is_zlib = method & 0x0f == 8 && method >> 4 <= 7;
    let is_right = u16::from_be_bytes([method, flags]).is_multiple_of(31);
    if is_zlib && is_right && flags & 0x20 == 0 {
        return Ok(());
    }
    Err(format!(
        "it starts with {method:02x} {flags:02x}, which is not zlib"
    ))
}
