//! The binary as a newcomer starts it: what it prints, what it answers, how it stops, what it keeps.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

const READY: &str = "Press Ctrl-C to stop.";

/// Held from the choice of ports until they are bound.
static PORTS: Mutex<()> = Mutex::new(());

struct Running {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
    base: u16,
}

/// The first of four free ports.
fn free_base() -> u16 {
    loop {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let base = first.local_addr().unwrap().port();
        let rest = (1..4).map(|offset| TcpListener::bind((Ipv4Addr::LOCALHOST, base.checked_add(offset)?)).ok());
        if rest.collect::<Option<Vec<_>>>().is_some() {
            return base;
        }
    }
}

fn command(base: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callboard"));
    command.args(arguments).arg("--port-base").arg(base.to_string()).env_remove("LOG_LEVEL");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Running {
    /// Starts it and waits until its first line is printed: its ports are bound by then.
    fn start(arguments: &[&str]) -> (Self, String) {
        let _held = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
        let base = free_base();
        let mut child = command(base, arguments).spawn().unwrap();
        let out = Some(BufReader::new(child.stdout.take().unwrap()));
        let mut running = Self { child, out, base };
        let first = running.read_until("");
        (running, first)
    }

    /// What is printed up to and with the first line that contains `text`.
    fn read_until(&mut self, text: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            if self.out.as_mut().unwrap().read_line(&mut line).unwrap() == 0 {
                let mut stderr = String::new();
                self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
                panic!("it ended before `{text}`\n{all}\n{stderr}");
            }
            all.push_str(&line);
            if line.contains(text) {
                return all;
            }
        }
    }

    fn get(&self, target: &str) -> (String, String) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.base)).unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned())
    }

    /// Sends a signal and returns the exit code.
    fn stop(mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

/// The line with `text` in it.
fn line<'a>(text: &str, all: &'a str) -> &'a str {
    all.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("no `{text}` in\n{all}"))
}

fn folder(path: &Path) -> [&str; 2] {
    ["--data", path.to_str().unwrap()]
}

#[test]
fn it_replays_the_samples_answers_what_it_suggests_and_stops_at_a_signal() {
    let (mut running, _) = Running::start(&[]);
    let told = running.read_until(READY);
    assert!(line("applied, 1 stale", &told).contains("config-change"));
    assert!(line("1 duplicate", &told).contains("config-change"));
    assert!(line("1 dead: malformed-json", &told).contains("config-change"));
    assert!(line("1 published", &told).contains("cost-report"));
    assert!(line("There are now", &told).contains(" Component"));

    let curls: Vec<&str> = told.lines().filter_map(|line| line.trim().strip_prefix("curl '")).collect();
    assert_eq!(curls.len(), 3, "{told}");
    for curl in curls {
        let target = curl.trim_end_matches('\'').strip_prefix(&format!("http://localhost:{}", running.base)).unwrap();
        let (status, body) = running.get(target);
        assert_eq!(status, "200", "{target}: {body}");
        assert!(!body.contains("\"totalItems\":0"), "{target}: {body}");
    }

    let second = command(running.base, &["--no-samples"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let stderr = String::from_utf8(second.stderr).unwrap();
    assert!(stderr.contains(&format!("port {}", running.base)) && stderr.contains("--port-base"), "{stderr}");

    let mut stderr = running.child.stderr.take().unwrap();
    assert_eq!(running.stop("-INT"), Some(0));
    let mut logged = String::new();
    stderr.read_to_string(&mut logged).unwrap();
    assert_eq!(logged, "", "a delivery that fails on purpose is told in the table");
}

#[test]
fn a_data_folder_keeps_everything_over_a_restart_and_a_crash() {
    let (whole, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut running, _) = Running::start(&folder(whole.path()));
    let expected = line("There are now", &running.read_until(READY)).to_owned();
    assert_eq!(running.stop("-TERM"), Some(0));
    let (mut again, _) = Running::start(&folder(whole.path()));
    let told = again.read_until(READY);
    assert!(told.contains("and are not again") && !told.contains("what it did"), "{told}");
    assert_eq!(line("There are now", &told), expected);
    assert_eq!(again.stop("-KILL"), None);
    let (mut after_crash, _) = Running::start(&[&folder(whole.path())[..], &["--no-samples"]].concat());
    assert_eq!(line("There are now", &after_crash.read_until(READY)), expected);
    drop(after_crash);

    let (mut running, _) = Running::start(&folder(cut.path()));
    running.read_until("  05  ");
    assert_eq!(running.stop("-KILL"), None);
    let (mut again, _) = Running::start(&folder(cut.path()));
    let told = again.read_until(READY);
    assert!(told.contains("was cut short"), "{told}");
    assert_eq!(line("There are now", &told), expected);
}

#[test]
fn ctrl_c_stops_a_replay_and_a_reader_that_goes_away_stops_nothing() {
    let (mut running, _) = Running::start(&[]);
    running.read_until("  01  ");
    assert_eq!(running.stop("-INT"), Some(0));

    let (mut running, _) = Running::start(&["serve", "--no-samples"]);
    running.out = None;
    assert_eq!(running.get("/api/status").0, "200");
    assert_eq!(running.stop("-INT"), Some(0));
}

#[test]
fn a_delivery_that_cannot_be_read_is_named() {
    let events = tempfile::tempdir().unwrap();
    std::fs::create_dir(events.path().join("config-change")).unwrap();
    std::fs::write(events.path().join("config-change/01-broken.json"), "{").unwrap();
    let _held = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    let failed = command(free_base(), &["--events", events.path().to_str().unwrap()]).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    let stderr = String::from_utf8(failed.stderr).unwrap();
    assert!(stderr.contains("01-broken.json` is no JSON"), "{stderr}");
}

#[test]
fn dynamodb_may_be_a_process_of_its_own() {
    let data = tempfile::tempdir().unwrap();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut command = Command::new(env!("CARGO_BIN_EXE_callboard"));
    command.args(["dynamodb", "--port", &port.to_string()]).args(folder(data.path())).env_remove("LOG_LEVEL");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let out = Some(BufReader::new(child.stdout.take().unwrap()));
    let mut apart = Running { child, out, base: port };
    assert!(apart.read_until(READY).contains(&format!("--dynamodb 127.0.0.1:{port}")));

    let address = format!("http://localhost:{port}");
    let options = [&["serve", "--dynamodb", &address][..], &folder(data.path())].concat();
    let (mut running, _) = Running::start(&options);
    let told = running.read_until(READY);
    assert!(told.contains("open to everybody") && line("There are now", &told).contains(" Component"), "{told}");
    assert_eq!(running.stop("-INT"), Some(0));
    assert_eq!(apart.stop("-INT"), Some(0));

    let _held = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    let failed = self::command(free_base(), &options).output().unwrap();
    let stderr = String::from_utf8(failed.stderr).unwrap();
    assert!(failed.status.code() == Some(1) && stderr.contains("nobody serves the table"), "{stderr}");
}

#[test]
fn with_a_token_the_api_asks_for_it_and_what_is_suggested_brings_it() {
    let (mut running, _) = Running::start(&["--token", "s3cret"]);
    let told = running.read_until(READY);
    assert!(told.contains("requests that bring a token") && !told.contains("s3cret"), "{told}");
    assert!(line("curl -H", &told).contains("authorization: Bearer $TOKEN"));
    let (status, body) = running.get("/api/status");
    assert!(status == "401" && body.contains("AuthenticationError"), "{status} {body}");
    assert_eq!(running.stop("-INT"), Some(0));
}
