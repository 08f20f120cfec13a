//! An object that came to or went from the drop bucket -> an export published or retired.
//!
//! The key is `exports/<producer>/<format>/<name>`, with the extension of a known kind of file after it or not. The
//! parameters are user metadata of the object (`x-amz-meta-component`); metadata of other names is left alone, since
//! upload tools add their own.

use account::Account;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use catalog_model::{Door, Format, SourceObject};
use delivery::s3_notification::{self, ObjectEvent, ObjectEventKind};
use export_formats::{MAX_CATALOG_INFO_BYTES, PARAMETERS, Parameters, format_named, max_dropped_bytes};
use jiff::Timestamp;
use tracing::{info, instrument};

use crate::error::CicdExportError;
use crate::export::{Arrival, Export, keep_refusal, publish, retire};
use crate::handler::Deps;
use crate::http_door::is_part;
use crate::long_export::publish_long;
use crate::pinned_object::PinnedObject;
use crate::producers::Caller;
use crate::receipt::Receipt;

const PREFIX: &str = "exports/";

/// Only these are taken for extensions: `orders.prod` and `orders.test` are two names.
const EXTENSIONS: &[&str] = &[".json", ".yaml", ".yml", ".tfstate", ".txt"];

/// Handles the objects of one message. Each is tried, and the first error is returned: repeating the message repeats
/// what went well, which changes nothing.
pub(crate) async fn handle(body: &str, deps: &Deps, account: &Account, now: Timestamp) -> Result<(), CicdExportError> {
    let events = s3_notification::parse(body).map_err(CicdExportError::Envelope)?;
    let mut first_error = None;
    for event in &events {
        match handle_object(event, deps, now).await {
            Ok(Some(receipt)) => receipt.count(account),
            Ok(None) => {}
            Err(error) => {
                account.add(|counts| counts.refused += error.refused_documents());
                first_error = first_error.or_else(|| Some(error.of_object(&event.key)));
            }
        }
    }
    first_error.map_or(Ok(()), Err)
}

#[instrument(skip_all, fields(s3.key = %event.key, s3.sequencer = event.sequencer.as_deref()))]
async fn handle_object(event: &ObjectEvent, deps: &Deps, now: Timestamp) -> Result<Option<Receipt>, CicdExportError> {
    if event.bucket != deps.drop_bucket {
        return Err(CicdExportError::WrongBucket { bucket: event.bucket.clone() });
    }
    // What consoles create for an empty folder.
    if event.key.ends_with('/') {
        return Ok(None);
    }
    let source = source_object(&event.key)?;
    let caller = Caller { text: event.requester.as_deref() };
    deps.producers.check(caller, &source.producer).map_err(CicdExportError::NotAllowed)?;
    let mut export = Export {
        source,
        parameters: Parameters::default(),
        body: Vec::new(),
        delivery: delivery_id(event),
        caller: event.requester.clone(),
        arrival: Arrival::S3Event { at: event.event_time, sequencer: event.sequencer.clone().unwrap_or_default() },
    };
    match event.kind {
        ObjectEventKind::Removed { by_lifecycle: true } => {
            info!("an object expired by a lifecycle rule: its export stands");
            Ok(None)
        }
        ObjectEventKind::Removed { by_lifecycle: false } => {
            // A removal that comes late has no serial that would tell so. An object that is there has an event of its
            // own, come or to come; or it was an old version of it that went.
            if is_there(event, deps).await? {
                info!("the object is there again, or still: its export stands");
                return Ok(None);
            }
            retire(&export, &deps.store, now).await
        }
        ObjectEventKind::Created => {
            let outcome = take(event, &mut export, deps, now).await;
            if let Err(error) = &outcome
                && error.is_refusal()
            {
                keep_refusal(&export, error, &deps.store, now).await;
            }
            outcome
        }
    }
}

/// Reads the object of a `Created` event and publishes it. `None`: it is not there any more, or is another one by
/// now; then that has an event of its own.
async fn take(
    event: &ObjectEvent,
    export: &mut Export,
    deps: &Deps,
    now: Timestamp,
) -> Result<Option<Receipt>, CicdExportError> {
    let limit = max_dropped_bytes(export.source.format);
    check_size(event.size.unwrap_or_default(), limit)?;
    let Some(object) = open(event, deps).await? else { return Ok(None) };
    let metadata = object.metadata.clone().unwrap_or_default();
    let mut metadata: Vec<_> = metadata.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    metadata.retain(|(name, _)| PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(name)));
    metadata.sort_unstable();
    export.parameters = Parameters::parse(metadata).map_err(CicdExportError::Parameter)?;
    if export.parameters.dry_run {
        return Err(CicdExportError::DryRunDropped);
    }
    let bytes = object.content_length().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default();
    check_size(bytes, limit)?;
    if export.source.format == Format::CatalogInfo && bytes > MAX_CATALOG_INFO_BYTES as u64 {
        let pinned = PinnedObject::of(event, &object, &deps.s3);
        drop(object);
        return publish_long(export, &pinned, deps, now).await;
    }
    export.body = read(object, &event.key, bytes, limit).await?;
    publish(export, &deps.store, now).await.map(Some)
}

