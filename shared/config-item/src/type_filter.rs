//! Which types become entities: patterns of a setting, or the default.

use std::str::FromStr;

/// Types that are left out unless a setting says otherwise: one for each of many things that come and go by themselves,
/// inventories, and what Config says of its own work. Compliance comes as messages, and is kept beside what it is about.
pub const DEFAULT_LEFT_OUT: &[&str] = &[
    "AWS::EC2::NetworkInterface",
    "AWS::EC2::EC2Fleet",
    "AWS::EC2::SpotFleet",
    "AWS::SSM::*",
    "AWS::Config::*",
    "AWS::Backup::RecoveryPoint",
    "AWS::CodeDeploy::DeploymentConfig",
    "AWS::IAM::InstanceProfile",
    "AWS::ECS::TaskSet",
    "AWS::ElasticBeanstalk::ApplicationVersion",
    "AWS::ServiceCatalog::CloudFormationProvisionedProduct",
    "AWS::Shield::Protection",
    "AWS::ShieldRegional::Protection",
    "AWS::XRay::EncryptionConfig",
];

/// Kept although it matches a pattern of [`DEFAULT_LEFT_OUT`].
const DEFAULT_KEPT: &[&str] = &["AWS::SSM::Parameter", "AWS::SSM::Document"];

const MAX_PATTERNS: usize = 500;

/// The types of which records are made: those that some `taken` pattern matches and none that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeFilter {
    taken: Vec<String>,
    left_out: Vec<String>,
    kept: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a pattern of types such as `AWS::EC2::*` or `-AWS::EC2::NetworkInterface`")]
pub struct TypeFilterError {
    pattern: String,
}

impl Default for TypeFilter {
    fn default() -> Self {
        let owned = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        Self { taken: vec!["*".to_owned()], left_out: owned(DEFAULT_LEFT_OUT), kept: owned(DEFAULT_KEPT) }
    }
}

/// Patterns separated by commas or white space; `*` is any text, case does not count. One with `-` in front leaves types
/// out, in place of the default list; without any such, the default list stands. Only such: everything else is taken.
/// The empty text is the default.
impl FromStr for TypeFilter {
    type Err = TypeFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut taken, mut left_out) = (Vec::new(), Vec::new());
        for word in text.split([',', ' ', '\n', '\t']).filter(|word| !word.is_empty()) {
            let (list, pattern) = match word.strip_prefix('-') {
                Some(pattern) => (&mut left_out, pattern),
                None => (&mut taken, word),
            };
            let is_pattern = !pattern.is_empty()
                && pattern.len() <= 204
                && list.len() < MAX_PATTERNS
                && pattern.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'*'));
            if !is_pattern {
                return Err(TypeFilterError { pattern: word.chars().take(80).collect() });
            }
            list.push(pattern.to_owned());
        }
        let default = Self::default();
        let (left_out, kept) =
            if left_out.is_empty() { (default.left_out, default.kept) } else { (left_out, Vec::new()) };
        // A type that a setting names in full is wanted, whatever the default says.
        let kept = kept.into_iter().chain(taken.iter().filter(|pattern| !pattern.contains('*')).cloned()).collect();
        Ok(Self { taken: if taken.is_empty() { default.taken } else { taken }, left_out, kept })
    }
}

impl TypeFilter {
    /// Whether records are made of resources of this type.
    pub fn takes(&self, resource_type: &str) -> bool {
        let any =
            |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern.as_bytes(), resource_type.as_bytes()));
        any(&self.taken) && (!any(&self.left_out) || any(&self.kept))
    }
}

/// `*` is any text. One look back is enough: the last `*` can take whatever an earlier one could.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if byte.eq_ignore_ascii_case(&text[t]) => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    (p, t) = (at + 1, from + 1);
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_leaves_out_what_is_noisy() {
        let filter = TypeFilter::default();
        for (resource_type, is_taken) in [
            ("AWS::EC2::Instance", true),
            ("AWS::EC2::NetworkInterface", false),
            ("aws::ec2::networkinterface", false),
            ("AWS::SSM::ManagedInstanceInventory", false),
            ("AWS::SSM::Parameter", true),
            ("AWS::Config::ResourceCompliance", false),
            ("Datadog::Monitors::Monitor", true),
        ] {
            assert_eq!(filter.takes(resource_type), is_taken, "{resource_type}");
        }
        assert_eq!("".parse(), Ok(filter));
    }

    #[test]
    fn a_setting_names_what_is_taken_and_what_is_not() {
        for (setting, resource_type, is_taken) in [
            ("AWS::EC2::*", "AWS::EC2::Instance", true),
            ("AWS::EC2::*", "AWS::EC2::NetworkInterface", false),
            ("AWS::EC2::*, AWS::EC2::NetworkInterface", "AWS::EC2::NetworkInterface", true),
            ("AWS::EC2::*", "AWS::S3::Bucket", false),
            ("-AWS::S3::*", "AWS::S3::Bucket", false),
            ("-AWS::S3::*", "AWS::EC2::NetworkInterface", true),
            ("* -*::Account*Block", "AWS::S3::AccountPublicAccessBlock", false),
            ("* -*::Account*Block", "AWS::S3::AccountBlocks", true),
        ] {
            let filter: TypeFilter = setting.parse().unwrap();
            assert_eq!(filter.takes(resource_type), is_taken, "{setting} {resource_type}");
        }
        for wrong in ["AWS.EC2", "-", "AWS::EC2::Instance;x", &"a".repeat(300)] {
            assert!(wrong.parse::<TypeFilter>().is_err(), "{wrong}");
        }
    }
}
