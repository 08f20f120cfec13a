//! `GET /api/changes`: what was changed, in the order in which it was committed, for who follows instead of asking again.
//!
//! Without `after` there are no items, only a cursor: take it, read everything by `/entities/by-query`, and follow from
//! there. An entity comes as it is now, also when only what others say of it changed; so one that changed twice may come
//! once, and one may come that is as before. Who applies all items ends where a full read ends, wherever it stopped in
//! between.

mod place;

use std::collections::HashMap;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use catalog_follow::{LogRow, Progress};
use catalog_model::{EntityRef, Identity, Key, RecordKey, derived_ref};
use catalog_search::{Catalog, NotLoaded};
use catalog_store::{Deltas, LogDefect};
use delivery::api::ApiError;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::answers::{self, Answer, unavailable};
use crate::changes::place::Place;
use crate::handler::Deps;
use crate::parameters::Parameters;

const DEFAULT_LIMIT: usize = 500;
const MAX_LIMIT: usize = 1000;

/// A page ends here, whatever `limit` says: what Lambda returns is not much more, and a cursor goes on anywhere.
const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Entities read and shown at once.
const CHUNK: usize = 100;

/// An entity that may look different, by the last change on the page that says so.
#[derive(Debug)]
struct Change {
    place: Place,
    identity: Identity,
    /// The name that it had before the change, if its own record changed.
    was: Option<Key>,
}

pub(crate) async fn changes(request: &ApiGatewayProxyRequest, deps: &Deps, now: Timestamp) -> Result<Answer, ApiError> {
    let parameters = Parameters::check(request, &["after", "limit"])?;
    let limit = parameters.count("limit")?.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(ApiError::input(format!("request/query/limit must be between 1 and {MAX_LIMIT}")));
    }
    let after = parameters.one("after")?.map(Place::decode).transpose()?;
    deps.live.follow(now).await.map_err(unavailable)?;
    let mut progress = deps.live.progress().await;
    let Some((after, line)) = after else {
        let place = Place::behind(progress.settled_seq(now));
        return Ok(answers::json(&json!({"items": [], "hasMore": false, "cursor": place.encode(&progress.line())})));
    };
    // Another instance may be a second ahead, or have seen a rebuild first.
    if line != progress.line() || after.seq > progress.seq + 1 {
        deps.live.follow_anew(now).await.map_err(unavailable)?;
        progress = deps.live.progress().await;
    }
    if line != progress.line() || after.seq > progress.seq + 1 {
        return Err(gone("the index was built anew since"));
    }
    if after.seq > progress.seq {
        return Ok(answers::json(&json!({"items": [], "hasMore": false, "cursor": after.encode(&line)})));
    }
    let (changes, next) = changes_after(&after, limit, &progress, deps).await?;
    page(changes, next, &progress, deps).await
}

fn gone(why: &str) -> ApiError {
    ApiError::gone(format!(
        "the changes behind this cursor are not known any more: {why}; ask without `after` for a new cursor, read \
         everything by /api/catalog/entities/by-query, and follow from there"
    ))
}

/// At most `limit` entities that may look different, in the order of their last changes, and where to go on.
async fn changes_after(
    after: &Place,
    limit: usize,
    progress: &Progress,
    deps: &Deps,
) -> Result<(Vec<Change>, Place), ApiError> {
    let Deltas { items, defect } = deps.store.deltas_after(after.seq - 1).await.map_err(unavailable)?;
    if items.is_empty() {
        return Err(gone(match defect {
            Some(LogDefect::Unreadable { .. }) => "an item of the log cannot be read",
            Some(LogDefect::Gap { .. }) | None => "the log is kept for seven days",
        }));
    }
    // Up to where this reader is, and to the first item that cannot tell whom it touched.
    let mut rows: Vec<(u64, Vec<LogRow>)> = Vec::new();
    for delta in items.iter().take_while(|delta| delta.seq <= progress.seq) {
        match delta.rows::<LogRow>() {
            Ok(some) if some.iter().all(|row| row.touched.is_some()) => rows.push((delta.seq, some)),
            Ok(_) | Err(_) => break,
        }
    }
    if rows.is_empty() {
        return Err(gone("an item of the log is of an earlier format, or cannot be read"));
    }
    deps.live.ask(|catalog| touched_by(&rows, after, limit, catalog)).await.map_err(unavailable)
}

