//! Names to addresses, in threads of ours: where the system has none left that is an error of this
//! request, and no panic as in the libraries' pool.
//!
//! Requests that want the same name at the same time have one look-up: many disks of a host begin
//! together.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::vec::IntoIter;

use hyper_util::client::legacy::connect::dns;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::oneshot::{self, Sender};
use tower_service::Service;

use crate::sync::lock;
use crate::threads::Pool;

/// The system's own look-up.
#[derive(Clone)]
pub(super) struct Resolver;

static LOOK_UPS: Pool = Pool::new("nfclease-resolver", 2);

type Found = Result<Vec<SocketAddr>, Arc<io::Error>>;

/// By process, for a forked child has no thread of its parent's, and name.
type Waiting = BTreeMap<(u32, String), Vec<Sender<Found>>>;

/// Who waits for the addresses of a name.
static WAITING: Mutex<Waiting> = Mutex::new(Waiting::new());

fn look_up(name: String) -> impl Future<Output = io::Result<IntoIter<SocketAddr>>> + Send {
    let (sender, found) = oneshot::channel();
    let key = (std::process::id(), name);
    let mut waiting = lock(&WAITING);
    let askers = waiting.entry(key.clone()).or_default();
    askers.push(sender);
    let is_first = askers.len() == 1;
    drop(waiting);
    if is_first {
        let name = key.clone();
        let looked_up = LOOK_UPS.try_give(Box::new(move || {
            let found = (name.1.as_str(), 0).to_socket_addrs();
            tell(&name, found.map(Vec::from_iter));
        }));
        if let Err(error) = looked_up {
            tell(&key, Err(error));
        }
    }
    async move {
        let found = LOOK_UPS.answer(found).await.map_err(io::Error::other)?;
        let found = found.map_err(|error| io::Error::new(error.kind(), error))?;
        Ok(found.into_iter())
    }
}

fn tell(key: &(u32, String), found: io::Result<Vec<SocketAddr>>) {
    let found = found.map_err(Arc::new);
    let askers = lock(&WAITING).remove(key).unwrap_or_default();
    for asker in askers {
        // Nobody listens any more where it took too long.
        let _ = asker.send(found.clone());
    }
}

/// For the calls.
impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let found = look_up(name.as_str().to_owned());
        Box::pin(async move {
            let addresses: Addrs = Box::new(found.await?);
            Ok(addresses)
        })
    }
}

/// For the data.
impl Service<dns::Name> for Resolver {
    type Response = IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: dns::Name) -> Self::Future {
        Box::pin(look_up(name.as_str().to_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn all_who_ask_have_the_answer() {
        let asked: Vec<_> = (0..300).map(|_| look_up("localhost".into())).collect();
        for each in asked {
            assert!(each.await.unwrap().all(|found| found.ip().is_loopback()));
        }
        assert!(lock(&WAITING).is_empty());
        let error = look_up("nobody.invalid".into()).await.err();
        assert!(!error.unwrap().to_string().is_empty());
    }
}
