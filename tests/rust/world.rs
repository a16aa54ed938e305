//! One lease with one file, as the script's server knows it, and the core's side of it.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nfclease::http::retry::RetryPolicy;
use nfclease::http::{Trust, Verify};
use nfclease::io::{ChecksumType, Digest, FileSink, MemorySource, Overwrite};
use nfclease::lease::{
    FileItem, KeepAlive, Lease, Options, PlainHttp, RequireManifest, RequireUploads, Sessions,
};
use nfclease::soap::{Credentials, DeviceUrl, Endpoint};
use nfclease::transfer::{Depth, Format, Transfer, VerifySize};
use url::Url;

use super::script::Server;

const KEY: &str = "/vm-1/nvram";

/// The name of the call, and what a server says to it.
pub(crate) fn lease_answer(
    call: &str,
    address: SocketAddr,
    manifest: &str,
) -> (&'static str, String) {
    const NAMES: [&str; 6] = [
        "RetrieveServiceContent",
        "RetrievePropertiesEx",
        "HttpNfcLeaseProgress",
        "HttpNfcLeaseGetManifest",
        "HttpNfcLeaseComplete",
        "HttpNfcLeaseAbort",
    ];
    let name = NAMES
        .into_iter()
        .find(|name| call.contains(&format!("<{name} ")))
        .unwrap_or_default();
    let value = match name {
        "RetrieveServiceContent" => {
            "<returnval><propertyCollector>pc</propertyCollector></returnval>".into()
        }
        "RetrievePropertiesEx" => format!(
            "<returnval><objects>\
             <propSet><name>state</name><val>ready</val></propSet>\
             <propSet><name>info</name><val><leaseTimeout>300</leaseTimeout>\
             <deviceUrl><key>{KEY}</key><importKey></importKey>\
             <url>http://{address}/nfc/ticket/vm.nvram</url><disk>false</disk>\
             <targetId>vm.nvram</targetId></deviceUrl></val></propSet>\
             </objects></returnval>"
        ),
        "HttpNfcLeaseGetManifest" => manifest.to_owned(),
        _ => String::new(),
    };
    let envelope = format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <soapenv:Body><{name}Response xmlns=\"urn:vim25\">{value}</{name}Response>\
         </soapenv:Body></soapenv:Envelope>"
    );
    (name, envelope)
}

/// The manifest of a server that has exactly these bytes.
pub(crate) fn manifest_of(bytes: &[u8]) -> String {
    let mut digest = Digest::new(ChecksumType::Sha1);
    digest.update(bytes);
    let (sum, size) = (digest.finish(), bytes.len());
    format!("<returnval><key>{KEY}</key><sha1>{sum}</sha1><size>{size}</size></returnval>")
}

/// What no test changes but the two that are about it.
pub(crate) fn options() -> Options {
    Options {
        checksum_type: None,
        keep_alive: KeepAlive::Off,
        max_concurrency: 4,
        retry: RetryPolicy {
            max_retries: 2,
            retry_timeout: Duration::from_secs(30),
        },
        timeout: Duration::from_secs(5),
        require_manifest: RequireManifest::Yes,
        require_uploads: RequireUploads::Of(Vec::new()),
        disk_format: Format::StreamOptimized,
        disk_depth: Depth::Ends,
        verify_size: VerifySize::Yes,
        max_unannounced_size: 1 << 30,
        max_bytes_per_second: None,
        plain_http: PlainHttp::Refuse,
    }
}

/// A lease of the server that is said to be there.
pub(crate) fn adopted(address: SocketAddr, options: Options) -> Arc<Lease> {
    let endpoint = Endpoint {
        url: Url::parse(&format!("http://{address}/sdk")).unwrap(),
        soap_action: "urn:vim25/8.0.1.0".into(),
        trust: Trust::of(Verify::Unverified),
        proxy: None,
        timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(5),
    };
    let sessions = Sessions::new(endpoint, Credentials::default()).unwrap();
    Lease::adopt(&sessions, "lease-1".into(), options).unwrap()
}

/// A lease that is ready, and its file.
pub(crate) async fn ready(server: &Server, options: Options) -> (Arc<Lease>, DeviceUrl) {
    let lease = adopted(server.address, options);
    let waiting = Arc::clone(&lease);
    let info = on(&lease, async move {
        waiting.wait_ready(Duration::from_secs(10)).await
    })
    .await
    .unwrap();
    (lease, info.device_urls[0].clone())
}

/// Runs it where a lease's connections live.
pub(crate) async fn on<F>(lease: &Lease, work: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    lease.engine().spawn(work).unwrap().await.unwrap()
}

/// Starts a download of the file.
pub(crate) fn download(lease: &Arc<Lease>, device: &DeviceUrl, target: &Path) -> Transfer {
    let sink = FileSink::create(target, Overwrite::Never, Arc::default()).unwrap();
    lease.start_download(device, Box::new(sink), None).unwrap()
}

/// Starts an upload of these bytes.
pub(crate) fn upload(lease: &Arc<Lease>, device: &DeviceUrl, bytes: &'static [u8]) -> Transfer {
    let source = Box::new(MemorySource::new(bytes));
    lease
        .start_upload(device, FileItem::default(), source, None)
        .unwrap()
}

/// Ends it well.
pub(crate) async fn complete(lease: &Arc<Lease>) {
    let ended = Arc::clone(lease);
    let ending = on(lease, async move { ended.complete().await }).await;
    assert!(ending.is_ok(), "{:?}", ending.err());
}