fn touched_by(
    rows: &[(u64, Vec<LogRow>)],
    after: &Place,
    limit: usize,
    catalog: &Catalog,
) -> Result<(Vec<Change>, Place), NotLoaded> {
    let mut found: HashMap<Identity, Change> = HashMap::new();
    let mut next = after.clone();
    'log: for (seq, rows) in rows {
        for (at, row) in (0..).zip(rows) {
            let here = Place { seq: *seq, row: at, uid: String::new() };
            let Some(touched) = row.touched.as_ref().filter(|_| here.row_end() > next) else { continue };
            let affected = catalog.affected(&row.key, touched)?.into_iter();
            let mut affected: Vec<(String, Identity)> = affected.map(|identity| (identity.uid(), identity)).collect();
            affected.sort();
            for (uid, identity) in affected {
                let place = Place { uid, ..here.clone() };
                if place <= next {
                    continue;
                }
                if found.len() == limit && !found.contains_key(&identity) {
                    break 'log;
                }
                next = place.clone();
                let is_own = matches!(&row.key, RecordKey::Entity(own) if *own == identity);
                let was = touched.was.clone().filter(|_| is_own);
                let was = was.or_else(|| found.get(&identity).and_then(|earlier| earlier.was.clone()));
                found.insert(identity.clone(), Change { place, identity, was });
            }
            next = here.row_end();
        }
        next = Place::behind(*seq);
    }
    let mut changes: Vec<Change> = found.into_values().collect();
    changes.sort_by(|one, other| one.place.cmp(&other.place));
    Ok((changes, next))
}

async fn page(changes: Vec<Change>, mut next: Place, progress: &Progress, deps: &Deps) -> Result<Answer, ApiError> {
    let mut items: Vec<String> = Vec::with_capacity(changes.len());
    let mut bytes = 0;
    let mut last: Option<&Place> = None;
    'page: for chunk in changes.chunks(CHUNK) {
        let identities: Vec<Identity> = chunk.iter().map(|change| change.identity.clone()).collect();
        let texts = deps.documents.get(&identities, &deps.live, &deps.store).await.map_err(unavailable)?;
        let references = |catalog: &Catalog| identities.iter().map(|identity| catalog.current_ref(identity)).collect();
        let references: Vec<Option<EntityRef>> = deps.live.ask(references).await.map_err(unavailable)?;
        for ((change, text), reference) in chunk.iter().zip(texts.iter()).zip(references) {
            let item = match (text, reference) {
                (Some(text), Some(reference)) => upsert(change, &reference, text)?,
                _ => delete(change),
            };
            if let Some(last) = last
                && bytes + item.len() > MAX_PAGE_BYTES
            {
                next = last.clone();
                break 'page;
            }
            bytes += item.len();
            items.push(item);
            last = Some(&change.place);
        }
    }
    let (has_more, cursor) = (next.seq <= progress.seq, next.encode(&progress.line()));
    let items = items.join(",");
    Ok(answers::json_text(format!(r#"{{"items":[{items}],"hasMore":{has_more},"cursor":"{cursor}"}}"#)))
}

fn upsert(change: &Change, reference: &EntityRef, entity: &str) -> Result<String, ApiError> {
    #[derive(Deserialize)]
    struct Shown {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        etag: String,
    }
    let shown: Shown = serde_json::from_str(entity).map_err(|_| ApiError::internal())?;
    let head = json!({
        "type": "upsert",
        "seq": change.place.seq,
        "uid": change.identity.uid(),
        "entityRef": reference.to_string(),
        "etag": shown.metadata.etag,
    });
    let head = head.to_string();
    Ok(format!(r#"{},"entity":{entity}}}"#, head.trim_end_matches('}')))
}

/// Of what is gone, the name is the last that its own record gave it.
fn delete(change: &Change) -> String {
    let Change { place, identity, was } = change;
    let reference = was.as_ref().and_then(Key::entity_ref).or_else(|| identity.entity_ref());
    let reference = reference.unwrap_or_else(|| derived_ref(identity)).to_string();
    json!({"type": "delete", "seq": place.seq, "uid": identity.uid(), "entityRef": reference}).to_string()
}
