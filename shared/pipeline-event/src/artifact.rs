//! The bytes of an input artifact -> the one file in it that is the export.
//!
//! An artifact is a zip, or the bare file where a source action did not pack it. A zip is hostile until shown otherwise:
//! every entry's headers are looked at, one file is unpacked, and that as a stream that ends at its limit.
//! Format: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>

use std::fmt;
use std::io::{Cursor, Read};

use zip::read::{ArchiveOffset, Config, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;
use zip::{CompressionMethod, ZipReadOptions};

/// Largest artifact, in bytes: it is held in memory.
pub const MAX_ARTIFACT_BYTES: usize = 128 * 1024 * 1024;

/// Most entries of a zip: what one without the 64-bit extension may have.
pub const MAX_ENTRIES: usize = 65_535;

/// Most unpacked bytes for each packed one. JSON of a state reaches 50; deflate itself reaches 1,032.
pub const MAX_RATIO: u64 = 250;

/// Below this the ratio says nothing: a short file of spaces is no attack.
const RATIO_COUNTS_FROM_BYTES: u64 = 1024 * 1024;

/// Bytes that are unpacked at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Names that an error lists, and their length in characters.
const MAX_LISTED_NAMES: usize = 10;
const MAX_LISTED_CHARS: usize = 80;

/// The file that is the export.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedFile {
    /// Its path in the zip. `None`: the artifact is the file.
    pub path: Option<String>,
    pub content: Vec<u8>,
}

impl fmt::Debug for OpenedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenedFile({} bytes)", self.content.len())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    #[error("the artifact is empty")]
    Empty,
    #[error("the artifact has {bytes} bytes, more than {limit}: put the export into an artifact of its own")]
    TooLarge { bytes: u64, limit: u64 },
    #[error("the artifact is {found}, and neither a zip nor a text file")]
    NotAZip { found: &'static str },
    #[error("the artifact is a bare file and no zip: leave out `file`")]
    BareFile,
    #[error("the zip is damaged or lies about itself: {what}")]
    Damaged { what: &'static str },
    #[error("the zip has {entries} entries, more than {MAX_ENTRIES}: put the export into an artifact of its own")]
    TooManyEntries { entries: usize },
    #[error("entry {index} of the zip has a path that leads out of it")]
    Traversal { index: usize },
    #[error("entry {index} of the zip is encrypted")]
    Encrypted { index: usize },
    #[error("`file` names a symbolic link or a folder, not a file")]
    NotAFile,
    #[error("`file` is not in the zip; it has {}", listed(names, *more))]
    NoSuchFile { names: Vec<String>, more: usize },
    #[error("`file` is in the zip more than once")]
    TwiceInZip,
    #[error("the zip holds no file")]
    NoFile,
    #[error("the zip has several files: say `file=` with one of {}", listed(names, *more))]
    WhichFile { names: Vec<String>, more: usize },
    #[error("the file has {bytes} bytes or more, and at most {limit} are taken")]
    FileTooLarge { bytes: u64, limit: u64 },
    #[error("the file unpacks to more than {MAX_RATIO} times its packed size: it is taken for an attack")]
    Bomb,
    #[error("the file is packed by another method than deflate: pack it as zip tools do by default")]
    Method,
}

impl ArtifactError {
    /// A stable reason in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } | Self::FileTooLarge { .. } | Self::TooManyEntries { .. } => "artifact-too-large",
            Self::Bomb => "artifact-bomb",
            Self::Traversal { .. } | Self::Encrypted { .. } | Self::Damaged { .. } => "artifact-unsafe",
            Self::NoSuchFile { .. } | Self::NoFile | Self::WhichFile { .. } | Self::TwiceInZip | Self::NotAFile => {
                "which-file"
            }
            Self::Empty | Self::NotAZip { .. } | Self::BareFile | Self::Method => "artifact-unreadable",
        }
    }
}

/// The file of that path, or the only one. Holds the file beside the artifact, and never more than `max_file_bytes` of it.
///
/// Symbolic links and folders are passed over, since artifacts of repositories have some; to ask for one is an error.
///
/// # Errors
/// Fails on what is neither zip nor text, on a zip over a limit or that is not what its headers say, on any encrypted
/// entry or path out of the zip, and if it is not clear which file is meant.
pub fn open(artifact: Vec<u8>, file: Option<&str>, max_file_bytes: u64) -> Result<OpenedFile, ArtifactError> {
    if artifact.is_empty() {
        return Err(ArtifactError::Empty);
    }
    if artifact.len() > MAX_ARTIFACT_BYTES {
        return Err(ArtifactError::TooLarge { bytes: bytes(artifact.len()), limit: bytes(MAX_ARTIFACT_BYTES) });
    }
    if is_zip(&artifact) {
        return open_zip(&artifact, file, max_file_bytes);
    }
    if let Some(found) = other_kind(&artifact) {
        return Err(ArtifactError::NotAZip { found });
    }
    if file.is_some() {
        return Err(ArtifactError::BareFile);
    }
    if bytes(artifact.len()) > max_file_bytes {
        return Err(ArtifactError::FileTooLarge { bytes: bytes(artifact.len()), limit: max_file_bytes });
    }
    Ok(OpenedFile { path: None, content: artifact })
}

