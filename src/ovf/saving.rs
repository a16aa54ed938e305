//! The one file that a stream is being written to, until somebody stops that.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Lives under a lock, which is held while a file is made, written or closed, and never while the
/// stream is waited for: so who stops it waits for the disk alone, and nothing is made after that.
#[derive(Debug, Default)]
pub(super) enum Saving {
    #[default]
    Nothing,
    Into(Saved),
    Stopped,
}

impl Saving {
    /// Begins a file of a directory, by a member's name, which was judged.
    pub(super) fn create(&mut self, directory: &Path, name: &str) -> Result<()> {
        if matches!(self, Self::Stopped) {
            return Err(Error::Cancelled);
        }
        *self = Self::Into(Saved::create(directory, name)?);
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Into(saved) => saved.write(bytes),
            Self::Nothing | Self::Stopped => Err(Error::Cancelled),
        }
    }

    /// Closes the file, if there is one.
    pub(super) fn close(&mut self) {
        if matches!(self, Self::Into(_)) {
            *self = Self::Nothing;
        }
    }

    /// Closes the file, which can be removed then on any system, and refuses all that comes.
    pub(super) fn stop(&mut self) {
        *self = Self::Stopped;
    }
}

#[derive(Debug)]
pub(super) struct Saved {
    file: fs::File,
    path: PathBuf,
}

impl Saved {
    fn create(directory: &Path, name: &str) -> Result<Self> {
        let path = (name.split('/')).fold(directory.to_owned(), |path, part| path.join(part));
        let folder = path.parent().unwrap_or(directory);
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        let file = fs::File::create_new(&path).map_err(|e| Error::io(&path, e))?;
        Ok(Self { file, path })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes);
        written.map_err(|e| Error::io(&self.path, e))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};
    use std::thread;

    use super::*;

    #[test]
    fn after_a_stop_nothing_is_made() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("kept");
        let mut saving = Saving::default();
        saving.create(&directory, "a/b.vmdk").unwrap();
        saving.write(b"x").unwrap();
        saving.stop();
        fs::remove_dir_all(&directory).unwrap();
        assert!(matches!(saving.write(b"y"), Err(Error::Cancelled)));
        saving.close();
        let again = saving.create(&directory, "c.vmdk");
        assert!(matches!(again, Err(Error::Cancelled)));
        assert!(!directory.exists());
    }

    /// A directory that is removed while the next file is being made in it.
    #[test]
    fn a_stop_waits_for_a_file_that_is_being_made() {
        for _ in 0..50 {
            let root = tempfile::tempdir().unwrap();
            let directory = root.path().join("kept");
            let saving = Mutex::new(Saving::default());
            let create = |name: &str| saving.lock().unwrap().create(&directory, name);
            let (made, is_made) = mpsc::sync_channel(0);
            thread::scope(|scope| {
                scope.spawn(move || {
                    for number in 0.. {
                        if create(&format!("{number}/x.vmdk")).is_err() {
                            break;
                        }
                        let _nobody_waits = made.send(());
                    }
                });
                is_made.recv().unwrap();
                saving.lock().unwrap().stop();
                fs::remove_dir_all(&directory).unwrap();
                drop(is_made);
            });
            assert!(!directory.exists());
        }
    }
}
