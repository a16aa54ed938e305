//! What a file is, by its first bytes: its name may say anything.

/// What a package may begin as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ovf) enum Look {
    /// XML: a descriptor.
    Descriptor,
    /// Perhaps a tar: its header has its own checksum.
    Archive,
    /// Something else, in words.
    Other(&'static str),
}

const KNOWN: [(&[u8], &str); 9] = [
    (
        b"PK\x03\x04",
        "a zip archive; unpack it, and give the descriptor",
    ),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "compressed with gzip; gunzip it first"),
    (b"\xfd7zXZ\0", "compressed with xz; unxz it first"),
    (b"BZh", "compressed with bzip2; bunzip2 it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unzstd it first"),
    (
        b"7z\xbc\xaf\x27\x1c",
        "a 7z archive; unpack it, and give the descriptor",
    ),
    (b"KDMV", "a VMDK; give the descriptor that names it"),
    (
        b"# Disk Descriptor",
        "the text of a VMDK; give the descriptor of the package",
    ),
];

/// Judges the first 512 bytes, or fewer.
pub(in crate::ovf) fn look(head: &[u8]) -> Look {
    if let Some((_, what)) = KNOWN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Look::Other(what);
    }
    let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    let is_text = marks.iter().any(|mark| head.starts_with(mark));
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    let page = head.get(..14).is_some_and(|start| {
        let start = start.to_ascii_lowercase();
        start.starts_with(b"<html") || start.starts_with(b"<!doctype html")
    });
    if page {
        return Look::Other("an HTML page: the address gave an answer for people");
    }
    if is_text || first == Some(&b'<') {
        return Look::Descriptor;
    }
    Look::Archive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell() {
        assert_eq!(look(b"\xef\xbb\xbf<?xml"), Look::Descriptor);
        assert_eq!(look(b"\n <Envelope"), Look::Descriptor);
        assert_eq!(look(b"demo.ovf\0\0"), Look::Archive);
        assert_eq!(look(b""), Look::Archive);
        assert!(matches!(look(b"PK\x03\x04.."), Look::Other(text) if text.contains("zip")));
        assert!(matches!(look(b"<!DOCTYPE html><"), Look::Other(text) if text.contains("HTML")));
    }
}
