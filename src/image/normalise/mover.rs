//! The walk over the old stream, and the writer of the new one.

use std::io;

use super::grains::Grains;
use crate::error::{Error, Result};
use crate::image::check::Disk;
use crate::image::pool::GrainPool;
use crate::image::refused::{judged, refused};
use crate::image::worker::Nothing;
use crate::io::sink_writer::SinkWriter;
use crate::vmdk::descriptor::MOST_SECTORS;
use crate::vmdk::{Finding, GRAIN, Grain, Shape, StreamWriter, Walk};

/// What is read is checked and written at once; tables and directory are made anew.
pub(super) struct Mover<'a> {
    name: &'a str,
    walk: Walk,
    grains: Grains,
    /// What inflates the grains, where they are checked.
    pool: Option<GrainPool<Nothing>>,
    out: Out<'a>,
}

/// The new stream begins when the header and the text of the old one have come.
enum Out<'a> {
    Before(Option<&'a mut SinkWriter>),
    Begun(StreamWriter<&'a mut SinkWriter>),
}

impl<'a> Mover<'a> {
    pub(super) fn new(name: &'a str, out: &'a mut SinkWriter, checks: bool) -> Self {
        Self {
            name,
            walk: Walk::new(),
            grains: Grains::new(),
            pool: checks.then(|| GrainPool::new(&Nothing, None)),
            out: Out::Before(Some(out)),
        }
    }

    /// Takes the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) -> Result<()> {
        let (grains, pool) = (&mut self.grains, &mut self.pool);
        let walked = self.walk.update(bytes, &mut taking(grains, pool));
        if walked.is_err() || self.pool.as_ref().is_some_and(GrainPool::is_wrong) {
            return self.judged(walked);
        }
        self.write()
    }

    /// All has come.
    pub(super) fn finish(mut self) -> Result<Disk> {
        let (grains, pool) = (&mut self.grains, &mut self.pool);
        let walked = self.walk.finish(&mut taking(grains, pool));
        self.judged(walked)?;
        self.write()?;
        if let Out::Begun(writer) = &mut self.out {
            written(self.name, writer.finish())?;
        }
        Ok(Disk::new(&self.walk, None))
    }

    fn judged(&mut self, walked: Result<(), Finding>) -> Result<()> {
        let checked = self.pool.as_mut().map_or(Ok(()), GrainPool::finish);
        judged(self.name, checked, walked)
    }

    /// Writes the grains that came.
    fn write(&mut self) -> Result<()> {
        if let Out::Before(out) = &mut self.out {
            let (Some(header), Some(text)) = (self.walk.header(), self.walk.descriptor()) else {
                return Ok(());
            };
            if header.grain != GRAIN {
                let reason = format!("grains of {} sectors, not {GRAIN}", header.grain);
                return Err(refused(self.name, &Finding::format(20, reason)));
            }
            if header.descriptor_size > MOST_SECTORS {
                let size = header.descriptor_size;
                let reason = format!("a text of {size} sectors; {MOST_SECTORS} are the most");
                return Err(refused(self.name, &Finding::format(36, reason)));
            }
            let Some(out) = out.take() else {
                return Err(Error::internal("a stream begins once"));
            };
            let begun = StreamWriter::begin(out, &Shape::again(header, text));
            self.out = Out::Begun(written(self.name, begun)?);
        }
        if let Out::Begun(writer) = &mut self.out {
            let ready = self.grains.ready();
            for packed in ready.map_err(|finding| refused(self.name, &finding))? {
                written(self.name, writer.add(&packed))?;
            }
        }
        Ok(())
    }
}

/// What is done with each grain.
fn taking<'a>(
    grains: &'a mut Grains,
    pool: &'a mut Option<GrainPool<Nothing>>,
) -> impl FnMut(Grain<'_>) + 'a {
    move |grain| {
        grains.take(&grain);
        if let Some(pool) = pool {
            pool.add(&grain);
        }
    }
}

/// An error of the sink is kept there; what else can be wrong is the stream's own.
pub(super) fn written<T>(name: &str, outcome: io::Result<T>) -> Result<T> {
    outcome.map_err(|error| Error::io(name, error))
}
