//! Transfers of a lease: planned here, run by the engine.

pub(super) mod turns;

use std::sync::Arc;

use http::HeaderMap;
use http::header::COOKIE;
use tokio_util::sync::CancellationToken;

use self::turns::Order;
use super::phase::{Event, Phase};
use super::plan::{self, SendCookie};
use super::{Lease, lock};
use crate::error::{Error, Failure, Result, Step};
use crate::http::client::header;
use crate::http::host_of;
use crate::io::{ChecksumType, Sink, Source};
use crate::soap::DeviceUrl;
use crate::text::{Place, Text};
use crate::transfer::download::{Format, Limit};
use crate::transfer::upload::UploadMethod;
use crate::transfer::{
    Completed, Described, Download, Job, Progress, SourceCheck, Transfer, Upload,
};

/// Whether the lease can begin to complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    /// It has begun.
    Yes,
    /// A transfer was started meanwhile.
    StillMoving,
    /// The lease is over.
    Refused,
}

/// `OvfManager.FileItem`, as far as an upload needs it.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileItem {
    /// How the file goes to its device; `None`: as the device wants it.
    pub method: Option<UploadMethod>,
    /// `size`, of the file.
    pub size: Option<u64>,
    /// Whether it says `compressionMethod` or `chunkSize`: the file may be no disk yet.
    pub is_packed: bool,
}

impl Lease {
    /// Starts one download. The sink is open already, so that local errors came first.
    pub fn start_download(
        self: &Arc<Self>,
        device: &DeviceUrl,
        sink: Box<dyn Sink>,
    ) -> Result<Transfer> {
        let job = self.job(device)?;
        let is_disk = device.disk == Some(true);
        let file_size = device.file_size.filter(|size| *size > 0);
        let download = Download {
            job,
            format: self.format(device),
            limit: Some(self.limit(device)),
            // The API sets it for files only; for a disk it would be no size of the stream.
            file_size: file_size.filter(|_| !is_disk),
        };
        let progress = Arc::new(Progress::new(file_size));
        let (lease, counters) = (Arc::clone(self), Arc::clone(&progress));
        let key = device.key.clone();
        self.start(
            Order::Any,
            &device.key,
            progress,
            move |cancel| async move {
                let mut sink = sink;
                if let Err(error) = lease.ready_for_data(&cancel).await {
                    let files_left = sink.discard().await;
                    return Err(Failure {
                        files_left,
                        ..Failure::new(&key, Step::Lease, error)
                    });
                }
                download.run(sink, &lease, &counters, &cancel).await
            },
        )
    }

    /// Starts one upload.
    pub fn start_upload(
        self: &Arc<Self>,
        device: &DeviceUrl,
        item: FileItem,
        source: Box<dyn Source>,
    ) -> Result<Transfer> {
        let job = self.job(device)?;
        let format = match self.format(device) {
            Format::StreamOptimized if item.is_packed => Format::Unknown,
            format => format,
        };
        let described = Described {
            format,
            size: item.size.filter(|size| *size > 0),
            verify_size: self.options.verify_size,
            capacity: self.disk_capacity(),
        };
        let mut check = SourceCheck::new(
            Arc::clone(&job.what),
            Arc::clone(&job.place),
            described,
            source.length(),
        );
        let starts_as_disk = check.look(source.ends()?.as_ref())?;
        let is_disk = plan::is_disk(device) || (device.disk.is_none() && starts_as_disk);
        let method = item.method.unwrap_or(if is_disk {
            UploadMethod::Post
        } else {
            UploadMethod::Put
        });
        let upload = Upload { job, method, check };
        let progress = Arc::new(Progress::new(Some(source.length())));
        let (lease, counters) = (Arc::clone(self), Arc::clone(&progress));
        let key = device.key.clone();
        self.start(
            Order::OnDevice,
            &device.key,
            progress,
            move |cancel| async move {
                lease
                    .ready_for_data(&cancel)
                    .await
                    .map_err(|error| Failure::new(&key, Step::Lease, error))?;
                upload.run(source, &lease, &counters, &cancel).await
            },
        )
    }

    pub(super) fn start<W, F>(
        self: &Arc<Self>,
        order: Order,
        key: &str,
        progress: Arc<Progress>,
        work: W,
    ) -> Result<Transfer>
    where
        W: FnOnce(CancellationToken) -> F,
        F: Future<Output = Result<Completed, Failure>> + Send + 'static,
    {
        let cancel = self.cancel.child_token();
        let (working, stopped) = (work(cancel.clone()), cancel.clone());
        // From this lock on the lease's end knows of it, or it is not started.
        let mut transfers = lock(&self.transfers);
        self.info_if_ready()?;
        let before = match order {
            Order::Any => Vec::new(),
            Order::OnDevice => turns::before(&transfers, key),
        };
        let turn = turns::wait(before, Arc::clone(&self.slots));
        let (lease, device) = (Arc::clone(self), key.to_owned());
        let work = async move {
            // One that is cancelled before its turn does not wait for it.
            let turn = tokio::select! {
                biased;
                () = stopped.cancelled() => Ok(None),
                turn = turn => turn,
            };
            let mut result = match turn {
                Ok(_slot) => working.await,
                Err(error) => Err(Failure::new(&device, Step::Lease, error)),
            };
            match &mut result {
                Ok(completed) => lock(&lease.moved).push(completed.moved.clone()),
                Err(failure) => lease.explain(failure),
            }
            result
        };
        let transfer = Transfer::start(&self.engine, &self.tracker, key, progress, cancel, work)?;
        transfers.push(transfer.clone());
        Ok(transfer)
    }

