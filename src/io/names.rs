//! Names from a server or a file, as names of local files: the same rule for a `targetId`, a member of
//! an archive and a `File` of a descriptor. What is unsafe is refused, not mended: two names that
//! become one would be worse.

use std::collections::HashSet;

use crate::error::{Error, Result};

/// The local names for files of these names, distinct even where case does not count.
pub fn safe_names<'a>(wanted: &[&'a str]) -> Result<Vec<&'a str>> {
    let mut taken = HashSet::new();
    for name in wanted {
        check(name)?;
        if !taken.insert(name.to_lowercase()) {
            return Err(Error::UnsafePath {
                name: (*name).into(),
                reason: "two files have this name".into(),
            });
        }
    }
    Ok(wanted.to_vec())
}

/// Longest file name taken from a server; file systems allow 255 bytes, and `.part` is added.
const LONGEST_NAME: usize = 200;

/// Names that Windows keeps for devices, with or without an extension.
const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The same, each with one digit; the raised ones count as such.
const PORTS: [&str; 2] = ["com", "lpt"];
const PORT_DIGITS: &str = "123456789\u{b9}\u{b2}\u{b3}";

fn is_reserved(stem: &str) -> bool {
    let is_port = |rest: &str| rest.chars().count() == 1 && PORT_DIGITS.contains(rest);
    RESERVED.contains(&stem)
        || PORTS
            .iter()
            .any(|port| stem.strip_prefix(port).is_some_and(is_port))
}

/// Whether a file of this name would be shown as another: controls, line ends, and what turns the
/// direction of writing. Some scripts need joiners, which are allowed.
fn is_misleading(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Refuses a name that could leave the directory, or be another file.
fn check(name: &str) -> Result<()> {
    let refuse = |reason: &str| {
        Err(Error::UnsafePath {
            name: name.into(),
            reason: reason.into(),
        })
    };
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.len() > LONGEST_NAME {
        return refuse("it is too long");
    }
    if name.contains(['/', '\\']) {
        return refuse("it has a path separator");
    }
    if name.chars().any(is_misleading) {
        return refuse("it has a control character, or one that changes how names are shown");
    }
    if name.contains([':', '*', '?', '"', '<', '>', '|']) {
        return refuse("it has a character that Windows reserves");
    }
    if name.starts_with('.') || name.ends_with(['.', ' ']) {
        return refuse("it starts with a dot, or ends with a dot or a space");
    }
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_lowercase();
    if is_reserved(&stem) {
        return refuse("it is a reserved device name");
    }
    if name.to_ascii_lowercase().ends_with(".part") {
        return refuse("the ending .part is kept for partial files");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_names() {
        let long = "x".repeat(5000);
        for name in [
            "",
            "..",
            ".",
            "../../x",
            "/etc/x",
            "a\0b",
            "..\\x",
            "C:x",
            "CON",
            "con.vmdk",
            "COM1",
            "lpt9.txt",
            "COM\u{b9}",
            "com\u{b2}.vmdk",
            "LPT\u{b3}.txt",
            "CONIN$",
            "conout$.vmdk",
            "a\u{202e}kdmv",
            "a\u{2028}b",
            ".hidden",
            "x.",
            "x ",
            "a\nb",
            "disk.part",
            long.as_str(),
        ] {
            assert!(
                matches!(safe_names(&[name]), Err(Error::UnsafePath { .. })),
                "{name:?}"
            );
        }
        for name in [
            "disk-0.vmdk",
            "Usenet Indexers.nvram",
            "Grüße.vmdk",
            "console.vmdk",
            "com.vmdk",
            "com0",
            "COM12",
            "com\u{2074}",
            "conin",
            "\u{645}\u{6cc}\u{200c}\u{62e}.vmdk",
        ] {
            assert_eq!(safe_names(&[name]).unwrap(), [name]);
        }
    }

    #[test]
    fn names_that_differ_in_case_only_collide() {
        assert!(safe_names(&["X", "y"]).is_ok());
        assert!(safe_names(&["X", "x"]).is_err());
    }
}
