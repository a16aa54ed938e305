//! The script's own Complete and Abort: one call each, sent whatever we believe of the lease.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::lease::Lease;
use crate::lease::ending::{ASK_AGAIN, AfterComplete};
use crate::lease::phase::{Event, Phase};
use crate::soap::{Reply, methods};

impl Lease {
    /// The script's own Complete: one call, sent whatever we believe of the lease.
    pub async fn script_complete(self: &Arc<Self>, envelope: Vec<u8>) -> Result<Reply> {
        self.refuse_beside_our_abort()?;
        let legal = self.status.apply(Event::Complete);
        self.keep_alive.stop().await;
        let reply = self.invoke(methods::COMPLETE, envelope).await;
        if legal {
            let taken = match &reply {
                Ok(reply) => reply.status == 200,
                // What comes out is as pyvmomi has it; that the lease has ended is known.
                Err(_) => self.after_complete(&ASK_AGAIN[..1]).await == AfterComplete::Taken,
            };
            self.status.apply(if taken {
                Event::CompleteTaken
            } else {
                Event::CompleteRefused
            });
            if !taken {
                // Refused as too early, or because someone else has ended it?
                let _ = self.refresh().await;
                self.abort_if_stopped("its Complete was refused").await;
                if self.status.phase().is_held() {
                    self.start_keep_alive()?;
                }
            }
        }
        reply
    }

    /// A call of the script that our own Abort has overtaken would be a second ending.
    fn refuse_beside_our_abort(&self) -> Result<()> {
        match self.status.phase() {
            phase @ Phase::Aborting => Err(Error::LeaseState {
                state: phase.as_str(),
                hint: "it is ended already; open a new one".into(),
            }),
            _ => Ok(()),
        }
    }

    /// The script's own Abort: transfers are cancelled first, then one call.
    pub async fn script_abort(self: &Arc<Self>, envelope: Vec<u8>) -> Result<Reply> {
        self.refuse_beside_our_abort()?;
        let legal = self.status.apply(Event::Abort);
        self.stop_transfers().await;
        self.keep_alive.stop().await;
        let reply = self.invoke(methods::ABORT, envelope).await;
        if legal {
            self.status.apply(Event::AbortSent);
        }
        reply
    }
}
