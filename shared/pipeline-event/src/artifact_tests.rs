//! Artifacts that are read, and all the ways in which one may be built to do harm.

use std::io::Write;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

const LIMIT: u64 = 64 * 1024 * 1024;

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        if name.ends_with('/') {
            writer.add_directory(*name, SimpleFileOptions::default()).unwrap();
            continue;
        }
        writer.start_file(*name, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn refused(artifact: Vec<u8>, file: Option<&str>) -> String {
    let began = Instant::now();
    let error = open(artifact, file, LIMIT).unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(1), "took {:?}: {error}", began.elapsed());
    format!("{}: {error}", error.code())
}

/// Overwrites what follows the only place where `marker` stands.
fn patched(mut artifact: Vec<u8>, marker: &[u8], offset: usize, with: &[u8]) -> Vec<u8> {
    let at = artifact.windows(marker.len()).rposition(|window| window == marker).unwrap() + offset;
    artifact[at..at + with.len()].copy_from_slice(with);
    artifact
}

const CENTRAL: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";
const END: &[u8] = b"PK\x05\x06";

#[test]
fn the_named_file_is_found_and_a_single_one_needs_no_name() {
    let several = zip_of(&[("out/", b""), ("out/prod.tfstate", b"{\"version\":4}"), ("README.md", b"hello")]);
    for asked in ["out/prod.tfstate", "./out/prod.tfstate"] {
        let opened = open(several.clone(), Some(asked), LIMIT).unwrap();
        assert_eq!(opened.path.as_deref(), Some("out/prod.tfstate"));
        assert_eq!(opened.content, b"{\"version\":4}");
    }
    let single = open(zip_of(&[("a/", b""), ("a/b.yaml", b"x")]), None, LIMIT).unwrap();
    assert_eq!((single.path.as_deref(), single.content.as_slice()), (Some("a/b.yaml"), b"x".as_slice()));
    let bare = open(b"{\"version\":4}".to_vec(), None, LIMIT).unwrap();
    assert_eq!((bare.path, bare.content.as_slice()), (None, b"{\"version\":4}".as_slice()));
    let windows = open(zip_of(&[("a\\b.yaml", b"x"), ("c", b"")]), Some("a/b.yaml"), LIMIT).unwrap();
    assert_eq!(windows.content, b"x");
    assert_eq!(open(zip_of(&[("empty", b"")]), None, LIMIT).unwrap().content, b"");
    assert_eq!(format!("{:?}", open(b"CANARY".to_vec(), None, LIMIT).unwrap()), "OpenedFile(6 bytes)");
}

