//! What an item says -> its record, the records of its second ids, that of its account, and what waited for it.

use std::sync::PoisonError;
use std::time::Instant;

use account::Account;
use catalog_model::{Applied, Fragment, Identity, RecordKey, Said};
use catalog_store::{RegisterKind, StoreError};
use config_item::{Subject, counts, observed_account};
use tracing::debug;

use crate::ConfigChangeError;
use crate::handler::{Deps, SOURCE};
use crate::message::ItemWords;

/// When a batch is worked on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now_ms: u64,
    pub(crate) began: Instant,
}

/// The record first, its second ids after it: whoever follows one of those finds the record. One that does not take its
/// fragment for good holds up no other; the first such error is returned when all are written.
///
/// # Errors
/// Fails where another try may succeed.
pub(crate) async fn write_item(
    words: &ItemWords,
    deps: &Deps,
    account: &Account,
    moment: Moment,
) -> Result<Option<StoreError>, ConfigChangeError> {
    let mut not_taken = None;
    let mut claimed = None;
    for (key, fragment) in &words.statements.fragments {
        let applied = match write(key, fragment, deps, account, moment).await {
            Ok(applied) => applied,
            Err(error) if error.is_retryable() => return Err(ConfigChangeError::Store(error)),
            Err(error) => {
                not_taken = not_taken.or(Some(error));
                continue;
            }
        };
        // Of a claim that was written before, nobody knows whether what follows it was done too.
        if let (Some(subject), Said::Claim(claim)) = (&words.subject, &fragment.said)
            && subject.record_key() == *key
            && applied != Applied::Stale
        {
            claimed = Some((subject, &claim.identity));
        }
    }
    if let Some((subject, identity)) = claimed {
        let waited = count_rules(subject, identity, &words.account, &words.delivery, deps, account, moment).await?;
        if waited {
            deps.store.unpark(SOURCE, &subject.record_key().to_string()).await.map_err(ConfigChangeError::Store)?;
        }
    }
    see_account(&words.partition, &words.account, &words.delivery, deps, account, moment).await?;
    Ok(not_taken)
}

/// Writes a fragment and counts what became of it.
pub(crate) async fn write(
    key: &RecordKey,
    fragment: &Fragment,
    deps: &Deps,
    account: &Account,
    moment: Moment,
) -> Result<Applied, StoreError> {
    let applied = deps.store.apply(key, fragment, moment.now_ms).await?;
    debug!(record = %key, fragment.version = %fragment.version, ?applied, "wrote a fragment");
    account.add(|counts| {
        *match applied {
            Applied::Applied => &mut counts.applied,
            Applied::Stale => &mut counts.stale,
            Applied::Duplicate => &mut counts.duplicate,
        } += 1;
    });
    Ok(applied)
}

/// Counts what stands of all rules beside `subject`, and writes it to the record that the subject is. Whether there is any.
///
/// It reads after whatever was written: who writes last counts all, and who comes later with less is stale.
pub(crate) async fn count_rules(
    subject: &Subject,
    identity: &Identity,
    account_id: &str,
    delivery: &str,
    deps: &Deps,
    account: &Account,
    moment: Moment,
) -> Result<bool, ConfigChangeError> {
    let registers = deps.store.registers(&subject.record_key(), RegisterKind::Compliance).await;
    let registers = registers.map_err(ConfigChangeError::Store)?;
    if registers.is_empty() {
        return Ok(false);
    }
    let results = registers.iter().map(|register| (&register.version, &register.body));
    let fragment = counts(results, identity, subject, account_id, delivery);
    let key = RecordKey::Entity(identity.clone());
    write(&key, &fragment, deps, account, moment).await.map_err(ConfigChangeError::Store)?;
    Ok(true)
}

/// That the account of a resource exists: written once by each process.
pub(crate) async fn see_account(
    partition: &str,
    account_id: &str,
    delivery: &str,
    deps: &Deps,
    account: &Account,
    moment: Moment,
) -> Result<(), ConfigChangeError> {
    let seen = (partition.to_owned(), account_id.to_owned());
    let known = || deps.accounts.lock().unwrap_or_else(PoisonError::into_inner);
    // Known from here on, so that the other messages of the batch do not write it too: if it fails, this one is tried again.
    if !known().insert(seen.clone()) {
        return Ok(());
    }
    if let Some((key, fragment)) = observed_account(partition, account_id, delivery)
        && let Err(error) = write(&key, &fragment, deps, account, moment).await
    {
        known().remove(&seen);
        return Err(ConfigChangeError::Store(error));
    }
    Ok(())
}
