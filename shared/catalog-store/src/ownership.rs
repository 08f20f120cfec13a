//! The rules of ownership: one object of the bucket, which somebody put there, read once by each process.

use std::sync::Arc;

use catalog_model::Rules;
use tokio::sync::OnceCell;

use crate::{CatalogStore, StoreError};

/// Where the file is in the catalog bucket.
pub const OWNERSHIP_KEY: &str = "config/ownership.yaml";

impl CatalogStore {
    /// The rules of ownership: those of the file, else the defaults. The file is read the first time; who put another one
    /// there starts the functions anew.
    ///
    /// # Errors
    /// [`StoreError::Ownership`] for a file that is wrong: nothing is stitched by rules that nobody wrote. Fails if it cannot be
    /// read now.
    pub async fn ownership(&self) -> Result<Arc<Rules>, StoreError> {
        self.ownership.get_or_try_init(|| self.read_ownership()).await.cloned()
    }

    /// The same catalog, by rules that are known already: the bucket is not asked for them.
    #[must_use]
    pub fn with_ownership(self, rules: Rules) -> Self {
        Self { ownership: Arc::new(OnceCell::new_with(Some(Arc::new(rules)))), ..self }
    }

    async fn read_ownership(&self) -> Result<Arc<Rules>, StoreError> {
        let object = match self.s3.get_object().bucket(&self.bucket).key(OWNERSHIP_KEY).send().await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => {
                return Ok(Arc::new(Rules::default()));
            }
            Err(error) => return Err(StoreError::aws("GetObject")(error)),
        };
        let wrong = |source| StoreError::Ownership { bucket: self.bucket.clone(), source };
        let bytes = usize::try_from(object.content_length().unwrap_or_default()).unwrap_or(usize::MAX);
        if bytes > ownership_rules::MAX_BYTES {
            return Err(wrong(ownership_rules::OwnershipError::TooLong { bytes }));
        }
        let content = object.body.collect().await.map_err(StoreError::aws("GetObject"))?.into_bytes();
        let text = std::str::from_utf8(&content)
            .map_err(|error| ownership_rules::OwnershipError::Yaml { problem: format!("it is no UTF-8: {error}") });
        let read = text.and_then(ownership_rules::read).map_err(wrong)?;
        tracing::info!(rules = read.rules.hash(), notes = read.notes.len(), "read the rules of ownership");
        Ok(Arc::new(read.rules))
    }
}
