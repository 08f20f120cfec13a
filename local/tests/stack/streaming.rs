//! Answers that are passed on as they come.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::support::{accepting, http};
use axum::body::{Body, Bytes};
use callboard::{
    functions::{FunctionError, Functions, StreamedAnswer},
    stack::{Stack, StackOptions},
};
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};

const CHUNK_BYTES: usize = 64 * 1024;
const MIB: u64 = 1024 * 1024;

fn answer(body: Body) -> Result<StreamedAnswer, FunctionError> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json; charset=utf-8"));
    headers.append("link", HeaderValue::from_static("</a>; rel=\"next\""));
    headers.append("link", HeaderValue::from_static("</b>; rel=\"prev\""));
    Ok(StreamedAnswer { status: StatusCode::OK, headers, body })
}

/// Chunks of zeroes; counts how many bytes were made.
fn zeroes(bytes: u64, made: &Arc<AtomicU64>) -> Body {
    let made = Arc::clone(made);
    let chunk = Bytes::from(vec![b'0'; CHUNK_BYTES]);
    let chunks = stream::iter(0..bytes / CHUNK_BYTES as u64).map(move |_| {
        made.fetch_add(CHUNK_BYTES as u64, Ordering::SeqCst);
        Ok::<_, std::io::Error>(chunk.clone())
    });
    Body::from_stream(chunks)
}

async fn start(functions: Functions) -> Stack {
    Stack::start(StackOptions::default(), |_| functions).await.unwrap()
}

async fn request(stack: &Stack, target: &str) -> TcpStream {
    let mut stream = TcpStream::connect(stack.endpoints().api).await.unwrap();
    let head = format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Reads to the end and keeps nothing: how much came.
async fn drain(mut stream: TcpStream) -> u64 {
    let (mut buffer, mut all) = (vec![0; CHUNK_BYTES], 0);
    loop {
        match stream.read(&mut buffer).await.unwrap() {
            0 => return all,
            count => all += count as u64,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_megabytes_pass_and_never_wait_in_memory() {
    let made = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&made);
    let functions = accepting().with_streaming("query-api", move |_| {
        let body = zeroes(100 * MIB, &counted);
        async { answer(body) }
    });
    let stack = start(functions).await;
    let mut stream = request(&stack, "/api/catalog/entities").await;
    // Who does not read holds up who writes: no more than the buffers of two sockets is ever made.
    let mut first = vec![0; CHUNK_BYTES];
    stream.read_exact(&mut first).await.unwrap();
    let mut before = 0;
    loop {
        // That nothing happens cannot be awaited.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let now = made.load(Ordering::SeqCst);
        if now == before {
            break;
        }
        before = now;
    }
    assert!(before < 20 * MIB, "{before} bytes wait for a reader that has read {CHUNK_BYTES}");
    let all = first.len() as u64 + drain(stream).await;
    assert!(all > 100 * MIB && made.load(Ordering::SeqCst) == 100 * MIB, "{all}");
    stack.shutdown().await;
}

/// Tells when it is dropped.
struct Dropped(Option<oneshot::Sender<()>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _nobody_waits = self.0.take().map(|sender| sender.send(()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_the_stream_and_even_the_work_before_it() {
    for target in ["/streams", "/thinks"] {
        let (sender, dropped) = oneshot::channel();
        let (begun_sender, begun) = oneshot::channel();
        let both = Arc::new(std::sync::Mutex::new(Some((Dropped(Some(sender)), begun_sender))));
        let functions = accepting().with_streaming("query-api", move |event: Value| {
            let (dropped, begun) = both.lock().unwrap().take().unwrap();
            async move {
                begun.send(()).unwrap();
                if event["path"] == "/thinks" {
                    std::future::pending::<()>().await;
                }
                let endless = stream::repeat_with(move || {
                    let _held = &dropped;
                    Ok::<_, std::io::Error>(Bytes::from_static(b"0"))
                });
                answer(Body::from_stream(endless))
            }
        });
        let stack = start(functions).await;
        let mut stream = request(&stack, target).await;
        begun.await.unwrap();
        if target == "/streams" {
            stream.read_exact(&mut [0; 1000]).await.unwrap();
        }
        drop(stream);
        assert!(dropped.await.is_ok(), "{target} goes on for nobody");
        stack.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lambda_would_not_stream_breaks_off_here_too() {
    let made = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&made);
    let functions = accepting().with_streaming("query-api", move |event: Value| {
        let too_long = event["path"] == "/long";
        let long = zeroes(201 * MIB, &counted);
        let broken = stream::iter([Ok(Bytes::from_static(b"[1,")), Err(std::io::Error::other("lost"))]);
        async move { answer(if too_long { long } else { Body::from_stream(broken) }) }
    });
    let stack = start(functions).await;
    for target in ["/long", "/broken"] {
        let mut stream = request(&stack, target).await;
        let mut last = Vec::new();
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => last = buffer[..count].to_vec(),
            }
        }
        assert!(!last.ends_with(b"0\r\n\r\n"), "{target} ends as if it were whole");
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn a_short_answer_is_whole_with_its_length_and_all_its_headers() {
    let functions = accepting().with_streaming("query-api", async |_| answer(Body::from("[]")));
    let stack = start(functions).await;
    let reply = http(stack.endpoints().api, "GET", "/", &[], b"").await;
    assert_eq!((reply.status, reply.body.as_str(), reply.header("content-length")), (200, "[]", Some("2")));
    assert_eq!(reply.head.matches("link: ").count(), 2);
    let (status, body) = stack.get("/").await.unwrap();
    assert_eq!((status, body), (200, serde_json::json!([])));
    stack.shutdown().await;
}

#[tokio::test]
async fn lambdas_invoke_api_answers_with_a_prelude_eight_zeroes_and_the_body() {
    let functions = accepting().with_streaming("query-api", async |event: Value| match event["path"].as_str() {
        Some("/fail") => Err(FunctionError::new("Boom", "it broke")),
        _ => answer(Body::from("[1,2]")),
    });
    let stack = start(functions).await;
    let target = "/2015-03-31/functions/query-api/invocations";
    let reply = http(stack.endpoints().invoke, "POST", target, &[], b"{}").await;
    assert_eq!(reply.header("content-type"), Some("application/vnd.awslambda.http-integration-response"));
    // Chunked: the prelude is one chunk, the body another.
    let (prelude, rest) = reply.body.split_once("\0\0\0\0\0\0\0\0").unwrap();
    let prelude: Value = serde_json::from_str(prelude.split_once("\r\n").unwrap().1).unwrap();
    assert_eq!(prelude["statusCode"], 200);
    assert_eq!(prelude["headers"]["content-type"], "application/json; charset=utf-8");
    assert_eq!(prelude["multiValueHeaders"]["link"].as_array().unwrap().len(), 2);
    assert!(rest.contains("[1,2]"), "{rest}");
    let failed = http(stack.endpoints().invoke, "POST", target, &[], b"{\"path\":\"/fail\"}").await;
    assert_eq!(failed.header("x-amz-function-error"), Some("Unhandled"));
    stack.shutdown().await;
}
