//! How a lease's end and its readiness are learnt: from its properties, and from every fault.

use std::sync::Arc;
use std::time::Duration;

use super::Lease;
use super::options::KeepAlive;
use super::phase::{Event, Phase};
use crate::error::{Error, Result, ServerFault};
use crate::soap::{LeaseInfo, LeaseProperties, LeaseState, RemoteLease};
use crate::text::Text;

/// Between two looks at a lease that is initializing.
const POLL: Duration = Duration::from_millis(250);

/// After these there is no lease, whatever the call was. Others may mean that the script was early
/// (`InvalidState`) or has to log in again (`NotAuthenticated`).
pub(super) const LAST_FAULTS: [&str; 2] = ["Timedout", "ManagedObjectNotFound"];

impl Lease {
    /// Reads properties and draws the conclusions.
    pub async fn refresh(&self) -> Result<LeaseProperties> {
        self.refresh_over(&self.remote).await
    }

    /// The same over connections of the keep-alive.
    pub(super) async fn refresh_over(&self, remote: &RemoteLease) -> Result<LeaseProperties> {
        let properties = remote.properties(&["state", "info", "error"]).await;
        match &properties {
            Ok(properties) => self.observe(properties),
            Err(error) => {
                self.observe_fault(error);
            }
        }
        properties.map_err(|error| self.lost_instead(error))
    }

    /// The lease's own end in place of a fault that only tells of it. That is for our calls; a call
    /// of the script's gets the fault itself.
    pub(super) fn lost_instead(&self, error: Error) -> Error {
        let told = matches!(&error, Error::Fault(fault)
            if fault.name.as_str() == "NotAuthenticated" || LAST_FAULTS.contains(&fault.name.as_str()));
        if told && self.observe_fault(&error) {
            return self.status().cause.unwrap_or(error);
        }
        error
    }

    fn observe(&self, properties: &LeaseProperties) {
        match properties.state {
            Some(LeaseState::Ready) => {
                // Without it nothing can move, and a server that is not done yet may still say it.
                let Some(info) = properties.info.clone() else {
                    return;
                };
                self.status.send_if_modified(|status| {
                    match status.phase.after(Event::ServerReady) {
                        Some(next) => {
                            status.info.get_or_insert_with(|| Arc::new(info));
                            std::mem::replace(&mut status.phase, next) != next
                        }
                        None => false,
                    }
                });
            }
            Some(LeaseState::Error) => {
                let fault = properties.error.clone().map(Box::new);
                let reason = match &fault {
                    Some(fault) => format!("the server ended it: {}", fault_text(fault)),
                    None => "the server ended it".into(),
                };
                let cause = match self.status.borrow().phase {
                    Phase::Initializing => Error::LeaseInit {
                        reason: reason.into(),
                        fault,
                    },
                    _ => Error::LeaseLost {
                        reason: reason.into(),
                        fault,
                    },
                };
                self.end(Event::ServerEnded, cause);
            }
            Some(LeaseState::Done) => {
                let reason = "it was completed already, but not through this object".into();
                self.end(
                    Event::ServerEnded,
                    Error::LeaseLost {
                        reason,
                        fault: None,
                    },
                );
            }
            Some(LeaseState::Initializing) | None => {}
        }
    }

    /// Why the state could not be read, or that it could. Nobody is woken for it.
    pub(super) fn set_unread(&self, why: Option<String>) {
        self.status.send_if_modified(|status| {
            status.unread = why;
            false
        });
    }

    /// Faults that mean the server no longer holds the lease for this session.
    pub(super) fn observe_fault(&self, error: &Error) -> bool {
        let Error::Fault(fault) = error else {
            return false;
        };
        let (reason, boxed) = (fault_text(fault), Some(fault.clone()));
        match fault.name.as_str() {
            "Timedout" | "InvalidState" | "ManagedObjectNotFound" => {
                self.end(
                    Event::ServerEnded,
                    Error::LeaseLost {
                        reason,
                        fault: boxed,
                    },
                );
                true
            }
            "NotAuthenticated" => {
                self.end(
                    Event::ServerEnded,
                    Error::SessionExpired {
                        reason,
                        fault: boxed,
                    },
                );
                true
            }
            _ => false,
        }
    }

    /// Waits until the lease is ready; an error when it can no longer become so.
    pub async fn wait_ready(&self, timeout: Duration) -> Result<Arc<LeaseInfo>> {
        let mut changed = self.status.subscribe();
        let watched = matches!(self.options.keep_alive, KeepAlive::Native(_));
        let waiting = async {
            loop {
                if let Some(info) = self.info_if_ready()? {
                    return Ok(info);
                }
                if watched {
                    let _ = changed.changed().await;
                } else {
                    let seen = self.refresh().await?;
                    self.set_unread(seen.unready().map(str::to_owned));
                    if self.status.borrow().phase == Phase::Initializing {
                        tokio::time::sleep(POLL).await;
                    }
                }
            }
        };
        tokio::time::timeout(timeout, waiting)
            .await
            .unwrap_or_else(|_| {
                let seconds = timeout.as_secs_f64();
                Err(Error::LeaseInit {
                    reason: match &self.status.borrow().unread {
                        Some(why) => {
                            format!("after {seconds} s its state cannot be read: {why}").into()
                        }
                        None => format!("still initializing after {seconds} s").into(),
                    },
                    fault: None,
                })
            })
    }
}

/// Name and text of a fault, on one line.
pub(super) fn fault_text(fault: &ServerFault) -> Text {
    match (fault.name.as_str(), fault.message.as_str()) {
        ("", "") => "a fault without name or text".into(),
        ("", text) | (text, "") => text.into(),
        (name, text) => format!("{name}: {text}").into(),
    }
}
