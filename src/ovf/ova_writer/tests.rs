#![allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]

use std::fs;
use std::io::Read as _;
use std::path::Path;

use bytes::Bytes;

use super::*;
use crate::io::testing::names_in;
use crate::io::{ChecksumType, Digest, FileSink};

const OVF: &[u8] = b"<Envelope/>";

fn writer(path: &Path, slot: u64) -> OvaWriter {
    let writer = OvaWriter::create(path, Overwrite::Never, Arc::default()).unwrap();
    reserve(&writer, slot);
    writer
}

fn reserve(writer: &OvaWriter, slot: u64) {
    let slots = Slots {
        descriptor: ("vm.ovf".into(), slot),
        manifest: Some(("vm.mf".into(), 3)),
    };
    writer.reserve(slots).unwrap();
}

fn sinks(writer: &OvaWriter, names: &[&str]) -> Vec<Box<dyn Sink>> {
    let members = names.iter().map(|name| writer.member(name).unwrap());
    members
        .map(|member| writer.sink(member, Arc::default()))
        .collect()
}

async fn put(sink: &mut Box<dyn Sink>, bytes: &'static [u8]) {
    sink.write(Bytes::from_static(bytes)).await.unwrap();
}

async fn finish(writer: &OvaWriter) {
    writer
        .finish(OVF.to_vec(), Some(b"mf\n".to_vec()))
        .await
        .unwrap();
    writer.publish().await.unwrap();
}

/// Names and contents, by a reader that nobody here wrote.
fn entries(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = ::tar::Archive::new(fs::File::open(path).unwrap());
    let entries = archive.entries().unwrap();
    entries
        .map(|entry| {
            let (mut entry, mut bytes) = (entry.unwrap(), Vec::new());
            entry.read_to_end(&mut bytes).unwrap();
            (entry.path().unwrap().display().to_string(), bytes)
        })
        .collect()
}

fn expected(slot: usize, files: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    let mut descriptor = OVF.to_vec();
    descriptor.resize(slot.max(OVF.len()), b'\n');
    let mut all = vec![
        ("vm.ovf".to_owned(), descriptor),
        ("vm.mf".to_owned(), b"mf\n".to_vec()),
    ];
    all.extend(
        files
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())),
    );
    all
}

#[tokio::test]
async fn one_after_another_nothing_is_spooled() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("vm.ova");
    let writer = writer(&path, 700);
    for (sink, bytes) in sinks(&writer, &["a", "b"])
        .iter_mut()
        .zip([&b"aaa"[..], b""])
    {
        if !bytes.is_empty() {
            put(sink, bytes).await;
        }
        assert_eq!(names_in(root.path()), ["vm.ova.part"]);
        sink.commit().await.unwrap();
    }
    finish(&writer).await;
    assert_eq!(entries(&path), expected(700, &[("a", b"aaa"), ("b", b"")]));
    assert_eq!(names_in(root.path()), ["vm.ova"]);
    let blocks = 512 + 1024 + 512 + 512 + 512 + 512 + 512 + 1024;
    assert_eq!(fs::metadata(&path).unwrap().len(), blocks);
    assert!(writer.discard().is_empty() && path.exists());
}

