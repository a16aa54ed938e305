//! What a lease's server says of the bytes: its manifest, and what is compared with it when.

pub(super) mod compare;
pub(super) mod uploads;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::Lease;
use crate::error::{Error, Result};
use crate::http::Connection;
use crate::io::ChecksumType;
use crate::soap::{LeaseInfo, ManifestEntry};
use crate::text::said_at;
use crate::transfer::attempt::{self, Exchange, Reached, Verb};
use crate::transfer::{Comparison, LeaseServer, Moved, Verified};

/// What a server answers that has no manifests.
const NO_MANIFEST: [&str; 3] = ["NotSupported", "NotImplemented", "MethodNotFound"];

/// How long an error of a transfer waits for the server's word on the lease: where the network is
/// gone there is none, and the script is to hear of it all the same.
const LOOK: Duration = Duration::from_secs(4);

/// What the comparison has to remember.
#[derive(Debug, Default)]
pub(super) struct Verification {
    /// SHA-256 is asked for once, before the first transfer: later the server may refuse it.
    checksums_asked_for: OnceCell<()>,
    /// That something is not listed is said once: it is so for each disk of most servers.
    unlisted_said: AtomicBool,
}

impl Verification {
    fn is_first_unlisted(&self) -> bool {
        !self.unlisted_said.swap(true, Ordering::Relaxed)
    }
}

impl Lease {
    /// Asks the server to list SHA-256 where that was chosen; it lists SHA-1 unasked.
    pub(super) async fn ask_for_checksums(&self, info: &LeaseInfo) -> Result<()> {
        let Some(checksum_type @ ChecksumType::Sha256) = self.options.checksum_type else {
            return Ok(());
        };
        let asked = self
            .verification
            .checksums_asked_for
            .get_or_try_init(async || {
                let keys = info.device_urls.iter().map(|device| device.key.as_str());
                let checksum_type = checksum_type.as_str();
                self.remote
                    .set_manifest_checksum_type(keys, checksum_type)
                    .await
            });
        asked.await.copied()
    }

    /// `HttpNfcLeaseGetManifest`, asked again when the answer is lost: what hangs on it is a whole
    /// disk, or the whole lease.
    async fn manifest(&self) -> Result<Vec<ManifestEntry>> {
        let mut asking = GetManifest {
            lease: self,
            asked: Instant::now(),
        };
        // Who no longer wants it drops it.
        let never = CancellationToken::new();
        let answer = attempt::run(&mut asking, self.options.retry, &never).await;
        answer.map_err(|failed| failed.error)
    }

    async fn ask_manifest(&self) -> Result<Vec<ManifestEntry>> {
        let manifest = self.remote.manifest().await;
        if let Err(error) = &manifest
            && self.learn_fault(error)
            && let Some(cause) = self.status.cause()
        {
            return Err(cause);
        }
        match manifest {
            Err(Error::Fault(fault)) if NO_MANIFEST.contains(&fault.name.as_str()) => {
                if self.verification.is_first_unlisted() {
                    said_at!(
                        warn,
                        self.place(),
                        "the server has no lease manifest to compare with: {}",
                        fault.name
                    );
                }
                Ok(Vec::new())
            }
            other => other,
        }
    }

    /// One GetManifest for the whole lease; of a device that moved more than once it lists one.
    pub(super) async fn verify_all(&self) -> Result<()> {
        let moved = self.transfers.moved();
        let missing = self.missing_uploads(&moved);
        if moved.is_empty() && missing.is_empty() {
            return Ok(());
        }
        let manifest = self.manifest().await?;
        for one in &moved {
            let mut same = moved.iter().filter(|other| other.key == one.key);
            let agrees = |other| compare::compare(&manifest, other, self.options.require_manifest);
            if !same.any(|other| agrees(other).is_ok()) {
                agrees(one)?;
            }
        }
        uploads::check(&missing, &manifest)
    }

    /// The manifest for a transfer, which waits for it.
    async fn listed(self: &Arc<Self>) -> Result<Vec<ManifestEntry>> {
        let lease = Arc::clone(self);
        let asked = self.engine.call(async move { lease.manifest().await });
        asked.await
    }

    /// Compares, and says where there was nothing to compare with.
    fn judge(&self, manifest: &[ManifestEntry], moved: &Moved) -> Result<Verified> {
        let verified = compare::compare(manifest, moved, self.options.require_manifest)?;
        if verified == Verified::Stream && self.verification.is_first_unlisted() {
            said_at!(
                warn,
                self.place(),
                "{}: the lease manifest has no checksum of it to compare with{}",
                moved.what,
                compare::listed(manifest, moved)
                    .map(|listed| format!("; it lists {}", listed.as_str()))
                    .unwrap_or_default()
            );
        }
        Ok(verified)
    }
}

/// The call while it is made.
struct GetManifest<'a> {
    /// Whose manifest it is.
    lease: &'a Lease,
    /// When this attempt began: nothing moves in it, so that all of its time is lost.
    asked: Instant,
}

impl Exchange for GetManifest<'_> {
    type Done = Vec<ManifestEntry>;

    fn verb(&self) -> Verb {
        Verb::Ask
    }

    fn begin(&mut self) {
        self.asked = Instant::now();
    }

    async fn attempt(&mut self, _: Connection) -> Result<Vec<ManifestEntry>> {
        self.lease.ask_manifest().await
    }

    async fn stop(&mut self) -> Reached {
        Reached {
            last_moved: self.asked,
            ..Reached::nothing()
        }
    }

    fn say(&self, error: &Error, delay: Duration) {
        said_at!(
            warn,
            self.lease.place(),
            "{}: the lease manifest: {error}; asking again in {:.1} s",
            self.lease.label(),
            delay.as_secs_f64()
        );
    }
}

impl LeaseServer for Arc<Lease> {
    async fn still_ready(&self) -> Result<()> {
        let lease = Arc::clone(self);
        let look = async move { lease.refresh().await };
        // Only the server's word ends a lease; an unreachable one may come back in time.
        let _ = tokio::time::timeout(LOOK, self.engine.call(look)).await;
        self.status.info_if_ready().map(|_| ())
    }

    async fn verify(&self, moved: &Moved) -> Result<Verified> {
        let manifest = self.listed().await?;
        self.judge(&manifest, moved)
    }

    async fn compare(&self, moved: &Moved) -> Result<Comparison> {
        let manifest = self.listed().await?;
        // Who chose a type gets that one; where none was chosen, the server's choice is taken.
        let chosen = self.options.checksum_type;
        match compare::listed(&manifest, moved) {
            Some(listed) if chosen.is_none() => Ok(Comparison::Needs(listed)),
            _ => self.judge(&manifest, moved).map(Comparison::Done),
        }
    }
}
