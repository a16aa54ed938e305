//! A small tree from a server's XML, with a limit on everything a server could make large.

use std::collections::HashMap;
use std::sync::Arc;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{PrefixDeclaration, QName};
use quick_xml::{Reader, XmlVersion, events::attributes::Attribute as RawAttribute};

use crate::error::{Error, Result};
use crate::text::{ServerText, Text};

/// Deeper than any vim25 answer by a factor of ten.
const DEPTH: u64 = 128;
/// vim25 elements carry at most four.
const ATTRIBUTES: u64 = 64;
/// A lease of a thousand devices has about ten thousand.
const ELEMENTS: u64 = 200_000;

/// What differs between the documents that are read.
pub(crate) struct Rules {
    /// The longest text or attribute.
    text_bytes: u64,
    /// Whether a prefix that nobody declares is refused, as XML wants it.
    refuses_undeclared: bool,
}

/// An answer of a server. The longest text is a certificate or a descriptor; an undeclared prefix
/// of a fault's type must not hide the fault.
pub(crate) const ANSWER: Rules = Rules {
    text_bytes: 1024 * 1024,
    refuses_undeclared: false,
};

/// A document of which the whole is bounded, and so its texts: the licences in it are long.
pub(crate) const DOCUMENT: Rules = Rules {
    text_bytes: u64::MAX,
    refuses_undeclared: true,
};

/// One element, with its names resolved: prefixes are the sender's choice.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    /// The name without its prefix.
    pub(crate) name: String,
    /// The URI of its namespace; `None` without one, or where its prefix stands for none.
    pub(crate) namespace: Option<Arc<str>>,
    /// The attributes, in order; declarations of namespaces are not among them.
    pub(crate) attributes: Vec<Attribute>,
    /// The text directly inside.
    pub(crate) text: String,
    /// The elements inside, in order.
    pub(crate) children: Vec<Element>,
}

/// One attribute, its references resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    /// The name without its prefix.
    pub(crate) name: String,
    /// As [`Element::namespace`]; without a prefix it has none, as XML says.
    pub(crate) namespace: Option<Arc<str>>,
    /// The value.
    pub(crate) value: String,
}

impl Element {
    /// The first child of that name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of that name.
    pub(crate) fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of that name, trimmed.
    pub(crate) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    /// The value of the attribute of that name in that namespace.
    pub(crate) fn attribute(&self, namespace: Option<&str>, name: &str) -> Option<&str> {
        let found = self
            .attributes
            .iter()
            .find(|one| one.name == name && one.namespace.as_deref() == namespace);
        found.map(|one| one.value.as_str())
    }

    /// The value of `type` or `xsi:type` without its prefix; empty without one.
    pub(crate) fn xsi_type(&self) -> &str {
        let found = self.attributes.iter().rfind(|one| one.name == "type");
        let value = found.map_or("", |one| one.value.as_str());
        value.rsplit(':').next().unwrap_or_default()
    }
}

/// Parses an answer. Refuses DOCTYPE and processing instructions before the root is looked at.
pub(crate) fn parse(bytes: &[u8], what: &str) -> Result<Element> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| Error::protocol(what, "the XML is not UTF-8"))?;
    parse_text(text, what, &ANSWER)
}

/// The same of a text, by other rules.
pub(crate) fn parse_text(text: &str, what: &str, rules: &Rules) -> Result<Element> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut tree = Tree {
        what,
        rules,
        open: Vec::new(),
        root: None,
        elements: 0,
        namespaces: Namespaces::default(),
    };
    loop {
        let line = |at: u64| line_of(text, at);
        let event = reader
            .read_event()
            .map_err(|e| tree.bad("bad XML", &e))
            .map_err(|error| in_line(error, line(reader.error_position())))?;
        if matches!(event, Event::Eof) {
            break;
        }
        tree.take(event)
            .map_err(|error| in_line(error, line(reader.buffer_position())))?;
    }
    if !tree.open.is_empty() {
        return Err(tree.protocol("the XML ends inside an element"));
    }
    tree.root
        .ok_or_else(|| Error::protocol(what, "no XML element"))
}

/// The number of the line in which that byte is.
fn line_of(text: &str, at: u64) -> usize {
    let before = usize::try_from(at).unwrap_or(usize::MAX);
    let lines = text.bytes().take(before).filter(|byte| *byte == b'\n');
    lines.count().saturating_add(1)
}

/// The same error, with the line in which it was found.
fn in_line(error: Error, line: usize) -> Error {
    match error {
        Error::Protocol {
            what,
            reason,
            cause,
        } => Error::Protocol {
            what,
            reason: format!("{reason} (line {line})").into(),
            cause,
        },
        other => other,
    }
}

struct Tree<'a> {
    what: &'a str,
    rules: &'a Rules,
    open: Vec<Element>,
    root: Option<Element>,
    elements: u64,
    namespaces: Namespaces,
}

