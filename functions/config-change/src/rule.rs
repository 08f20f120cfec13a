//! The result of one of Config's rules -> a register beside the resource, and the counts on its record.
//!
//! The message says no ARN. Where none follows from type and id, the register is kept beside the key that the resource's
//! item claims: first it is written, then the claim is looked up; the item's writer first claims, then looks for registers.
//! So one of the two sees the other, whoever comes first.

use account::{Account, Extra};
use catalog_store::{Parked, Register, RegisterKind, StoreError};
use config_item::{Compliance, RuleResult, Subject};
use tracing::debug;

use crate::ConfigChangeError;
use crate::handler::{Deps, SOURCE};
use crate::write::{Moment, count_rules, see_account};

const UNRESOLVED: &str = "unresolved subject";

/// # Errors
/// Fails where another try may succeed. A resource that nobody knows yet is no error: its results wait for it.
pub(crate) async fn take(
    compliance: &Compliance,
    result: &RuleResult,
    delivery: &str,
    deps: &Deps,
    account: &Account,
    moment: Moment,
) -> Result<Option<StoreError>, ConfigChangeError> {
    let Some(subject) = compliance.subject() else {
        account.add(|counts| counts.add(Extra::UnresolvedSubjects, 1));
        let subject = format!("{} {}", compliance.resource_type, compliance.resource_id);
        park(subject, deps, moment).await?;
        return Ok(None);
    };
    let RuleResult { id, version, body } = result.clone();
    let register = Register { id, version, body };
    let applied = match deps.store.put_register(&subject.record_key(), RegisterKind::Compliance, &register).await {
        Ok(applied) => applied,
        Err(error) if error.is_retryable() => return Err(ConfigChangeError::Store(error)),
        Err(error) => return Ok(Some(error)),
    };
    debug!(rule = compliance.rule, ?applied, "kept the result of a rule");
    let identity = match &subject {
        Subject::Record(identity) => Some(identity.clone()),
        Subject::Claimed(key) => {
            let holder = deps.store.resolve(std::slice::from_ref(key)).await.map_err(ConfigChangeError::Store)?;
            holder.into_values().next()
        }
    };
    let Some(identity) = identity else {
        account.add(|counts| counts.add(Extra::UnresolvedSubjects, 1));
        park(subject.record_key().to_string(), deps, moment).await?;
        return Ok(None);
    };
    // Also of a stale one: whoever wrote before may have been stopped before it counted.
    let account_id = identity.account_id().unwrap_or(&compliance.place.account).to_owned();
    count_rules(&subject, &identity, &account_id, delivery, deps, account, moment).await?;
    if identity.account_id().is_some() {
        see_account(&compliance.place.partition, &account_id, delivery, deps, account, moment).await?;
    }
    Ok(None)
}

async fn park(subject: String, deps: &Deps, moment: Moment) -> Result<(), ConfigChangeError> {
    let parked = Parked { source: SOURCE.to_owned(), subject, reason: UNRESOLVED.to_owned(), at_ms: moment.now_ms };
    deps.store.park(&parked).await.map_err(ConfigChangeError::Store)
}
