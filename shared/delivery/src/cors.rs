//! Origins of web pages that may read answers. <https://fetch.spec.whatwg.org/#http-cors-protocol>
//!
//! In AWS the gateway answers what it answers alone, preflights and refusals (`infra/template.yaml`), and functions add
//! the headers to their own answers, since a proxy integration passes those on as they are. Nothing is allowed with
//! credentials: the API knows tokens and signatures, and no cookies.

use http::HeaderMap;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderValue, ORIGIN, VARY,
};

/// Headers that a page may send.
pub const ALLOW_HEADERS: &str = "authorization,content-type,if-none-match,x-amz-date,x-amz-security-token";
/// Methods that a page may use.
pub const ALLOW_METHODS: &str = "DELETE,GET,HEAD,OPTIONS,POST,PUT";
/// Headers that a page may read, beyond those that it always may.
pub const EXPOSE_HEADERS: &str = "etag,link";
/// A browser asks again after so many seconds; none waits longer than two hours.
pub const MAX_AGE_SECONDS: &str = "7200";

const ANY: &str = "*";

/// The configured origins; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    origins: Vec<HeaderValue>,
}

/// An origin that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{origin}` is no origin: write `https://host`, with a port if need be and without a path, or `*` alone")]
pub struct CorsError {
    origin: String,
}

impl Cors {
    /// Reads origins separated by commas, or `*` for every one. Empty is none.
    ///
    /// # Errors
    /// Names what is no origin.
    pub fn parse(list: &str) -> Result<Self, CorsError> {
        let texts: Vec<&str> = list.split(',').map(str::trim).filter(|origin| !origin.is_empty()).collect();
        let is_alone = texts.len() == 1;
        let origins = texts.into_iter().map(|origin| {
            let error = || CorsError { origin: origin.to_owned() };
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            let is_origin = host.is_some_and(|host| {
                !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte))
            });
            if !(is_origin || origin == ANY && is_alone) {
                return Err(error());
            }
            HeaderValue::from_str(origin).map_err(|_| error())
        });
        Ok(Self { origins: origins.collect::<Result<_, _>>()? })
    }

    #[must_use]
    pub fn is_off(&self) -> bool {
        self.origins.is_empty()
    }

    fn allows_any(&self) -> bool {
        self.origins.first().is_some_and(|origin| origin == ANY)
    }

    fn allowed(&self, request: &HeaderMap) -> Option<HeaderValue> {
        if self.allows_any() {
            return Some(HeaderValue::from_static(ANY));
        }
        let origin = request.get(ORIGIN)?;
        self.origins.iter().find(|known| *known == origin).cloned()
    }

    /// What an answer to a request with these headers must say, on top of what it says already. A page of another origin
    /// gets the same answer, and its browser does not let it read that.
    pub fn add_to(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        if self.is_off() {
            return;
        }
        if !self.allows_any() {
            // In one value: the answer of a proxy integration has one for each name.
            let vary = match answer.get(VARY).and_then(|vary| vary.to_str().ok()) {
                Some(vary) => HeaderValue::from_str(&format!("{vary}, origin")).ok(),
                None => None,
            };
            answer.insert(VARY, vary.unwrap_or(HeaderValue::from_static("origin")));
        }
        if let Some(origin) = self.allowed(request) {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSE_HEADERS));
        }
    }

    /// Headers of the answer to a preflight: 204 without a body.
    #[must_use]
    pub fn preflight(&self, request: &HeaderMap) -> HeaderMap {
        let mut answer = HeaderMap::new();
        self.add_to(request, &mut answer);
        if answer.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            answer.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOW_HEADERS));
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(ALLOW_METHODS));
            answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE_SECONDS));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(origin: &str) -> HeaderMap {
        [(ORIGIN, HeaderValue::from_str(origin).unwrap())].into_iter().collect()
    }

    #[test]
    fn a_configured_origin_may_read_and_another_may_not() {
        let cors = Cors::parse("https://portal.example, http://localhost:3000").unwrap();
        for (origin, is_allowed) in [
            ("https://portal.example", true),
            ("http://localhost:3000", true),
            ("https://portal.example.evil", false),
            ("http://portal.example", false),
            ("null", false),
        ] {
            let mut answer = HeaderMap::new();
            cors.add_to(&from(origin), &mut answer);
            assert_eq!(answer.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_some_and(|allowed| allowed == origin), is_allowed);
            assert_eq!(answer.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), is_allowed, "{origin}");
            // A cache must not hand one origin's answer to another.
            assert_eq!(answer[VARY], "origin");
            assert_eq!(cors.preflight(&from(origin)).contains_key(ACCESS_CONTROL_ALLOW_METHODS), is_allowed);
        }
    }

    #[test]
    fn what_an_answer_varies_by_already_is_kept() {
        let mut answer: HeaderMap = [(VARY, HeaderValue::from_static("accept-encoding"))].into_iter().collect();
        Cors::parse("https://a.example").unwrap().add_to(&HeaderMap::new(), &mut answer);
        assert_eq!(answer.get_all(VARY).iter().collect::<Vec<_>>(), ["accept-encoding, origin"]);
    }

    #[test]
    fn any_origin_and_none_are_settings_too() {
        let mut answer = HeaderMap::new();
        Cors::parse("*").unwrap().add_to(&HeaderMap::new(), &mut answer);
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let off = Cors::parse(" , ").unwrap();
        assert!(off.is_off() && off.preflight(&from("https://a.example")).is_empty());
    }

    #[test]
    fn what_is_no_origin_is_named() {
        for list in ["portal.example", "https://portal.example/", "https://a.example,*", "https://", "https://a\nb"] {
            assert!(Cors::parse(list).is_err(), "{list}");
        }
    }
}
