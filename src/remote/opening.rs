//! The first request: what a server answers to it says how the file can be read.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;

use super::address::Address;
use super::ask::{Answer, Asker, Part};
use super::blocks::{Blocks, HEAD};
use super::pump::{next, say_again};
use super::stored::Remote;
use super::whole::Whole;
use crate::error::{Again, Error, Result};
use crate::http::retry::Retries;
use crate::transfer::Engine;
use crate::transfer::pace::Pace;
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
    let mut retries = Retries::new(address.retry);
    let asker = Arc::new(Asker::new(address)?);
    loop {
        let began = Instant::now();
        let error = match attempt(&engine, &asker).await {
            Ok(opened) => return Ok(opened),
            Err(error) => error,
        };
        let delay = (error.again() == Again::AsAllowed)
            .then(|| retries.next(began.elapsed(), fastrand::f64(), error.retry_after()))
            .flatten();
        let delay = delay.ok_or_else(|| error.clone())?;
        say_again(&asker, &error, delay);
        tokio::time::sleep(delay).await;
    }
}

async fn attempt(engine: &Arc<Engine>, asker: &Arc<Asker>) -> Result<Opened> {
    match asker.part(0, HEAD, None).await? {
        Answer::Whole(response) => Ok(Opened::InOrder(Box::new(Whole {
            engine: Arc::clone(engine),
            asker: Arc::clone(asker),
            response,
        }))),
        Answer::Part(mut part) => {
            let mut blocks = Blocks::default();
            blocks.keep(0, head(asker, &mut part).await?);
            Ok(Opened::Anywhere(Remote {
                engine: Arc::clone(engine),
                asker: Arc::clone(asker),
                version: part.version,
                total: part.range.total,
                blocks: Arc::new(Mutex::new(blocks)),
            }))
        }
    }
}

/// The start of the file, which came with the first answer.
async fn head(asker: &Asker, part: &mut Part) -> Result<Bytes> {
    let mut pace = Pace::new(asker.address.timeout);
    let mut head = Vec::new();
    while let Some(chunk) = next(asker, &mut part.response, &mut pace).await? {
        head.extend_from_slice(&chunk);
        if head.len() as u64 > part.range.length {
            return Err(asker.protocol("the answer is longer than its Content-Range"));
        }
    }
    if (head.len() as u64) < part.range.length {
        return Err(Error::Truncated {
            what: (&asker.what).into(),
            seen: head.len() as u64,
            reason: "the answer is shorter than its Content-Range".into(),
            cause: None,
        });
    }
    Ok(head.into())
}
