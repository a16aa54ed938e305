//! What a descriptor calls a file, as the names that the file may have.

use super::super::tar::names::relative;

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
    if let Some(decoded) = decode(href) {
        let decoded = relative(&decoded)?;
        if decoded != literal && !decoded.is_empty() {
            names.push(decoded);
        }
    }
    names.push(literal);
    Ok(names)
}

/// `file:`, `http:` and so on, by the grammar of RFC 3986.
fn has_scheme(href: &str) -> bool {
    let Some((scheme, _)) = href.split_once(':') else {
        return false;
    };
    let mut letters = scheme.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// With its `%XX` decoded; `None` where that is no text.
fn decode(href: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(href.len());
    let mut rest = href.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let value = digits.and_then(|two| data_encoding::HEXLOWER_PERMISSIVE.decode(two).ok());
        if let Some(value) = value {
            bytes.extend(value);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
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
