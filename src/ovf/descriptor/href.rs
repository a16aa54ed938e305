//! The `href` of a file, a URI reference (RFC 3986), as a path in the package.

use crate::error::Error;
use crate::io::names::safe_names;

/// Deeper folders than any package has.
const DEEPEST: usize = 16;

/// The path, with `/` between folders, or why there is none in the package.
pub(super) fn path_of(href: &str) -> Result<String, String> {
    if href.is_empty() {
        return Err("it is empty".into());
    }
    if has_scheme(href) {
        return Err("it is the address of something outside the package".into());
    }
    let decoded = decoded(href)?;
    let relative = decoded.strip_prefix("./").unwrap_or(&decoded);
    if relative.starts_with('/') {
        return Err("it starts at the root, outside the package".into());
    }
    let parts: Vec<&str> = relative.split('/').collect();
    if parts.len() > DEEPEST {
        return Err("it has too many folders".into());
    }
    if parts.contains(&"..") {
        return Err("it leaves the folder of the descriptor".into());
    }
    for part in &parts {
        match safe_names(&[part]) {
            Ok(_) => {}
            Err(Error::UnsafePath { reason, .. }) => return Err(reason.into()),
            Err(other) => return Err(other.to_string()),
        }
    }
    Ok(relative.to_owned())
}

/// `file:`, `https:` and so on; a drive letter counts.
pub(in crate::ovf) fn has_scheme(href: &str) -> bool {
    let Some((scheme, _)) = href.split_once(':') else {
        return false;
    };
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(is_scheme)
}

/// Percent-decoded once. A `%` without two hex digits stands for itself, as in names that some tool
/// did not encode.
pub(in crate::ovf) fn decoded(href: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(href.len());
    let mut rest = href.as_bytes();
    while let [first, after @ ..] = rest {
        let escape = (*first == b'%')
            .then(|| after.split_at_checked(2))
            .flatten();
        let hex = escape.and_then(|(digits, left)| Some((byte_of(digits)?, left)));
        let (byte, left) = hex.unwrap_or((*first, after));
        bytes.push(byte);
        rest = left;
    }
    String::from_utf8(bytes).map_err(|_| "its percent-escapes are not UTF-8".into())
}

fn byte_of(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside() {
        for (href, path) in [
            ("disk.vmdk", "disk.vmdk"),
            ("./disk.vmdk", "disk.vmdk"),
            ("disks/disk%201.vmdk", "disks/disk 1.vmdk"),
            ("a b.vmdk", "a b.vmdk"),
            ("url%24encoded%a-1.vmdk", "url$encoded%a-1.vmdk"),
            ("Gr%C3%BC%C3%9Fe.vmdk", "Grüße.vmdk"),
            ("虚拟机,fgdr@$%@测试-1.vmdk", "虚拟机,fgdr@$%@测试-1.vmdk"),
            ("100%", "100%"),
            ("a%252e", "a%2e"),
        ] {
            assert_eq!(path_of(href).as_deref(), Ok(path), "{href}");
        }
    }

    #[test]
    fn outside() {
        let deep = "a/".repeat(40);
        for href in [
            "",
            "..",
            "../disk.vmdk",
            "a/../../disk.vmdk",
            "%2e%2e/disk.vmdk",
            "..%2fdisk.vmdk",
            "/etc/passwd",
            "%2Fetc/passwd",
            "//host/disk.vmdk",
            "file:///etc/passwd",
            "http://host/disk.vmdk",
            "C:disk.vmdk",
            "\\\\host\\disk.vmdk",
            "a//b",
            "a/",
            "./../x",
            "a%00b",
            "a%0Ab",
            "%ff.vmdk",
            "a\u{202e}kdmv",
            deep.as_str(),
        ] {
            assert!(path_of(href).is_err(), "{href}");
        }
    }
}
