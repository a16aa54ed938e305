//! From a device and a local end to a transfer that is ready to run.

use std::sync::Arc;

use http::HeaderMap;
use http::header::COOKIE;
use tokio_util::sync::CancellationToken;

use super::turns::Order;
use crate::error::{Error, Failure, Result, Step};
use crate::http::client::header;
use crate::io::{Cost, Sink, Source};
use crate::lease::Lease;
use crate::lease::phase::Phase;
use crate::lease::plan::{self, SendCookie};
use crate::soap::DeviceUrl;
use crate::text::{Place, Text};
use crate::transfer::upload::UploadMethod;
use crate::transfer::{
    Described, Download, FileSum, Format, Job, Limit, Progress, RateLimits, SourceCheck, Transfer,
    Upload,
};

/// `OvfManager.FileItem`, as far as an upload needs it.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileItem {
    /// How the file goes to its device; `None`: as the device wants it.
    pub method: Option<UploadMethod>,
    /// `size`, of the file.
    pub size: Option<u64>,
    /// Whether it says `compressionMethod` or `chunkSize`: the file may not be a disk yet.
    pub is_packed: bool,
    /// Whether it waits for all that were started before it, not only for those of its device.
    pub after_all: bool,
}

impl Lease {
    /// Starts one download. The sink is open already, so that local errors came first.
    pub fn start_download(
        self: &Arc<Self>,
        device: &DeviceUrl,
        sink: Box<dyn Sink>,
        file_sum: Option<FileSum>,
    ) -> Result<Transfer> {
        let job = self.job(device, file_sum)?;
        let is_disk = device.disk == Some(true);
        let file_size = device.file_size.filter(|size| *size > 0);
        let download = Download {
            job,
            format: self.format(device),
            depth: self.options.disk_depth,
            limit: Some(self.limit(device)),
            // The API sets it for files only; for a disk it would not be the size of the stream.
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
        file_sum: Option<FileSum>,
    ) -> Result<Transfer> {
        let job = self.job(device, file_sum)?;
        let format = match self.format(device) {
            Format::StreamOptimized if item.is_packed => Format::Unknown,
            format => format,
        };
        let described = Described {
            format,
            depth: self.options.disk_depth,
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
        let starts_as_disk = check.look(source.ends(Cost::Nothing)?.as_ref())?;
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
        let order = if item.after_all {
            Order::AfterAll
        } else {
            Order::OnDevice
        };
        self.start(order, &device.key, progress, move |cancel| async move {
            lease
                .ready_for_data(&cancel)
                .await
                .map_err(|error| Failure::new(&key, Step::Lease, error))?;
            upload.run(source, &lease, &counters, &cancel).await
        })
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
        if self.status.info_if_ready()?.is_none() {
            self.refresh().await?;
        }
        let Some(info) = self.status.info_if_ready()? else {
            let hint = "call wait_ready() before the first transfer".into();
            return Err(Error::LeaseState {
                state: Phase::Initializing.as_str(),
                hint,
            });
        };
        self.ask_for_checksums(&info).await
    }

    fn job(&self, device: &DeviceUrl, file_sum: Option<FileSum>) -> Result<Job> {
        self.status.info_if_ready()?;
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
        let client = self.transfers.client(&plan, endpoint)?;
        Ok(Job {
            client,
            url: plan.url,
            headers,
            key: device.key.clone(),
            what: self.named(&plan.what).as_str().into(),
            place: self.place_of(device),
            checksum_type: self.options.checksum_type.unwrap_or_default(),
            file_sum,
            timeout: self.options.timeout,
            retry: self.options.retry,
            rate_limits: RateLimits {
                lease: Arc::clone(&self.transfers.rate_limit),
                process: Arc::clone(self.engine.rate_limit()),
            },
        })
    }

    /// What log records of a transfer are about.
    pub fn place_of(&self, device: &DeviceUrl) -> Arc<Place> {
        let Place { lease, vm, .. } = self.place();
        let place = plan::place(device, &self.remote.session().endpoint().url);
        Arc::new(Place { lease, vm, ..place })
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
}
