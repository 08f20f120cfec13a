//! Identities -> the JSON of a list of entities: at once if it is short, else chunk by chunk while it is sent.

use std::sync::Arc;

use bytes::Bytes;
use catalog_model::Identity;
use catalog_search::{Catalog, Known, Projection};
use delivery::api::ApiError;
use futures::stream::{StreamExt, unfold};
use tracing::error;

use crate::answers::{AnswerBody, BrokenOff, check_length, unavailable};
use crate::documents::Texts;
use crate::handler::Deps;

/// Entities read and shown at once.
pub(crate) const CHUNK: usize = 500;

/// Entities as JSON texts.
///
/// # Errors
/// Fails if the store cannot be read.
pub(crate) async fn rendered(
    identities: &[Identity],
    projection: Option<&Projection>,
    deps: &Deps,
) -> Result<Texts, ApiError> {
    projected(deps.documents.get(identities, &deps.live, &deps.store).await.map_err(unavailable)?, projection)
}

fn projected(texts: Texts, projection: Option<&Projection>) -> Result<Texts, ApiError> {
    let Some(projection) = projection else { return Ok(texts) };
    let mut projected = Texts::default();
    for text in texts.iter() {
        let entity = text.map(serde_json::from_str).transpose().map_err(|_| ApiError::internal())?;
        projected.push(entity.map(|entity| projection.apply(&entity).to_string()).as_deref());
    }
    Ok(projected)
}

/// All of a list that is kept in memory until it is whole.
///
/// # Errors
/// 413 as soon as it is too long: the rest is not even read.
pub(crate) async fn whole(
    identities: &[Identity],
    projection: Option<&Projection>,
    deps: &Deps,
) -> Result<Texts, ApiError> {
    let known = |catalog: &Catalog| identities.iter().map(|identity| catalog.known_of(identity)).collect();
    let known: Vec<Known> = deps.live.ask(known).await.map_err(unavailable)?;
    whole_known(identities, &known, projection, deps).await
}

/// The same of entities of which the index was asked already.
///
/// # Errors
/// As [`whole`].
pub(crate) async fn whole_known(
    identities: &[Identity],
    known: &[Known],
    projection: Option<&Projection>,
    deps: &Deps,
) -> Result<Texts, ApiError> {
    let mut texts = Texts::default();
    for (identities, known) in identities.chunks(CHUNK).zip(known.chunks(CHUNK)) {
        let more = deps.documents.get_known(identities, known, &deps.live, &deps.store).await.map_err(unavailable)?;
        texts.append(projected(more, projection)?);
        check_length(texts.bytes())?;
    }
    Ok(texts)
}

/// `before`, the entities that exist separated by commas, and `behind`.
///
/// # Errors
/// Fails if the first chunk cannot be read. A later one breaks the answer off.
pub(crate) async fn streamed(
    before: &str,
    mut identities: Vec<Identity>,
    projection: Option<Projection>,
    behind: String,
    deps: &Arc<Deps>,
) -> Result<AnswerBody, ApiError> {
    let rest = identities.split_off(identities.len().min(CHUNK));
    let mut first = before.to_owned();
    let mut begun = Joined::default();
    begun.add(&mut first, &rendered(&identities, projection.as_ref(), deps).await?);
    if rest.is_empty() {
        return Ok(AnswerBody::Full((first + &behind).into()));
    }
    let state = Rest { identities: rest.into_iter(), begun, projection, behind: Some(behind), deps: Arc::clone(deps) };
    let rest = unfold(Some(state), async |state| state?.next().await);
    let first = futures::stream::iter([Ok(Bytes::from(first))]);
    Ok(AnswerBody::Stream(first.chain(rest).boxed()))
}

/// Whether a comma is due.
#[derive(Debug, Default)]
struct Joined {
    is_begun: bool,
}

impl Joined {
    fn add(&mut self, text: &mut String, entities: &Texts) {
        text.reserve(entities.bytes() + entities.existing() * ",".len());
        for entity in entities.iter().flatten() {
            if self.is_begun {
                text.push(',');
            }
            text.push_str(entity);
            self.is_begun = true;
        }
    }
}

struct Rest {
    identities: std::vec::IntoIter<Identity>,
    begun: Joined,
    projection: Option<Projection>,
    behind: Option<String>,
    deps: Arc<Deps>,
}

impl Rest {
    async fn next(mut self) -> Option<(Result<Bytes, BrokenOff>, Option<Self>)> {
        let chunk: Vec<Identity> = self.identities.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            return self.behind.take().map(|behind| (Ok(behind.into()), None));
        }
        match rendered(&chunk, self.projection.as_ref(), &self.deps).await {
            Ok(entities) => {
                let mut text = String::new();
                self.begun.add(&mut text, &entities);
                Some((Ok(text.into()), Some(self)))
            }
            Err(error) => {
                error!(status = error.status, message = error.message, "a list broke off");
                Some((Err(BrokenOff(error.message)), None))
            }
        }
    }
}
