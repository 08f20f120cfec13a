//! Query parameters, or the metadata of a dropped object -> what the sender says about the whole export.

use catalog_model::{DEFAULT_NAMESPACE, EntityRef, is_owner};
use jiff::Timestamp;

/// Names of all parameters.
pub const PARAMETERS: &[&str] =
    &["component", "owner", "system", "environment", "account", "region", "serial", "epoch", "commitTime", "dryRun"];

/// Longest value of a parameter, in bytes: three names of an entity reference and their separators.
const MAX_VALUE_BYTES: usize = 200;

/// Backstage's limit for names and namespaces.
const MAX_NAME_CHARS: usize = 63;

/// What a caller says about an export as a whole. All of it is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// The component that all resources of the export belong to.
    pub component: Option<EntityRef>,
    /// Whose these resources, the API and the component are, where no catalog file says it: a group or a user.
    pub owner: Option<EntityRef>,
    /// The system of these resources and of the component.
    pub system: Option<EntityRef>,
    pub environment: Option<String>,
    /// Account of resources whose export does not say it.
    pub account: Option<String>,
    /// Region of resources whose export does not say it.
    pub region: Option<String>,
    /// The sender's own clock; a later export of the same source object has a larger one.
    pub serial: Option<u64>,
    /// Which Terraform lineage counts: raised by hand when a state is created anew.
    pub epoch: Option<u64>,
    /// When the commit was made that the export was built from: its clock, where the file has none of its own.
    pub commit_time: Option<Timestamp>,
    /// Say what would change, and change nothing.
    pub dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    #[error("parameter `{name}` is unknown; known are {}", PARAMETERS.join(", "))]
    Unknown { name: String },
    #[error("parameter `{name}` is given twice")]
    Repeated { name: String },
    #[error("parameter `{name}` is not {expected}")]
    Value { name: &'static str, expected: &'static str },
}

impl Parameters {
    /// Reads name and value pairs. Names count as HTTP and S3 spell them: `dryRun` is also `dryrun`, since the names
    /// of an object's metadata are in lower case.
    ///
    /// # Errors
    /// Fails on an unknown name, on a name that comes twice, and on a value outside its grammar.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, ParameterError> {
        let mut parameters = Self::default();
        let mut seen = Vec::new();
        for (given, value) in pairs {
            let known = PARAMETERS.iter().find(|known| known.eq_ignore_ascii_case(given));
            let Some(name) = known.copied() else {
                return Err(ParameterError::Unknown { name: given.chars().take(64).collect() });
            };
            if seen.contains(&name) {
                return Err(ParameterError::Repeated { name: name.to_owned() });
            }
            seen.push(name);
            parameters.set(name, value)?;
        }
        Ok(parameters)
    }

    fn set(&mut self, name: &'static str, value: &str) -> Result<(), ParameterError> {
        let wrong = |expected| ParameterError::Value { name, expected };
        let number = || value.parse::<u64>().map_err(|_| wrong("a whole number of at most 64 bits"));
        if value.len() > MAX_VALUE_BYTES {
            return Err(wrong("at most 200 bytes long"));
        }
        match name {
            "component" => {
                self.component = Some(reference(value, "component").ok_or(wrong("the name of a component"))?);
            }
            "owner" => self.owner = Some(owner(value).ok_or(wrong("the name of a group, or `user:<name>`"))?),
            "system" => self.system = Some(reference(value, "system").ok_or(wrong("the name of a system"))?),
            "environment" => {
                let expected = "a name of letters and digits joined by single `-`, `_` or `.`, at most 63 characters";
                self.environment = Some(is_name(value).then(|| value.to_owned()).ok_or(wrong(expected))?);
            }
            "account" => self.account = Some(is_account(value).then(|| value.to_owned()).ok_or(wrong("12 digits"))?),
            "region" => {
                let expected = "the code of an AWS region, such as `eu-west-1`";
                self.region = Some(is_region(value).then(|| value.to_owned()).ok_or(wrong(expected))?);
            }
            "serial" => self.serial = Some(number()?),
            "epoch" => self.epoch = Some(number()?),
            "commitTime" => {
                let expected = "a time such as `2026-11-20T10:00:00Z`, or seconds since 1970";
                self.commit_time = Some(time(value).ok_or(wrong(expected))?);
            }
            _ => {
                self.dry_run = match value {
                    "true" | "1" => true,
                    "false" | "0" => false,
                    _ => return Err(wrong("`true` or `false`")),
                };
            }
        }
        Ok(())
    }

    /// All parameters that are given but `dryRun`, sorted by name.
    pub fn given(&self) -> Vec<(&'static str, String)> {
        let reference = |entity_ref: &Option<EntityRef>| entity_ref.as_ref().map(ToString::to_string);
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let pairs = [
            ("account", self.account.clone()),
            ("commitTime", self.commit_time.map(|time| time.to_string())),
            ("component", reference(&self.component)),
            ("environment", self.environment.clone()),
            ("epoch", number(self.epoch)),
            ("owner", reference(&self.owner)),
            ("region", self.region.clone()),
            ("serial", number(self.serial)),
            ("system", reference(&self.system)),
        ];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// [`Self::given`], one per line: what makes two deliveries of one body different.
    pub fn canonical(&self) -> String {
        self.given().iter().map(|(name, value)| format!("{name}={value}\n")).collect()
    }
}

