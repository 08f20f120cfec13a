//! Text -> the terminal. A reader that went away, as `head` does, ends the text and nothing else.

use std::{
    error::Error,
    fmt,
    io::{self, Write},
};

use callboard::replay::Line;

/// One line on standard output.
pub(crate) fn say(line: impl fmt::Display) {
    let mut out = io::stdout().lock();
    let _reader_gone = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// An error with its causes on standard error.
pub(crate) fn complain(error: &dyn Error) {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(current) = cause {
        text.push_str(&format!(": {current}"));
        cause = current.source();
    }
    let _reader_gone = writeln!(io::stderr().lock(), "{text}");
}

/// Head of the table of deliveries.
pub(crate) fn say_table_head() {
    say(Row { number: "", name: "delivery", function: "function", messages: "messages", did: "what it did" });
}

/// A row of the table of deliveries.
pub(crate) fn say_delivery(line: &Line) {
    let (number, name) = line.number_and_name();
    let (messages, did) = (line.messages.to_string(), line.to_string());
    say(Row { number, name, function: &line.function, messages: &messages, did: &did });
}

struct Row<'a> {
    number: &'a str,
    name: &'a str,
    function: &'a str,
    messages: &'a str,
    did: &'a str,
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, name, function, messages, did } = self;
        write!(f, "  {number:<3} {name:<27} {function:<14} {messages:>8}  {did}")
    }
}
