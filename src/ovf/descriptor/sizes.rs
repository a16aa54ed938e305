//! The sizes of files in a descriptor, changed where they stand: all other bytes stay as they are.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Descriptor, Outside};
use crate::error::{Error, Result};

/// A descriptor whose files have these sizes, in their order; `None` leaves one as it is, and so does a
/// file that says no size.
pub fn with_sizes(bytes: &[u8], what: &str, sizes: &[Option<u64>]) -> Result<Vec<u8>> {
    let mut expected = Descriptor::parse(bytes, what, Outside::Noted)?;
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Error::package(what, "it is UTF-16; only UTF-8 can be changed here"))?;
    let places = places(text, what)?;
    let mut changed = String::with_capacity(text.len());
    let mut done = 0;
    for ((place, size), file) in places.iter().zip(sizes).zip(&mut expected.files) {
        let (Some(place), Some(size)) = (place, size) else {
            continue;
        };
        changed.push_str(text.get(done..place.start).unwrap_or_default());
        changed.push_str(&size.to_string());
        done = place.end;
        file.size = Some(*size);
    }
    changed.push_str(text.get(done..).unwrap_or_default());
    // A reader finds the sizes, and no other change.
    let found = Descriptor::parse(changed.as_bytes(), what, Outside::Noted)?;
    if found != expected || places.len() != sizes.len() {
        let reason = "the sizes of its files cannot be changed where they stand";
        return Err(Error::package(what, reason));
    }
    Ok(changed.into_bytes())
}

/// Where the size of each file is.
fn places(text: &str, what: &str) -> Result<Vec<Option<Range<usize>>>> {
    let mut reader = Reader::from_str(text);
    let mut parents: Vec<String> = Vec::new();
    let mut places = Vec::new();
    loop {
        let event = reader.read_event();
        let event = event.map_err(|_| Error::package(what, "its XML cannot be read"))?;
        let is_file = |start: &BytesStart<'_>, parents: &[String]| {
            parents.len() == 2
                && parents.last().is_some_and(|parent| parent == "References")
                && start.local_name().as_ref() == "File"
        };
        match event {
            Event::Start(start) => {
                if is_file(&start, &parents) {
                    places.push(place(text, &start));
                }
                parents.push(start.local_name().as_ref().to_owned());
            }
            Event::Empty(start) if is_file(&start, &parents) => places.push(place(text, &start)),
            Event::End(_) => {
                parents.pop();
            }
            Event::Eof => return Ok(places),
            _ => {}
        }
    }
}

/// Where the value of the size is in the text, of which the tag is a part.
fn place(text: &str, tag: &BytesStart<'_>) -> Option<Range<usize>> {
    let mut attributes = tag.attributes().flatten();
    let size = attributes.find(|one| one.key.local_name().as_ref() == "size")?;
    let value: &str = &size.value;
    let start = (value.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let place = start..start.checked_add(value.len())?;
    (text.get(place.clone()) == Some(value)).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "<?xml version=\"1.0\"?>\n<!-- <File ovf:size=\"1\"/> -->\n\
        <Envelope xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\" \
        xmlns:ovf=\"http://schemas.dmtf.org/ovf/envelope/1\">\n <References>\n\
        <File ovf:id=\"a\" ovf:size='5' ovf:href=\"a&amp;b.vmdk\"/>\n\
        <File ovf:href=\"b\" ovf:id=\"b\"></File>\n\
        <File ovf:href=\"c\" ovf:id=\"c\"  ovf:size = \"77\" />\n </References>\n\
        <DiskSection><Info>size=\"5\"</Info></DiskSection>\n\
        <VirtualSystem ovf:id=\"x\"><Info/></VirtualSystem>\n</Envelope>\n";

    #[test]
    fn only_sizes_change() {
        let sizes = [Some(1234), Some(9), None];
        let changed = with_sizes(TEXT.as_bytes(), "x.ovf", &sizes).unwrap();
        let expected = TEXT.replace("ovf:size='5'", "ovf:size='1234'");
        assert_eq!(String::from_utf8(changed).unwrap(), expected);
        let sizes = [None, None, Some(u64::from(u32::MAX) * 9)];
        let changed = with_sizes(TEXT.as_bytes(), "x.ovf", &sizes).unwrap();
        let expected = TEXT.replace("\"77\"", "\"38654705655\"");
        assert_eq!(String::from_utf8(changed).unwrap(), expected);
    }

    #[test]
    fn other_files_than_there_are() {
        for sizes in [&[Some(1)][..], &[Some(1); 4]] {
            assert!(with_sizes(TEXT.as_bytes(), "x.ovf", sizes).is_err());
        }
        let utf16: Vec<u8> = "\u{feff}<a/>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(with_sizes(&utf16, "x.ovf", &[]).is_err());
    }
}
