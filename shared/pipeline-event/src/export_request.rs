//! The `UserParameters` of an action -> which file of which artifact is which export.
//!
//! A JSON object, or `key=value` pairs with commas, new lines, `&` or spaces between. Values with one of these in them
//! need JSON. An error never quotes what was written, which may be a secret: it names the key or the place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// CodePipeline takes 1,000 characters; four bytes is the most that one has.
pub const MAX_USER_PARAMETERS_BYTES: usize = 4_000;

/// Keys that only a job has: they say which source object it is and where its file lies. All others are parameters of
/// the export, as by HTTP.
pub const JOB_PARAMETERS: &[&str] = &["producer", "format", "name", "artifact", "file"];

/// How it is written right, for errors.
const EXAMPLE: &str = "producer=my-org.my-repo,format=terraform-state,name=production,file=terraform.tfstate";

const MAX_PARTS: usize = 64;
const MAX_NAME_BYTES: usize = 128;

/// What a job is to hand over.
#[derive(Clone, PartialEq, Eq)]
pub struct ExportRequest {
    pub producer: String,
    /// A name in kebab case; whether it is a format is for the reader of exports to say.
    pub format: String,
    pub name: String,
    /// Which input artifact holds the file. `None`: the action has one.
    pub artifact: Option<String>,
    /// The path of the file in the artifact. `None`: the artifact has one.
    pub file: Option<String>,
    /// All other pairs, as they were written, in their order.
    pub parameters: Vec<(String, String)>,
}

/// Parameters may hold what somebody should not have written there: they are counted, not shown.
impl fmt::Debug for ExportRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportRequest")
            .field("producer", &self.producer)
            .field("format", &self.format)
            .field("name", &self.name)
            .field("artifact", &self.artifact.is_some())
            .field("file", &self.file.is_some())
            .field("parameters", &self.parameters.len())
            .finish()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("the action has no UserParameters: write for example `{EXAMPLE}`")]
    Absent,
    #[error("UserParameters have {bytes} bytes, more than {MAX_USER_PARAMETERS_BYTES}")]
    TooLong { bytes: usize },
    #[error("part {part} of UserParameters is not `key=value`: write for example `{EXAMPLE}`, or a JSON object")]
    NotAPair { part: usize },
    #[error("UserParameters have more than {MAX_PARTS} parts")]
    TooMany,
    #[error(
        "UserParameters start as a JSON object but are none (line {line}, column {column}): write for example \
         `{{\"producer\": \"my-org.my-repo\", \"format\": \"terraform-state\", \"name\": \"production\"}}`"
    )]
    MalformedJson { line: usize, column: usize },
    #[error("key {part} of the JSON object in UserParameters is not a text, a whole number, `true` or `false`")]
    NotAScalar { part: usize },
    #[error("UserParameters lack `{name}`: write for example `{EXAMPLE}`")]
    Missing { name: &'static str },
    #[error("`{name}` comes twice in UserParameters: say it once")]
    Repeated { name: &'static str },
    #[error("`{name}` in UserParameters is not {expected}")]
    Value { name: &'static str, expected: &'static str },
}

impl RequestError {
    /// A stable reason in kebab case.
    pub fn code(&self) -> &'static str {
        "wrong-user-parameters"
    }
}

impl ExportRequest {
    /// # Errors
    /// Fails on text of neither form, on a missing or repeated key of [`JOB_PARAMETERS`], and on a value outside its
    /// grammar. Other keys are not looked at.
    pub fn parse(user_parameters: Option<&str>) -> Result<Self, RequestError> {
        let text = user_parameters.map(str::trim).filter(|text| !text.is_empty()).ok_or(RequestError::Absent)?;
        if text.len() > MAX_USER_PARAMETERS_BYTES {
            return Err(RequestError::TooLong { bytes: text.len() });
        }
        let pairs = if text.starts_with('{') { of_json(text)? } else { of_pairs(text)? };
        if pairs.len() > MAX_PARTS {
            return Err(RequestError::TooMany);
        }
        Self::of(pairs)
    }

