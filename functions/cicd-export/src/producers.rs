//! Who may speak for whom: the setting `PRODUCERS` -> whether a caller may send exports of a producer.
//!
//! One rule a line, or between semicolons: `<who> = <producers>`. Who is an account (`111122223333`), a role or user of one
//! (`111122223333/deploy-*`), or the unique id of a role or user (`AROAEXAMPLE`), which is all that S3's own notifications
//! tell of whoever dropped an object. Producers are names with commas between; `*` at an end of either stands for anything.
//!
//! Without a rule everybody whom the door admits may speak for every producer. With one, nobody else may.

use delivery::Classify;

/// A caller as a door knows it, by AWS's word and never by the body's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller<'c> {
    /// An ARN, an account, or `AWS:<unique id>:<session>`.
    pub(crate) text: Option<&'c str>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Producers(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    who: Who,
    producers: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    /// `name`: of a role or user, `*` at its end stands for anything.
    Account {
        account: String,
        name: Option<String>,
    },
    UniqueId(String),
}

/// The setting cannot be used: the function does not start, since taking no rule for all would open the door.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProducersError {
    #[error("rule {rule} of PRODUCERS is not `<account>[/<role>] = <producer>[, <producer>]`")]
    Form { rule: usize },
    #[error(
        "rule {rule} of PRODUCERS: `{who}` is neither an account of 12 digits, `<account>/<role>`, nor a unique id such as AROAEXAMPLE"
    )]
    Who { rule: usize, who: String },
    #[error("rule {rule} of PRODUCERS: `{producer}` is no name of a producer; `*` may only be its end")]
    Producer { rule: usize, producer: String },
}

impl Producers {
    /// # Errors
    /// Names the first rule that cannot be read, and what of it.
    pub fn parse(text: &str) -> Result<Self, ProducersError> {
        let mut rules = Vec::new();
        let lines = text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        for (rule, line) in (1..).zip(lines) {
            let (who, producers) = line.split_once('=').ok_or(ProducersError::Form { rule })?;
            let who = who.trim();
            let who = Who::parse(who).ok_or_else(|| ProducersError::Who { rule, who: who.to_owned() })?;
            let producers: Vec<String> = producers.split(',').map(|producer| producer.trim().to_owned()).collect();
            if let Some(wrong) = producers.iter().find(|producer| !is_pattern(producer)) {
                return Err(ProducersError::Producer { rule, producer: wrong.clone() });
            }
            rules.push(Rule { who, producers });
        }
        Ok(Self(rules))
    }

    /// # Errors
    /// Says that the caller may not speak for the producer.
    pub(crate) fn check(&self, caller: Caller<'_>, producer: &str) -> Result<(), NotAllowed> {
        let is_allowed = |rule: &Rule| {
            rule.producers.iter().any(|pattern| matches(pattern, producer))
                && caller.text.is_some_and(|caller| rule.who.is(caller))
        };
        if self.0.is_empty() || self.0.iter().any(is_allowed) {
            return Ok(());
        }
        Err(NotAllowed { producer: producer.to_owned(), caller: caller.text.unwrap_or("somebody unknown").to_owned() })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{caller} may not send exports of producer `{producer}`: no rule of PRODUCERS allows it")]
pub struct NotAllowed {
    producer: String,
    caller: String,
}

impl Classify for NotAllowed {
    fn class(&self) -> delivery::Class {
        delivery::Class::DeadLetter
    }

    fn code(&self) -> &'static str {
        "producer-not-allowed"
    }
}

impl Who {
    fn parse(text: &str) -> Option<Self> {
        let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_account(text) {
            return Some(Self::Account { account: text.to_owned(), name: None });
        }
        if let Some((account, name)) = text.split_once('/') {
            let is_name = !name.is_empty() && !name.trim_end_matches('*').contains('*');
            return (is_account(account) && is_name)
                .then(|| Self::Account { account: account.to_owned(), name: Some(name.to_owned()) });
        }
        let is_unique_id = (8..=128).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && text.starts_with('A');
        is_unique_id.then(|| Self::UniqueId(text.to_owned()))
    }

    fn is(&self, caller: &str) -> bool {
        match self {
            Self::UniqueId(id) => caller.split(':').nth(1) == Some(id) && caller.starts_with("AWS:"),
            Self::Account { account, name } => {
                let mut parts = caller.splitn(6, ':');
                let (account_of, named) = match (parts.nth(4), parts.next()) {
                    (Some(account), Some(resource)) if caller.starts_with("arn:") => (account, name_of(resource)),
                    _ => (caller, None),
                };
                account_of == account
                    && name.as_deref().is_none_or(|pattern| named.is_some_and(|named| matches(pattern, named)))
            }
        }
    }
}

/// `assumed-role/<role>/<session>`, `role/<path>/<role>` or `user/<path>/<user>`: the name of role or user.
fn name_of(resource: &str) -> Option<&str> {
    let (kind, rest) = resource.split_once('/')?;
    match kind {
        "assumed-role" => rest.split('/').next(),
        "role" | "user" => rest.rsplit('/').next(),
        _ => None,
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}

fn is_pattern(text: &str) -> bool {
    let start = text.strip_suffix('*').unwrap_or(text);
    !text.is_empty() && start.len() <= 128 && start.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_speaks_for_the_producers_of_its_account_role_or_id() {
        let rules = "# shop\n111122223333 = acme.shop, acme.pay*; 444455556666/deploy-* = *\nAROAEXAMPLEID = acme.drop";
        let rules = Producers::parse(rules).unwrap();
        let role = "arn:aws:sts::444455556666:assumed-role/deploy-prod/build-7";
        for (caller, producer, is_allowed) in [
            (Some("arn:aws:sts::111122223333:assumed-role/any/session"), "acme.shop", true),
            (Some("arn:aws:iam::111122223333:root"), "acme.payments", true),
            (Some("111122223333"), "acme.shop", true),
            (Some("111122223333"), "acme.shopping", false),
            (Some(role), "whatever", true),
            (Some("arn:aws:sts::444455556666:assumed-role/other/deploy-x"), "whatever", false),
            (Some("444455556666"), "whatever", false),
            (Some("AWS:AROAEXAMPLEID:session"), "acme.drop", true),
            (Some("AWS:AROAOTHER:AROAEXAMPLEID"), "acme.drop", false),
            (None, "acme.shop", false),
        ] {
            assert_eq!(rules.check(Caller { text: caller }, producer).is_ok(), is_allowed, "{caller:?} {producer}");
        }
        assert!(Producers::default().check(Caller { text: None }, "any").is_ok());
    }

    #[test]
    fn a_rule_that_cannot_be_read_is_named() {
        for (text, error) in [
            ("111122223333", "rule 1 of PRODUCERS is not"),
            ("1111 = a", "rule 1 of PRODUCERS: `1111` is neither"),
            ("111122223333 = a; 111122223333/*x = b", "rule 2 of PRODUCERS: `111122223333/*x` is neither"),
            ("111122223333 = a*b", "rule 1 of PRODUCERS: `a*b` is no name"),
            ("111122223333 = a,", "rule 1 of PRODUCERS: `` is no name"),
        ] {
            let told = Producers::parse(text).unwrap_err().to_string();
            assert!(told.starts_with(error), "{told}");
        }
    }
}
