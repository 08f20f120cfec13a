//! The key of an object in Config's bucket -> what it is, of which account and region.
//! <https://docs.aws.amazon.com/config/latest/developerguide/view-manage-resource.html>
//!
//! `[prefix/]AWSLogs/[<organisation>/]<account>/Config/<region>/<y>/<m>/<d>/<kind>/...`; month and day have no zeros in front,
//! and names hold `::`.

/// Longest key that S3 takes.
const MAX_KEY_BYTES: usize = 1_024;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// All that Config knows of an account and a region.
    Snapshot,
    /// What it recorded of one type in some hours: several states of one resource.
    History,
    /// One item that was too large for its message.
    Oversized,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileKey {
    pub kind: FileKind,
    /// 12 digits.
    pub account: String,
    pub region: String,
}

impl FileKey {
    /// `None`: it is no file that items are in, such as `ConfigWritabilityCheckFile`, or no key that Config makes.
    pub fn parse(key: &str) -> Option<Self> {
        if key.len() > MAX_KEY_BYTES || key.chars().any(char::is_control) {
            return None;
        }
        let parts: Vec<&str> = key.split('/').collect();
        if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
            return None;
        }
        let logs = parts.iter().position(|part| *part == "AWSLogs")?;
        let after = &parts[logs + 1..];
        let after = match after.first()? {
            organisation if organisation.starts_with("o-") => &after[1..],
            _ => after,
        };
        let [account, "Config", region, year, month, day, kind, .., name] = after else { return None };
        let is_number = |part: &str, digits| part.len() <= digits && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_region = region.len() <= 32 && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_account = account.len() == 12 && is_number(account, 12);
        if !is_account || !is_region || !is_number(year, 4) || !is_number(month, 2) || !is_number(day, 2) {
            return None;
        }
        let kind = match *kind {
            "ConfigSnapshot" => FileKind::Snapshot,
            "ConfigHistory" => FileKind::History,
            "OversizedChangeNotification" => FileKind::Oversized,
            _ => return None,
        };
        let is_json = name.ends_with(".json.gz") && name.starts_with(&format!("{account}_Config_"));
        is_json.then(|| Self { kind, account: (*account).to_owned(), region: (*region).to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_config_are_read_with_any_prefix_and_without_zeros() {
        let name =
            "111122223333_Config_eu-west-1_ConfigHistory_AWS::S3::Bucket_20261101T080000Z_20261101T140000Z_1.json.gz";
        for (prefix, date, kind, expected) in [
            ("", "2026/11/1", "ConfigHistory", Some(FileKind::History)),
            ("org/", "2026/9/27", "ConfigSnapshot", Some(FileKind::Snapshot)),
            (
                "o-abcdefghij/",
                "2026/11/21",
                "OversizedChangeNotification/AWS::S3::Bucket/orders",
                Some(FileKind::Oversized),
            ),
            ("", "2026/11/x", "ConfigHistory", None),
            ("", "2026/11/1", "Other", None),
            ("", "2026/11/1", "ConfigHistory/..", None),
            ("../", "2026/11/1", "ConfigHistory", None),
            ("/", "2026/11/1", "ConfigHistory", None),
        ] {
            let key = format!("{prefix}AWSLogs/111122223333/Config/eu-west-1/{date}/{kind}/{name}");
            let parsed = FileKey::parse(&key);
            assert_eq!(parsed.as_ref().map(|key| key.kind), expected, "{key}");
            if let Some(key) = parsed {
                assert_eq!((key.account.as_str(), key.region.as_str()), ("111122223333", "eu-west-1"));
            }
        }
        let of_organisation =
            format!("x/AWSLogs/o-abcdefghij/111122223333/Config/eu-west-1/2026/1/2/ConfigSnapshot/{name}");
        assert!(FileKey::parse(&of_organisation).is_some());
    }

    #[test]
    fn what_else_lies_there_is_no_file_of_items() {
        for key in [
            "AWSLogs/111122223333/Config/ConfigWritabilityCheckFile",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/1/ConfigSnapshot/111122223333_Config_x.json.gz",
            "AWSLogs/1111/Config/eu-west-1/2026/11/1/ConfigSnapshot/1111_Config_x.json.gz",
            "AWSLogs/111122223333/Config/eu-west-1/2026/11/1/ConfigSnapshot/444455556666_Config_x.json.gz",
            "AWSLogs/111122223333/Config/eu-west-1/2026/11/1/ConfigSnapshot/111122223333_Config_x.json",
            "AWSLogs",
            "",
        ] {
            assert_eq!(FileKey::parse(key), None, "{key}");
        }
        assert_eq!(FileKey::parse(&"a/".repeat(600)), None);
    }
}
