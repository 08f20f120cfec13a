//! A place in the feed of changes, and its cursor.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use delivery::api::ApiError;

/// A cursor is shorter than this.
const MAX_CURSOR_BYTES: usize = 256;

const UID_CHARS: usize = 36;

/// The first part of a cursor: its own format.
const FORMAT: &str = "changes-1";

/// Behind an entity that is touched by a row of an item of the log: everything up to and with it was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) seq: u64,
    pub(super) row: u32,
    /// Entities of a row come by their uids. Empty: before the first.
    pub(super) uid: String,
}

impl Place {
    /// Behind the whole of an item.
    pub(super) fn behind(seq: u64) -> Self {
        Self { seq: seq + 1, row: 0, uid: String::new() }
    }

    /// Behind the whole row.
    pub(super) fn row_end(&self) -> Self {
        Self { seq: self.seq, row: self.row.saturating_add(1), uid: String::new() }
    }

    /// `line` says which log and which rules the number belongs to.
    pub(super) fn encode(&self, line: &str) -> String {
        let Self { seq, row, uid } = self;
        URL_SAFE_NO_PAD.encode(format!("{FORMAT}.{line}.{seq}.{row}.{uid}"))
    }

    /// The place and its line.
    ///
    /// # Errors
    /// 400 for what is no cursor of this feed.
    pub(super) fn decode(text: &str) -> Result<(Self, String), ApiError> {
        read(text).ok_or_else(|| ApiError::input("request/query/after is no cursor of this feed"))
    }
}

fn read(text: &str) -> Option<(Place, String)> {
    if text.len() > MAX_CURSOR_BYTES {
        return None;
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let parts: Vec<&str> = text.split('.').collect();
    let [FORMAT, line, seq, row, uid] = parts.as_slice() else { return None };
    let is_uid = uid.is_empty() || uid.len() == UID_CHARS && uid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let seq = seq.parse().ok().filter(|seq| *seq > 0)?;
    let place = Place { seq, row: row.parse().ok()?, uid: (*uid).to_owned() };
    is_uid.then(|| (place, (*line).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_what_is_none_is_refused() {
        let uid = "0f0e0d0c-0b0a-8908-8706-050403020100";
        for place in [Place::behind(0), Place { seq: 7, row: 3, uid: uid.into() }, Place::behind(u64::MAX - 1)] {
            let cursor = place.encode("abc-0");
            assert_eq!(Place::decode(&cursor).unwrap(), (place, "abc-0".to_owned()));
            for cut in 0..cursor.len() {
                // What is still well-formed is another place, and harmless.
                assert!(
                    Place::decode(&cursor[..cut]).is_ok_and(|(cut, _)| cut.seq > 0)
                        || Place::decode(&cursor[..cut]).is_err()
                );
            }
        }
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for text in [
            "",
            "e30=",
            "%%%",
            &encode("changes-1.l.0.0."),
            &encode("changes-1.l.-1.0."),
            &encode("changes-2.l.1.0."),
            &encode("changes-1.l.1.0.x"),
            &encode("changes-1.l.1.4294967296."),
            &encode("changes-1.l.18446744073709551616.0."),
            &"A".repeat(MAX_CURSOR_BYTES + 1),
        ] {
            let error = Place::decode(text).unwrap_err();
            assert_eq!((error.status, error.message.as_str()), (400, "request/query/after is no cursor of this feed"));
        }
    }
}
