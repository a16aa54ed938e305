//! Headers of an archive that every reader of OVAs takes: ustar, and GNU's number where a size needs
//! more than eleven octal digits. Never pax, which vSphere and `VirtualBox` refuse.

use tar::{EntryType, Header};

use crate::error::{Error, Result};

/// Everything in an archive is a whole number of these.
pub(crate) const BLOCK: u64 = 512;

/// Two empty blocks end an archive.
pub(crate) const END: [u8; 1024] = [0; 1024];

/// What a name may have without a second header for it, which readers refuse.
const LONGEST_NAME: usize = 100;

/// The first size that eleven octal digits cannot say: 8 GiB.
const TOO_LARGE: u64 = 1 << 33;

/// The most that 63 bits hold together with the padding; no file is larger.
const LARGEST: u64 = 1 << 62;

/// The header of a regular file.
pub(crate) fn header(name: &str, size: u64, mtime: u64) -> Result<[u8; 512]> {
    // With POSIX's magic some readers do not know a number in base 256.
    let mut header = if size < TOO_LARGE {
        Header::new_ustar()
    } else {
        Header::new_gnu()
    };
    let field = &mut header.as_old_mut().name;
    let Some(field) = field.get_mut(..name.len()) else {
        return Err(Error::UnsafePath {
            name: name.into(),
            reason: format!("an OVA's files have names of at most {LONGEST_NAME} bytes").into(),
        });
    };
    field.copy_from_slice(name.as_bytes());
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(mtime);
    header.set_cksum();
    Ok(*header.as_bytes())
}

/// The bytes after a file's that fill its last block.
pub(crate) fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK
}

/// Header, file and padding.
pub(crate) fn entry(size: u64) -> Result<u64> {
    if size > LARGEST {
        return Err(Error::internal("a file's size fits into 62 bits"));
    }
    Ok(size.saturating_add(padding(size)).saturating_add(BLOCK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_whole() {
        for (size, expected) in [(0, 512), (1, 1024), (511, 1024), (512, 1024), (513, 1536)] {
            assert_eq!(entry(size).unwrap(), expected);
        }
        assert!(entry(u64::MAX).is_err());
    }

    #[test]
    fn a_header_of_ustar() {
        let block = header("vm-disk1.vmdk", 8 * (1 << 30) - 1, 1_700_000_000).unwrap();
        assert_eq!(&block[..14], b"vm-disk1.vmdk\0");
        assert_eq!(&block[100..108], b"0000644\0");
        assert_eq!(&block[124..136], b"77777777777\0");
        assert_eq!(&block[136..148], b"14524770400\0");
        assert_eq!((block[156], &block[257..265]), (b'0', &b"ustar\x0000"[..]));
        assert!(Header::from_byte_slice(&block).as_ustar().is_some());
    }

    #[test]
    fn a_size_that_needs_more_digits() {
        for size in [TOO_LARGE, 9 << 30, 1 << 40] {
            let block = header("disk", size, 0).unwrap();
            assert_eq!(&block[257..265], b"ustar  \0");
            assert_eq!((block[124], &block[125..128]), (0x80, &[0; 3][..]));
            assert_eq!(block[128..136], size.to_be_bytes());
            assert_eq!(Header::from_byte_slice(&block).entry_size().unwrap(), size);
        }
    }

    #[test]
    fn a_name_has_a_hundred_bytes_at_most() {
        let block = header(&"x".repeat(100), 0, 0).unwrap();
        assert_eq!(Header::from_byte_slice(&block).path_bytes().len(), 100);
        let error = header(&"x".repeat(101), 0, 0).unwrap_err();
        assert!(error.to_string().contains("at most 100 bytes"), "{error}");
    }

    /// Of readers that nobody here wrote, those that this machine has. The file is a hole.
    #[test]
    #[allow(clippy::print_stdout, reason = "what was not run is said")]
    fn others_read_it() {
        use std::fs::File;
        use std::io::{Seek as _, SeekFrom, Write as _};
        use std::process::Command;

        let list = "import sys, tarfile\n\
                    for m in tarfile.open(sys.argv[1], 'r:'): print(m.size, m.name)";
        let root = tempfile::tempdir().unwrap();
        for size in [TOO_LARGE - 1, TOO_LARGE, 9 << 30] {
            let path = root.path().join("vm.ova");
            let mut file = File::create(&path).unwrap();
            let mut end = 0;
            for (name, size) in [("vm.ovf", 700), ("disk.vmdk", size), ("vm.nvram", 3)] {
                file.seek(SeekFrom::Start(end)).unwrap();
                file.write_all(&header(name, size, 0).unwrap()).unwrap();
                end += entry(size).unwrap();
            }
            file.set_len(end + END.len() as u64).unwrap();
            for (tool, arguments) in [
                ("tar", &["-tvf"][..]),
                ("bsdtar", &["-tvf"]),
                ("python3", &["-c", list]),
            ] {
                let Ok(said) = Command::new(tool).args(arguments).arg(&path).output() else {
                    println!("not run: no {tool} here");
                    continue;
                };
                let text = String::from_utf8_lossy(&said.stdout).into_owned();
                let words: Vec<_> = text.split_whitespace().collect();
                assert!(
                    said.status.success() && said.stderr.is_empty(),
                    "{tool}: {said:?}"
                );
                for word in ["vm.ovf", "disk.vmdk", &size.to_string(), "vm.nvram"] {
                    assert!(words.contains(&word), "{tool}: no {word} in {text}");
                }
            }
        }
    }
}
