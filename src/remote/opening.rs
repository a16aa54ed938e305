//! The first request: what a server answers to it says how the file can be read.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::address::Address;
use super::ask::{Answer, Asker, Part};
use super::blocks::{Blocks, HEAD};
use super::pump::say_again;
use super::stored::Remote;
use super::whole::Whole;
use crate::error::{Error, Result};
use crate::http::Connection;
use crate::transfer::Engine;
use crate::transfer::attempt::{self, Exchange, Reached, Verb};
use crate::transfer::panics::caught;

/// How a file at an address can be read.
pub(super) enum Opened {
    /// By position.
    Anywhere(Remote),
    /// Once, in order.
    InOrder(Box<Whole>),
}

/// Opens an address, whose connections belong to the engine. Waits, for a thread that may.
pub(super) fn open(engine: &Arc<Engine>, address: Address) -> Result<Opened> {
    let (sender, opened) = sync_channel(1);
    let work = run(Arc::clone(engine), address);
    engine.transfer(async move {
        // Nobody listens after an interrupt.
        let _ = sender.send(caught(work).await);
    })?;
    let opened = opened.recv();
    opened.map_err(|_| Error::internal("the opening of an address ends with an answer"))??
}

async fn run(engine: Arc<Engine>, address: Address) -> Result<Opened> {
    let policy = address.retry;
    let mut opening = Opening {
        engine,
        asker: Arc::new(Asker::new(address)?),
        asked: Instant::now(),
    };
    // Who no longer wants it lets it come to its end.
    let never = CancellationToken::new();
    let opened = attempt::run(&mut opening, policy, &never).await;
    opened.map_err(|failed| failed.error)
}

/// The request while it is made.
struct Opening {
    /// Whose connections it takes.
    engine: Arc<Engine>,
    /// Who asks, and goes on to ask for the rest of the file.
    asker: Arc<Asker>,
    /// When this attempt began: all of its time is lost where it fails.
    asked: Instant,
}

impl Exchange for Opening {
    type Done = Opened;

    fn verb(&self) -> Verb {
        Verb::Ask
    }

    fn begin(&mut self) {
        self.asked = Instant::now();
    }

    async fn attempt(&mut self, _: Connection) -> Result<Opened> {
        let asker = &self.asker;
        let mut blocks = Blocks::default();
        let (version, total) = match asker.part(0, HEAD, None).await? {
            Answer::Whole(response) => {
                return Ok(Opened::InOrder(Box::new(Whole {
                    engine: Arc::clone(&self.engine),
                    asker: Arc::clone(asker),
                    response,
                })));
            }
            Answer::Part(mut part) => {
                blocks.keep(0, head(asker, &mut part).await?);
                (part.version, part.range.total)
            }
            Answer::Empty(version) => (version, 0),
        };
        Ok(Opened::Anywhere(Remote {
            engine: Arc::clone(&self.engine),
            asker: Arc::clone(asker),
            version,
            total,
            blocks: Arc::new(Mutex::new(blocks)),
        }))
    }

    async fn stop(&mut self) -> Reached {
        Reached {
            last_moved: self.asked,
            ..Reached::nothing()
        }
    }

    fn say(&self, error: &Error, delay: Duration) {
        say_again(&self.asker, error, delay);
    }
}

/// The start of the file, which came with the first answer.
async fn head(asker: &Asker, part: &mut Part) -> Result<Bytes> {
    let mut head = Vec::new();
    while let Some(chunk) = part.next(asker).await? {
        head.extend_from_slice(&chunk);
    }
    Ok(head.into())
}
