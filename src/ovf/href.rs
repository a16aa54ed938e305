//! The `href` of a file, a URI reference (RFC 3986), as the names that the file may have beside the
//! descriptor.

use super::tar::names::relative;

/// The names to look for, the likeliest first: an `href` is a URI, and some tools write a name.
pub(super) fn names(href: &str) -> Result<Vec<String>, &'static str> {
    if has_scheme(href) {
        return Err("it is an address outside the package");
    }
    let literal = relative(href)?;
    if literal.is_empty() {
        return Err("it is empty");
    }
    let mut names = Vec::new();
    if let Some(decoded) = decoded(href) {
        let decoded = relative(&decoded)?;
        if decoded != literal && !decoded.is_empty() {
            names.push(decoded);
        }
    }
    names.push(literal);
    Ok(names)
}

/// The likeliest of them: where the file is beside the descriptor.
pub(super) fn path_of(href: &str) -> Result<String, &'static str> {
    Ok(names(href)?.into_iter().next().unwrap_or_default())
}

/// `file:`, `https:` and so on; a drive letter counts.
fn has_scheme(href: &str) -> bool {
    let Some((scheme, _)) = href.split_once(':') else {
        return false;
    };
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(is_scheme)
}

/// Percent-decoded once; `None` where that is not text. A `%` without two hex digits stands for itself, as in names that some tool
/// did not encode.
fn decoded(href: &str) -> Option<String> {
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
    String::from_utf8(bytes).ok()
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
    fn an_href_is_a_uri_or_a_name() {
        assert_eq!(names("disk.vmdk").unwrap(), ["disk.vmdk"]);
        assert_eq!(names("./a%20b.vmdk").unwrap(), ["a b.vmdk", "a%20b.vmdk"]);
        assert_eq!(
            names("url%24x%a.vmdk").unwrap(),
            ["url$x%a.vmdk", "url%24x%a.vmdk"]
        );
        assert_eq!(names("50%ff").unwrap(), ["50%ff"]);
    }

    #[test]
    fn what_leaves_the_package_is_refused() {
        for href in [
            "file:///C:/x/disk.vmdk",
            "http://x/y",
            "C:x",
            "../x",
            "%2e%2e/x",
            "..%2fx",
            "//host/x",
            "\\\\host\\x",
            "a/%2e%2e/%2e%2e/x",
            "/etc/passwd",
            "%2fetc/passwd",
            "a%00b",
            "a%5cb",
            "",
            "./",
        ] {
            assert!(names(href).is_err(), "{href:?}");
        }
    }
}
