//! A plot <-> the files of a folder like `events/`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::deliveries::Plot;

/// Every file of a plot by its path below the folder.
pub fn files_of(plot: &Plot) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for object in &plot.objects {
        let path = Path::new("objects").join(object.bucket).join(&object.key);
        if !object.metadata.is_empty() {
            let metadata: Map<String, Value> =
                object.metadata.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
            let mut beside = path.clone().into_os_string();
            beside.push(".metadata.json");
            files.insert(PathBuf::from(beside), pretty(&Value::Object(metadata)));
        }
        files.insert(path, object.bytes.clone());
    }
    for (at, delivery) in plot.deliveries.iter().enumerate() {
        let file = format!("{:02}-{}.json", at + 1, delivery.name);
        files.insert(Path::new(delivery.function).join(file), pretty(&delivery.payload));
    }
    files
}

/// Writes a plot, replacing what the folder held.
///
/// # Errors
/// Fails when the folder cannot be written.
pub fn write(plot: &Plot, folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for (path, bytes) in files_of(plot) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, bytes)?;
    }
    Ok(())
}

fn pretty(value: &Value) -> Vec<u8> {
    let mut text = serde_json::to_string_pretty(value).expect("a JSON value serialises");
    text.push('\n');
    text.into_bytes()
}
