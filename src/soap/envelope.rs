//! SOAP envelopes: a call out, a result or a fault in.

use quick_xml::escape::escape;

use super::answer::Answer;
use crate::error::{Error, Result, ServerFault};
use crate::xml::{self, Element};

const START: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>"#,
    "\n",
    r#"<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/""#,
    r#" xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/""#,
    r#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#,
    r#" xmlns:xsd="http://www.w3.org/2001/XMLSchema">"#,
    "\n"
);
const BODY: &str = "<soapenv:Body>";
const END: &str = "</soapenv:Body>\n</soapenv:Envelope>";

/// A request under the stub's own SOAP header: method on a managed object, with its arguments as XML.
pub(crate) fn request(
    method: &str,
    this_type: &str,
    this: &str,
    arguments: &str,
    header: &str,
) -> Vec<u8> {
    let this = escape(this);
    let line = if header.is_empty() { "" } else { "\n" };
    format!(
        r#"{START}{header}{line}{BODY}<{method} xmlns="urn:vim25"><_this type="{this_type}">{this}</_this>{arguments}</{method}>{END}"#
    )
    .into_bytes()
}

/// The `...Response` element of a good answer, or the fault of the other kind.
pub(crate) fn response(method: &str, answer: &Answer) -> Result<Element> {
    let root = xml::parse(answer.body(), method).map_err(|error| match error {
        Error::Protocol { what, reason, .. } => Error::protocol(what, answer.said(&reason)),
        other => other,
    })?;
    let protocol = |reason: &str| Error::protocol(method, reason);
    if root.name != "Envelope" {
        return Err(protocol("the answer is not a SOAP envelope"));
    }
    let content = root
        .children
        .into_iter()
        .find(|child| child.name == "Body")
        .and_then(|soap_body| soap_body.children.into_iter().next())
        .ok_or_else(|| protocol("the SOAP body is empty"))?;
    if content.name == "Fault" {
        return Err(Error::Fault(Box::new(fault(&content, answer))));
    }
    if content.name.strip_suffix("Response") != Some(method) {
        return Err(protocol("the answer belongs to another call"));
    }
    Ok(content)
}

fn fault(element: &Element, answer: &Answer) -> ServerFault {
    let detail = element
        .child("detail")
        .and_then(|detail| detail.children.first());
    let name = match detail {
        Some(detail) if !detail.xsi_type().is_empty() => detail.xsi_type(),
        Some(detail) => detail.name.strip_suffix("Fault").unwrap_or(&detail.name),
        None => "",
    };
    ServerFault {
        name: answer.said(name),
        message: answer.said(element.child_text("faultstring").unwrap_or_default()),
        envelope: answer.kept(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(body: &str) -> Answer {
        format!("{START}{BODY}{body}{END}").into_bytes().into()
    }

    #[test]
    fn lease_references_are_escaped() {
        let text = String::from_utf8(request("X", "HttpNfcLease", "session[1]<&", "", "")).unwrap();
        assert!(text.contains(r#"<_this type="HttpNfcLease">session[1]&lt;&amp;</_this>"#));
    }

    #[test]
    fn a_header_comes_before_the_body() {
        let request = |header| request("X", "HttpNfcLease", "lease-1", "", header);
        let plain = String::from_utf8(request("")).unwrap();
        let text = String::from_utf8(request("<soapenv:Header/>")).unwrap();
        assert_eq!(text.replace("<soapenv:Header/>\n", ""), plain);
        assert!(text.contains("<soapenv:Header/>\n<soapenv:Body><X "));
        assert!(xml::parse(text.as_bytes(), "X").is_ok());
    }

    #[test]
    fn fault_name_and_text() {
        let reply = envelope(concat!(
            "<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>gone &amp; lost</faultstring>",
            r#"<detail><TimedoutFault xmlns="urn:vim25" xsi:type="Timedout"/></detail></soapenv:Fault>"#
        ));
        match response("HttpNfcLeaseProgress", &reply) {
            Err(Error::Fault(fault)) => {
                assert_eq!(
                    (fault.name.as_str(), fault.message.as_str()),
                    ("Timedout", "gone & lost")
                );
                assert_eq!(fault.envelope, reply.body());
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn fault_without_type_takes_the_element_name() {
        let reply =
            envelope("<soapenv:Fault><detail><InvalidStateFault/></detail></soapenv:Fault>");
        assert!(
            matches!(response("X", &reply), Err(Error::Fault(fault)) if fault.name.as_str() == "InvalidState")
        );
    }

    #[test]
    fn another_calls_answer_is_refused() {
        let reply = envelope("<LogoutResponse/>");
        assert!(matches!(
            response("HttpNfcLeaseComplete", &reply),
            Err(Error::Protocol { .. })
        ));
    }
}
