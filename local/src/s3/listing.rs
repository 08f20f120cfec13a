//! One page of a bucket's listing: keys and common prefixes in one order, resumable after the last of either.

use s3s::S3Result;

use super::objects::{Object, Objects};

/// Rows read at a time while keys fall under a common prefix.
const CHUNK: usize = 1000;

#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Object>,
    pub(crate) prefixes: Vec<String>,
    /// Where the next page continues; none on the last page.
    pub(crate) next: Option<String>,
}

impl Page {
    fn len(&self) -> usize {
        self.objects.len() + self.prefixes.len()
    }
}

/// Lists at most `limit` keys and common prefixes after `after`.
pub(crate) fn page(
    objects: &Objects,
    bucket: &str,
    prefix: &str,
    delimiter: Option<&str>,
    after: &str,
    limit: usize,
) -> S3Result<Page> {
    let mut page = Page::default();
    let mut last = after.to_owned();
    loop {
        let found = objects.list(bucket, prefix, &last, CHUNK)?;
        if found.is_empty() {
            return Ok(page);
        }
        for object in found {
            let common = common_prefix(&object.key, prefix, delimiter);
            // A page that ended on a common prefix resumes behind all keys below it.
            let seen =
                common.is_some_and(|common| page.prefixes.last().is_some_and(|p| p == common) || common == after);
            if !seen && page.len() == limit {
                page.next = resume(&page);
                return Ok(page);
            }
            last.clone_from(&object.key);
            match common {
                Some(_) if seen => {}
                Some(common) => page.prefixes.push(common.to_owned()),
                None => page.objects.push(object),
            }
        }
    }
}

fn resume(page: &Page) -> Option<String> {
    let object = page.objects.last().map(|object| object.key.as_str());
    let prefix = page.prefixes.last().map(String::as_str);
    object.max(prefix).map(str::to_owned)
}

fn common_prefix<'k>(key: &'k str, prefix: &str, delimiter: Option<&str>) -> Option<&'k str> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let found = key.get(prefix.len()..)?.find(delimiter)?;
    key.get(..prefix.len() + found + delimiter.len())
}
