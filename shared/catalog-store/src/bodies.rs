//! Texts -> what an item holds of them: the text, its packed bytes, or the name of an object in the catalog bucket, which is
//! the SHA-256 of its content.
//!
//! An object is written before the item that points to it, and never changed or removed, so that every reader of an
//! item, or of an old image of it, finds the text. The bucket must not expire these folders.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::attributes::{self, Item, b, s};
use crate::packing::PackedText;
use crate::{CatalogStore, StoreError};

/// How many bodies are read, or fragments written, at once.
pub(crate) const CONCURRENT_CALLS: usize = 16;

/// Two writers of one object at the same moment: S3 asks the loser to try again.
const MAX_PUT_TRIES: u32 = 4;

/// A folder of the bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Folder {
    Bodies,
    Sets,
    Rollups,
    Segments,
    Sweeps,
    JournalParts,
}

impl Folder {
    pub(crate) fn key(self, hash: &str) -> String {
        let folder = match self {
            Self::Bodies => "bodies",
            Self::Sets => "sets",
            Self::Rollups => "rollups",
            Self::Segments => "segments",
            Self::Sweeps => "sweeps",
            Self::JournalParts => "journal-parts",
        };
        format!("{folder}/{hash}")
    }
}

/// Where the text of an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    Inline(String),
    Packed(PackedText),
    InBucket { hash: String },
}

impl Body {
    /// The attribute that says it: name and value.
    pub(crate) fn attribute(self) -> (String, AttributeValue) {
        match self {
            Self::Inline(text) => (attributes::BODY.to_owned(), s(text)),
            Self::Packed(packed) => (attributes::BODY.to_owned(), b(packed.into_bytes())),
            Self::InBucket { hash } => (attributes::POINTER.to_owned(), s(hash)),
        }
    }

    /// `None`: the item has no body.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        let text = attributes::text(item, attributes::BODY).map(|text| Self::Inline(text.into()));
        let packed = || attributes::bytes(item, attributes::BODY).map(PackedText::from_stored).map(Self::Packed);
        let pointer = || attributes::text(item, attributes::POINTER).map(|hash| Self::InBucket { hash: hash.into() });
        text.or_else(packed).or_else(pointer)
    }
}

impl CatalogStore {
    /// Keeps a text of at most `max_inline_bytes` for the item, and puts a longer one into the bucket.
    pub(crate) async fn keep(&self, folder: Folder, text: String, max_inline_bytes: usize) -> Result<Body, StoreError> {
        if text.len() <= max_inline_bytes {
            return Ok(Body::Inline(text));
        }
        Ok(Body::InBucket { hash: self.put_by_hash(folder, text).await? })
    }

    /// As [`Self::keep`], packed where the text gets shorter so: `max_inline_bytes` are those that the item then holds.
    pub(crate) async fn keep_packed(
        &self,
        folder: Folder,
        text: String,
        max_inline_bytes: usize,
    ) -> Result<Body, StoreError> {
        match PackedText::of(&text).filter(|packed| packed.as_bytes().len() <= max_inline_bytes) {
            Some(packed) => Ok(Body::Packed(packed)),
            None => self.keep(folder, text, max_inline_bytes).await,
        }
    }

    /// Puts a content under its hash, unless it is there already. Returns the hash.
    pub(crate) async fn put_by_hash(&self, folder: Folder, content: impl Into<Bytes>) -> Result<String, StoreError> {
        let content = content.into();
        let hash = hex::encode(Sha256::digest(&content));
        self.put_if_absent(folder.key(&hash), content).await?;
        Ok(hash)
    }

    /// Puts an object whose key tells its content, unless it is there already.
    pub(crate) async fn put_if_absent(&self, key: String, content: Bytes) -> Result<(), StoreError> {
        for _ in 0..MAX_PUT_TRIES {
            let body = ByteStream::from(content.clone());
            let put = self.s3.put_object().bucket(&self.bucket).key(&key).if_none_match("*").body(body).send().await;
            let Err(error) = put else { return Ok(()) };
            // A status without S3's word for it, such as that of a broken answer, says nothing.
            match error.as_service_error().and(error.raw_response()).map(|response| response.status().as_u16()) {
                Some(412) => return Ok(()),
                Some(409) => {}
                _ => return Err(StoreError::aws("PutObject")(error)),
            }
        }
        Err(StoreError::Contended { what: format!("object `{key}`"), tries: MAX_PUT_TRIES })
    }

    /// # Errors
    /// As [`Self::bytes_by_hash`]; and for content that is no text.
    pub(crate) async fn get_by_hash(&self, folder: Folder, hash: &str) -> Result<String, StoreError> {
        let content = self.bytes_by_hash(folder, hash).await?;
        String::from_utf8(content).map_err(|_| StoreError::CorruptObject { key: folder.key(hash) })
    }

    /// # Errors
    /// Fails if the object is not there, or does not have the content that its key names.
    pub(crate) async fn bytes_by_hash(&self, folder: Folder, hash: &str) -> Result<Vec<u8>, StoreError> {
        let key = folder.key(hash);
        let object = match self.s3.get_object().bucket(&self.bucket).key(&key).send().await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => {
                return Err(StoreError::MissingObject { key });
            }
            Err(error) => return Err(StoreError::aws("GetObject")(error)),
        };
        let content = object.body.collect().await.map_err(StoreError::aws("GetObject"))?.to_vec();
        if hex::encode(Sha256::digest(&content)) != hash {
            return Err(StoreError::CorruptObject { key });
        }
        Ok(content)
    }
}
