//! A download that becomes an image while it comes.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::output::{Format, Output};
use super::writer::ImageWriter;
use crate::error::{Error, Result};
use crate::io::staged::Staged;
use crate::io::{Overwrite, Sink, Wait, again};
use crate::sync::lock;
use crate::text::Place;
use crate::threads::Aside;

/// Handed over at once.
const PIECE: usize = 1024 * 1024;

/// The image, and what writes to it.
struct Image {
    /// What it is called in messages.
    name: String,
    format: Format,
    staged: Staged,
    writer: ImageWriter,
}

impl Image {
    fn new(name: String, format: Format, mut staged: Staged) -> Result<Self> {
        Ok(Self {
            writer: writer(&name, format, &mut staged)?,
            name,
            format,
            staged,
        })
    }

    fn update(&mut self, pieces: &[Bytes]) -> Result<()> {
        pieces
            .iter()
            .try_for_each(|piece| self.writer.update(piece))
    }

    /// Begins again.
    fn forget(&mut self) -> Result<()> {
        // What the old one has under way is over before the file is emptied.
        let _ = self.writer.finish();
        let emptied = again::restart(self.staged.file(), 0);
        emptied.map_err(|e| Error::io(self.staged.path(), e))?;
        self.writer = writer(&self.name, self.format, &mut self.staged)?;
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        self.writer.finish()?;
        self.staged.sync()?;
        self.staged.publish()
    }

    fn discard(&mut self) -> Vec<PathBuf> {
        let _ = self.writer.finish();
        self.staged.discard()
    }
}

fn writer(name: &str, format: Format, staged: &mut Staged) -> Result<ImageWriter> {
    let path = staged.path();
    let output = Output::new(format, staged.file(), path)?;
    Ok(ImageWriter::new(name.to_owned(), output, None))
}

type Running = Pin<Box<dyn Future<Output = Result<Result<()>>> + Send>>;

/// An image at a path, which gets its name when the stream is whole and verified.
///
/// Pieces are walked on a thread of its own, and grains inflated and written on others: neither a
/// slow disk nor the inflating holds up the other transfers.
pub struct ImageSink {
    image: Arc<Mutex<Image>>,
    pending: Vec<Bytes>,
    length: usize,
    /// The pieces before these.
    running: Option<Running>,
    aside: Aside,
}

impl ImageSink {
    /// Creates `target.part`, as a file's sink does.
    pub fn create(
        target: &Path,
        format: Format,
        overwrite: Overwrite,
        place: Arc<Place>,
    ) -> Result<Self> {
        let staged = Staged::create(target, overwrite, place)?;
        let image = Image::new(target.display().to_string(), format, staged)?;
        Ok(Self {
            image: Arc::new(Mutex::new(image)),
            pending: Vec::new(),
            length: 0,
            running: None,
            aside: Aside::new("nfclease-image"),
        })
    }

    /// Works on the image when all that was handed over is done.
    fn work<T, F>(&mut self, work: F) -> impl Future<Output = Result<T>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut Image) -> T + Send + 'static,
    {
        let image = Arc::clone(&self.image);
        self.aside.run(move || work(&mut lock(&image)))
    }

    /// Hands over what is pending, once what was handed over before is done.
    async fn flush(&mut self) -> Result<()> {
        self.settled().await?;
        let pieces = std::mem::take(&mut self.pending);
        self.length = 0;
        let work = self.work(move |image| image.update(&pieces));
        self.running = Some(Box::pin(work));
        Ok(())
    }

    async fn settled(&mut self) -> Result<()> {
        match self.running.take() {
            Some(running) => running.await?,
            None => Ok(()),
        }
    }

    fn forget_pending(&mut self) {
        (self.running, self.length) = (None, 0);
        self.pending.clear();
    }
}

impl Sink for ImageSink {
    fn write(&mut self, bytes: Bytes) -> Wait<'_, Result<()>> {
        self.length = self.length.saturating_add(bytes.len());
        self.pending.push(bytes);
        if self.length < PIECE {
            return Wait::over(Ok(()));
        }
        Wait::going(self.flush())
    }

    fn restart(&mut self) -> Wait<'_, Result<()>> {
        self.forget_pending();
        Wait::going(async { self.work(Image::forget).await? })
    }

    fn commit(&mut self) -> Wait<'_, Result<()>> {
        Wait::going(async {
            self.flush().await?;
            self.settled().await?;
            self.work(Image::commit).await?
        })
    }

    fn discard(&mut self) -> Wait<'_, Vec<PathBuf>> {
        self.forget_pending();
        Wait::going(async { self.work(Image::discard).await.unwrap_or_default() })
    }
}
