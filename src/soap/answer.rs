//! An answer to a call, and what it took to ask: a server may echo it.

use super::session::Credentials;
use crate::http::proof;
use crate::secrets::Secrets;
use crate::text::ServerText;

/// The SOAP envelope of an answer. What is said in it is read by [`Answer::said`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    body: Vec<u8>,
    asked_with: Credentials,
}

impl Answer {
    /// An answer to a call that was made with these.
    pub(crate) fn new(body: Vec<u8>, asked_with: Credentials) -> Self {
        Self { body, asked_with }
    }

    /// The envelope as it came.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// What the server says in it, without what it was sent.
    pub(crate) fn said(&self, text: &str) -> ServerText {
        self.secrets().text(text)
    }

    /// The envelope to be kept: as it came, but for an echo of what was sent.
    pub(crate) fn kept(&self) -> Vec<u8> {
        self.secrets().document(&self.body)
    }

    fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::default();
        let sent = &self.asked_with;
        proof::add_cookie(&mut secrets, &sent.cookie);
        secrets.add(&sent.session_id);
        proof::add_soap_header(&mut secrets, &sent.soap_header);
        for (name, value) in &sent.headers {
            proof::add_header(&mut secrets, name, value);
        }
        secrets
    }
}

impl From<Vec<u8>> for Answer {
    fn from(body: Vec<u8>) -> Self {
        Self::new(body, Credentials::default())
    }
}