    fn of(pairs: Vec<(String, String)>) -> Result<Self, RequestError> {
        let mut own: [Option<String>; 5] = Default::default();
        let mut parameters = Vec::new();
        for (name, value) in pairs {
            let Some(at) = JOB_PARAMETERS.iter().position(|known| known.eq_ignore_ascii_case(&name)) else {
                parameters.push((name, value));
                continue;
            };
            if own[at].replace(value).is_some() {
                return Err(RequestError::Repeated { name: JOB_PARAMETERS[at] });
            }
        }
        let [producer, format, name, artifact, file] = own;
        let path_part = "of the form [A-Za-z0-9._-], 1 to 128 characters";
        Ok(Self {
            producer: checked("producer", producer, path_part, is_path_part)?,
            format: checked("format", format, "the name of a format, such as `terraform-state`", is_format)?,
            name: checked("name", name, path_part, is_path_part)?,
            artifact: artifact
                .map(|text| checked("artifact", Some(text), "the name of an input artifact", is_artifact))
                .transpose()?,
            file: file
                .map(|text| {
                    let expected = "the path of a file in the artifact, without `..` and a leading `/`";
                    checked("file", Some(text), expected, |text| crate::artifact::wanted_path(text).is_some())
                })
                .transpose()?,
            parameters,
        })
    }
}

fn checked(
    name: &'static str,
    value: Option<String>,
    expected: &'static str,
    is_right: impl Fn(&str) -> bool,
) -> Result<String, RequestError> {
    let value = value.ok_or(RequestError::Missing { name })?;
    if is_right(&value) { Ok(value) } else { Err(RequestError::Value { name, expected }) }
}