#[test]
fn if_it_is_not_clear_which_file_is_meant_the_names_are_listed() {
    let names: Vec<String> = (0..12).map(|at| format!("file-{at}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"x".as_slice())).collect();
    assert_eq!(
        refused(zip_of(&files), None),
        "which-file: the zip has several files: say `file=` with one of `file-0`, `file-1`, `file-2`, `file-3`, \
         `file-4`, `file-5`, `file-6`, `file-7`, `file-8`, `file-9` and 2 more"
    );
    assert_eq!(refused(zip_of(&files[..1]), Some("other")), "which-file: `file` is not in the zip; it has `file-0`");
    assert_eq!(refused(zip_of(&[]), None), "which-file: the zip holds no file");
    assert_eq!(
        refused(zip_of(&[("a/", b"")]), Some("a")),
        "which-file: `file` names a symbolic link or a folder, not a file"
    );
    let long = "a".repeat(300);
    assert!(refused(zip_of(&[(&long, b"x")]), Some("b")).chars().count() < 200);
}

#[test]
fn what_is_neither_zip_nor_text_is_named() {
    for (artifact, file, expected) in [
        (&b""[..], None, "artifact-unreadable: the artifact is empty"),
        (
            b"\x1f\x8b\x08\0",
            None,
            "artifact-unreadable: the artifact is a gzip file, and neither a zip nor a text file",
        ),
        (b"\x7fELF\0", None, "artifact-unreadable: the artifact is a binary file, and neither a zip nor a text file"),
        (b"a: 1", Some("a.yaml"), "artifact-unreadable: the artifact is a bare file and no zip: leave out `file`"),
        (
            b"PK\x03\x04",
            None,
            "artifact-unsafe: the zip is damaged or lies about itself: its headers do not fit together",
        ),
    ] {
        assert_eq!(refused(artifact.to_vec(), file), expected);
    }
    let text = "a".repeat(100);
    assert!(matches!(open(text.into_bytes(), None, 99), Err(ArtifactError::FileTooLarge { bytes: 100, limit: 99 })));
}

#[test]
fn a_path_out_of_the_zip_is_refused_wherever_it_stands() {
    for name in ["../x", "a/../../x", "/etc/passwd", "..\\x", "C:\\x", "C:/x"] {
        // The writer would not write these: as long a name is patched.
        let harmless = "z".repeat(name.len());
        let mut artifact = zip_of(&[("ok", b"x"), (&harmless, b"x")]);
        let places: Vec<usize> = artifact
            .windows(name.len())
            .enumerate()
            .filter(|(_, w)| *w == harmless.as_bytes())
            .map(|(at, _)| at)
            .collect();
        for at in places {
            artifact[at..at + name.len()].copy_from_slice(name.as_bytes());
        }
        assert_eq!(
            refused(artifact, Some("ok")),
            "artifact-unsafe: entry 1 of the zip has a path that leads out of it",
            "{name}"
        );
    }
    for asked in ["../x", "/x", "", "a/", "a/../../b"] {
        assert_eq!(wanted_path(asked), None, "{asked}");
    }
}

#[test]
fn a_link_is_passed_over_and_never_followed() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    writer.start_file("file", SimpleFileOptions::default()).unwrap();
    writer.write_all(b"x").unwrap();
    let artifact = writer.finish().unwrap().into_inner();
    assert_eq!(open(artifact.clone(), None, LIMIT).unwrap().path.as_deref(), Some("file"));
    assert_eq!(refused(artifact, Some("link")), "which-file: `file` names a symbolic link or a folder, not a file");
}

#[test]
fn an_encrypted_entry_is_refused() {
    let artifact = zip_of(&[("file", b"x")]);
    let artifact = patched(artifact, CENTRAL, 8, &[1, 0]);
    let artifact = patched(artifact, LOCAL, 6, &[1, 0]);
    assert_eq!(refused(artifact, None), "artifact-unsafe: entry 0 of the zip is encrypted");
}

#[test]
fn bombs_are_refused_by_what_they_say_and_by_what_they_do() {
    let zeros = vec![0; 8 * 1024 * 1024];
    let bomb = zip_of(&[("bomb", &zeros)]);
    assert_eq!(
        refused(bomb.clone(), None),
        "artifact-bomb: the file unpacks to more than 250 times its packed size: it is taken for an attack"
    );
    // One that says it were small: both headers agree, so that only unpacking can tell.
    let small = 1_000_u32.to_le_bytes();
    let lying = patched(patched(bomb.clone(), CENTRAL, 24, &small), LOCAL, 22, &small);
    assert_eq!(
        refused(lying, None),
        "artifact-unsafe: the zip is damaged or lies about itself: a file does not unpack"
    );
    // One that says it were 4 GB.
    let huge = 0xffff_fff0_u32.to_le_bytes();
    let boasting = patched(patched(bomb.clone(), CENTRAL, 24, &huge), LOCAL, 22, &huge);
    assert!(refused(boasting, None).starts_with("artifact-too-large: the file has 4294967280 bytes or more"));
    // One whose headers do not agree.
    let unequal = patched(bomb, CENTRAL, 24, &small);
    assert!(refused(unequal, None).starts_with("artifact-unsafe"));
    let honest = vec![b'a'; 1024 * 1024];
    assert_eq!(open(zip_of(&[("a", &honest)]), None, LIMIT).unwrap().content.len(), honest.len());
    assert!(matches!(open(zip_of(&[("a", &honest)]), None, 1_000), Err(ArtifactError::FileTooLarge { .. })));
}

#[test]
fn entries_that_share_bytes_are_refused() {
    let artifact = zip_of(&[("a", b"some text that is long enough"), ("b", b"some text that is long enough")]);
    // The second entry of the directory points at the first local header, and has its name.
    let at = artifact.windows(4).rposition(|window| window == CENTRAL).unwrap();
    let mut shared = artifact;
    shared[at + 42..at + 46].copy_from_slice(&0_u32.to_le_bytes());
    shared[at + 46] = b'a';
    assert_eq!(refused(shared, Some("b")), "artifact-unsafe: the zip is damaged or lies about itself: entries overlap");
}

#[test]
fn a_directory_that_claims_too_much_is_refused_before_it_is_read() {
    let artifact = zip_of(&[("a", b"x")]);
    let many = patched(artifact, END, 8, &[0xfe, 0xff, 0xfe, 0xff]);
    assert!(refused(many, None).starts_with("artifact-unsafe"));
    // A 64-bit directory of more entries than are taken.
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..=MAX_ENTRIES {
        writer
            .start_file(format!("{at}"), SimpleFileOptions::default().compression_method(CompressionMethod::Stored))
            .unwrap();
    }
    let crowd = writer.finish().unwrap().into_inner();
    assert!(refused(crowd, None).starts_with("artifact-too-large: the zip has 65536 entries, more than 65535"));
}

#[test]
fn one_name_twice_is_not_guessed() {
    let mut artifact = zip_of(&[("aaaa", b"1"), ("bbbb", b"2")]);
    let places: Vec<usize> = artifact.windows(4).enumerate().filter(|(_, w)| *w == b"bbbb").map(|(at, _)| at).collect();
    for at in places {
        artifact[at..at + 4].copy_from_slice(b"aaaa");
    }
    assert_eq!(refused(artifact, Some("aaaa")), "which-file: `file` is in the zip more than once");
}

proptest! {
    #[test]
    fn a_damaged_zip_is_an_error_or_the_same_file(at in 0_usize..400, byte: u8) {
        let content = b"{\"version\": 4, \"serial\": 7, \"lineage\": \"x\"}".as_slice();
        let whole = zip_of(&[("prod.tfstate", content)]);
        let mut artifact = whole;
        let at = at % artifact.len();
        artifact[at] = byte;
        if let Ok(opened) = open(artifact, Some("prod.tfstate"), LIMIT) {
            prop_assert_eq!(opened.content.as_slice(), content);
        }
    }

    #[test]
    fn any_bytes_are_opened_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), is_zip: bool) {
        if is_zip {
            bytes.splice(0..0, *b"PK\x03\x04");
        }
        let _ = open(bytes, None, LIMIT);
    }
}
