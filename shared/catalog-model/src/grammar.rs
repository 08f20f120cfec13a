//! The grammar of the envelope's fields. Source: `@backstage/catalog-model`, its Kubernetes-like validators.
//! All of it is ASCII, so bytes may be counted where Backstage counts UTF-16 units.

const MAX_LABEL_CHARS: usize = 63;
const MAX_SUBDOMAIN_CHARS: usize = 253;

/// `[<dns subdomain>/]<letters and digits>`
pub(crate) fn is_api_version(text: &str) -> bool {
    is_prefixed(text, |version| {
        (1..=MAX_LABEL_CHARS).contains(&version.len()) && version.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

pub(crate) fn is_kind(text: &str) -> bool {
    (1..=MAX_LABEL_CHARS).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Names, and the name part of keys: letters and digits at both ends, `-`, `_` and `.` in between.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=MAX_LABEL_CHARS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// A DNS label in lower case.
pub(crate) fn is_namespace(text: &str) -> bool {
    is_words(text, |b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

pub(crate) fn is_tag(text: &str) -> bool {
    is_words_with_single_hyphens(text, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b":+#".contains(&b))
}

/// The key of a label or an annotation.
pub(crate) fn is_key(text: &str) -> bool {
    is_prefixed(text, is_name)
}

pub(crate) fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_name(text)
}

fn is_prefixed(text: &str, is_suffix: impl Fn(&str) -> bool) -> bool {
    match text.split_once('/') {
        None => is_suffix(text),
        Some((prefix, suffix)) => is_dns_subdomain(prefix) && is_suffix(suffix),
    }
}

fn is_dns_subdomain(text: &str) -> bool {
    (1..=MAX_SUBDOMAIN_CHARS).contains(&text.len()) && text.split('.').all(is_namespace)
}

/// Words of these bytes with hyphens between them.
fn is_words(text: &str, is_word: impl Fn(u8) -> bool) -> bool {
    (1..=MAX_LABEL_CHARS).contains(&text.len())
        && text.bytes().all(|b| b == b'-' || is_word(b))
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_words_with_single_hyphens(text: &str, is_word: impl Fn(u8) -> bool) -> bool {
    is_words(text, is_word) && !text.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rule = fn(&str) -> bool;

    #[test]
    fn fields_follow_the_table_of_the_entity_model() {
        let long = "a".repeat(63);
        let too_long = "a".repeat(64);
        let cases: [(&str, Rule, &[&str], &[&str]); 7] = [
            (
                "apiVersion",
                is_api_version,
                &["v1", "backstage.io/v1alpha1", &long],
                &["", "/v1", "a/b/c", "Back/v1", "a/", "v1.0", &too_long],
            ),
            ("kind", is_kind, &["API", "Component2", "x", &long], &["", "2x", "a-b", "ü", &too_long]),
            ("name", is_name, &["a", "A.b_c-d", "a..b", "1", &long], &["", "-a", "a-", "a b", "a/b", "é", &too_long]),
            ("namespace", is_namespace, &["a", "a-b", "a--b", "1", &long], &["", "A", "-a", "a-", "a.b", &too_long]),
            (
                "tag",
                is_tag,
                &["java", "c++", "c#", "a:b", "a-b", &long],
                &["", "Java", "a--b", "a b", "a_b", "go 1.15.3", "-a", &too_long],
            ),
            ("key", is_key, &["a", "backstage.io/a.b", "a/b"], &["", "/a", "a/", "a/b/c", "A.io/b", "a_b/c", "a b"]),
            ("label value", is_label_value, &["", "go1.15.3"], &["a b", "a/b", &too_long]),
        ];
        for (field, rule, valid, invalid) in cases {
            for text in valid {
                assert!(rule(text), "{field} `{text}`");
            }
            for text in invalid {
                assert!(!rule(text), "{field} `{text}`");
            }
        }
        assert!(is_key(&format!("{}/a", ["a".repeat(63).as_str(); 4].join(".").get(..253).unwrap())));
        assert!(!is_key(&format!("{}/a", ["a".repeat(63).as_str(); 4].join("."))));
    }
}
