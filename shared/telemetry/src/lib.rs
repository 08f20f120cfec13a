//! What the functions tell about themselves: log lines, metrics that CloudWatch reads out of log lines, and which setting
//! is missing.

mod logging;
mod metrics;
mod settings;

pub use logging::{init, init_with};
pub use metrics::{BatchMetrics, Metric, NAMESPACE, Unit};
pub use settings::{Output, Settings, SettingsError, optional, optional_number, required, required_number};