async fn open(event: &ObjectEvent, deps: &Deps) -> Result<Option<GetObjectOutput>, CicdExportError> {
    let get = deps.s3.get_object().bucket(&event.bucket).key(&event.key);
    let opened = match (&event.version_id, &event.etag) {
        (Some(version_id), _) => get.version_id(version_id).send().await,
        (None, Some(etag)) => get.if_match(format!("\"{etag}\"")).send().await,
        (None, None) => get.send().await,
    };
    let object = match opened {
        Ok(object) => object,
        Err(error) => {
            return match error.code() {
                Some("NoSuchKey" | "NoSuchVersion" | "PreconditionFailed") => {
                    info!("the object is gone or another one by now: nothing to read");
                    Ok(None)
                }
                _ => Err(CicdExportError::Object { key: event.key.clone(), source: error.into() }),
            };
        }
    };
    // Not every S3 server knows If-Match.
    let is_another = event.version_id.is_none()
        && matches!((&event.etag, object.e_tag()), (Some(wanted), Some(found)) if found.trim_matches('"') != wanted);
    if is_another {
        info!("the object is another one by now: nothing to read");
        return Ok(None);
    }
    Ok(Some(object))
}

async fn is_there(event: &ObjectEvent, deps: &Deps) -> Result<bool, CicdExportError> {
    match deps.s3.head_object().bucket(&event.bucket).key(&event.key).send().await {
        Ok(_) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(|error| error.is_not_found()) => Ok(false),
        Err(error) => Err(CicdExportError::Object { key: event.key.clone(), source: error.into() }),
    }
}

/// `bytes`: what the object is said to have, at most `limit`. More than that is an error, whatever was said.
async fn read(object: GetObjectOutput, key: &str, bytes: u64, limit: u64) -> Result<Vec<u8>, CicdExportError> {
    let mut stream = object.body;
    let mut body = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| CicdExportError::Object { key: key.to_owned(), source: error.into() })?;
        body.extend_from_slice(&chunk);
        check_size(u64::try_from(body.len()).unwrap_or(u64::MAX), limit)?;
    }
    Ok(body)
}

fn check_size(bytes: u64, limit: u64) -> Result<(), CicdExportError> {
    if bytes > limit { Err(CicdExportError::ObjectTooLarge { bytes, limit }) } else { Ok(()) }
}

fn source_object(key: &str) -> Result<SourceObject, CicdExportError> {
    let wrong = |reason: String| CicdExportError::KeyLayout { key: key.to_owned(), reason };
    let rest = key.strip_prefix(PREFIX).ok_or_else(|| wrong("it does not start with `exports/`".to_owned()))?;
    let parts: Vec<&str> = rest.split('/').collect();
    let [producer, format, file] = parts.as_slice() else {
        return Err(wrong(format!("it has {} parts behind `exports/`, not 3", parts.len())));
    };
    let stem = EXTENSIONS.iter().find_map(|extension| file.strip_suffix(extension)).filter(|stem| !stem.is_empty());
    let name = stem.unwrap_or(file);
    for (what, text) in [("producer", *producer), ("name", name)] {
        if !is_part(text) {
            return Err(wrong(format!("the {what} is not of the form [A-Za-z0-9._-], 1 to 128 characters")));
        }
    }
    let format = format_named(format).map_err(|error| CicdExportError::Export(error.into()))?;
    Ok(SourceObject { door: Door::S3, producer: (*producer).to_owned(), format, name: name.to_owned() })
}

/// The same at every redelivery of one event.
fn delivery_id(event: &ObjectEvent) -> String {
    let ObjectEvent { bucket, key, version_id, sequencer, event_time, .. } = event;
    let which = version_id.as_ref().or(sequencer.as_ref()).cloned().unwrap_or_else(|| event_time.to_string());
    format!("object s3://{bucket}/{key} {which}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_an_object_names_its_source_object() {
        for (key, expected) in [
            ("exports/org.repo/terraform-state/prod", "s3/org.repo/terraform-state/prod"),
            ("exports/org.repo/terraform-state/prod.tfstate", "s3/org.repo/terraform-state/prod"),
            ("exports/org.repo/terraform-state/orders.prod", "s3/org.repo/terraform-state/orders.prod"),
            ("exports/org.repo/catalog-info/catalog-info.yaml", "s3/org.repo/catalog-info/catalog-info"),
            ("exports/org.repo/catalog-info/.yaml", "s3/org.repo/catalog-info/.yaml"),
        ] {
            assert_eq!(source_object(key).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn a_key_of_another_layout_is_refused_with_the_reason() {
        for (key, expected) in [
            ("other/a/terraform-state/b", "it does not start with `exports/`"),
            ("exports/a/terraform-state", "it has 2 parts behind `exports/`, not 3"),
            ("exports/a/terraform-state/b/c", "it has 4 parts behind `exports/`, not 3"),
            ("exports//terraform-state/b", "the producer is not of the form"),
            ("exports/a/terraform-state/b c", "the name is not of the form"),
        ] {
            let error = source_object(key).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
        let later = source_object("exports/a/pulumi/b").unwrap_err();
        assert_eq!(delivery::Classify::code(&later), "format-not-implemented");
    }
}
