//! A streamOptimized disk, read once from its begin to its end, becomes a file of another format.

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::check::Disk;
use super::output::Format;
use super::target::{Kind, Target};
use crate::error::Result;
use crate::io::{Slice, Watched};

/// Read at once: what is moved on is still in a processor's own cache.
const BUFFER_BYTES: usize = 256 * 1024;

/// What is to be made of what.
pub struct Conversion {
    /// The stream.
    pub source: Slice,
    /// What it is called in messages.
    pub name: String,
    /// The new file, which gets its name when all of it is right and durable, or a device.
    pub target: PathBuf,
    /// Which of them.
    pub kind: Kind,
    /// What it becomes.
    pub format: Format,
    /// Threads beside the one that reads; None is one less than there are cores.
    pub threads: Option<usize>,
}

impl Conversion {
    /// Makes the image.
    pub fn run(self, watched: &Watched) -> Result<Disk> {
        let mut target = Target::create(&self.target, self.kind, Arc::default())?;
        let made = self.fill(&mut target, watched).and_then(|disk| {
            target.sync()?;
            // Who gave it up meanwhile does not expect it.
            watched.goes_on()?;
            target.publish()?;
            Ok(disk)
        });
        made.inspect_err(|_| {
            // What cannot be removed has `.part` in its name, or is a device, of which is told.
            target.discard();
        })
    }

    fn fill(&self, target: &mut Target, watched: &Watched) -> Result<Disk> {
        let mut writer = target.writer(&self.name, self.format, self.threads)?;
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
