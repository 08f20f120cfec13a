//! SQL's `LIKE`, which Backstage's full-text filter is: `%` any text, `_` any character, `\` takes the next as it is.

use memchr::memmem::Finder;

/// A search term in lower case, to be found anywhere in a value.
#[derive(Debug)]
pub(crate) struct Pattern {
    tokens: Vec<Token>,
    /// The text, if a value need only contain it.
    literal: Option<Finder<'static>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Is(char),
    AnyOne,
    AnyText,
}

impl Pattern {
    pub(crate) fn containing(term: &str) -> Self {
        let mut tokens = Vec::new();
        let text = format!("%{term}%");
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            tokens.push(match c {
                '%' => Token::AnyText,
                '_' => Token::AnyOne,
                '\\' => Token::Is(chars.next().unwrap_or('\\')),
                c => Token::Is(c),
            });
        }
        tokens.dedup_by(|one, other| *one == Token::AnyText && *other == Token::AnyText);
        let literal = literal(&tokens).map(|text| Finder::new(&text).into_owned());
        Self { tokens, literal }
    }

    pub(crate) fn literal(&self) -> Option<&Finder<'static>> {
        self.literal.as_ref()
    }

    pub(crate) fn matches(&self, value: &str) -> bool {
        match &self.literal {
            Some(literal) => literal.find(value.as_bytes()).is_some(),
            None => self.matches_by_token(value),
        }
    }

    /// Tries each start behind the last `%` only, so the work is at most length times length.
    fn matches_by_token(&self, value: &str) -> bool {
        let value: Vec<char> = value.chars().collect();
        let (mut token, mut at) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while at < value.len() {
            match self.tokens.get(token) {
                Some(Token::AnyText) => {
                    retry = Some((token + 1, at));
                    token += 1;
                }
                Some(Token::AnyOne) => (token, at) = (token + 1, at + 1),
                Some(Token::Is(c)) if *c == value[at] => (token, at) = (token + 1, at + 1),
                Some(Token::Is(_)) | None => {
                    let Some((behind, start)) = retry else { return false };
                    retry = Some((behind, start + 1));
                    (token, at) = (behind, start + 1);
                }
            }
        }
        self.tokens[token..].iter().all(|token| *token == Token::AnyText)
    }
}

/// `None`: a wildcard stands in it.
fn literal(tokens: &[Token]) -> Option<String> {
    let [Token::AnyText, inner @ .., Token::AnyText] = tokens else { return None };
    let literal = |token: &Token| match token {
        Token::Is(c) => Some(*c),
        Token::AnyOne | Token::AnyText => None,
    };
    inner.iter().map(literal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_found_anywhere_and_its_wildcards_count() {
        for (term, value, found) in [
            ("", "", true),
            ("", "x", true),
            ("b", "abc", true),
            ("d", "abc", false),
            ("a_c", "xabcx", true),
            ("a%d", "abcde", true),
            ("a%d", "abce", false),
            ("_", "", false),
            ("\\_", "a_b", true),
            ("\\_", "ab", false),
            // The backslash takes the closing `%` as it is: the value must end with one.
            ("\\", "50%", true),
            ("\\", "50%x", false),
            ("aab", "aaaab", true),
            ("ä😀", "xä😀", true),
        ] {
            let pattern = Pattern::containing(term);
            assert_eq!((pattern.matches(value), pattern.matches_by_token(value)), (found, found), "{term} in {value}");
        }
    }
}
