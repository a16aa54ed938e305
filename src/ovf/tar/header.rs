//! One block of 512 bytes that says what follows it.

use std::borrow::Cow;

/// The unit of the format.
pub(crate) const BLOCK: usize = 512;

/// Where the header has its own checksum.
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// Where POSIX and GNU put the name of the format.
const MAGIC: std::ops::Range<usize> = 257..263;

/// What follows a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bytes that can be read.
    File,
    /// Nothing.
    Directory,
    /// A symbolic or hard link.
    Link,
    /// A device, a FIFO, a sparse file or what nobody knows.
    Other,
    /// GNU's long name of the next member.
    LongName,
    /// GNU's long target of the next link.
    LongLink,
    /// Records about the next member.
    Pax,
    /// Records about all that follow.
    PaxGlobal,
}

/// A header, as far as a reader needs it.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    /// The name as it is written, the prefix of ustar included.
    pub(crate) name: Vec<u8>,
    /// What follows.
    pub(crate) kind: Kind,
    /// How many bytes follow, without the padding.
    pub(crate) size: u64,
}

/// Whether all of a block is zero: two of these end an archive.
pub(crate) fn is_empty(block: &[u8; BLOCK]) -> bool {
    block.iter().all(|byte| *byte == 0)
}

/// Whether a block is a header, if perhaps a damaged one.
pub(crate) fn is_probable(block: &[u8; BLOCK]) -> bool {
    block[MAGIC].starts_with(b"ustar") || parse(block).is_ok() || is_empty(block)
}

/// Reads a header, or says what is wrong with it.
pub(crate) fn parse(block: &[u8; BLOCK]) -> Result<Header, String> {
    let header = ::tar::Header::from_byte_slice(block);
    let written = header.cksum().map_err(|_| "it has no checksum")?;
    if !sums(block).contains(&i64::from(written)) {
        return Err("its checksum is wrong".into());
    }
    let name: Cow<'_, [u8]> = header.path_bytes();
    let kind = kind_of(header.entry_type(), &name);
    let size = match kind {
        // POSIX: nothing follows these, whatever the field says.
        Kind::Directory | Kind::Link => 0,
        _ if header.as_old().size[0] == 0xff => return Err("its size is negative".into()),
        _ => header.entry_size().map_err(|_| "it has no size")?,
    };
    Ok(Header {
        name: name.into_owned(),
        kind,
        size,
    })
}

fn kind_of(written: ::tar::EntryType, name: &[u8]) -> Kind {
    use ::tar::EntryType as Type;
    match written {
        // Old tools mark a directory by its name alone.
        Type::Regular if name.ends_with(b"/") => Kind::Directory,
        Type::Regular | Type::Continuous => Kind::File,
        Type::Directory => Kind::Directory,
        Type::Link | Type::Symlink => Kind::Link,
        Type::GNULongName => Kind::LongName,
        Type::GNULongLink => Kind::LongLink,
        Type::XHeader => Kind::Pax,
        Type::XGlobalHeader => Kind::PaxGlobal,
        _ => Kind::Other,
    }
}

/// The sum of the bytes with the checksum's own as blanks. Some old tools take bytes as signed.
fn sums(block: &[u8; BLOCK]) -> [i64; 2] {
    let mut sums = [0_i64, 0];
    for (at, byte) in block.iter().enumerate() {
        let byte = if CHECKSUM.contains(&at) { b' ' } else { *byte };
        sums[0] = sums[0].saturating_add(i64::from(byte));
        sums[1] = sums[1].saturating_add(i64::from(byte.cast_signed()));
    }
    sums
}
