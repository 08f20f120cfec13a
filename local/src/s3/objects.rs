//! Objects: bodies as files with random names, everything else as rows, so that any key is possible, a conditional
//! write is atomic, and a change and the messages that announce it are one commit.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{Stream, StreamExt, pin_mut};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use s3s::{
    S3Error, S3Result,
    crypto::{Checksum as _, Md5},
    dto::{ETag, ETagCondition},
    s3_error,
};
use serde::{Deserialize, Serialize};
use tokio::{fs::File, io::AsyncWriteExt};
use uuid::Uuid;

use super::notification::{self, Change};
use crate::{
    hex,
    queues::{self, Queues, SendError},
    state::{State, StateError, next_sequence},
};

/// What an object is sent with and read back with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attributes {
    /// `x-amz-meta-*`, names without that prefix.
    pub(crate) metadata: HashMap<String, String>,
    pub(crate) content_type: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) cache_control: Option<String>,
}

/// A stored object without its body.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified_ms: i64,
    pub(crate) attributes: Attributes,
    body: String,
}

/// A body that is on disk but in no object yet; dropped unused, its file goes.
#[derive(Debug)]
pub(crate) struct Written {
    folder: PathBuf,
    name: Option<String>,
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
}

impl Drop for Written {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let _gone = std::fs::remove_file(self.folder.join(name));
        }
    }
}

impl Written {
    /// The file now belongs to a row.
    pub(super) fn keep(mut self) -> String {
        self.name.take().unwrap_or_default()
    }

    pub(super) fn file(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

/// The precondition of a write.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WriteCondition<'a> {
    pub(crate) if_match: Option<&'a ETagCondition>,
    pub(crate) if_none_match: Option<&'a ETagCondition>,
}

/// The buckets of one stack.
#[derive(Debug, Clone)]
pub(crate) struct Objects {
    pub(super) state: Arc<State>,
    queues: Arc<Queues>,
    bodies: PathBuf,
}

impl Objects {
    /// Opens the store; bodies that no row knows, left by a crash, are removed.
    pub(crate) fn open(folder: &Path, state: Arc<State>, queues: Arc<Queues>) -> S3Result<Self> {
        std::fs::create_dir_all(folder).map_err(internal)?;
        let objects = Self { state, queues, bodies: folder.to_owned() };
        for entry in std::fs::read_dir(folder).map_err(internal)? {
            let entry = entry.map_err(internal)?;
            let known = objects.state.read(|connection| {
                connection.query_row(
                    "SELECT EXISTS (SELECT 1 FROM objects WHERE body = ?1) OR EXISTS (SELECT 1 FROM parts WHERE body = ?1)",
                    [entry.file_name().to_string_lossy()],
                    |row| row.get::<_, bool>(0),
                )
            });
            if !known.map_err(internal)? {
                std::fs::remove_file(entry.path()).map_err(internal)?;
            }
        }
        Ok(objects)
    }

    /// Creates a bucket; `false` when there is one already.
    pub(crate) fn create_bucket(&self, name: &str, now: Timestamp) -> S3Result<bool> {
        let inserted = self.state.write(|tx| {
            Ok::<_, StateError>(tx.execute(
                "INSERT INTO buckets (name, created_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![name, now.as_millisecond()],
            )?)
        });
        Ok(inserted.map_err(internal)? == 1)
    }

    /// All buckets with their creation time in Unix milliseconds.
    pub(crate) fn buckets(&self) -> S3Result<Vec<(String, i64)>> {
        let read = self.state.read(|connection| {
            let mut statement = connection.prepare("SELECT name, created_ms FROM buckets ORDER BY name")?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        });
        read.map_err(internal)
    }

    pub(crate) fn require_bucket(&self, bucket: &str) -> S3Result<()> {
        self.state.read(|connection| Ok(has_bucket(connection, bucket))).map_err(internal)?
    }

    /// Removes an empty bucket.
    pub(crate) fn delete_bucket(&self, bucket: &str) -> S3Result<()> {
        let removed = self.state.write(|tx| {
            has_bucket(tx, bucket)?;
            let used: bool = tx
                .query_row("SELECT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1)", [bucket], |row| row.get(0))
                .map_err(internal)?;
            if used {
                return Err(s3_error!(BucketNotEmpty).into());
            }
            tx.execute("DELETE FROM buckets WHERE name = ?1", [bucket]).map_err(internal)?;
            Ok::<_, Failure>(())
        });
        removed.map_err(S3Error::from)
    }