fn is_zip(artifact: &[u8]) -> bool {
    // The second is a zip without entries.
    artifact.starts_with(b"PK\x03\x04") || artifact.starts_with(b"PK\x05\x06")
}

fn other_kind(artifact: &[u8]) -> Option<&'static str> {
    if artifact.starts_with(&[0x1f, 0x8b]) {
        return Some("a gzip file");
    }
    if artifact.get(257..262) == Some(b"ustar") {
        return Some("a tar file");
    }
    (artifact.contains(&0) || std::str::from_utf8(artifact).is_err()).then_some("a binary file")
}

/// A path as somebody may ask for it, in the form that paths are compared in. `None`: it leads nowhere in a zip.
pub(crate) fn wanted_path(text: &str) -> Option<String> {
    let path = text.strip_prefix("./").unwrap_or(text);
    (is_inside(path) && !path.ends_with('/')).then(|| path.to_owned())
}

/// Whether a path stays in the folder that it is looked up in.
fn is_inside(path: &str) -> bool {
    let has_drive = path.as_bytes().get(1) == Some(&b':');
    !path.is_empty()
        && !path.starts_with('/')
        && !has_drive
        && !path.contains(|c: char| c == '\\' || c.is_control())
        && path.split('/').all(|part| part != "..")
}

/// What is remembered of an entry: nothing that grows with what it says.
struct Entry<'a> {
    path: String,
    zip_entry: ZipFileEntry<'a>,
}

fn open_zip(artifact: &[u8], file: Option<&str>, max_file_bytes: u64) -> Result<OpenedFile, ArtifactError> {
    let wanted = match file {
        Some(file) => Some(wanted_path(file).ok_or(ArtifactError::NoSuchFile { names: Vec::new(), more: 0 })?),
        None => None,
    };
    // Offsets count from the first byte: an artifact is no self-extracting archive, and nothing is searched for.
    let config = Config { archive_offset: ArchiveOffset::Known(0) };
    let archive = ZipIterable::try_new(Cursor::new(artifact), config).map_err(|error| damaged(&error))?;
    if archive.len() > MAX_ENTRIES {
        return Err(ArtifactError::TooManyEntries { entries: archive.len() });
    }
    let mut archive = archive.enforce_header_consistency(true);
    let chosen = choose(artifact, archive.files().map_err(|error| damaged(&error))?, wanted.as_deref())?;
    unpack(artifact, chosen, max_file_bytes)
}

/// Looks at every entry, and gives back the one that is meant.
fn choose<'a>(
    artifact: &[u8],
    entries: impl Iterator<Item = Result<ZipFileEntry<'a>, ZipError>>,
    wanted: Option<&str>,
) -> Result<Entry<'a>, ArtifactError> {
    let mut spans = Vec::new();
    let mut directory_start = u64::MAX;
    let mut chosen: Option<Entry<'a>> = None;
    let (mut names, mut files, mut is_no_file) = (Vec::new(), 0_usize, false);
    for (index, entry) in entries.enumerate() {
        let zip_entry = entry.map_err(|error| damaged(&error))?;
        if zip_entry.encrypted() {
            return Err(ArtifactError::Encrypted { index });
        }
        let path = zip_entry.name().map_err(|error| damaged(&error))?.replace('\\', "/");
        let path = path.strip_prefix("./").map_or(path.clone(), str::to_owned);
        // `./` alone is the folder itself.
        if !path.is_empty() && !is_inside(&path) {
            return Err(ArtifactError::Traversal { index });
        }
        directory_start = directory_start.min(zip_entry.central_header_start());
        spans.push(span(artifact, &zip_entry)?);
        let is_file = zip_entry.is_file() && !path.is_empty() && !path.ends_with('/');
        if !is_file {
            is_no_file |= wanted.is_some_and(|wanted| path.trim_end_matches('/') == wanted);
            continue;
        }
        files += 1;
        let is_wanted = wanted.is_none_or(|wanted| wanted == path);
        if names.len() < MAX_LISTED_NAMES {
            names.push(printable(&path));
        }
        if is_wanted {
            if chosen.is_some() && wanted.is_some() {
                return Err(ArtifactError::TwiceInZip);
            }
            chosen.get_or_insert(Entry { path, zip_entry });
        }
    }
    check_overlaps(spans, directory_start)?;
    let more = files.saturating_sub(names.len());
    match (chosen, wanted) {
        (Some(_), None) if files > 1 => Err(ArtifactError::WhichFile { names, more }),
        (Some(entry), _) => Ok(entry),
        (None, Some(_)) if is_no_file => Err(ArtifactError::NotAFile),
        (None, Some(_)) => Err(ArtifactError::NoSuchFile { names, more }),
        (None, None) => Err(ArtifactError::NoFile),
    }
}

