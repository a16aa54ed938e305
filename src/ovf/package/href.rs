//! What a descriptor calls a file, as the names that the file may have.

use super::super::descriptor::href::{decoded, has_scheme};
use super::super::tar::names::relative;

/// The names to look for, the likeliest first: an `href` is a URI, and some tools write a name.
pub(in crate::ovf) fn names(href: &str) -> Result<Vec<String>, &'static str> {
    if has_scheme(href) {
        return Err("it is an address outside the package");
    }
    let literal = relative(href)?;
    if literal.is_empty() {
        return Err("it is empty");
    }
    let mut names = Vec::new();
    if let Ok(decoded) = decoded(href) {
        let decoded = relative(&decoded)?;
        if decoded != literal && !decoded.is_empty() {
            names.push(decoded);
        }
    }
    names.push(literal);
    Ok(names)
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
