//! A source object's clock -> a fixed-width version that compares byte by byte, as DynamoDB compares strings.
//!
//! `<major, 16 hex>.<minor, 32 hex>.<tie, 16 hex>`. What the two numbers are is the clock's business:
//!
//! | clock | major | minor |
//! |---|---|---|
//! | caller's `serial` | 0 | serial |
//! | Terraform | epoch of the lineage | serial |
//! | Config | capture time, ms | state id |
//! | S3 event | event time, ms | sequencer, padded on the right |
//! | request | request time, ms | 0 |
//! | commit | commit time, ms | 0 |
//! | tally of siblings | 0 | a sum that every write of a sibling raises |

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How far ahead of our own clock a source's clock may be. A later time is refused: it would win for ever.
pub const MAX_CLOCK_AHEAD_MS: u64 = 5 * 60 * 1000;

/// Characters of every version.
pub const VERSION_CHARS: usize = CLOCK_CHARS + 1 + 16;
/// Characters of its first two numbers.
const CLOCK_CHARS: usize = 16 + 1 + 32;

/// The order of what one source object said. A larger version is newer; the last part breaks ties by content.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    #[error("`{0}` is not a version")]
    Form(String),
    #[error(
        "time {time_ms} ms is more than five minutes ahead of {now_ms} ms; correct the sender's clock and send again"
    )]
    InTheFuture { time_ms: u64, now_ms: u64 },
    #[error("sequencer `{0}` is not a hexadecimal number of at most 32 digits")]
    Sequencer(String),
}

/// First eight bytes of the SHA-256 of the content that the version is for.
pub fn tie_of(content: &[u8]) -> u64 {
    let mut hasher = TieHasher::default();
    hasher.update(content);
    hasher.finish()
}

/// [`tie_of`] of content that comes in pieces.
#[derive(Debug, Clone, Default)]
pub struct TieHasher(Sha256);

impl TieHasher {
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    pub fn finish(self) -> u64 {
        let digest = self.0.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        u64::from_be_bytes(first)
    }
}

impl Version {
    pub fn of_serial(serial: u64, tie: u64) -> Self {
        Self::new(0, u128::from(serial), tie)
    }

    /// `epoch` rises by hand when a state gets a new lineage; `serial` is Terraform's own.
    pub fn of_terraform(epoch: u64, serial: u64, tie: u64) -> Self {
        Self::new(epoch, u128::from(serial), tie)
    }

    /// # Errors
    /// Fails on a capture time more than five minutes ahead of `now_ms`.
    pub fn of_config(captured_ms: u64, state_id: u128, tie: u64, now_ms: u64) -> Result<Self, VersionError> {
        Ok(Self::new(not_ahead(captured_ms, now_ms)?, state_id, tie))
    }

