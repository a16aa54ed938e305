//! Reads a disk by a library that others wrote, and prints the SHA-256 of its plain content.
//!
//! Arguments: `vmdk-core` or `imago`, and the path of a VMDK or qcow2 file.

use std::error::Error;
use std::io::{self, Read};
use std::path::Path;

use imago::file::File;
use imago::qcow2::Qcow2;
use imago::{FormatAccess, FormatDriverBuilder, PermissiveImplicitOpenGate};
use sha2::{Digest, Sha256};
use vmdk::VmdkReader;

/// Read at once.
const PIECE: usize = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [reader, path] = arguments.as_slice() else {
        return Err("give a reader and a path".into());
    };
    let sum = match reader.as_str() {
        "vmdk-core" => of_reader(VmdkReader::open_path(Path::new(path))?)?,
        "imago" => of_qcow2(path)?,
        other => return Err(format!("no reader is called {other}").into()),
    };
    println!("{sum}");
    Ok(())
}

fn of_reader(mut reader: impl Read) -> io::Result<String> {
    let mut sum = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        match reader.read(&mut piece)? {
            0 => return Ok(hex(sum)),
            count => sum.update(&piece[..count]),
        }
    }
}

fn of_qcow2(path: &str) -> io::Result<String> {
    let builder = Qcow2::<File>::builder_path(path);
    let disk = FormatAccess::new(builder.open(PermissiveImplicitOpenGate::default())?);
    let mut sum = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut at = 0;
    while at < disk.size() {
        let count = usize::try_from(disk.size() - at).map_or(PIECE, |left| left.min(PIECE));
        disk.read(&mut piece[..count], at)?;
        sum.update(&piece[..count]);
        at += count as u64;
    }
    Ok(hex(sum))
}

fn hex(sum: Sha256) -> String {
    sum.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