    /// An object without its body.
    pub(crate) fn find(&self, bucket: &str, key: &str) -> S3Result<Object> {
        self.require_bucket(bucket)?;
        let found = self.state.read(|connection| find(connection, bucket, key)).map_err(internal)?;
        found.ok_or_else(|| s3_error!(NoSuchKey))
    }

    /// An object and its open body. An object that is overwritten meanwhile is read as it was or as it is.
    pub(crate) async fn open_body(&self, bucket: &str, key: &str) -> S3Result<(Object, File)> {
        loop {
            let object = self.find(bucket, key)?;
            match File::open(self.bodies.join(&object.body)).await {
                Ok(file) => return Ok((object, file)),
                Err(_) if self.find(bucket, key)?.body != object.body => {}
                Err(error) => return Err(internal(error)),
            }
        }
    }

    /// Writes a body to disk, for [`Self::put`] or a part.
    pub(crate) async fn write_body<E>(&self, body: impl Stream<Item = Result<bytes::Bytes, E>>) -> S3Result<Written>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let name = Uuid::new_v4().to_string();
        let mut file = File::create(self.bodies.join(&name)).await.map_err(internal)?;
        let mut written = Written { folder: self.bodies.clone(), name: Some(name), size: 0, md5: [0; 16] };
        let mut md5 = Md5::new();
        pin_mut!(body);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| body_error(error.into()))?;
            md5.update(&chunk);
            written.size += u64::try_from(chunk.len()).map_err(internal)?;
            file.write_all(&chunk).await.map_err(internal)?;
        }
        file.flush().await.map_err(internal)?;
        file.sync_data().await.map_err(internal)?;
        written.md5 = md5.finalize();
        Ok(written)
    }

    pub(super) async fn open_file(&self, name: &str) -> S3Result<File> {
        File::open(self.bodies.join(name)).await.map_err(internal)
    }

    pub(super) fn remove_file(&self, name: &str) {
        if let Err(error) = std::fs::remove_file(self.bodies.join(name)) {
            tracing::warn!(file = name, error = &error as &dyn std::error::Error, "could not remove an old body");
        }
    }

    /// Makes a written body the object, and announces it, in one commit.
    pub(crate) fn put(
        &self,
        change: &Change<'_>,
        written: Written,
        etag: &str,
        attributes: &Attributes,
        condition: WriteCondition<'_>,
        now: Timestamp,
    ) -> S3Result<()> {
        let attributes = serde_json::to_string(attributes).map_err(internal)?;
        let (old, queues) = self
            .state
            .write(|tx| {
                has_bucket(tx, change.bucket)?;
                let old = find(tx, change.bucket, change.key).map_err(internal)?;
                check_write(old.as_ref(), condition)?;
                let size = i64::try_from(written.size).map_err(internal)?;
                tx.execute(
                    "INSERT INTO objects (bucket, key, body, size, etag, modified_ms, attributes)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT (bucket, key) DO UPDATE SET body = excluded.body, size = excluded.size,
                        etag = excluded.etag, modified_ms = excluded.modified_ms, attributes = excluded.attributes",
                    params![change.bucket, change.key, written.file(), size, etag, now.as_millisecond(), attributes],
                )
                .map_err(internal)?;
                let queues = announce(tx, change, Some((written.size, etag)), now)?;
                Ok::<_, Failure>((old, queues))
            })
            .map_err(S3Error::from)?;
        written.keep();
        self.after(old, &queues);
        Ok(())
    }

    /// Removes an object and announces it; removing what is not there is no error and no event.
    pub(crate) fn delete(&self, change: &Change<'_>, if_match: Option<&ETagCondition>, now: Timestamp) -> S3Result<()> {
        let (old, queues) = self
            .state
            .write(|tx| {
                has_bucket(tx, change.bucket)?;
                let Some(old) = find(tx, change.bucket, change.key).map_err(internal)? else {
                    return Ok((None, Vec::new()));
                };
                check_write(Some(&old), WriteCondition { if_match, if_none_match: None })?;
                tx.execute("DELETE FROM objects WHERE bucket = ?1 AND key = ?2", [change.bucket, change.key])
                    .map_err(internal)?;
                let queues = announce(tx, change, None, now)?;
                Ok::<_, Failure>((Some(old), queues))
            })
            .map_err(S3Error::from)?;
        self.after(old, &queues);
        Ok(())
    }

    fn after(&self, old: Option<Object>, queues: &[&'static str]) {
        if let Some(old) = old {
            self.remove_file(&old.body);
        }
        for queue in queues {
            self.queues.announce(queue);
        }
    }

    /// Objects whose keys start with `prefix` and are after `after`, in the order of their keys' bytes, at most `limit`.
    pub(crate) fn list(&self, bucket: &str, prefix: &str, after: &str, limit: usize) -> S3Result<Vec<Object>> {
        let read = self.state.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT key, body, size, etag, modified_ms, attributes FROM objects
                 WHERE bucket = ?1 AND key >= ?2 AND key > ?3 ORDER BY key LIMIT ?4",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![bucket, prefix, after, limit], object)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        });
        let mut objects = read.map_err(internal)?;
        objects.retain(|object| object.key.starts_with(prefix));
        Ok(objects)
    }
}

