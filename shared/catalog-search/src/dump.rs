//! Everything of one kind, for who compares two catalogs: no request asks for so much.

use catalog_model::Identity;

use crate::catalog::Catalog;
use crate::reading::Reading;
use crate::segment::base::NotLoaded;

impl Catalog {
    /// All entities that exist.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn identities(&self) -> Result<Vec<Identity>, NotLoaded> {
        self.ready()?;
        Ok(self.all().iter().map(|doc| self.identity(doc)).collect())
    }

    /// All rows of a key in lower case, as they are written; a row without a value is an empty text.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn rows_of(&self, key: &str) -> Result<Vec<(Identity, String)>, NotLoaded> {
        self.ready()?;
        let reading = Reading::of(self);
        let view = reading.view(key);
        let mut rows = Vec::new();
        view.each_entry(self, |(_, original, _), docs| {
            docs.for_each(|doc| rows.push((self.identity(doc), original.to_owned())));
        });
        view.each_null(self, |doc| rows.push((self.identity(doc), String::new())));
        reading.done(rows)
    }
}