/// Where an entry begins and ends: its local header, name, extra field and packed bytes.
fn span(artifact: &[u8], entry: &ZipFileEntry<'_>) -> Result<(u64, u64), ArtifactError> {
    const LOCAL_HEADER_BYTES: u64 = 30;
    let lies = ArtifactError::Damaged { what: "an entry lies outside it" };
    let start = entry.header_start();
    let at = usize::try_from(start).map_err(|_| lies.clone())?;
    let lengths = at.checked_add(26).and_then(|from| artifact.get(from..from.checked_add(4)?));
    let Some(&[name_low, name_high, extra_low, extra_high]) = lengths else { return Err(lies) };
    let name = u64::from(u16::from_le_bytes([name_low, name_high]));
    let extra = u64::from(u16::from_le_bytes([extra_low, extra_high]));
    let end = start.checked_add(LOCAL_HEADER_BYTES + name + extra);
    let end = end.and_then(|end| end.checked_add(entry.compressed_size())).ok_or(lies)?;
    Ok((start, end))
}

/// Entries that share bytes are how a small zip unpacks to a large one many times over.
fn check_overlaps(mut spans: Vec<(u64, u64)>, directory_start: u64) -> Result<(), ArtifactError> {
    spans.sort_unstable();
    let overlap = spans.windows(2).any(|pair| pair[0].1 > pair[1].0);
    let in_directory = spans.last().is_some_and(|(_, end)| *end > directory_start);
    if overlap || in_directory {
        return Err(ArtifactError::Damaged { what: "entries overlap" });
    }
    Ok(())
}

fn unpack(artifact: &[u8], entry: Entry<'_>, max_file_bytes: u64) -> Result<OpenedFile, ArtifactError> {
    let declared = entry.zip_entry.size();
    let packed = entry.zip_entry.compressed_size();
    if !matches!(entry.zip_entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
        return Err(ArtifactError::Method);
    }
    let check = |unpacked: u64| {
        if unpacked > max_file_bytes {
            return Err(ArtifactError::FileTooLarge { bytes: unpacked, limit: max_file_bytes });
        }
        if unpacked > RATIO_COUNTS_FROM_BYTES && unpacked / MAX_RATIO > packed {
            return Err(ArtifactError::Bomb);
        }
        Ok(())
    };
    check(declared)?;
    let mut source = Cursor::new(artifact);
    let file = entry.zip_entry.with_reader(&mut source, ZipReadOptions::new());
    let mut reader = file.map_err(|error| damaged(&error))?;
    // Grown as bytes come: what a header claims is no reason to take memory.
    let mut content = Vec::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = reader.read(&mut chunk).map_err(|_| ArtifactError::Damaged { what: "a file does not unpack" })?;
        if read == 0 {
            break;
        }
        content.extend_from_slice(&chunk[..read]);
        check(bytes(content.len()))?;
    }
    if bytes(content.len()) != declared {
        return Err(ArtifactError::Damaged { what: "a file has another size than it says" });
    }
    Ok(OpenedFile { path: Some(entry.path), content })
}

/// What the library found, in our words: its own may quote names.
fn damaged(error: &ZipError) -> ArtifactError {
    let what = match error {
        ZipError::UnsupportedArchive(_) => "it has a feature that is not read",
        ZipError::Io(_) => "it ends too early",
        _ => "its headers do not fit together",
    };
    ArtifactError::Damaged { what }
}

fn printable(path: &str) -> String {
    let clean = path.chars().map(|c| if c.is_control() { '?' } else { c });
    if path.chars().count() <= MAX_LISTED_CHARS {
        return clean.collect();
    }
    clean.take(MAX_LISTED_CHARS - 1).chain(['…']).collect()
}

fn listed(names: &[String], more: usize) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match (names.is_empty(), more) {
        (true, _) => "none of that form".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    }
}

fn bytes(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "artifact_tests.rs"]
mod tests;
