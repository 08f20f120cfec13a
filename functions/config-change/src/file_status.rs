//! Config's word that it delivered a file, or could not -> counts of the account, and a failure that stands until the next
//! delivery.

use account::{Account, Extra};
use catalog_store::FailureRecord;
use config_item::{DeliveryOutcome, FileDelivery};

use crate::ConfigChangeError;
use crate::handler::Deps;

/// Under this name, a slash and the account, `/api/status` counts deliveries region by region.
pub const FILE_STATUS: &str = "config-delivery";

const UNKNOWN: &str = "unknown";

/// # Errors
/// Fails where another try may succeed. A message that comes again is not counted again.
pub(crate) async fn take(status: &FileDelivery, deps: &Deps, account: &Account) -> Result<(), ConfigChangeError> {
    let place = |place: &Option<String>| place.clone().unwrap_or_else(|| UNKNOWN.to_owned());
    let (of_account, region, delivered) = (place(&status.account), place(&status.region), status.delivered.name());
    let name = format!("{of_account}/{region}/{delivered}");
    let (extra, became) = match &status.outcome {
        DeliveryOutcome::Started => return Ok(()),
        DeliveryOutcome::Completed => (Extra::FilesDelivered, "Delivered"),
        DeliveryOutcome::Failed { .. } => (Extra::FilesFailed, "Failed"),
    };
    account.add(|counts| counts.add(extra, 1));
    let count = format!("{region}.{delivered}{became}");
    let source = format!("{FILE_STATUS}/{of_account}");
    deps.store.count_once(&source, &count, &status.id, status.at_ms).await.map_err(ConfigChangeError::Store)?;
    deps.store.count(&source, &[], status.at_ms).await.map_err(ConfigChangeError::Store)?;
    let done = match &status.outcome {
        DeliveryOutcome::Failed { reason } => {
            let failure = FailureRecord {
                source: FILE_STATUS.to_owned(),
                message_id: name,
                code: "config-delivery-failed".to_owned(),
                detail: format!("AWS Config could not deliver the {delivered} of {of_account} in {region}: {reason}"),
                receive_count: 1,
                last_try: false,
                at_ms: status.at_ms,
            };
            deps.store.record_failure(&failure).await
        }
        DeliveryOutcome::Started | DeliveryOutcome::Completed => deps.store.clear_failure(FILE_STATUS, &name).await,
    };
    done.map_err(ConfigChangeError::Store)
}
