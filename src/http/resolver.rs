//! Names to addresses, each look-up in a thread of its own: where the system has no thread left
//! that is an error of this request, and no panic as in the library's pool.

use std::net::ToSocketAddrs as _;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::oneshot;

use crate::threads;

/// The system's own look-up.
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (sender, found) = oneshot::channel();
        let look_up = move || {
            let addresses = (name.as_str(), 0).to_socket_addrs();
            // Nobody listens any more when it took too long.
            let _ = sender.send(addresses.map(Vec::from_iter));
        };
        let started = threads::spawn("nfclease-resolver", look_up);
        Box::pin(async move {
            started?;
            let addresses: Addrs = Box::new(found.await??.into_iter());
            Ok(addresses)
        })
    }
}
