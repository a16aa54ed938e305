//! Every setting of the libraries between us and the kernel, each on purpose.
//!
//! A default that nobody chose ends somebody's transfer one day: one of them broke an upload whose
//! host had closed its window for 30 seconds. After an update of a library, compare its list of defaults
//! with this one.
//!
//! The calls go through reqwest, the data through hyper itself (`data/`); a row holds for both unless
//! it names one of them.
//!
//! | setting | library's default | here | why |
//! | --- | --- | --- | --- |
//! | total and read timeout | none | none | a disk may take days; the transfer watches what moves, and the library's read timeout runs while a body is being sent |
//! | connect timeout | none | the caller's | name look-up, TCP, proxy and TLS together |
//! | `TCP_USER_TIMEOUT` | 30 s | the kernel's (none) | it also ends a connection whose window is closed, whatever `timeout` says; the stall rule finds dead hosts |
//! | TCP keep-alive: idle, interval, probes | 15 s, 15 s, 3 | 20 s, 10 s, 4 | an idle connection that died silently is found after a minute |
//! | `TCP_NODELAY` | on | on | a call is one small write |
//! | buffers of the socket | the kernel's | the kernel's | it tunes them to the route |
//! | idle connections per host | no limit | 8 | a lease moves 4 files at once by default; more lie around unused |
//! | idle time of a connection | 90 s | 60 s | below the 2 minutes of a vCenter, so that we close first |
//! | repetition of requests | protocol NACKs, up to 2 | never | [`super::retry`] decides; what the library still does by itself: a request of which nothing was written, because its pooled connection had been closed, goes over a new one |
//! | redirects | 10 | none | a ticket is for one host |
//! | `Referer`, cookies, decompression | on, off, by feature | off, off, not built | nothing of a URL leaks, a body is what was sent |
//! | proxy | the environment's | the session's | as pyvmomi |
//! | HTTP versions | all that are built | 1.1 | what hosts speak; no HTTP/0.9 answers |
//! | lax parsing of headers | off | off | a broken head is an error |
//! | number of headers, size of a head | 100, about 400 kB | the same, 64 KiB for the data | no answer of a host comes near |
//! | number of answers before the answer (1xx) | no limit | the same | none is kept, and who waits for the answer waits no longer for them |
//! | read-ahead of a body | adaptive, up to about 400 kB | the same, 64 KiB for the data | bounded, and fast: see `benchmarks/NOTES.md` |
//! | bytes that TLS reads at once | one record | 64 KiB for the data | a call of the system for each record costs as much as AES |
//! | who moves a connection | a task | the download itself (`data/link.rs`) | no second thread is woken for each piece |
//! | connection verbose | off | off | it would log what was sent |
//! | look-up of names | a thread of the runtime's pool, a panic if it does not start | [`super::resolver`] | an error if it does not start |
//! | both address families | the second after 300 ms | the same | for the calls not to be set |
//! | local address, interface, HTTPS only | none, none, off | the same | routes are the system's; an `http` session is allowed |
//! | TLS versions, SNI, resumption | 1.2 and 1.3, on, 256 sessions | the same, set in [`super::tls`] | |
//! | threads of the runtimes | as many as processors | see `transfer/engine.rs` | |

use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;

use super::resolver::Resolver;

/// The first probe of an idle connection, the time between two, and how many go unanswered.
const TCP_KEEPALIVE: (Duration, Duration, u32) =
    (Duration::from_secs(20), Duration::from_secs(10), 4);

/// After which an address of the other family is tried beside the first.
const OTHER_FAMILY: Duration = Duration::from_millis(300);

/// Idle connections are kept for the next call of a keep-alive, not longer.
pub(super) const POOL_IDLE: Duration = Duration::from_secs(60);

/// How many of them.
pub(super) const MOST_IDLE: usize = 8;

/// Whether a request may go over a connection that has lain idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connection {
    /// Any: it is repeated where the host had just closed that one.
    Pooled,
    /// A new one: the request may not be repeated, and nobody knows how an idle one is.
    Fresh,
}

/// What every request calls us.
pub(super) const NAME: &str = concat!("nfclease/", env!("CARGO_PKG_VERSION"));

/// The TCP of the data.
pub(super) fn tcp(connect_timeout: Duration) -> HttpConnector<Resolver> {
    let (idle, interval, probes) = TCP_KEEPALIVE;
    let mut tcp = HttpConnector::new_with_resolver(Resolver);
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(connect_timeout));
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(idle));
    tcp.set_keepalive_interval(Some(interval));
    tcp.set_keepalive_retries(Some(probes));
    tcp.set_happy_eyeballs_timeout(Some(OTHER_FAMILY));
    tcp.set_local_address(None);
    tcp.set_reuse_address(false);
    tcp.set_send_buffer_size(None);
    tcp.set_recv_buffer_size(None);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    tcp.set_tcp_user_timeout(None);
    tcp
}

/// A client for the calls, but for its proxy.
pub(super) fn builder(
    tls: ClientConfig,
    connect_timeout: Duration,
    connection: Connection,
) -> reqwest::ClientBuilder {
    let (idle, interval, probes) = TCP_KEEPALIVE;
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .http1_allow_obsolete_multiline_headers_in_responses(false)
        .http1_ignore_invalid_headers_in_responses(false)
        .http1_allow_spaces_after_header_name_in_responses(false)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .https_only(false)
        .connection_verbose(false)
        .user_agent(NAME)
        .dns_resolver(Resolver)
        .local_address(None)
        .connect_timeout(connect_timeout)
        .tcp_nodelay(true)
        .tcp_keepalive(idle)
        .tcp_keepalive_interval(interval)
        .tcp_keepalive_retries(probes)
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(match connection {
            Connection::Pooled => MOST_IDLE,
            Connection::Fresh => 0,
        });
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let builder = builder.tcp_user_timeout(None);
    builder
}
