//! A server that gives the answers it was told, one after the other, and remembers what it was asked.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use super::wire::{Head, Wire};
use super::world::lease_answer;

/// What happens to one request for a disk.
pub(crate) enum Answer {
    /// The whole body is read, and this is said.
    Whole {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// All of it is announced, so much is sent, and the connection ends.
    Broken { body: Vec<u8>, sent: usize },
    /// A good answer, when so much of the client's body has come; the connection stays.
    Early { after: usize },
}

impl Answer {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::Whole {
            status: 200,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// The host wants to be left alone for so many seconds.
    pub(crate) fn busy(seconds: u64) -> Self {
        Self::Whole {
            status: 503,
            headers: vec![("Retry-After", seconds.to_string())],
            body: Vec::new(),
        }
    }
}

/// What the server was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// A method of HTTP for a disk, the name of a call for the lease.
    pub(crate) what: String,
    /// When it was read.
    pub(crate) at: Instant,
    /// Which of the server's connections it came over.
    pub(crate) connection: usize,
    /// Its body, as far as it was read.
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
    /// What the manifest lists, once that is known.
    manifest: Mutex<String>,
}

/// Lives on loopback until the process ends; each test has one of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    script: Arc<Script>,
}

impl Server {
    /// Answers requests for disks with these, in this order. Calls are answered by `world`.
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Script::default());
        script.answers.lock().unwrap().extend(answers);
        let served = Arc::clone(&script);
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().flatten().enumerate() {
                let script = Arc::clone(&served);
                let visit = Visit {
                    script,
                    address,
                    connection,
                };
                // A client that goes away ends its connection and nothing else.
                thread::spawn(move || visit.serve(Wire::new(stream)));
            }
        });
        Self { address, script }
    }

    /// What `HttpNfcLeaseGetManifest` tells from now on.
    pub(crate) fn list(&self, manifest: String) {
        *self.script.manifest.lock().unwrap() = manifest;
    }

    /// Everything that was asked under this name, in order.
    pub(crate) fn asked(&self, what: &str) -> Vec<Asked> {
        let asked = self.script.asked.lock().unwrap();
        asked
            .iter()
            .filter(|one| one.what == what)
            .cloned()
            .collect()
    }

    /// How many answers nobody has asked for.
    pub(crate) fn left(&self) -> usize {
        self.script.answers.lock().unwrap().len()
    }
}

/// One connection.
struct Visit {
    script: Arc<Script>,
    address: SocketAddr,
    connection: usize,
}

impl Visit {
    fn serve(&self, mut wire: Wire) -> io::Result<()> {
        while let Some(head) = wire.head()? {
            if head.path == "/sdk" {
                self.call(&mut wire, &head)?;
                continue;
            }
            let answer = self.script.answers.lock().unwrap().pop_front();
            match answer {
                Some(Answer::Whole {
                    status,
                    headers,
                    body,
                }) => {
                    self.note(&head.method, wire.body(head.length)?);
                    wire.answer(status, &headers, body.len())?;
                    wire.send(&body)?;
                }
                Some(Answer::Broken { body, sent }) => {
                    self.note(&head.method, wire.body(head.length)?);
                    wire.answer(200, &[], body.len())?;
                    return wire.send(&body[..sent]);
                }
                Some(Answer::Early { after }) => {
                    self.note(&head.method, wire.body(after)?);
                    wire.answer(200, &[], 0)?;
                    wire.body(head.length - after)?;
                }
                None => {
                    self.note(&head.method, Vec::new());
                    return wire.answer(599, &[], 0);
                }
            }
        }
        Ok(())
    }

    fn call(&self, wire: &mut Wire, head: &Head) -> io::Result<()> {
        let body = wire.body(head.length)?;
        let text = String::from_utf8_lossy(&body).into_owned();
        let manifest = self.script.manifest.lock().unwrap().clone();
        let (name, envelope) = lease_answer(&text, self.address, &manifest);
        self.note(name, body);
        wire.answer(200, &[], envelope.len())?;
        wire.send(envelope.as_bytes())
    }

    fn note(&self, what: &str, body: Vec<u8>) {
        self.script.asked.lock().unwrap().push(Asked {
            what: what.to_owned(),
            at: Instant::now(),
            connection: self.connection,
            body,
        });
    }
}
