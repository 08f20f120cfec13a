//! What the functions tell about themselves: log lines, and metrics that CloudWatch reads out of log lines.

mod logging;
mod metrics;
mod settings;

pub use logging::{init, init_with};
pub use metrics::{BatchMetrics, Metric, NAMESPACE, Unit};
pub use settings::{Output, Settings};
