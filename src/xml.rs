//! A small tree from a server's XML, with a limit on everything a server could make large.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::error::{Error, Result};
use crate::text::ServerText;

/// Deeper than any vim25 answer by a factor of ten.
const DEPTH: u64 = 128;
/// vim25 elements carry at most four.
const ATTRIBUTES: u64 = 64;
/// The longest text is a certificate or a descriptor.
const TEXT_BYTES: u64 = 1024 * 1024;
/// A lease of a thousand devices has about ten thousand.
const ELEMENTS: u64 = 200_000;

/// One element: local name, `type`/`xsi:type` without prefix, text, children.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Element {
    /// The name without its prefix.
    pub name: String,
    /// The value of `type` or `xsi:type` without its prefix.
    pub xsi_type: String,
    /// The text directly inside.
    pub text: String,
    /// The elements inside, in order.
    pub children: Vec<Element>,
}

impl Element {
    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of that name.
    pub fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of that name, trimmed.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    /// The first element of that name in the whole tree, depth first.
    pub fn find(&self, name: &str) -> Option<&Self> {
        let mut open = vec![self];
        while let Some(element) = open.pop() {
            if element.name == name {
                return Some(element);
            }
            open.extend(element.children.iter().rev());
        }
        None
    }
}

/// Parses a document. Refuses DOCTYPE and processing instructions before the root is looked at.
pub fn parse(bytes: &[u8], what: &str) -> Result<Element> {
    let protocol = |reason: String| Error::Protocol {
        what: what.into(),
        reason: reason.into(),
    };
    let text = std::str::from_utf8(bytes).map_err(|_| protocol("the XML is no UTF-8".into()))?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().expand_empty_elements = true;
    let mut tree = Tree {
        what,
        open: Vec::new(),
        root: None,
        elements: 0,
    };
    loop {
        match reader
            .read_event()
            .map_err(|e| protocol(format!("bad XML: {}", ServerText::of(e))))?
        {
            Event::Start(start) => tree.start(&start)?,
            Event::End(_) => tree.end(),
            Event::Text(text) => tree.text(&text.xml10_content())?,
            Event::CData(text) => tree.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(c)) => c.to_string(),
                    Ok(None) => quick_xml::escape::resolve_xml_entity(&reference.into_inner())
                        .ok_or_else(|| protocol("an entity that XML does not predefine".into()))?
                        .to_owned(),
                    Err(e) => {
                        return Err(protocol(format!(
                            "bad character reference: {}",
                            ServerText::of(e)
                        )));
                    }
                };
                tree.text(&resolved)?;
            }
            Event::DocType(_) => return Err(protocol("a DOCTYPE, which SOAP forbids".into())),
            Event::PI(_) => {
                return Err(protocol(
                    "a processing instruction, which SOAP forbids".into(),
                ));
            }
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) => {}
            Event::Eof => break,
        }
    }
    if !tree.open.is_empty() {
        return Err(protocol("the XML ends inside an element".into()));
    }
    tree.root.ok_or_else(|| protocol("no XML element".into()))
}

struct Tree<'a> {
    what: &'a str,
    open: Vec<Element>,
    root: Option<Element>,
    elements: u64,
}

impl Tree<'_> {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<()> {
        self.elements = self.elements.saturating_add(1);
        self.limit("elements", ELEMENTS, self.elements)?;
        self.limit("depth", DEPTH, (self.open.len() as u64).saturating_add(1))?;
        let mut element = Element {
            name: start.local_name().as_ref().to_owned(),
            ..Element::default()
        };
        for (count, attribute) in start.attributes().enumerate() {
            self.limit("attributes", ATTRIBUTES, (count as u64).saturating_add(1))?;
            let attribute = attribute.map_err(|e| Error::Protocol {
                what: self.what.into(),
                reason: format!("bad attribute: {}", ServerText::of(e)).into(),
            })?;
            if attribute.key.local_name().as_ref() == "type" {
                let value: &str = &attribute.value;
                value
                    .rsplit(':')
                    .next()
                    .unwrap_or_default()
                    .clone_into(&mut element.xsi_type);
            }
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) {
        if let Some(element) = self.open.pop() {
            match self.open.last_mut() {
                Some(parent) => parent.children.push(element),
                None if self.root.is_none() => self.root = Some(element),
                None => {}
            }
        }
    }

    fn text(&mut self, text: &str) -> Result<()> {
        let Some(element) = self.open.last_mut() else {
            return Ok(());
        };
        element.text.push_str(text);
        let seen = element.text.len() as u64;
        self.limit("text", TEXT_BYTES, seen)
    }

    fn limit(&self, limit: &'static str, allowed: u64, seen: u64) -> Result<()> {
        if seen <= allowed {
            return Ok(());
        }
        Err(Error::LimitExceeded {
            what: self.what.into(),
            limit,
            allowed,
            seen,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn text_of(xml: &str) -> String {
        parse(xml.as_bytes(), "test").unwrap().text
    }

    #[test]
    fn references_and_cdata_are_whole() {
        assert_eq!(
            text_of("<a>x&amp;y&#38;z&lt;<![CDATA[<&>]]></a>"),
            "x&y&z<<&>"
        );
    }

    #[test]
    fn doctype_entities_and_instructions_are_refused() {
        for xml in [
            "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
            "<a>&x;</a>",
            "<?php x?><a/>",
            "<a><b></a></b>",
            "<a>",
            "",
        ] {
            assert!(
                matches!(parse(xml.as_bytes(), "t"), Err(Error::Protocol { .. })),
                "{xml}"
            );
        }
    }

    #[test]
    fn limits_hold() {
        let deep = "<a>".repeat(1_000_000);
        assert!(matches!(
            parse(deep.as_bytes(), "t"),
            Err(Error::LimitExceeded { limit: "depth", .. })
        ));
        let mut many = String::from("<a");
        for n in 0..100_000 {
            let _ = write!(many, " x{n}=''");
        }
        many.push_str("/>");
        assert!(matches!(
            parse(many.as_bytes(), "t"),
            Err(Error::LimitExceeded {
                limit: "attributes",
                ..
            })
        ));
        let wide = format!("<a>{}</a>", "<b/>".repeat(300_000));
        assert!(matches!(
            parse(wide.as_bytes(), "t"),
            Err(Error::LimitExceeded {
                limit: "elements",
                ..
            })
        ));
    }

    #[test]
    fn types_lose_their_prefix() {
        let root = parse(
            b"<s:a xmlns:s='u'><b xsi:type='vim25:Timedout'/></s:a>",
            "t",
        )
        .unwrap();
        assert_eq!(
            (root.name.as_str(), root.children[0].xsi_type.as_str()),
            ("a", "Timedout")
        );
    }
}
