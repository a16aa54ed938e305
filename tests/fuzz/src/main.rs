//! libFuzzer on one of the targets of `nfclease::fuzzing`, which `NFCLEASE_FUZZ_TARGET` names. `run.py` runs it.

#![no_main]

use std::env;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nfclease::fuzzing::{TARGETS, Target};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let wanted = env::var("NFCLEASE_FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(name, _)| *name == wanted);
    found
        .unwrap_or_else(|| panic!("NFCLEASE_FUZZ_TARGET is {wanted:?}, which is no target"))
        .1
});

fuzz_target!(|data: &[u8]| TARGET(data));
