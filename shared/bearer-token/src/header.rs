//! Values of the header `authorization` -> the bearer token. <https://www.rfc-editor.org/rfc/rfc6750#section-2.1>

use crate::Refusal;

/// The token of the one value that there must be. The scheme's case does not matter.
///
/// # Errors
/// Refuses no value, more than one, another scheme, and what has a space inside the token.
pub fn bearer<'h>(values: impl IntoIterator<Item = &'h str>) -> Result<&'h str, Refusal> {
    let mut values = values.into_iter();
    let value = values.next().ok_or(Refusal::NoHeader)?;
    if values.next().is_some() {
        return Err(Refusal::SeveralHeaders);
    }
    let (scheme, token) = value.trim().split_once(' ').ok_or(Refusal::NotBearer)?;
    let token = token.trim_start();
    // A comma would be two headers, joined by somebody on the way.
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
    if !scheme.eq_ignore_ascii_case("bearer") || !is_token {
        return Err(Refusal::NotBearer);
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bearer_token_is_taken_and_everything_else_refused() {
        assert_eq!(bearer(["Bearer abc.d-e_f"]), Ok("abc.d-e_f"));
        assert_eq!(bearer([" bEARER  abc "]), Ok("abc"));
        for (values, refusal) in [
            (&[][..], Refusal::NoHeader),
            (&["Bearer a", "Bearer a"], Refusal::SeveralHeaders),
            (&["Bearer a, Bearer b"], Refusal::NotBearer),
            (&["Bearer a,b"], Refusal::NotBearer),
            (&["Bearer"], Refusal::NotBearer),
            (&["Bearer "], Refusal::NotBearer),
            (&["Basic abc"], Refusal::NotBearer),
            (&["abc"], Refusal::NotBearer),
            (&["Bearer a\u{e9}"], Refusal::NotBearer),
            (&["AWS4-HMAC-SHA256 Credential=x"], Refusal::NotBearer),
        ] {
            assert_eq!(bearer(values.iter().copied()), Err(refusal), "{values:?}");
        }
    }
}
