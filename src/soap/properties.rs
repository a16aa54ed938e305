//! Properties of the server's objects, over its property collector.

use quick_xml::escape::escape;

use super::answer::Answer;
use super::methods;
use super::session::Session;
use crate::error::{Error, Result};
use crate::xml::Element;

impl Session {
    /// Whether an inventory object exists: one that does not is a fault.
    pub(crate) async fn look_for(&self, kind: &str, moid: &str) -> Result<()> {
        self.properties(kind, moid, &["name"]).await.map(|_| ())
    }

    /// `RetrievePropertiesEx` of these properties of one object.
    pub(super) async fn properties(
        &self,
        kind: &str,
        moid: &str,
        names: &[&'static str],
    ) -> Result<(Element, Answer)> {
        let collector = self.property_collector().await?;
        let wanted = filter(kind, moid, names);
        let method = methods::RETRIEVE_PROPERTIES;
        self.call(method, "PropertyCollector", &collector, &wanted)
            .await
    }

    /// The property collector's reference, asked for once.
    async fn property_collector(&self) -> Result<String> {
        if let Some(name) = self.known_collector() {
            return Ok(name);
        }
        let method = methods::RETRIEVE_SERVICE_CONTENT;
        let answered = self.call(method, "ServiceInstance", "ServiceInstance", "");
        let name = read_collector(&answered.await?.0)?;
        self.set_collector(&name);
        Ok(name)
    }
}

fn filter(kind: &str, moid: &str, names: &[&'static str]) -> String {
    let (kind, moid) = (escape(kind), escape(moid));
    let paths = names
        .iter()
        .map(|name| ["<pathSet>", name, "</pathSet>"].concat())
        .collect::<String>();
    format!(
        "<specSet><propSet><type>{kind}</type><all>false</all>{paths}</propSet>\
         <objectSet><obj type=\"{kind}\">{moid}</obj><skip>false</skip></objectSet></specSet>\
         <options><maxObjects>1</maxObjects></options>"
    )
}

fn read_collector(response: &Element) -> Result<String> {
    response
        .child("returnval")
        .and_then(|content| content.child_text("propertyCollector"))
        .map(str::to_owned)
        .ok_or_else(|| {
            Error::protocol(
                methods::RETRIEVE_SERVICE_CONTENT,
                "no propertyCollector in it",
            )
        })
}
