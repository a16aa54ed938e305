//! Names to addresses, each look-up in a thread of its own: where the system has no thread left
//! that is an error of this request, and no panic as in the libraries' pool.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use hyper_util::client::legacy::connect::dns;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::oneshot;
use tower_service::Service;

use crate::threads;

/// The system's own look-up.
#[derive(Clone)]
pub(super) struct Resolver;

fn look_up(name: String) -> impl Future<Output = io::Result<IntoIter<SocketAddr>>> + Send {
    let (sender, found) = oneshot::channel();
    let look_up = move || {
        let addresses = (name.as_str(), 0).to_socket_addrs();
        // Nobody listens any more when it took too long.
        let _ = sender.send(addresses.map(Vec::from_iter));
    };
    let started = threads::spawn("nfclease-resolver", look_up);
    async move {
        started?;
        Ok(found.await.map_err(io::Error::other)??.into_iter())
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
