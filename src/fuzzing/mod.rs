//! What the fuzz targets of `tests/fuzz` run: a function for each reader of bytes that others wrote. The unit
//! test here runs each on the corpus that is kept beside them.
//!
//! A reader may refuse anything. A function panics where it breaks a promise.

mod answers;
mod disks;
mod images;
mod memory;
mod packages;
#[cfg(test)]
mod tests;

/// Runs a reader on the bytes.
pub type Target = fn(&[u8]);

/// All targets by their names, which their folders in `tests/fuzz/corpus` have too.
pub const TARGETS: [(&str, Target); 10] = [
    ("answer", answers::answer),
    ("archive", packages::archive),
    ("descriptor", packages::descriptor),
    ("gzip", packages::gzip),
    ("header", disks::header),
    ("manifest", packages::manifest),
    ("open", images::open),
    ("package", packages::package),
    ("qcow2", images::qcow2),
    ("walk", disks::walk),
];
