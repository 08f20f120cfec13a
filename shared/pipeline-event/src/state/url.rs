//! A link of an event -> one that may be shown: to a console of AWS, without anything secret in it.

use serde_json::Value;

const MAX_URL_BYTES: usize = 1_024;

/// Consoles of all partitions are below these.
const CONSOLES: &[&str] = &[
    "console.aws.amazon.com",
    "console.amazonaws.cn",
    "console.amazonaws-us-gov.com",
    "console.amazonaws-eusc.eu",
    "console.amazonaws.eu",
];

/// `None`: no link to a console over https, or one with more in it than a place.
pub(super) fn console_url(value: &Value) -> Option<String> {
    let url = value.as_str()?;
    let rest = url.strip_prefix("https://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let is_console = CONSOLES.iter().any(|console| {
        host.strip_suffix(console).is_some_and(|region| {
            let is_label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
            region.is_empty() || (region.ends_with('.') && region.bytes().all(is_label))
        })
    });
    let is_plain =
        url.len() <= MAX_URL_BYTES && url.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"'`\\{}|^".contains(&b));
    // A link that signs somebody in carries a token.
    let lower = url.to_ascii_lowercase();
    let is_harmless =
        ["token", "signature", "credential", "password", "secret", "x-amz-"].iter().all(|word| !lower.contains(word));
    (is_console && is_plain && is_harmless).then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn links_to_consoles_are_kept_and_no_others() {
        for url in [
            "https://console.aws.amazon.com/codedeploy/home?region=us-west-2#/deployments/d-1",
            "https://us-west-2.console.aws.amazon.com/codecommit/home#/repository/my-repo/commit/8cf40f2",
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logEvent:group=/aws/codebuild/a",
            "https://console.amazonaws.cn/codepipeline/home",
        ] {
            assert_eq!(console_url(&json!(url)).as_deref(), Some(url));
        }
        for url in [
            "http://console.aws.amazon.com/x",
            "https://evil.example/console.aws.amazon.com",
            "https://console.aws.amazon.com.evil.example/x",
            "https://evilconsole.aws.amazon.com/x",
            "https://user:pw@console.aws.amazon.com/x",
            "https://signin.aws.amazon.com/federation?Action=login&SigninToken=CANARY",
            "https://console.aws.amazon.com/x?SigninToken=CANARY",
            "https://console.aws.amazon.com/deployments/<ID>",
            "javascript:alert(1)",
            "",
        ] {
            assert_eq!(console_url(&json!(url)), None, "{url}");
        }
        assert_eq!(console_url(&json!(7)), None);
    }
}
