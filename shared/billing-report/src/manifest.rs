//! A manifest -> which files make up one delivery of one month.
//!
//! CUR 2.0: <https://docs.aws.amazon.com/cur/latest/userguide/dataexports-export-delivery.html>; legacy:
//! <https://docs.aws.amazon.com/cur/latest/userguide/understanding-report-versions.html>. AWS writes the manifest when all
//! files are there, so that it announces a report.

use cost_model::Month;
use serde::Deserialize;
use serde_json::Value;

/// Most files of one report.
pub const MAX_FILES: usize = 10_000;

/// One complete delivery of one export's month. It replaces what was delivered for the month before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Where the export is delivered to, without period and file name: the same at every delivery.
    pub export: String,
    /// The export's ARN, or a legacy report's name.
    pub name: String,
    pub month: Month,
    /// AWS's own id of the delivery: `executionId`, in legacy reports `assemblyId`.
    pub execution: String,
    pub files: Vec<DataFile>,
    /// Names of the columns that the files have, as the manifest spells them; none where it does not say.
    pub columns: Vec<String>,
}

/// A file of line items, in the manifest's bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    pub key: String,
    pub format: FileFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    Parquet,
    /// Compressed with gzip, in a zip file, or plain.
    Csv,
}

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("the manifest is not JSON of the form that AWS writes")]
    Json {
        #[source]
        source: serde_json::Error,
    },
    #[error("the manifest has neither `dataFiles` nor `reportKeys`: it is not that of a cost report")]
    NotAManifest,
    #[error("the manifest has no `{0}`")]
    Missing(&'static str),
    #[error("neither the manifest nor its key `{key}` says which month it is for")]
    NoPeriod { key: String },
    #[error("the manifest is for {manifest}, but its key says {key}")]
    PeriodsDiffer { manifest: Month, key: Month },
    #[error("the manifest names no files")]
    NoFiles,
    #[error("the manifest names {0} files, more than {MAX_FILES}")]
    TooManyFiles(usize),
    #[error("the manifest names `{uri}`, which is not in its own bucket `{bucket}`")]
    ForeignBucket { uri: String, bucket: String },
    #[error("the manifest names `{key}`; only .parquet, .csv, .csv.gz and .zip can be read")]
    Format { key: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    // Not `bucket`: a report that was copied names its old one, and has bare keys.
    execution_id: Option<String>,
    export_arn: Option<String>,
    data_files: Option<Vec<String>>,
    assembly_id: Option<String>,
    report_name: Option<String>,
    report_keys: Option<Vec<String>>,
    /// `{name}`, in legacy reports with `category`; what has another shape is not read.
    #[serde(default)]
    columns: Value,
    /// `{start, end}` of times like `20170701T000000.000Z`; in other shapes it is not read.
    billing_period: Option<Value>,
}

/// Whether an object of this key announces a report. The manifest for Redshift beside it does not.
pub fn is_manifest_key(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default();
    name == "Manifest.json" || name.ends_with("-Manifest.json")
}

impl Manifest {
    /// Reads the manifest that lies at `key` in `bucket`.
    ///
    /// # Errors
    /// Fails on anything that is not the manifest of a cost report, on a month that is not said or said twice
    /// differently, and on files in another bucket, of another format, or of too large a number.
    pub fn parse(bucket: &str, key: &str, body: &[u8]) -> Result<Self, ManifestError> {
        let body: Body = serde_json::from_slice(body).map_err(|source| ManifestError::Json { source })?;
        let (execution, name, keys) = match (body.data_files, body.report_keys) {
            (Some(files), _) => {
                (body.execution_id.ok_or(ManifestError::Missing("executionId"))?, body.export_arn, files)
            }
            (None, Some(keys)) => {
                (body.assembly_id.ok_or(ManifestError::Missing("assemblyId"))?, body.report_name, keys)
            }
            (None, None) => return Err(ManifestError::NotAManifest),
        };
        if keys.is_empty() {
            return Err(ManifestError::NoFiles);
        }
        if keys.len() > MAX_FILES {
            return Err(ManifestError::TooManyFiles(keys.len()));
        }
        let files = keys.into_iter().map(|uri| data_file(bucket, uri)).collect::<Result<Vec<_>, _>>()?;
        let said = body.billing_period.as_ref().and_then(month_of_period);
        let of_keys = month_of_key(key).or_else(|| files.iter().find_map(|file| month_of_key(&file.key)));
        let month = match (said, of_keys) {
            (Some(manifest), Some(key)) if manifest != key => {
                return Err(ManifestError::PeriodsDiffer { manifest, key });
            }
            (Some(month), _) | (None, Some(month)) => month,
            (None, None) => return Err(ManifestError::NoPeriod { key: key.to_owned() }),
        };
        let export = export_of(key);
        let columns = body.columns.as_array().into_iter().flatten().filter_map(column_name).collect();
        Ok(Self { name: name.unwrap_or_else(|| export.clone()), export, month, execution, files, columns })
    }
}

/// `lineItem/UnblendedCost`, `line_item_unblended_cost`.
fn column_name(column: &Value) -> Option<String> {
    let name = column.get("name")?.as_str()?;
    let category = column.get("category").and_then(Value::as_str);
    Some(category.map_or_else(|| name.to_owned(), |category| format!("{category}/{name}")))
}

fn data_file(bucket: &str, uri: String) -> Result<DataFile, ManifestError> {
    let key = match uri.strip_prefix("s3://") {
        Some(rest) => match rest.split_once('/') {
            Some((named, key)) if named == bucket => key.to_owned(),
            _ => return Err(ManifestError::ForeignBucket { uri, bucket: bucket.to_owned() }),
        },
        None => uri,
    };
    let lower = key.to_ascii_lowercase();
    let format = if lower.ends_with(".parquet") {
        FileFormat::Parquet
    } else if [".csv.gz", ".csv", ".zip"].iter().any(|ending| lower.ends_with(ending)) {
        FileFormat::Csv
    } else {
        return Err(ManifestError::Format { key });
    };
    Ok(DataFile { key, format })
}

/// `{"start": "20170701T000000.000Z", ..}`.
fn month_of_period(period: &Value) -> Option<Month> {
    let start = period.get("start")?.as_str()?;
    compact_month(start.get(..8)?)
}

/// `.../BILLING_PERIOD=2026-10/...`, in any case; `.../year=2022/month=9/...`; `.../20170701-20170801/...`.
fn month_of_key(key: &str) -> Option<Month> {
    let mut year = None;
    for segment in key.split('/') {
        match segment.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("billing_period") => return value.parse().ok(),
            Some((name, value)) if name.eq_ignore_ascii_case("year") => year = Some(value),
            Some((name, value)) if name.eq_ignore_ascii_case("month") => {
                return format!("{}-{value:0>2}", year?).parse().ok();
            }
            _ => {}
        }
        if let Some((start, end)) = segment.split_once('-')
            && start.len() == 8
            && end.len() == 8
            && let (Some(month), Some(_)) = (compact_month(start), compact_month(end))
        {
            return Some(month);
        }
    }
    None
}

fn compact_month(day: &str) -> Option<Month> {
    let is_day = day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
    if !is_day {
        return None;
    }
    format!("{}-{}", &day[..4], &day[4..6]).parse().ok()
}

/// `billing/acme/metadata/BILLING_PERIOD=2026-10/acme-Manifest.json` -> `billing/acme`. Legacy:
/// `billing/acme/20170701-20170801/acme-Manifest.json`, with or without the assembly's folder, -> `billing/acme`.
fn export_of(key: &str) -> String {
    let is_period = |segment: &str| segment.contains('=') || month_of_key(segment).is_some();
    let segments: Vec<&str> = key.split('/').collect();
    let folders = &segments[..segments.len() - 1];
    let end = folders.iter().position(|segment| is_period(segment)).unwrap_or(folders.len());
    let mut export = &folders[..end];
    if let [rest @ .., "metadata" | "data"] = export {
        export = rest;
    }
    if export.is_empty() {
        let name = segments[segments.len() - 1];
        return name.strip_suffix("Manifest.json").unwrap_or(name).trim_end_matches('-').to_owned();
    }
    export.join("/")
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
