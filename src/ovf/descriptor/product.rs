//! What is installed and what of it can be set: `ProductSection`.

use super::envelope::Node;
use super::parse::Reading;
use super::{Product, Property};
use crate::error::Result;
use crate::number;

/// Reads the sections of one system.
pub(super) fn read(reading: &mut Reading<'_>, node: Node<'_>, system: &str) -> Result<()> {
    for section in node.all("ProductSection") {
        let product = Product {
            name: section.text_of("Product").to_owned(),
            vendor: section.text_of("Vendor").to_owned(),
            version: section.text_of("Version").to_owned(),
            full_version: section.text_of("FullVersion").to_owned(),
            system: system.to_owned(),
        };
        if !(product.name.is_empty()
            && product.vendor.is_empty()
            && product.full_version.is_empty())
        {
            reading.found.products.push(product);
        }
        let mut category = "";
        for child in section.children() {
            match child.kind() {
                // It stands before the properties that it is of.
                "Category" => category = child.text(),
                "Property" => {
                    let found = property(reading, section, child)?;
                    reading.found.properties.push(Property {
                        category: category.to_owned(),
                        system: system.to_owned(),
                        ..found
                    });
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn property(reading: &Reading<'_>, section: Node<'_>, node: Node<'_>) -> Result<Property> {
    let key = node.owned("key");
    let key = key.ok_or_else(|| reading.refuse("a Property has no key".into()))?;
    let of_option = node
        .all("Value")
        .find(|one| one.attribute("configuration") == reading.option.as_deref())
        .and_then(|one| one.raw("value"));
    let flag = |name| node.attribute(name).and_then(number::flag) == Some(true);
    let qualifiers = node.attribute("qualifiers").unwrap_or_default();
    Ok(Property {
        key: full_key(section, key),
        value_type: node.owned("type").unwrap_or_else(|| "string".into()),
        default: of_option.or(node.raw("value")).map(str::to_owned),
        label: node.text_of("Label").to_owned(),
        description: node.text_of("Description").to_owned(),
        user_configurable: flag("userConfigurable"),
        password: flag("password") || flag("isPassword"),
        values: value_map(qualifiers),
        ..Property::default()
    })
}

/// `class.key.instance`, as vSphere's `propertyMapping` wants it.
fn full_key(section: Node<'_>, key: String) -> String {
    let parts = [section.owned("class"), Some(key), section.owned("instance")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(".")
}

/// The values of CIM's `ValueMap{"a", "b"}`; a quote inside is written `\"`.
fn value_map(qualifiers: &str) -> Vec<String> {
    let Some((_, rest)) = qualifiers.split_once("ValueMap") else {
        return Vec::new();
    };
    let Some(list) = rest.trim_start().strip_prefix('{') else {
        return Vec::new();
    };
    let mut values = Vec::new();
    let mut value: Option<String> = None;
    let mut letters = list.chars();
    while let Some(letter) = letters.next() {
        match (letter, &mut value) {
            ('\\', Some(value)) => value.extend(letters.next()),
            ('"', Some(_)) => values.extend(value.take()),
            ('"', None) => value = Some(String::new()),
            (other, Some(value)) => value.push(other),
            ('}', None) => break,
            (_, None) => {}
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::value_map;

    #[test]
    fn values_of_a_map() {
        for (qualifiers, expected) in [
            (r#"ValueMap{"a", "b c"}"#, vec!["a", "b c"]),
            (
                r#"MinLen(2) ValueMap {"a\"b","}"} MaxLen(9)"#,
                vec!["a\"b", "}"],
            ),
            ("MinLen(2)", vec![]),
            (r#"ValueMap{"a"#, vec![]),
            (r#"ValueMap"a""#, vec![]),
        ] {
            assert_eq!(value_map(qualifiers), expected, "{qualifiers}");
        }
    }
}
