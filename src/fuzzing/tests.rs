//! Each target on its corpus, which the fuzzer found or people made.

use std::fs;
use std::path::Path;

use super::TARGETS;
use crate::io::testing::names_in;

/// Of the whole corpus. More is minimised first, see `tests/fuzz/run.py`.
const MOST_BYTES: usize = 300 * 1024;

#[test]
fn each_target_takes_its_corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let names: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names_in(&root), names, "a folder for each target");
    let mut bytes = 0;
    for (name, target) in TARGETS {
        let folder = root.join(name);
        let files = names_in(&folder);
        assert!(!files.is_empty(), "{name} has no corpus");
        for file in files {
            let data = fs::read(folder.join(file)).unwrap();
            bytes += data.len();
            target(&data);
        }
    }
    assert!(bytes < MOST_BYTES, "{bytes} bytes");
}
