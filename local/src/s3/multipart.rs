//! Multipart uploads: parts are bodies of their own until completing them makes one object of them.

use std::collections::BTreeMap;

use futures::StreamExt;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use s3s::{
    S3Result,
    crypto::{Checksum as _, Md5},
    dto::{CompletedPart, ETag},
    s3_error,
};
use uuid::Uuid;

use super::{
    body_of,
    notification::Change,
    objects::{Attributes, Objects, WriteCondition, Written, internal, plain_etag},
};
use crate::{hex, state::StateError};

/// S3's smallest part, but for the last.
const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;
const MAX_PART_NUMBER: i32 = 10_000;

#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified_ms: i64,
    body: String,
}

impl Objects {
    pub(crate) fn start_upload(&self, bucket: &str, key: &str, attributes: &Attributes) -> S3Result<String> {
        self.require_bucket(bucket)?;
        let id = Uuid::new_v4().simple().to_string();
        let attributes = serde_json::to_string(attributes).map_err(internal)?;
        let write = self.state.write(|tx| {
            tx.execute(
                "INSERT INTO uploads (id, bucket, key, attributes) VALUES (?1, ?2, ?3, ?4)",
                params![id, bucket, key, attributes],
            )?;
            Ok::<_, StateError>(())
        });
        write.map_err(internal)?;
        Ok(id)
    }

    /// Stores a part, in place of one of the same number. Returns its entity tag.
    pub(crate) fn put_part(
        &self,
        (bucket, key, upload): (&str, &str, &str),
        number: i32,
        written: Written,
        now: Timestamp,
    ) -> S3Result<String> {
        if !(1..=MAX_PART_NUMBER).contains(&number) {
            return Err(s3_error!(InvalidArgument, "part number must be from 1 to {MAX_PART_NUMBER}"));
        }
        self.upload(bucket, key, upload)?;
        let etag = plain_etag(&written);
        let size = i64::try_from(written.size).map_err(internal)?;
        let old = self.state.write(|tx| {
            let old: Option<String> = tx
                .query_row("SELECT body FROM parts WHERE upload = ?1 AND number = ?2", params![upload, number], |row| {
                    row.get(0)
                })
                .optional()?;
            tx.execute(
                "INSERT OR REPLACE INTO parts (upload, number, body, size, etag, modified_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![upload, number, written.file(), size, etag, now.as_millisecond()],
            )?;
            Ok::<_, StateError>(old)
        });
        let old = old.map_err(internal)?;
        written.keep();
        if let Some(old) = old {
            self.remove_file(&old);
        }
        Ok(etag)
    }

    pub(crate) fn parts(&self, (bucket, key, upload): (&str, &str, &str)) -> S3Result<BTreeMap<i32, Part>> {
        self.upload(bucket, key, upload)?;
        let read = self.state.read(|connection| {
            let mut statement =
                connection.prepare("SELECT number, body, size, etag, modified_ms FROM parts WHERE upload = ?1")?;
            let rows = statement.query_map([upload], |row| {
                Ok((
                    row.get(0)?,
                    Part { body: row.get(1)?, size: row.get(2)?, etag: row.get(3)?, modified_ms: row.get(4)? },
                ))
            })?;
            rows.collect::<rusqlite::Result<BTreeMap<_, _>>>()
        });
        read.map_err(internal)
    }

    /// Joins the named parts to the object. Returns its entity tag.
    pub(crate) async fn complete_upload(
        &self,
        change: &Change<'_>,
        upload: &str,
        wanted: &[CompletedPart],
        condition: WriteCondition<'_>,
        now: Timestamp,
    ) -> S3Result<String> {
        let attributes = self.upload(change.bucket, change.key, upload)?;
        let parts = self.parts((change.bucket, change.key, upload))?;
        let mut files = Vec::with_capacity(wanted.len());
        let mut tags = Md5::new();
        let mut last = 0;
        for (index, part) in wanted.iter().enumerate() {
            let number = part.part_number.ok_or_else(|| s3_error!(MalformedXML))?;
            if number <= last {
                return Err(s3_error!(InvalidPartOrder));
            }
            last = number;
            let stored = parts.get(&number).ok_or_else(|| s3_error!(InvalidPart, "part {number} was not uploaded"))?;
            if part.e_tag.as_ref().is_some_and(|etag| !etag.strong_cmp(&ETag::Strong(stored.etag.clone()))) {
                return Err(s3_error!(InvalidPart, "part {number} has another entity tag"));
            }
            if index + 1 < wanted.len() && stored.size < MIN_PART_BYTES {
                return Err(s3_error!(EntityTooSmall));
            }
            tags.update(&hex_bytes(&stored.etag));
            files.push((self.open_file(&stored.body).await?, stored.size));
        }
        if files.is_empty() {
            return Err(s3_error!(MalformedXML, "an upload needs at least one part"));
        }
        let etag = format!("{}-{}", hex(&tags.finalize()), files.len());
        let body = futures::stream::iter(files).flat_map(|(file, size)| body_of(file, size));
        let written = self.write_body(body).await?;
        self.put(change, written, &etag, &attributes, condition, now)?;
        self.end_upload(upload)?;
        Ok(etag)
    }

    pub(crate) fn abort_upload(&self, bucket: &str, key: &str, upload: &str) -> S3Result<()> {
        self.upload(bucket, key, upload)?;
        self.end_upload(upload)
    }

    fn end_upload(&self, upload: &str) -> S3Result<()> {
        let removed = self.state.write(|tx| {
            let mut statement = tx.prepare("DELETE FROM parts WHERE upload = ?1 RETURNING body")?;
            let bodies = statement.query_map([upload], |row| row.get::<_, String>(0))?;
            let bodies = bodies.collect::<rusqlite::Result<Vec<_>>>()?;
            tx.execute("DELETE FROM uploads WHERE id = ?1", [upload])?;
            Ok::<_, StateError>(bodies)
        });
        for body in removed.map_err(internal)? {
            self.remove_file(&body);
        }
        Ok(())
    }

    fn upload(&self, bucket: &str, key: &str, upload: &str) -> S3Result<Attributes> {
        let found = self.state.read(|connection| {
            connection
                .query_row(
                    "SELECT attributes FROM uploads WHERE id = ?1 AND bucket = ?2 AND key = ?3",
                    [upload, bucket, key],
                    |row| row.get::<_, String>(0),
                )
                .optional()
        });
        let attributes = found.map_err(internal)?.ok_or_else(|| s3_error!(NoSuchUpload))?;
        serde_json::from_str(&attributes).map_err(internal)
    }
}

fn hex_bytes(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    text.as_bytes().chunks(2).map(|pair| pair.iter().fold(0, |byte, hex| byte << 4 | digit(*hex))).collect()
}