/// What `git show --no-patch --format=%cI` prints, or `%ct`.
fn time(text: &str) -> Option<Timestamp> {
    let time = match text.parse::<i64>() {
        Ok(seconds) => Timestamp::from_second(seconds).ok()?,
        Err(_) => text.parse().ok()?,
    };
    (time.as_millisecond() > 0).then_some(time)
}

/// A reference to an entity of that kind whose parts are valid names.
pub(crate) fn reference(text: &str, kind: &str) -> Option<EntityRef> {
    let entity_ref = EntityRef::parse_in(text, Some(kind), DEFAULT_NAMESPACE).ok()?;
    (entity_ref.kind() == kind && is_valid(&entity_ref)).then_some(entity_ref)
}

/// A reference to whoever may own something.
fn owner(text: &str) -> Option<EntityRef> {
    is_owner(text).then(|| EntityRef::parse_in(text, Some("group"), DEFAULT_NAMESPACE).ok())?
}

/// Whether all three parts follow the grammar of Backstage.
pub(crate) fn is_valid(entity_ref: &EntityRef) -> bool {
    let kind = entity_ref.kind();
    let is_kind = kind.len() <= MAX_NAME_CHARS
        && kind.starts_with(|c: char| c.is_ascii_alphabetic())
        && kind.bytes().all(|b| b.is_ascii_alphanumeric());
    let namespace = entity_ref.namespace();
    let is_namespace = (1..=MAX_NAME_CHARS).contains(&namespace.len())
        && namespace.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !namespace.starts_with('-')
        && !namespace.ends_with('-');
    is_kind && is_namespace && is_name(entity_ref.name())
}

/// Backstage's grammar of names: `[A-Za-z0-9]` with `-`, `_` and `.` between, 1 to 63 characters.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !text.starts_with(['-', '_', '.'])
        && !text.ends_with(['-', '_', '.'])
}

pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// `eu-west-1`, `us-gov-east-1`; new regions come often, so the grammar is all that is checked.
pub(crate) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    (2..=3).contains(&words.len())
        && words.iter().all(|word| (2..=12).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase()))
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_by_name() {
        let pairs = [("component", "Orders"), ("system", "shop"), ("serial", "7"), ("dryrun", "true")];
        let parameters = Parameters::parse(pairs).unwrap();
        assert_eq!(parameters.component.as_ref().unwrap().to_string(), "component:default/orders");
        assert!(parameters.dry_run);
        for commit_time in ["2026-11-20T11:00:00+01:00", "1795168800"] {
            let parameters = Parameters::parse([("committime", commit_time)]).unwrap();
            assert_eq!(parameters.canonical(), "commitTime=2026-11-20T10:00:00Z\n");
        }
        assert_eq!(
            parameters.canonical(),
            "component=component:default/orders\nserial=7\nsystem=system:default/shop\n"
        );
    }

    #[test]
    fn a_wrong_parameter_is_refused_by_name() {
        for (name, value, expected) in [
            (
                "componet",
                "x",
                "parameter `componet` is unknown; known are component, owner, system, environment, account, region, serial, epoch, commitTime, dryRun",
            ),
            ("component", "a b", "parameter `component` is not the name of a component"),
            ("component", "api:x", "parameter `component` is not the name of a component"),
            ("component", "", "parameter `component` is not the name of a component"),
            ("owner", "Jo Doe", "parameter `owner` is not the name of a group, or `user:<name>`"),
            ("owner", "component:orders", "parameter `owner` is not the name of a group, or `user:<name>`"),
            ("account", "12345678901", "parameter `account` is not 12 digits"),
            ("account", "1234567890123", "parameter `account` is not 12 digits"),
            ("region", "eu_west", "parameter `region` is not the code of an AWS region, such as `eu-west-1`"),
            ("serial", "-1", "parameter `serial` is not a whole number of at most 64 bits"),
            ("serial", "18446744073709551616", "parameter `serial` is not a whole number of at most 64 bits"),
            (
                "commitTime",
                "yesterday",
                "parameter `commitTime` is not a time such as `2026-11-20T10:00:00Z`, or seconds since 1970",
            ),
            ("dryRun", "maybe", "parameter `dryRun` is not `true` or `false`"),
        ] {
            assert_eq!(Parameters::parse([(name, value)]).unwrap_err().to_string(), expected);
        }
        let twice = Parameters::parse([("serial", "1"), ("serial", "1")]).unwrap_err();
        assert_eq!(twice.to_string(), "parameter `serial` is given twice");
    }

    #[test]
    fn regions_of_all_partitions_are_regions() {
        for region in ["eu-west-1", "us-gov-east-1", "ap-southeast-12", "eusc-de-east-1", "cn-north-1", "us-iso-east-1"]
        {
            assert!(is_region(region), "{region}");
        }
        for text in ["", "global", "eu-west", "EU-WEST-1", "eu-west-1a", "eu--1"] {
            assert!(!is_region(text), "{text}");
        }
    }
}
