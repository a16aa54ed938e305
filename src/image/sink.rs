//! A download that becomes an image while it comes.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::output::Format;
use super::target::{Kind, Target};
use super::writer::ImageWriter;
use crate::error::Result;
use crate::io::{Sink, Wait};
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
    target: Target,
    writer: ImageWriter,
    /// Whether all is written and durable.
    is_prepared: bool,
}

impl Image {
    fn new(name: String, format: Format, mut target: Target) -> Result<Self> {
        Ok(Self {
            writer: target.writer(&name, format, None)?,
            name,
            format,
            target,
            is_prepared: false,
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
        self.is_prepared = false;
        self.target.restart()?;
        self.writer = self.target.writer(&self.name, self.format, None)?;
        Ok(())
    }

    fn prepare(&mut self) -> Result<()> {
        self.writer.finish()?;
        self.target.sync()?;
        self.is_prepared = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        if !self.is_prepared {
            self.prepare()?;
        }
        self.target.publish()
    }

    fn discard(&mut self) -> Vec<PathBuf> {
        if !self.is_prepared {
            let _ = self.writer.finish();
        }
        self.target.discard()
    }
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
    /// Creates `target.part`, as a file's sink does, or opens a device.
    pub fn create(path: &Path, format: Format, kind: Kind, place: Arc<Place>) -> Result<Self> {
        let target = Target::create(path, kind, place)?;
        let image = Image::new(path.display().to_string(), format, target)?;
        Ok(Self {
            image: Arc::new(Mutex::new(image)),
            pending: Vec::new(),
            length: 0,
            running: None,
            aside: Aside::alone("nfclease-image"),
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

    /// Works on the image when all that came was handed over.
    async fn ends(&mut self, work: fn(&mut Image) -> Result<()>) -> Result<()> {
        self.flush().await?;
        self.settled().await?;
        self.work(work).await?
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

    fn prepare(&mut self) -> Wait<'_, Result<()>> {
        Wait::going(self.ends(Image::prepare))
    }

    fn commit(&mut self) -> Wait<'_, Result<()>> {
        Wait::going(self.ends(Image::commit))
    }

    fn retract(&mut self) -> Wait<'_, Vec<PathBuf>> {
        let retract = |image: &mut Image| image.target.retract();
        Wait::going(async move { self.work(retract).await.unwrap_or_default() })
    }

    fn discard(&mut self) -> Wait<'_, Vec<PathBuf>> {
        self.forget_pending();
        Wait::going(async { self.work(Image::discard).await.unwrap_or_default() })
    }
}