/// As in the path of an export.
fn is_path_part(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

fn is_format(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// CodePipeline's grammar of artifact names.
fn is_artifact(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn of_pairs(text: &str) -> Result<Vec<(String, String)>, RequestError> {
    let parts = text.split([',', '&', '\n', '\r', '\t', ' ']).filter(|part| !part.is_empty());
    let mut pairs = Vec::new();
    for (at, part) in parts.enumerate() {
        let pair = part.split_once('=').filter(|(name, _)| !name.is_empty());
        let (name, value) = pair.ok_or(RequestError::NotAPair { part: at + 1 })?;
        pairs.push((name.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

fn of_json(text: &str) -> Result<Vec<(String, String)>, RequestError> {
    let pairs: Pairs = serde_json::from_str(text)
        .map_err(|error| RequestError::MalformedJson { line: error.line(), column: error.column() })?;
    let mut given = Vec::new();
    for (at, (name, value)) in pairs.0.into_iter().enumerate() {
        match value {
            Scalar::Text(value) => given.push((name, value)),
            Scalar::Null => {}
            Scalar::Other => return Err(RequestError::NotAScalar { part: at + 1 }),
        }
    }
    Ok(given)
}

/// The members of an object in their order, repeated ones too.
struct Pairs(Vec<(String, Scalar)>);

enum Scalar {
    Text(String),
    Null,
    Other,
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = members.next_entry()? {
                    pairs.push(pair);
                    if pairs.len() > MAX_PARTS {
                        return Err(A::Error::custom("too many members"));
                    }
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyScalar;
        impl<'de> Visitor<'de> for AnyScalar {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a scalar")
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar::Text(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar::Text(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar::Text(value.to_string()))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Scalar, E> {
                Ok(Scalar::Other)
            }

            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::Null)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Scalar, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
        }
        deserializer.deserialize_any(AnyScalar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(request: &ExportRequest) -> String {
        let ExportRequest { producer, format, name, artifact, file, parameters } = request;
        let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{producer} {format} {name} {} {} [{}]", or(artifact), or(file), pairs.join(" "))
    }

    #[test]
    fn pairs_are_read_whatever_stands_between_them_and_from_json() {
        let expected = "org.repo terraform-state prod Build out/a.tfstate [component=orders serial=7]";
        for text in [
            "producer=org.repo,format=terraform-state,name=prod,artifact=Build,file=out/a.tfstate,component=orders,serial=7",
            "producer=org.repo&format=terraform-state&name=prod&artifact=Build&file=out/a.tfstate&component=orders&serial=7",
            "producer=org.repo\n format=terraform-state\r\nname=prod artifact=Build\tfile=out/a.tfstate, component=orders , serial=7\n",
            r#" {"producer":"org.repo","format":"terraform-state","name":"prod","artifact":"Build","file":"out/a.tfstate","component":"orders","serial":7,"system":null}"#,
        ] {
            assert_eq!(shown(&ExportRequest::parse(Some(text)).unwrap()), expected);
        }
        let short = ExportRequest::parse(Some("Producer=a,format=catalog-info,name=b,x=1=2,y=")).unwrap();
        assert_eq!(shown(&short), "a catalog-info b - - [x=1=2 y=]");
        let json =
            r#"{"producer":"a","format":"catalog-info","name":"b","file":"with space, and comma.yaml","dryRun":true}"#;
        assert_eq!(
            shown(&ExportRequest::parse(Some(json)).unwrap()),
            "a catalog-info b - with space, and comma.yaml [dryRun=true]"
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_the_way_to_write_it_and_nothing_of_what_was_written() {
        let full = "producer=a,format=catalog-info,name=b";
        let cases = [
            (None, "the action has no UserParameters: write for example `producer="),
            (Some(" \n"), "the action has no UserParameters"),
            (Some("CANARY-hunter2"), "part 1 of UserParameters is not `key=value`: write for example `producer="),
            (Some("producer=a, =CANARY"), "part 2 of UserParameters is not `key=value`"),
            (Some("producer=a,format=b"), "UserParameters lack `name`: write for example `producer="),
            (
                Some("producer=CANARY/../x,format=b,name=c"),
                "`producer` in UserParameters is not of the form [A-Za-z0-9._-]",
            ),
            (Some(&format!("{full},name=CANARY")), "`name` comes twice in UserParameters: say it once"),
            (
                Some(&format!("{full},file=../CANARY")),
                "`file` in UserParameters is not the path of a file in the artifact",
            ),
            (
                Some(&format!("{full},artifact=CAN/ARY")),
                "`artifact` in UserParameters is not the name of an input artifact",
            ),
            (Some(r#"{"producer": CANARY}"#), "UserParameters start as a JSON object but are none (line 1, column 14)"),
            (Some(r#"{"producer": ["CANARY"]}"#), "key 1 of the JSON object in UserParameters is not a text"),
            (Some(r#"{"producer": 1.5}"#), "key 1 of the JSON object in UserParameters is not a text"),
        ];
        for (text, expected) in cases {
            let error = ExportRequest::parse(text).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{text:?}: {error}");
            assert!(!format!("{error} {error:?}").contains("CANARY"), "{error}");
        }
        let long = "a".repeat(MAX_USER_PARAMETERS_BYTES + 1);
        assert_eq!(ExportRequest::parse(Some(&long)), Err(RequestError::TooLong { bytes: 4_001 }));
        assert_eq!(ExportRequest::parse(Some(&"a=b ".repeat(65))), Err(RequestError::TooMany));
        let deep = format!("{{\"a\":{}", "[".repeat(2_000));
        assert!(matches!(ExportRequest::parse(Some(&deep)), Err(RequestError::MalformedJson { .. })));
    }

    #[test]
    fn parameters_are_counted_and_not_shown() {
        let request = ExportRequest::parse(Some("producer=a,format=b,name=c,password=CANARY")).unwrap();
        assert!(!format!("{request:?}").contains("CANARY"));
        assert_eq!(request.parameters, [("password".to_owned(), "CANARY".to_owned())]);
    }
}
