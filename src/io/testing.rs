//! What several unit tests look at.

use std::fs;
use std::path::Path;

/// The names in a directory, in order.
pub(crate) fn names_in(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
