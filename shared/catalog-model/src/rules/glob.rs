//! Patterns of names: `*` is any text, `?` one character.

use std::fmt;

use serde::Serialize;

const MAX_CHARS: usize = 256;

/// Each `*` may cost a pass over the text.
const MAX_STARS: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Glob(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a pattern has 1 to {MAX_CHARS} characters, and at most {MAX_STARS} times `*`")]
pub struct GlobError;

impl Glob {
    /// # Errors
    /// Fails on an empty or very long pattern, and on one with many `*`.
    pub fn new(pattern: &str) -> Result<Self, GlobError> {
        let chars = pattern.chars().count();
        let stars = pattern.chars().filter(|c| *c == '*').count();
        if chars == 0 || chars > MAX_CHARS || stars > MAX_STARS {
            return Err(GlobError);
        }
        Ok(Self(pattern.to_owned()))
    }

    pub fn matches(&self, text: &str) -> bool {
        let (pattern, text): (Vec<char>, Vec<char>) = (self.0.chars().collect(), text.chars().collect());
        let (mut at, mut of_text) = (0, 0);
        let mut last_star: Option<(usize, usize)> = None;
        while of_text < text.len() {
            match pattern.get(at) {
                Some('*') => {
                    last_star = Some((at, of_text));
                    at += 1;
                }
                Some(c) if *c == '?' || *c == text[of_text] => {
                    at += 1;
                    of_text += 1;
                }
                _ => {
                    let Some((star, taken)) = last_star else { return false };
                    last_star = Some((star, taken + 1));
                    (at, of_text) = (star + 1, taken + 1);
                }
            }
        }
        pattern[at..].iter().all(|c| *c == '*')
    }

    /// It matches one text only.
    pub fn is_exact(&self) -> bool {
        !self.0.contains(['*', '?'])
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_and_all_else_is_itself() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("org.*", "org.repo", true),
            ("org.*", "other.repo", false),
            ("*-prod", "orders-prod", true),
            ("*-prod", "orders-prod-2", false),
            ("a*b*c", "aXbXbc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("1111*", "111122223333", true),
            ("Orders", "orders", false),
        ] {
            assert_eq!(Glob::new(pattern).unwrap().matches(text), expected, "{pattern} {text}");
        }
        assert!(Glob::new("").is_err() && Glob::new("*********").is_err());
    }
}