impl Tree<'_> {
    fn take(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::Start(start) => self.start(&start),
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let resolved = self.resolved(reference)?;
                self.text(&resolved)
            }
            Event::DocType(_) => Err(self.protocol("a DOCTYPE, which is refused")),
            Event::PI(_) => Err(self.protocol("a processing instruction, which is refused")),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::Eof => Ok(()),
        }
    }

    fn resolved(&self, reference: BytesRef<'_>) -> Result<String> {
        match reference.resolve_char_ref() {
            Ok(Some(c)) => Ok(c.to_string()),
            Ok(None) => quick_xml::escape::resolve_xml_entity(&reference.into_inner())
                .map(str::to_owned)
                .ok_or_else(|| self.protocol("an entity that XML does not predefine")),
            Err(e) => Err(self.bad("bad character reference", &e)),
        }
    }

    fn protocol(&self, reason: impl Into<Text>) -> Error {
        Error::protocol(self.what, reason)
    }

    /// What the parser refuses, in its words.
    fn bad(&self, which: &str, error: &(dyn std::error::Error + 'static)) -> Error {
        let reason = format!("{which}: {}", ServerText::of(error));
        Error::protocol_by(self.what, reason, error)
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<()> {
        self.elements = self.elements.saturating_add(1);
        self.limit("elements", ELEMENTS, self.elements)?;
        self.limit("depth", DEPTH, (self.open.len() as u64).saturating_add(1))?;
        self.namespaces.open();
        let mut attributes = Vec::new();
        for (count, attribute) in start.attributes().enumerate() {
            self.limit("attributes", ATTRIBUTES, (count as u64).saturating_add(1))?;
            let attribute = attribute.map_err(|e| self.bad("bad attribute", &e))?;
            let value = self.value(&attribute)?;
            match attribute.key.as_namespace_binding() {
                Some(PrefixDeclaration::Default) => self.namespaces.declare("", &value),
                Some(PrefixDeclaration::Named(prefix)) => self.namespaces.declare(prefix, &value),
                None => attributes.push((attribute.key, value)),
            }
        }
        // Only now: a declaration counts for the attributes before it too.
        for name in attributes.iter().map(|(key, _)| *key).chain([start.name()]) {
            self.declared(name)?;
        }
        let attributes = attributes.into_iter().map(|(key, value)| Attribute {
            name: key.local_name().as_ref().to_owned(),
            namespace: key.prefix().and_then(|_| self.namespaces.of(key)),
            value,
        });
        let element = Element {
            name: start.local_name().as_ref().to_owned(),
            namespace: self.namespaces.of(start.name()),
            attributes: attributes.collect(),
            ..Element::default()
        };
        self.open.push(element);
        Ok(())
    }

    /// Refuses a prefix that stands for nothing, where the rules do.
    fn declared(&self, name: QName<'_>) -> Result<()> {
        match name.prefix() {
            Some(prefix)
                if self.rules.refuses_undeclared
                    && prefix.as_ref() != "xml"
                    && self.namespaces.of(name).is_none() =>
            {
                Err(self.protocol(format!(
                    "nobody declares the prefix '{}'",
                    ServerText::new(prefix.as_ref())
                )))
            }
            _ => Ok(()),
        }
    }

    fn value(&self, attribute: &RawAttribute<'_>) -> Result<String> {
        let value = attribute
            .normalized_value(XmlVersion::Explicit1_0)
            .map_err(|e| self.bad("bad attribute", &e))?;
        self.limit("text", self.rules.text_bytes, value.len() as u64)?;
        Ok(value.into_owned())
    }

    fn end(&mut self) {
        self.namespaces.close();
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
        self.limit("text", self.rules.text_bytes, seen)
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

/// The namespaces in scope. By prefix, and each URI is kept once: a document may declare many, and use
/// each on every element.
#[derive(Default)]
struct Namespaces {
    in_scope: HashMap<String, Vec<Arc<str>>>,
    /// The prefixes that each open element declares.
    declared: Vec<Vec<String>>,
}

impl Namespaces {
    fn open(&mut self) {
        self.declared.push(Vec::new());
    }

    fn declare(&mut self, prefix: &str, uri: &str) {
        let scopes = self.in_scope.entry(prefix.to_owned()).or_default();
        scopes.push(uri.into());
        if let Some(declared) = self.declared.last_mut() {
            declared.push(prefix.to_owned());
        }
    }

    fn close(&mut self) {
        for prefix in self.declared.pop().unwrap_or_default() {
            if let Some(scopes) = self.in_scope.get_mut(&prefix) {
                scopes.pop();
            }
        }
    }

    fn of(&self, name: QName<'_>) -> Option<Arc<str>> {
        let prefix = name.prefix();
        let scopes = self
            .in_scope
            .get(prefix.as_ref().map_or("", AsRef::as_ref))?;
        // An empty one takes the default back.
        scopes.last().filter(|uri| !uri.is_empty()).cloned()
    }
}

#[cfg(test)]
mod tests;
