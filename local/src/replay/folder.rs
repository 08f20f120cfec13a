//! A folder in the layout of a replay -> its objects and its deliveries, in order. Nothing is put or sent yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::Delivery;
use crate::{MAX_PAYLOAD_BYTES, wiring};

const OBJECTS: &str = "objects";
const METADATA_SUFFIX: &str = ".metadata.json";

/// A folder that is not as the layout has it.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("could not read `{}` of the deliveries; name another folder with --events, or start with --no-samples", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("`{}` is no JSON", path.display())]
    Json {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("`{}` has {bytes} bytes; a function can be handed {MAX_PAYLOAD_BYTES}", path.display())]
    TooLong { path: PathBuf, bytes: u64 },
    #[error("`{}` is not named <two or three digits>-<name>.json", path.display())]
    Name { path: PathBuf },
    #[error("`{}` and `{}` have the same number: which comes first?", first.display(), second.display())]
    SameNumber { first: PathBuf, second: PathBuf },
    #[error("`{}` is named after no function; there are {}", path.display(), wiring::FUNCTIONS.join(", "))]
    Function { path: PathBuf },
    #[error("`{}` is named after no bucket; there are {}", path.display(), bucket_names())]
    Bucket { path: PathBuf },
    #[error("`{}` is no JSON object of strings", path.display())]
    Metadata {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("`{}` has no object beside it", path.display())]
    MetadataAlone { path: PathBuf },
    #[error("the name of `{}` is not in UTF-8", path.display())]
    Encoding { path: PathBuf },
}

fn bucket_names() -> String {
    wiring::BUCKETS.iter().map(|bucket| bucket.name).collect::<Vec<_>>().join(", ")
}

/// An object and the file of its body.
#[derive(Debug)]
pub(super) struct StoredObject {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) file: PathBuf,
    pub(super) metadata: BTreeMap<String, String>,
}

#[derive(Debug)]
pub(super) struct Contents {
    pub(super) objects: Vec<StoredObject>,
    pub(super) deliveries: Vec<Delivery>,
}

/// Reads everything but the bodies of objects. Files directly in the folder, and hidden ones, are no part of it.
pub(super) fn read(folder: &Path) -> Result<Contents, FolderError> {
    let mut objects = Vec::new();
    let mut deliveries: BTreeMap<u16, (PathBuf, Delivery)> = BTreeMap::new();
    for (name, path) in entries(folder)? {
        if !path.is_dir() {
            continue;
        }
        if name == OBJECTS {
            objects = read_objects(&path)?;
            continue;
        }
        if !wiring::FUNCTIONS.contains(&name.as_str()) {
            return Err(FolderError::Function { path });
        }
        for (file_name, path) in entries(&path)? {
            let (number, delivery) = read_delivery(&name, &file_name, &path)?;
            if let Some((first, _)) = deliveries.insert(number, (path.clone(), delivery)) {
                return Err(FolderError::SameNumber { first, second: path });
            }
        }
    }
    Ok(Contents { objects, deliveries: deliveries.into_values().map(|(_, delivery)| delivery).collect() })
}

fn read_delivery(function: &str, file_name: &str, path: &Path) -> Result<(u16, Delivery), FolderError> {
    let wrong_name = || FolderError::Name { path: path.to_owned() };
    let stem = file_name.strip_suffix(".json").ok_or_else(wrong_name)?;
    let number = stem.split_once('-').filter(|(_, name)| !name.is_empty()).map(|(number, _)| number);
    let number = number.filter(|number| (2..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()));
    let number = number.and_then(|number| number.parse().ok()).ok_or_else(wrong_name)?;
    let unreadable = |source| FolderError::Read { path: path.to_owned(), source };
    let size = fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_PAYLOAD_BYTES as u64 {
        return Err(FolderError::TooLong { path: path.to_owned(), bytes: size });
    }
    let payload: Value =
        serde_json::from_slice(&bytes(path)?).map_err(|source| FolderError::Json { path: path.to_owned(), source })?;
    Ok((number, Delivery { function: function.to_owned(), name: stem.to_owned(), payload }))
}

/// The body of an object.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, FolderError> {
    fs::read(path).map_err(|source| FolderError::Read { path: path.to_owned(), source })
}

fn read_objects(folder: &Path) -> Result<Vec<StoredObject>, FolderError> {
    let mut objects = Vec::new();
    for (bucket, path) in entries(folder)? {
        if !wiring::BUCKETS.iter().any(|known| known.name == bucket) {
            return Err(FolderError::Bucket { path });
        }
        let mut files = BTreeMap::new();
        collect(&path, "", &mut files)?;
        let keys: BTreeSet<String> = files.keys().cloned().collect();
        for (key, file) in &files {
            if let Some(described) = key.strip_suffix(METADATA_SUFFIX) {
                if !keys.contains(described) {
                    return Err(FolderError::MetadataAlone { path: file.clone() });
                }
                continue;
            }
            let metadata = match files.get(&format!("{key}{METADATA_SUFFIX}")) {
                Some(path) => serde_json::from_slice(&bytes(path)?)
                    .map_err(|source| FolderError::Metadata { path: path.clone(), source })?,
                None => BTreeMap::new(),
            };
            objects.push(StoredObject { bucket: bucket.clone(), key: key.clone(), file: file.clone(), metadata });
        }
    }
    Ok(objects)
}

/// All files below a folder, by their keys.
fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, PathBuf>) -> Result<(), FolderError> {
    for (name, path) in entries(folder)? {
        let key = format!("{prefix}{name}");
        if path.is_dir() {
            collect(&path, &format!("{key}/"), files)?;
        } else {
            files.insert(key, path);
        }
    }
    Ok(())
}

/// Names and paths in a folder, sorted; hidden ones left out.
fn entries(folder: &Path) -> Result<BTreeMap<String, PathBuf>, FolderError> {
    let unreadable = |source| FolderError::Read { path: folder.to_owned(), source };
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| FolderError::Encoding { path: path.clone() })?.to_owned();
        if !name.starts_with('.') {
            found.insert(name, path);
        }
    }
    Ok(found)
}