#[tokio::test]
async fn in_any_order_the_archive_has_theirs() {
    for order in [
        [0, 1, 2],
        [2, 1, 0],
        [1, 2, 0],
        [1, 0, 2],
        [2, 0, 1],
        [0, 2, 1],
    ] {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("vm.ova");
        let writer = writer(&path, 100);
        let mut sinks = sinks(&writer, &["a", "b", "c"]);
        let contents = [&b"aaa"[..], &[b'b'; 1000], b"c"];
        // All begin, the last one first.
        for (sink, bytes) in sinks.iter_mut().zip(contents).rev() {
            put(sink, bytes).await;
        }
        let begun = ["vm.ova.1.part", "vm.ova.2.part", "vm.ova.part"];
        assert_eq!(names_in(root.path()), begun);
        for index in order {
            sinks[index].commit().await.unwrap();
        }
        assert_eq!(names_in(root.path()), ["vm.ova.part"], "{order:?}");
        finish(&writer).await;
        let files = [("a", contents[0]), ("b", contents[1]), ("c", contents[2])];
        assert_eq!(entries(&path), expected(100, &files), "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once() {
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for round in 0..20 {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("vm.ova");
        let writer = writer(&path, 100);
        let mut running = Vec::new();
        for (index, mut sink) in sinks(&writer, &NAMES).into_iter().enumerate() {
            running.push(tokio::spawn(async move {
                let pieces = (index * 7 + round * 3) % 11;
                for _ in 0..pieces {
                    put(&mut sink, &[b'x'; 999]).await;
                    tokio::task::yield_now().await;
                }
                sink.commit().await.unwrap();
                pieces * 999
            }));
        }
        let mut sizes = Vec::new();
        for one in running {
            sizes.push(one.await.unwrap());
        }
        assert_eq!(names_in(root.path()), ["vm.ova.part"]);
        finish(&writer).await;
        let there = entries(&path);
        let members: Vec<_> = there
            .iter()
            .skip(2)
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(members, NAMES);
        assert!(there[2..].iter().map(|(_, bytes)| bytes.len()).eq(sizes));
        assert!(
            there[2..]
                .iter()
                .all(|(_, bytes)| bytes.iter().all(|byte| *byte == b'x'))
        );
    }
}

#[tokio::test]
async fn what_is_begun_again_is_there_once() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("vm.ova");
    let writer = writer(&path, 100);
    let mut sinks = sinks(&writer, &["a", "b"]);
    for sink in &mut sinks {
        put(sink, &[b'x'; 5000]).await;
        sink.restart().await.unwrap();
        put(sink, b"good").await;
        let mut digest = Digest::new(ChecksumType::Sha256);
        digest.update(b"good");
        let again = sink.digest(ChecksumType::Sha256).await.unwrap();
        assert_eq!(again, Some(digest.finish()));
        put(sink, b"!").await;
    }
    for sink in &mut sinks {
        sink.commit().await.unwrap();
    }
    finish(&writer).await;
    let files = [("a", &b"good!"[..]), ("b", b"good!")];
    assert_eq!(entries(&path), expected(100, &files));
}

#[tokio::test]
async fn a_descriptor_of_another_size_moves_the_rest() {
    let big: &'static [u8] = vec![7; 5 << 20].leak();
    for slot in [0, 5, 2000] {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("vm.ova");
        let writer = writer(&path, slot);
        let mut sinks = sinks(&writer, &["a", "b"]);
        for (sink, bytes) in sinks.iter_mut().zip([big, b"b"]) {
            put(sink, bytes).await;
            sink.commit().await.unwrap();
        }
        let descriptor = vec![b'<'; 3000];
        let manifest = Some(b"longer\n".to_vec());
        writer.finish(descriptor.clone(), manifest).await.unwrap();
        writer.publish().await.unwrap();
        let there = entries(&path);
        assert_eq!(there[0].1, descriptor);
        assert_eq!(there[1].1, b"longer\n");
        assert!(there[2].1 == big && there[3].1 == b"b", "{slot}");
    }
}

#[tokio::test]
async fn a_shorter_front_moves_the_rest_too() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("vm.ova");
    let writer = writer(&path, 100);
    let mut sinks = sinks(&writer, &["a"]);
    put(&mut sinks[0], b"aaa").await;
    sinks[0].commit().await.unwrap();
    writer.finish(OVF.to_vec(), None).await.unwrap();
    writer.publish().await.unwrap();
    let names: Vec<_> = entries(&path).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["vm.ovf", "a"]);
}

#[tokio::test]
async fn a_failure_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("vm.ova");
    let writer = writer(&path, 100);
    let mut sinks = sinks(&writer, &["a", "b", "c"]);
    for sink in &mut sinks {
        put(sink, b"bytes").await;
    }
    assert!(sinks[0].discard().await.is_empty());
    sinks[1].commit().await.unwrap();
    let unfinished = writer.finish(OVF.to_vec(), None).await.unwrap_err();
    assert!(
        unfinished.to_string().contains("a is whole before"),
        "{unfinished}"
    );
    assert!(writer.discard().is_empty());
    // One is still written, and given up after that.
    assert!(sinks[2].discard().await.is_empty());
    assert!(names_in(root.path()).is_empty());
    assert!(sinks[2].commit().await.is_err());
}

#[tokio::test]
async fn what_is_dropped_is_gone() {
    let root = tempfile::tempdir().unwrap();
    let writer = writer(&root.path().join("vm.ova"), 100);
    let mut sinks = sinks(&writer, &["a", "b"]);
    for sink in &mut sinks {
        put(sink, b"bytes").await;
    }
    drop((writer, sinks));
    assert!(names_in(root.path()).is_empty());
}

#[tokio::test]
async fn what_was_discarded_gets_no_name() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("vm.ova");
    let writer = writer(&path, 100);
    assert!(writer.discard().is_empty());
    let member = writer.member("a").unwrap();
    let mut sink = writer.sink(member, Arc::default());
    assert!(sink.write(Bytes::from_static(b"x")).await.is_err());
    assert!(writer.finish(OVF.to_vec(), None).await.is_err());
    assert!(names_in(root.path()).is_empty());
}

#[tokio::test]
async fn it_has_its_name_when_that_is_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("vm.ova");
    let writer = writer(&path, 100);
    assert!(writer.publish().await.is_err());
    writer.finish(OVF.to_vec(), None).await.unwrap();
    assert_eq!(names_in(root.path()), ["vm.ova.part"]);
    writer.publish().await.unwrap();
    assert!(writer.discard().is_empty());
    assert_eq!(names_in(root.path()), ["vm.ova"]);
}

