//! A streamOptimized disk, read once from its begin to its end, becomes a file of another format.

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::check::Disk;
use super::output::{Format, Output};
use super::writer::ImageWriter;
use crate::error::Result;
use crate::io::staged::Staged;
use crate::io::{Overwrite, Slice, Watched};

/// Read at once.
const BUFFER_BYTES: usize = 1024 * 1024;

/// What is to be made of what.
pub struct Conversion {
    /// The stream.
    pub source: Slice,
    /// What it is called in messages.
    pub name: String,
    /// The new file, which gets its name when all of it is right and durable.
    pub target: PathBuf,
    /// What it becomes.
    pub format: Format,
    /// Whether one that is there may be replaced.
    pub overwrite: Overwrite,
    /// Threads beside the one that reads; None is one less than there are cores.
    pub threads: Option<usize>,
}

impl Conversion {
    /// Makes the image.
    pub fn run(self, watched: &Watched) -> Result<Disk> {
        let mut staged = Staged::create(&self.target, self.overwrite, Arc::default())?;
        let made = self.fill(&mut staged, watched).and_then(|disk| {
            staged.sync()?;
            // Who gave it up meanwhile does not expect it.
            watched.goes_on()?;
            staged.publish()?;
            Ok(disk)
        });
        made.inspect_err(|_| {
            // What cannot be removed has `.part` in its name.
            staged.discard();
        })
    }

    fn fill(&self, staged: &mut Staged, watched: &Watched) -> Result<Disk> {
        let path = staged.path();
        let output = Output::new(self.format, staged.file(), path)?;
        let mut writer = ImageWriter::new(self.name.clone(), output, self.threads);
        let Slice {
            stored,
            offset,
            length,
        } = &self.source;
        let mut reader = stored.open(*offset, *length)?;
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            watched.goes_on()?;
            let count = match reader.read(&mut buffer) {
                Ok(0) => return writer.finish(),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(reader.error(error)),
            };
            writer.update(buffer.get(..count).unwrap_or_default())?;
            watched.count(count as u64);
        }
    }
}