    /// Whether all transfers have ended and this end is the next thing, to which none is added.
    pub(super) fn begin_end(&self, end: Event) -> Begun {
        let transfers = lock(&self.transfers);
        if transfers
            .iter()
            .any(|transfer| transfer.outcome().is_none())
        {
            return Begun::StillMoving;
        }
        if self.apply(end, None) {
            Begun::Yes
        } else {
            Begun::Refused
        }
    }

    /// A transfer that was cancelled because the lease was lost says so.
    fn explain(&self, failure: &mut Failure) {
        failure.error = self.lost_instead(failure.error.clone());
        if matches!(failure.error, Error::Cancelled)
            && let Some(cause) = self.status().cause
        {
            failure.error = cause;
            failure.step = Step::Lease;
        }
    }

    async fn ready_for_data(self: &Arc<Self>, cancel: &CancellationToken) -> Result<()> {
        let lease = Arc::clone(self);
        let preparing = self.engine.call(async move { lease.prepare().await });
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Error::Cancelled),
            prepared = preparing => prepared,
        }
    }

    async fn prepare(&self) -> Result<()> {
        if self.info_if_ready()?.is_none() {
            self.refresh().await?;
        }
        let Some(info) = self.info_if_ready()? else {
            let hint = "call wait_ready() before the first transfer".into();
            return Err(Error::LeaseState {
                state: Phase::Initializing.as_str(),
                hint,
            });
        };
        let Some(checksum_type @ ChecksumType::Sha256) = self.options.checksum_type else {
            return Ok(());
        };
        let set = self.checksum_type_set.get_or_try_init(async || {
            let keys = info.device_urls.iter().map(|device| device.key.as_str());
            let checksum_type = checksum_type.as_str();
            self.remote
                .set_manifest_checksum_type(keys, checksum_type)
                .await
        });
        set.await.copied()
    }

    fn job(&self, device: &DeviceUrl) -> Result<Job> {
        self.info_if_ready()?;
        let endpoint = self.remote.session().endpoint();
        let plan = plan::plan(
            device,
            &endpoint.url,
            &endpoint.trust,
            self.options.plain_http,
        )?;
        let mut headers = HeaderMap::new();
        if plan.cookie == SendCookie::Yes {
            let cookie = self.remote.session().credentials().cookie_pair().to_owned();
            if !cookie.is_empty() {
                let (name, value) = header(COOKIE, &cookie, "the session cookie")?;
                headers.insert(name, value);
            }
        }
        let client = {
            let mut clients = lock(&self.clients);
            let place = (host_of(&plan.url), plan.trust.clone());
            if let Some(client) = clients.get(&place) {
                client.clone()
            } else {
                let client = endpoint.client(&plan.trust)?;
                clients.insert(place, client.clone());
                client
            }
        };
        Ok(Job {
            client,
            url: plan.url,
            headers,
            key: device.key.clone(),
            what: self.named(&plan.what).as_str().into(),
            place: Arc::new(Place {
                file: plan.place.file,
                host: plan.place.host,
                ..self.place()
            }),
            checksum_type: self.options.checksum_type.unwrap_or_default(),
            timeout: self.options.timeout,
            retry: self.options.retry,
        })
    }

    /// The device and its VM, in the reader's words.
    fn named(&self, what: &Text) -> Text {
        let Place { lease, vm, .. } = self.place();
        match vm.as_str() {
            "" => Text::from(format!("{what} (lease {lease})")),
            vm => Text::from(format!("{what} ({vm})")),
        }
    }

    /// What the stream of a device must be. A server that does not say leaves it to the name, and
    /// where that tells nothing, to the first bytes.
    fn format(&self, device: &DeviceUrl) -> Format {
        match (self.options.disk_format, device.disk) {
            (Format::Any, _) => Format::Any,
            (_, Some(false)) => Format::File,
            _ if plan::is_disk(device) => Format::StreamOptimized,
            _ => Format::Unknown,
        }
    }

    fn limit(&self, device: &DeviceUrl) -> Limit {
        let size = device.file_size.unwrap_or(0);
        let announced = match device.disk {
            Some(true) => self.disk_capacity(),
            Some(false) => size,
            None => size.max(self.disk_capacity()),
        };
        Limit::new(announced, self.options.max_unannounced_size)
    }

    /// The first failure that the user has not seen.
    pub(super) fn unseen_failure(&self) -> Option<Arc<Failure>> {
        lock(&self.transfers)
            .iter()
            .find_map(Transfer::unseen_failure)
    }
}
