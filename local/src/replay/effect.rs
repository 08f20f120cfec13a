//! What a delivery did, in one line.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use super::Delivery;

/// Counts worth a word, in the order of the line. Sums and tries are left out: they follow from the rest.
const TOLD: [&str; 7] = ["published", "applied", "stale", "duplicate", "swept", "refused", "ignored"];

/// One delivery and what it did. `Display` is the latter, in a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub function: String,
    /// The delivery's.
    pub name: String,
    /// Messages of an SQS batch; 1 for anything else.
    pub messages: usize,
    /// How far the function's conservation counts rose, tries included; of a request, the counts of its receipt.
    pub counts: BTreeMap<String, u64>,
    /// Messages that became dead letters.
    pub dead: Vec<Dead>,
    /// The answer to a request.
    pub reply: Option<Reply>,
}

/// Why a message is a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// The reason code that the function recorded; `function-failed` if it recorded none.
    pub code: String,
    pub detail: String,
}

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u64,
    /// A receipt's status, or an error's name and message.
    pub says: String,
}

impl Line {
    pub(super) fn new(delivery: &Delivery) -> Self {
        Self {
            function: delivery.function.clone(),
            name: delivery.name.clone(),
            messages: 1,
            counts: BTreeMap::new(),
            dead: Vec::new(),
            reply: None,
        }
    }

    /// Takes the counts of an answer: a proxy response with a receipt or an error in it, or whatever else.
    pub(super) fn hear(&mut self, answer: &Value) {
        let Some(status) = answer.get("statusCode").and_then(Value::as_u64) else { return };
        let body = answer.get("body").and_then(Value::as_str).unwrap_or_default();
        let body: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        for name in TOLD {
            let count = [body.get(name), body.pointer(&format!("/counts/{name}"))];
            if let Some(count) = count.into_iter().flatten().find_map(Value::as_u64).filter(|count| *count > 0) {
                self.counts.insert(name.to_owned(), count);
            }
        }
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let says = match (text("/error/name"), text("/error/message")) {
            (Some(name), Some(message)) => format!("{name}: {message}"),
            _ => text("/status").unwrap_or_default().to_owned(),
        };
        self.reply = Some(Reply { status, says });
    }

    /// The delivery's number and name, told apart at the first `-`; no number where the name has none.
    #[must_use]
    pub fn number_and_name(&self) -> (&str, &str) {
        let numbered = self.name.split_once('-').filter(|(number, _)| number.bytes().all(|b| b.is_ascii_digit()));
        numbered.unwrap_or(("", &self.name))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = Vec::new();
        if let Some(Reply { status, says }) = &self.reply {
            said.push(format!("{status} {says}").trim_end().to_owned());
        }
        for name in TOLD {
            // Each try of a dead letter counts its documents as refused again.
            let is_of_tries = name == "refused" && !self.dead.is_empty();
            if let Some(count) = self.counts.get(name).filter(|_| !is_of_tries) {
                said.push(format!("{count} {name}"));
            }
        }
        let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
        for dead in &self.dead {
            *codes.entry(&dead.code).or_default() += 1;
        }
        said.extend(codes.iter().map(|(code, count)| format!("{count} dead: {code}")));
        if said.is_empty() {
            said.push("accepted".to_owned());
        }
        f.write_str(&said.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line() -> Line {
        Line::new(&Delivery { function: "f".to_owned(), name: "07-some-thing".to_owned(), payload: Value::Null })
    }

    fn counted(counts: &[(&str, u64)], dead: &[&str]) -> String {
        let counts = counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let dead = dead.iter().map(|code| Dead { code: (*code).to_owned(), detail: String::new() }).collect();
        Line { counts, dead, ..line() }.to_string()
    }

    #[test]
    fn a_line_tells_what_was_done_and_not_how_often_it_was_tried() {
        assert_eq!(counted(&[("messages", 4), ("acked", 4), ("applied", 4)], &[]), "4 applied");
        assert_eq!(counted(&[("stale", 1), ("applied", 1)], &[]), "1 applied, 1 stale");
        assert_eq!(
            counted(&[("refused", 5), ("retried", 4), ("dead", 1)], &["malformed-json"]),
            "1 dead: malformed-json"
        );
        assert_eq!(counted(&[("refused", 2), ("applied", 3)], &[]), "3 applied, 2 refused");
        assert_eq!(counted(&[], &["b", "a", "b"]), "1 dead: a, 2 dead: b");
        assert_eq!(counted(&[("messages", 1), ("acked", 1)], &[]), "accepted");
        assert_eq!(line().number_and_name(), ("07", "some-thing"));
    }

    #[test]
    fn an_answer_is_told_by_its_receipt_or_its_error() {
        let heard = |status: u64, body: Value| {
            let mut line = line();
            line.hear(&json!({"statusCode": status, "body": body.to_string()}));
            line.to_string()
        };
        let receipt = json!({"status": "accepted", "applied": 3, "stale": 0, "swept": ["a"], "counts": {"refused": 1, "swept": 1}});
        assert_eq!(heard(200, receipt), "200 accepted, 3 applied, 1 swept, 1 refused");
        let error = json!({"error": {"name": "InputError", "message": "no component"}});
        assert_eq!(heard(400, error), "400 InputError: no component");
        assert_eq!(heard(204, Value::Null), "204");
    }
}