    /// S3's sequencers have no fixed width and compare with zeros added on the right:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>
    ///
    /// # Errors
    /// Fails on a sequencer that is not hexadecimal, and on a time more than five minutes ahead of `now_ms`.
    pub fn of_s3_event(time_ms: u64, sequencer: &str, tie: u64, now_ms: u64) -> Result<Self, VersionError> {
        if sequencer.len() > 32 || !sequencer.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(VersionError::Sequencer(sequencer.into()));
        }
        let minor = u128::from_str_radix(&format!("{sequencer:0<32}"), 16)
            .map_err(|_| VersionError::Sequencer(sequencer.into()))?;
        Ok(Self::new(not_ahead(time_ms, now_ms)?, minor, tie))
    }

    pub fn of_request(received_ms: u64, tie: u64) -> Self {
        Self::new(received_ms, 0, tie)
    }

    /// # Errors
    /// Fails on a commit time more than five minutes ahead of `now_ms`.
    pub fn of_commit(committed_ms: u64, tie: u64, now_ms: u64) -> Result<Self, VersionError> {
        Ok(Self::new(not_ahead(committed_ms, now_ms)?, 0, tie))
    }

    /// Of what is worked out from siblings that each only move forward: `sum` rises whenever one of them does, so that
    /// who has seen more of them wins.
    pub fn of_tally(sum: u128, tie: u64) -> Self {
        Self::new(0, sum, tie)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Both numbers without the tie, to be compared as bytes: what was said at one moment, whatever it says.
    pub fn clock(&self) -> &str {
        &self.0[..16 + 1 + 32]
    }

    /// The second of the three parts: a serial, a state id, a sequencer, or 0.
    pub fn minor(&self) -> u128 {
        u128::from_str_radix(&self.0[17..49], 16).unwrap_or_default()
    }

    /// The third part, which orders what was said at one moment.
    pub fn tie(&self) -> u64 {
        u64::from_str_radix(&self.0[50..], 16).unwrap_or_default()
    }

    /// The first of the three parts: a time in ms, an epoch, or 0.
    pub fn major(&self) -> u64 {
        u64::from_str_radix(&self.0[..16], 16).unwrap_or_default()
    }

    /// Whether both are of one clock: then only their contents order them.
    pub fn has_clock_of(&self, other: &Self) -> bool {
        self.clock() == other.clock()
    }

    /// The next version of the same clock: larger than this one, and smaller than any of a later clock. For words about
    /// a source object that are not its own, such as that nobody sees it any more. `None`: there is no room.
    pub fn next_of_same_clock(&self) -> Option<Self> {
        let tie = u64::from_str_radix(&self.0[CLOCK_CHARS + 1..], 16).ok()?.checked_add(1)?;
        Some(Self(format!("{}.{tie:016x}", self.clock())))
    }

    fn new(major: u64, minor: u128, tie: u64) -> Self {
        Self(format!("{major:016x}.{minor:032x}.{tie:016x}"))
    }
}

fn not_ahead(time_ms: u64, now_ms: u64) -> Result<u64, VersionError> {
    if time_ms > now_ms.saturating_add(MAX_CLOCK_AHEAD_MS) {
        return Err(VersionError::InTheFuture { time_ms, now_ms });
    }
    Ok(time_ms)
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_version = text.len() == VERSION_CHARS
            && text.bytes().enumerate().all(|(at, byte)| match at {
                16 | 49 => byte == b'.',
                _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            });
        is_version.then(|| Self(text.into())).ok_or_else(|| VersionError::Form(text.into()))
    }
}

impl TryFrom<String> for Version {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_clock_more_than_five_minutes_ahead_is_refused() {
        let now = 1_700_000_000_000;
        assert!(Version::of_config(now + MAX_CLOCK_AHEAD_MS, 0, 0, now).is_ok());
        let refused = Version::of_config(now + MAX_CLOCK_AHEAD_MS + 1, 0, 0, now).unwrap_err();
        assert!(matches!(refused, VersionError::InTheFuture { .. }));
    }

    #[test]
    fn sequencers_of_different_width_compare_as_s3_says() {
        let of = |sequencer| Version::of_s3_event(5, sequencer, 0, 5).unwrap();
        assert!(of("0055AED6DCD90281E5") < of("0055AED6DCD90281E6"));
        assert!(of("0055AED6") < of("0055AED6DC"));
        assert!(of("0056") > of("0055AED6DC"));
        assert!(Version::of_s3_event(5, "xyz", 0, 5).is_err());
        assert!(Version::of_s3_event(5, &"0".repeat(33), 0, 5).is_err());
    }

    proptest! {
        #[test]
        fn bytes_compare_as_the_numbers_do(a: (u64, u64, u64), b: (u64, u64, u64)) {
            let of = |(epoch, serial, tie): (u64, u64, u64)| Version::of_terraform(epoch, serial, tie);
            prop_assert_eq!(of(a).as_str().cmp(of(b).as_str()), a.cmp(&b));
            prop_assert_eq!(of(a).to_string().parse::<Version>().unwrap(), of(a));
            prop_assert_eq!(of(a).major(), a.0);
            let next = of(a).next_of_same_clock();
            prop_assert_eq!(next.is_none(), a.2 == u64::MAX);
            if let Some(next) = next {
                prop_assert!(of(a) < next && next.has_clock_of(&of(a)));
                prop_assert_eq!(next < of(b), of(a) < of(b) && next != of(b));
            }
        }
    }
}
