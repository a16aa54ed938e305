//! A server's answers: the envelope, its fault, the properties of a lease and its manifest.

use crate::error::Error;
use crate::soap::envelope::response;
use crate::soap::{Answer, LeaseProperties, methods, types};

/// Reads an answer, as that of each call whose content is looked at.
pub(super) fn answer(data: &[u8]) {
    let answer = Answer::from(data.to_vec());
    for method in [
        methods::RETRIEVE_PROPERTIES,
        methods::GET_MANIFEST,
        methods::PROGRESS,
    ] {
        match response(method, &answer) {
            Ok(content) => {
                let _ = LeaseProperties::read(&content, &answer);
                for entry in types::manifest(&content) {
                    let is_lower = |text: &str| !text.contains(|c: char| c.is_ascii_uppercase());
                    assert!(is_lower(&entry.sha1) && is_lower(&entry.checksum));
                }
            }
            Err(Error::Fault(fault)) => {
                let said = [fault.name.as_str(), fault.message.as_str()];
                assert!(said.iter().all(|text| !text.contains(char::is_control)));
            }
            Err(error) => assert!(!error.to_string().contains(char::is_control)),
        }
    }
}
