//! How the readiness and the end of a lease are learnt: from its properties, and from every fault.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result, ServerFault};
use crate::lease::Lease;
use crate::lease::options::KeepAlive;
use crate::lease::phase::{Event, Phase};
use crate::lease::status::Unread;
use crate::soap::{LeaseInfo, LeaseProperties, LeaseState, RemoteLease};
use crate::text::Text;

/// Between two looks at a lease that is initializing.
const POLL: Duration = Duration::from_millis(250);

/// After these the lease does not exist any more, whatever the call was. Others may mean that the
/// script was early (`InvalidState`) or has to log in again (`NotAuthenticated`).
pub(in crate::lease) const LAST_FAULTS: [&str; 2] = ["Timedout", "ManagedObjectNotFound"];

impl Lease {
    /// Reads properties and draws the conclusions.
    pub async fn refresh(&self) -> Result<LeaseProperties> {
        self.refresh_over(&self.remote).await
    }

    /// The same over connections of the keep-alive.
    pub(in crate::lease) async fn refresh_over(
        &self,
        remote: &RemoteLease,
    ) -> Result<LeaseProperties> {
        let properties = remote.properties(&["state", "info", "error"]).await;
        match &properties {
            Ok(properties) => self.learn(properties),
            Err(error) => {
                self.learn_fault(error);
            }
        }
        properties.map_err(|error| self.lost_instead(error))
    }

    /// The lease's own end in place of a fault that only tells of it. That is for our calls; a call
    /// of the script's gets the fault itself.
    pub(in crate::lease) fn lost_instead(&self, error: Error) -> Error {
        let tells_of_it = matches!(&error, Error::Fault(fault)
            if fault.name.as_str() == "NotAuthenticated" || LAST_FAULTS.contains(&fault.name.as_str()));
        if tells_of_it && self.learn_fault(&error) {
            return self.status.cause().unwrap_or(error);
        }
        error
    }

    fn learn(&self, properties: &LeaseProperties) {
        match properties.state {
            Some(LeaseState::Ready) => {
                // Without it nothing can move, and a server that is not done yet may still say it.
                if let Some(info) = properties.info.clone() {
                    self.status.ready(info);
                }
            }
            Some(LeaseState::Error) => {
                let fault = properties.error.clone().map(Box::new);
                let reason = match &fault {
                    Some(fault) => format!("the server ended it: {}", fault_text(fault)),
                    None => "the server ended it".into(),
                };
                let cause = match self.status.phase() {
                    Phase::Initializing => Error::LeaseInit {
                        reason: reason.into(),
                        fault,
                        cause: None,
                    },
                    _ => Error::LeaseLost {
                        reason: reason.into(),
                        fault,
                        cause: None,
                    },
                };
                self.ended(Event::ServerEnded, cause);
            }
            Some(LeaseState::Done) => {
                let reason = "it was completed already, but not through this object".into();
                self.ended(
                    Event::ServerEnded,
                    Error::LeaseLost {
                        reason,
                        fault: None,
                        cause: None,
                    },
                );
            }
            Some(LeaseState::Initializing) | None => {}
        }
    }

    /// Faults that mean the server no longer holds the lease for this session.
    pub(in crate::lease) fn learn_fault(&self, error: &Error) -> bool {
        let Error::Fault(fault) = error else {
            return false;
        };
        let (reason, boxed) = (fault_text(fault), Some(fault.clone()));
        match fault.name.as_str() {
            "Timedout" | "InvalidState" | "ManagedObjectNotFound" => {
                self.ended(
                    Event::ServerEnded,
                    Error::LeaseLost {
                        reason,
                        fault: boxed,
                        cause: None,
                    },
                );
                true
            }
            "NotAuthenticated" => {
                self.ended(
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
        let mut changed = self.status.watch();
        let watched = matches!(self.options.keep_alive, KeepAlive::Native(_));
        let waiting = async {
            loop {
                if let Some(info) = self.status.info_if_ready()? {
                    return Ok(info);
                }
                if watched {
                    let _ = changed.changed().await;
                } else {
                    let seen = self.refresh().await?;
                    self.status.set_unread(seen.unready().map(Unread::from));
                    if self.status.phase() == Phase::Initializing {
                        tokio::time::sleep(POLL).await;
                    }
                }
            }
        };
        tokio::time::timeout(timeout, waiting)
            .await
            .unwrap_or_else(|_| {
                let seconds = timeout.as_secs_f64();
                let (reason, cause) = match self.status.unread() {
                    Some(Unread { why, cause }) => (
                        format!("after {seconds} s its state cannot be read: {why}"),
                        cause,
                    ),
                    None => (format!("still initializing after {seconds} s"), None),
                };
                Err(Error::LeaseInit {
                    reason: reason.into(),
                    fault: None,
                    cause,
                })
            })
    }
}

/// Name and text of a fault, on one line.
pub(in crate::lease) fn fault_text(fault: &ServerFault) -> Text {
    match (fault.name.as_str(), fault.message.as_str()) {
        ("", "") => "a fault without name or text".into(),
        ("", text) | (text, "") => text.into(),
        (name, text) => format!("{name}: {text}").into(),
    }
}
