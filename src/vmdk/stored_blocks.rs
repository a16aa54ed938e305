//! Deflate data that are stored and not compressed, as a writer leaves what cannot be made shorter.
//!
//! RFC 1951, section 3.2.4. Their plain bytes are taken from where they are.

/// Of a block: what kind it is, its length, and the same inverted.
const HEADER: usize = 5;

/// The last block, and the kind of a block that is stored.
const LAST: u8 = 0b001;
const KIND: u8 = 0b110;

/// The plain bytes in pieces; None where a block is compressed, or where they are not `length` bytes.
pub(crate) fn stored_blocks(deflated: &[u8], length: usize) -> Option<Vec<&[u8]>> {
    let mut pieces = Vec::new();
    let (mut rest, mut left) = (deflated, length);
    loop {
        let (&[kind, a, b, c, d], behind) = rest.split_first_chunk::<HEADER>()?;
        let (count, inverted) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        if kind & KIND != 0 || count != !inverted {
            return None;
        }
        let (piece, next) = behind.split_at_checked(usize::from(count))?;
        left = left.checked_sub(piece.len())?;
        pieces.push(piece);
        rest = next;
        if kind & LAST != 0 {
            return (left == 0 && rest.is_empty()).then_some(pieces);
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    fn deflated(plain: &[u8], level: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(plain.len() * 2 + 1024);
        let mut compress = Compress::new(Compression::new(level), false);
        let ended = compress.compress_vec(plain, &mut out, FlushCompress::Finish);
        assert_eq!(ended.unwrap(), flate2::Status::StreamEnd);
        out
    }

    #[test]
    fn what_is_stored_is_there_as_it_was() {
        for length in [0, 1, 5, 16_383, 65_535, 65_536, 65_537, 200_000] {
            let plain: Vec<u8> = (0..=250).cycle().take(length).collect();
            let pieces = stored_blocks(&deflated(&plain, 0), length).map(|pieces| pieces.concat());
            assert_eq!(pieces, Some(plain), "{length}");
        }
    }

    #[test]
    fn what_is_compressed_cut_or_of_another_length_is_none() {
        let plain = vec![7; 70_000];
        assert_eq!(stored_blocks(&deflated(&plain, 6), plain.len()), None);
        let data = deflated(&plain, 0);
        assert!(stored_blocks(&data, plain.len()).is_some());
        assert_eq!(stored_blocks(&data, plain.len() - 1), None);
        assert_eq!(stored_blocks(&data, plain.len() + 1), None);
        assert_eq!(stored_blocks(&data[..data.len() - 1], plain.len()), None);
        assert_eq!(
            stored_blocks(&[&data[..], &[0]].concat(), plain.len()),
            None
        );
        let mut wrong = data;
        wrong[3] ^= 1;
        assert_eq!(stored_blocks(&wrong, plain.len()), None);
    }

    #[test]
    fn many_empty_blocks_are_refused() {
        let empty = [0, 0, 0, 0xff, 0xff];
        let data = empty.repeat(1000);
        assert_eq!(stored_blocks(&data, 0), None);
    }
}
