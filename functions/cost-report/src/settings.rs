//! The environment of the function -> its settings.

use telemetry::{SettingsError, optional, optional_number, required, required_number};

/// Most bytes of a report, if `MAX_REPORT_BYTES` says nothing: what one function reads within its fifteen minutes.
pub const DEFAULT_MAX_REPORT_BYTES: u64 = 64 * 1024 * 1024 * 1024;

/// Where reports come in, and where their rollups go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `TABLE_NAME`
    pub table_name: String,
    /// `CATALOG_BUCKET`
    pub catalog_bucket: String,
    /// `REPORTS_BUCKET`: notifications of any other bucket are ignored.
    pub reports_bucket: String,
    /// `MAX_RECEIVE_COUNT`, as in the redrive policy of the queue.
    pub max_receive_count: u32,
    /// `MAX_REPORT_BYTES`: a report with more is not read here.
    pub max_report_bytes: u64,
    /// Who rolls up reports that are larger. `None`: they are refused.
    pub athena: Option<AthenaSettings>,
}

/// Where Athena finds reports, and where it puts what comes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AthenaSettings {
    /// `ATHENA_WORKGROUP`: without it, there is no Athena. Events of queries of any other workgroup are ignored.
    pub workgroup: String,
    /// `ATHENA_DATABASE`
    pub database: String,
    /// `ATHENA_TABLE`
    pub table: String,
    /// `ATHENA_RESULTS_BUCKET`
    pub results_bucket: String,
    /// `ATHENA_RESULTS_PREFIX`, such as `athena/`.
    pub results_prefix: String,
}

impl Settings {
    /// # Errors
    /// Names the first variable that is missing or unreadable.
    pub fn from_env() -> Result<Self, SettingsError> {
        Ok(Self {
            table_name: required("TABLE_NAME")?,
            catalog_bucket: required("CATALOG_BUCKET")?,
            reports_bucket: required("REPORTS_BUCKET")?,
            max_receive_count: required_number("MAX_RECEIVE_COUNT")?,
            max_report_bytes: optional_number("MAX_REPORT_BYTES")?.unwrap_or(DEFAULT_MAX_REPORT_BYTES),
            athena: optional("ATHENA_WORKGROUP").map(AthenaSettings::from_env).transpose()?,
        })
    }
}

impl AthenaSettings {
    fn from_env(workgroup: String) -> Result<Self, SettingsError> {
        Ok(Self {
            workgroup,
            database: required("ATHENA_DATABASE")?,
            table: required("ATHENA_TABLE")?,
            results_bucket: required("ATHENA_RESULTS_BUCKET")?,
            results_prefix: required("ATHENA_RESULTS_PREFIX")?,
        })
    }
}
