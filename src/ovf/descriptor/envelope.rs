//! Elements and attributes of an envelope, whatever its prefixes and its age.

use crate::error::{Error, Result};
use crate::text::ServerText;
use crate::xml::Element;

/// The namespaces of the versions.
const VERSIONS: [(&str, &str); 3] = [
    ("http://schemas.dmtf.org/ovf/envelope/1", "1"),
    ("http://schemas.dmtf.org/ovf/envelope/2", "2"),
    ("http://www.vmware.com/schema/ovf/1/envelope", "0.9"),
];

/// An element inside an envelope.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    element: &'a Element,
    namespace: &'a str,
}

/// The root, and the version of OVF that it is of.
pub(super) fn root<'a>(element: &'a Element, what: &str) -> Result<(Node<'a>, &'static str)> {
    let refuse = |reason: String| Err(Error::package(what, reason));
    if element.name != "Envelope" {
        let name = ServerText::new(&element.name);
        return refuse(format!(
            "it is not an OVF descriptor: its root is '{name}', not 'Envelope'"
        ));
    }
    let namespace = element.namespace.as_deref().unwrap_or_default();
    let known = VERSIONS.into_iter().find(|(uri, _)| *uri == namespace);
    let Some((namespace, version)) = known else {
        let seen = ServerText::new(namespace);
        return refuse(format!(
            "the namespace '{seen}' of its root is none of OVF 0.9, 1 or 2"
        ));
    };
    Ok((Node { element, namespace }, version))
}

impl<'a> Node<'a> {
    /// What it is: OVF 0.9 says that with the type of a `Section` or `Content`.
    pub(super) fn kind(self) -> &'a str {
        match self.element.name.as_str() {
            "Section" | "Content" => {
                let of_type = self.element.xsi_type();
                of_type.strip_suffix("_Type").unwrap_or(of_type)
            }
            name => name,
        }
    }

    /// The elements of OVF inside; OVF 0.9 has them without a namespace.
    pub(super) fn children(self) -> impl Iterator<Item = Self> {
        let ours = move |one: &&Element| {
            one.namespace
                .as_deref()
                .is_none_or(|uri| uri == self.namespace)
        };
        self.element
            .children
            .iter()
            .filter(ours)
            .map(move |element| Self {
                element,
                namespace: self.namespace,
            })
    }

    /// Those of a kind.
    pub(super) fn all(self, kind: &str) -> impl Iterator<Item = Self> {
        self.children().filter(move |child| child.kind() == kind)
    }

    /// The attribute of OVF, or without a namespace, trimmed.
    pub(super) fn attribute(self, name: &str) -> Option<&'a str> {
        self.raw(name).map(str::trim)
    }

    /// The same where it says something, as text of our own.
    pub(super) fn owned(self, name: &str) -> Option<String> {
        let value = self.attribute(name).filter(|value| !value.is_empty());
        value.map(str::to_owned)
    }

    /// The attribute with spaces around it as they are.
    pub(super) fn raw(self, name: &str) -> Option<&'a str> {
        let ours = self.element.attribute(Some(self.namespace), name);
        ours.or_else(|| self.element.attribute(None, name))
    }

    /// The text of the first child of that name, of any namespace; empty without one.
    pub(super) fn text_of(self, name: &str) -> &'a str {
        self.element.child_text(name).unwrap_or_default()
    }

    /// Its own text, trimmed.
    pub(super) fn text(self) -> &'a str {
        self.element.text.trim()
    }

    /// The texts of all children of that name, of any namespace.
    pub(super) fn texts_of(self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.element.children_named(name);
        found.map(|child| child.text.trim())
    }
}
