//! Lambda's Runtime API, as far as one function needs it to take one event and answer.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use callboard::ports::Endpoints;
use serde_json::Value;

use crate::running::Running;

/// Longer than a function takes to start on a busy machine; only one that hangs reaches it.
const ANSWER_BOUND: Duration = Duration::from_secs(60);

const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

/// What a function said of its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// `response` or `error`: the end of the path that it posted to.
    pub kind: String,
    pub body: String,
}

/// Serves events one after the other to whoever asks, on a loopback port of its own; further questions wait for ever.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    answers: Receiver<Answer>,
    asked: Receiver<Instant>,
}

impl RuntimeApi {
    /// # Errors
    /// Fails when no loopback port can be had.
    pub fn serve(event: &Value) -> io::Result<Self> {
        Self::serve_all(std::iter::once(event.to_string()))
    }

    /// # Errors
    /// Fails when no loopback port can be had.
    pub fn serve_all(events: impl Iterator<Item = String> + Send + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (sender, answers) = mpsc::channel();
        let (asking, asked) = mpsc::channel();
        let events = Arc::new(Mutex::new(events));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (sender, asking, events) = (sender.clone(), asking.clone(), Arc::clone(&events));
                // A client opens another connection while its first is not yet free.
                thread::spawn(move || serve_connection(BufReader::new(stream), &events, &sender, &asking));
            }
        });
        Ok(Self { address, answers, asked })
    }

    /// Value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// When the function first asked for an event: its start is over then.
    ///
    /// # Errors
    /// Fails when it did not within the bound.
    pub fn first_asked(&self, bound: Duration) -> Result<Instant, mpsc::RecvTimeoutError> {
        self.asked.recv_timeout(bound)
    }

    /// Waits for the function's answer.
    ///
    /// # Errors
    /// Fails when none came within the bound.
    pub fn answer(&self, bound: Duration) -> Result<Answer, mpsc::RecvTimeoutError> {
        self.answers.recv_timeout(bound)
    }
}

const END_OF_PRELUDE: &str = "\0\0\0\0\0\0\0\0";

/// What the binary of a function answers to one event, when it is started as Lambda does it, on the services of a stack.
///
/// # Panics
/// Panics when the function does not start, or does not answer with a response.
pub async fn response_of_binary(binary: &'static str, running: &Running, event: Value) -> Value {
    let endpoints = running.stack.endpoints();
    let answer = tokio::task::spawn_blocking(move || answer_of_binary(binary, &endpoints, &event)).await;
    let answer = answer.expect("the thread that waits does not panic");
    assert_eq!(answer.kind, "response", "{}", answer.body);
    // A streamed answer is a prelude of JSON, eight NUL bytes, and the body.
    let (json, body) = answer.body.split_once(END_OF_PRELUDE).unwrap_or((&answer.body, ""));
    let mut response: Value = serde_json::from_str(json).expect("a response is JSON");
    if json.len() < answer.body.len() {
        response["body"] = body.into();
    }
    response
}

fn answer_of_binary(binary: &str, endpoints: &Endpoints, event: &Value) -> Answer {
    let api = RuntimeApi::serve(event).expect("there is a free port on loopback");
    let mut function = command_on(binary, &api, endpoints).spawn().expect("the function's binary starts");
    let answer = api.answer(ANSWER_BOUND);
    function.kill().expect("the function can be ended");
    function.wait().expect("the function has ended");
    answer.expect("the function answers")
}

/// The command that starts a function's binary on the services of a stack.
pub fn command_on(binary: &str, api: &RuntimeApi, endpoints: &Endpoints) -> Command {
    let mut command = lambda_command(binary, api);
    command
        .env("AWS_ENDPOINT_URL_DYNAMODB", endpoints.dynamodb_url())
        .env("AWS_ENDPOINT_URL_S3", endpoints.s3_url())
        .env("AWS_ENDPOINT_URL_CODEPIPELINE", endpoints.invoke_url());
    command
}

/// The command that starts a function's binary, with the variables of Lambda and of the template.
pub fn lambda_command(binary: &str, api: &RuntimeApi) -> Command {
    let mut command = Command::new(binary);
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", api.address())
        .env("AWS_LAMBDA_FUNCTION_NAME", "under-test")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "/callboard/under-test")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "test")
        .env("AWS_REGION", callboard::REGION)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("TABLE_NAME", callboard::wiring::TABLE.name)
        .env("CATALOG_BUCKET", callboard::wiring::CATALOG_BUCKET.name)
        .env("DROP_BUCKET", callboard::wiring::DROP_BUCKET.name)
        .env("REPORTS_BUCKET", callboard::wiring::REPORTS_BUCKET.name)
        .env("MAX_RECEIVE_COUNT", "5")
        // Of the token `token-under-test`.
        .env("STATIC_TOKEN_HASHES", "test:dc33894a36d99e262fd7d79636121e5d1798acd098cf25984e881b750fdbf5c6")
        .stdout(Stdio::null());
    command
}

/// Time on a processor of all threads of a process, those that ended included, in ms; in steps of 10.
///
/// # Errors
/// Fails when the process has ended.
pub fn cpu_ms(pid: u32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    // A tick is 10 ms on every Linux that this runs on.
    Ok((ticks(11) + ticks(12)) * 10)
}

/// The most memory that a process ever had, in KiB.
///
/// # Errors
/// Fails when the process has ended.
pub fn peak_kib(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    peak.trim().trim_end_matches(" kB").parse().map_err(io::Error::other)
}

/// Starts the binary without any of its variables.
///
/// # Panics
/// Panics when it cannot be started.
pub fn complaint_of_binary(binary: &str) -> String {
    let output = Command::new(binary)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9")
        .output()
        .expect("the function's binary starts");
    assert!(!output.status.success(), "a function without settings must not start");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Until the client closes the connection, or nobody waits for answers.
fn serve_connection(
    mut reader: BufReader<TcpStream>,
    events: &Mutex<impl Iterator<Item = String>>,
    sender: &Sender<Answer>,
    asking: &Sender<Instant>,
) {
    while let Ok(Some((path, body))) = read_request(&mut reader) {
        if path.ends_with("/invocation/next") {
            let _nobody_waits = asking.send(Instant::now());
            let event = events.lock().unwrap_or_else(PoisonError::into_inner).next();
            // Without an event the question waits: nothing more comes over this connection.
            if event.is_some_and(|event| write_event(reader.get_mut(), &event).is_err()) {
                return;
            }
            continue;
        }
        let kind = path.rsplit('/').next().unwrap_or_default().to_owned();
        if write_accepted(reader.get_mut()).is_err() || sender.send(Answer { kind, body }).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<(String, String)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        chunked |= header.starts_with("transfer-encoding:") && header.contains("chunked");
    }
    let mut body = Vec::new();
    if chunked {
        read_chunks(reader, &mut body)?;
    } else {
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
    }
    Ok(Some((path, String::from_utf8_lossy(&body).into_owned())))
}

fn read_chunks(reader: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
        let start = body.len();
        body.resize(start + size, 0);
        reader.read_exact(&mut body[start..])?;
        reader.read_line(&mut String::new())?;
        if size == 0 {
            return Ok(());
        }
    }
}

fn write_event(stream: &mut TcpStream, event: &str) -> io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nlambda-runtime-aws-request-id: {REQUEST_ID}\r\n\
         lambda-runtime-deadline-ms: 4102444800000\r\n\
         lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-west-1:111122223333:function:under-test\r\n\
         lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700\r\ncontent-length: {}\r\n\r\n{event}",
        event.len()
    )?;
    stream.flush()
}

fn write_accepted(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")?;
    stream.flush()
}
