//! A text that must not be seen -> a value that shows nothing and is wiped when it goes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

/// A text that is neither printed nor serialised, and whose memory is overwritten when it is dropped.
///
/// What a parser copied on its way here, such as the bytes of the request, is not ours to wipe.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself: for the client that needs it, never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A field that should hold a secret text. Anything else counts as absent: an error would quote it.
#[derive(Debug, Clone, Default)]
pub(crate) struct MaybeSecret(pub(crate) Option<Secret>);

impl<'de> Deserialize<'de> for MaybeSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = MaybeSecret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<MaybeSecret, E> {
        Ok(MaybeSecret((!text.is_empty()).then(|| Secret::new(text.to_owned()))))
    }

    fn visit_string<E>(self, text: String) -> Result<MaybeSecret, E> {
        Ok(MaybeSecret((!text.is_empty()).then(|| Secret::new(text))))
    }

    fn visit_unit<E>(self) -> Result<MaybeSecret, E> {
        Ok(MaybeSecret(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<MaybeSecret, E> {
        Ok(MaybeSecret(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<MaybeSecret, E> {
        Ok(MaybeSecret(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<MaybeSecret, E> {
        Ok(MaybeSecret(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<MaybeSecret, E> {
        Ok(MaybeSecret(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<MaybeSecret, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(MaybeSecret(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<MaybeSecret, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(MaybeSecret(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing_and_whatever_is_no_text_is_none() {
        let read = |text: &str| serde_json::from_str::<MaybeSecret>(text).unwrap().0;
        let secret = read(r#""hun\u0074er2""#).unwrap();
        assert_eq!((secret.expose(), format!("{secret:?}").as_str()), ("hunter2", "(secret)"));
        for text in ["null", "7", "-7", "1.5", "true", "[\"hunter2\"]", "{\"hunter2\":{}}", "\"\""] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