#[tokio::test]
async fn what_was_finished_and_not_named_is_discarded() {
    let root = tempfile::tempdir().unwrap();
    let writer = writer(&root.path().join("vm.ova"), 100);
    writer.finish(OVF.to_vec(), None).await.unwrap();
    assert!(writer.discard().is_empty());
    assert!(writer.publish().await.is_err());
    assert!(names_in(root.path()).is_empty());
}

#[tokio::test]
async fn a_name_that_cannot_be_given_is_found_out_before_that_is_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("vm.ova");
    let writer = writer(&path, 100);
    fs::write(&path, b"somebody else's").unwrap();
    let error = writer.finish(OVF.to_vec(), None).await.unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    assert!(writer.discard().is_empty());
    assert_eq!(fs::read(&path).unwrap(), b"somebody else's");
}

#[tokio::test]
async fn what_is_there_stays() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("vm.ova");
    fs::write(&path, b"old").unwrap();
    assert!(OvaWriter::create(&path, Overwrite::Never, Arc::default()).is_err());
    let writer = OvaWriter::create(&path, Overwrite::Replace, Arc::default()).unwrap();
    reserve(&writer, 100);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    finish(&writer).await;
    assert_eq!(entries(&path), expected(100, &[]));
}

#[tokio::test]
async fn what_cannot_go_back_gets_all_at_the_end() {
    let (root, spools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = root.path().join("pipe");
    let sink = FileSink::create(&path, Overwrite::Never, Arc::default()).unwrap();
    let writer = OvaWriter::of_stream(Box::new(sink), spools.path());
    reserve(&writer, 100);
    let mut sinks = sinks(&writer, &["a", "b"]);
    for (sink, bytes) in sinks.iter_mut().zip([&b"aaa"[..], b"b"]) {
        put(sink, bytes).await;
    }
    assert_eq!(names_in(spools.path()).len(), 2);
    for sink in sinks.iter_mut().rev() {
        sink.commit().await.unwrap();
    }
    finish(&writer).await;
    assert_eq!(entries(&path), expected(0, &[("a", b"aaa"), ("b", b"b")]));
    assert!(names_in(spools.path()).is_empty());
}

#[tokio::test]
async fn names_are_distinct_and_safe() {
    let root = tempfile::tempdir().unwrap();
    let writer = writer(&root.path().join("vm.ova"), 100);
    writer.member("a").unwrap();
    let long = "x".repeat(101);
    for name in ["A", "VM.ovf", "vm.mf", "../b", "", "b/c", &long] {
        assert!(writer.member(name).is_err(), "{name}");
    }
    let early = OvaWriter::create(
        &root.path().join("other.ova"),
        Overwrite::Never,
        Arc::default(),
    )
    .unwrap();
    assert!(early.member("a").is_err());
}

fn sha256(bytes: &[u8]) -> KnownSum {
    let mut digest = Digest::new(ChecksumType::Sha256);
    digest.update(bytes);
    KnownSum {
        checksum_type: ChecksumType::Sha256,
        checksum: digest.finish(),
    }
}

#[tokio::test]
async fn a_file_that_is_whole_is_appended_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    let (path, kept) = (root.path().join("vm.ova"), root.path().join("kept"));
    let bytes = vec![7; 3 * 1024 * 1024 + 5];
    fs::write(&kept, &bytes).unwrap();
    let writer = writer(&path, 100);
    let known = sha256(&bytes);
    let appended = writer.append("disk", &kept, &known, Arc::default());
    appended.await.unwrap();
    let mut sinks = sinks(&writer, &["b"]);
    put(&mut sinks[0], b"b").await;
    sinks[0].commit().await.unwrap();
    finish(&writer).await;
    assert_eq!(
        entries(&path),
        expected(100, &[("disk", &bytes), ("b", b"b")])
    );
    assert_eq!(fs::read(&kept).unwrap(), bytes);
}

#[tokio::test]
async fn a_file_that_was_changed_is_not_appended() {
    let root = tempfile::tempdir().unwrap();
    let (path, kept) = (root.path().join("vm.ova"), root.path().join("kept"));
    fs::write(&kept, b"changed").unwrap();
    let writer = writer(&path, 100);
    let known = sha256(b"as it was");
    let appended = writer.append("disk", &kept, &known, Arc::default());
    let error = appended.await.unwrap_err();
    assert!(matches!(error, Error::ChecksumMismatch { .. }), "{error}");
    assert!(writer.finish(OVF.to_vec(), None).await.is_err());
    writer.discard();
    assert_eq!(names_in(root.path()), ["kept"]);
}