/// Enqueues what the notifications of the change's bucket want, unless the change is silent. Returns the queues.
fn announce(
    tx: &Transaction<'_>,
    change: &Change<'_>,
    content: Option<(u64, &str)>,
    now: Timestamp,
) -> Result<Vec<&'static str>, Failure> {
    let targets = notification::targets(change);
    if targets.is_empty() {
        return Ok(targets);
    }
    let sequence = next_sequence(tx, now).map_err(internal)?;
    let body = notification::event(change, content, sequence, now).to_string();
    for queue in &targets {
        queues::enqueue(tx, queue, &body, now).map_err(|error: SendError| internal(error))?;
    }
    Ok(targets)
}

/// 412 when the object is not as the condition wants it. Also the check of a conditional read.
pub(crate) fn check_write(existing: Option<&Object>, condition: WriteCondition<'_>) -> S3Result<()> {
    let is = |wanted: &ETagCondition| match (existing, wanted) {
        (None, _) => false,
        (Some(_), ETagCondition::Any) => true,
        (Some(object), ETagCondition::ETag(etag)) => etag.strong_cmp(&ETag::Strong(object.etag.clone())),
    };
    if condition.if_match.is_some_and(|wanted| !is(wanted)) || condition.if_none_match.is_some_and(is) {
        return Err(s3_error!(PreconditionFailed, "at least one of the preconditions you specified did not hold"));
    }
    Ok(())
}

fn has_bucket(connection: &Connection, bucket: &str) -> S3Result<()> {
    let exists: bool = connection
        .query_row("SELECT EXISTS (SELECT 1 FROM buckets WHERE name = ?1)", [bucket], |row| row.get(0))
        .map_err(internal)?;
    if exists { Ok(()) } else { Err(s3_error!(NoSuchBucket)) }
}

fn find(connection: &Connection, bucket: &str, key: &str) -> rusqlite::Result<Option<Object>> {
    connection
        .query_row(
            "SELECT key, body, size, etag, modified_ms, attributes FROM objects WHERE bucket = ?1 AND key = ?2",
            [bucket, key],
            object,
        )
        .optional()
}

fn object(row: &rusqlite::Row<'_>) -> rusqlite::Result<Object> {
    let attributes: String = row.get(5)?;
    Ok(Object {
        key: row.get(0)?,
        body: row.get(1)?,
        size: row.get(2)?,
        etag: row.get(3)?,
        modified_ms: row.get(4)?,
        attributes: serde_json::from_str(&attributes).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(5, rusqlite::types::Type::Text, Box::new(error))
        })?,
    })
}

/// What the check of an incoming body found wrong, or that the body broke off.
fn body_error(error: Box<dyn std::error::Error + Send + Sync>) -> S3Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error.as_ref());
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref::<S3Error>() {
            return S3Error::with_message(found.code().clone(), found.message().unwrap_or_default().to_owned());
        }
        cause = current.source();
    }
    S3Error::with_source(s3s::S3ErrorCode::IncompleteBody, error)
}

/// The entity tag of a body that came in one piece.
pub(crate) fn plain_etag(written: &Written) -> String {
    hex(&written.md5)
}

pub(crate) fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> S3Error {
    S3Error::with_source(s3s::S3ErrorCode::InternalError, error.into())
}

/// Lets a transaction of [`State`] fail with S3's own error.
struct Failure(S3Error);

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self(internal(error))
    }
}

impl From<S3Error> for Failure {
    fn from(error: S3Error) -> Self {
        Self(error)
    }
}

impl From<Failure> for S3Error {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}
