//! An S3 request as clients send it -> one without signature and transfer encoding, whose body is checked as it flows.
//! Any credentials pass on this machine, so a signature proves nothing; but a broken body must not become an object.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>

use axum::body::{Body, BodyDataStream};
use bytes::{Buf, Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header, uri::PathAndQuery};
use s3s::{
    S3Error, S3Result,
    checksum::ChecksumHasher,
    crypto::{Checksum as _, Sha256},
    s3_error,
};

use crate::hex;

/// Longest line between chunks, and longest trailer.
const MAX_LINE_BYTES: usize = 4096;
const CHECKSUM_PREFIX: &str = "x-amz-checksum-";
const CONTENT_SHA256: &str = "x-amz-content-sha256";
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";

/// Prepares a request for the S3 service.
pub(crate) fn prepare(request: Request<Body>) -> Request<s3s::Body> {
    let (mut parts, body) = request.into_parts();
    parts.headers.remove(header::AUTHORIZATION);
    parts.uri = without_signature(&parts.uri);
    let content_sha256 = text(&parts.headers, CONTENT_SHA256).unwrap_or_default().to_owned();
    let chunked = content_sha256.starts_with("STREAMING-");
    if chunked {
        decode_headers(&mut parts.headers);
    }
    if parts.method != Method::PUT {
        return Request::from_parts(parts, s3s::Body::http_body_unsync(body));
    }
    let expected = Expected::from_headers(&parts.headers, &content_sha256);
    let state = if chunked { State::Size } else { State::Plain };
    let incoming = Incoming { body: body.into_data_stream(), buffer: BytesMut::new(), state, expected };
    Request::from_parts(parts, s3s::Body::http_body_unsync(Body::from_stream(incoming.into_stream())))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Parameters of a presigned URL, of either signature version, in lower case.
const SIGNING: [&str; 10] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
    "x-amz-signature",
    "x-amz-security-token",
    "awsaccesskeyid",
    "signature",
    "expires",
];

/// Takes the parameters of a presigned URL away.
fn without_signature(uri: &Uri) -> Uri {
    let Some(query) = uri.query() else { return uri.clone() };
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
    let kept: Vec<&str> = query.split('&').filter(|pair| !SIGNING.contains(&name(pair).as_str())).collect();
    let path = uri.path();
    let target = if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
    let mut parts = uri.clone().into_parts();
    let Ok(target) = target.parse::<PathAndQuery>() else { return uri.clone() };
    parts.path_and_query = Some(target);
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

/// Makes the headers say what the decoded body is.
fn decode_headers(headers: &mut HeaderMap) {
    if let Some(length) = headers.remove(DECODED_LENGTH) {
        headers.insert(header::CONTENT_LENGTH, length);
    }
    headers.insert(CONTENT_SHA256, HeaderValue::from_static("UNSIGNED-PAYLOAD"));
    let encodings = text(headers, "content-encoding").unwrap_or_default();
    let kept: Vec<&str> =
        encodings.split(',').map(str::trim).filter(|e| *e != "aws-chunked" && !e.is_empty()).collect();
    let kept = HeaderValue::from_str(&kept.join(","));
    headers.remove(header::CONTENT_ENCODING);
    if let Ok(kept) = kept
        && !kept.is_empty()
    {
        headers.insert(header::CONTENT_ENCODING, kept);
    }
}

/// Digests that the sender promised, and those of what came.
struct Expected {
    sha256: Option<(String, Sha256)>,
    digests: Vec<(String, String)>,
    hasher: ChecksumHasher,
}

impl Expected {
    fn from_headers(headers: &HeaderMap, content_sha256: &str) -> Self {
        let is_digest = content_sha256.len() == 64 && content_sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut expected = Self {
            sha256: is_digest.then(|| (content_sha256.to_ascii_lowercase(), Sha256::new())),
            digests: Vec::new(),
            hasher: ChecksumHasher::default(),
        };
        for (name, value) in headers {
            if let (Some(algorithm), Ok(value)) = (name.as_str().strip_prefix(CHECKSUM_PREFIX), value.to_str())
                && expected.compute(algorithm)
            {
                expected.digests.push((algorithm.to_owned(), value.to_owned()));
            }
        }
        for name in text(headers, "x-amz-trailer").unwrap_or_default().split(',') {
            if let Some(algorithm) = name.trim().to_ascii_lowercase().strip_prefix(CHECKSUM_PREFIX) {
                expected.compute(algorithm);
            }
        }
        expected
    }

    /// Starts a digest; `false` for what is no algorithm, such as `type` and `mode`.
    fn compute(&mut self, algorithm: &str) -> bool {
        match algorithm {
            "crc32" => self.hasher.crc32 = Some(s3s::crypto::Crc32::new()),
            "crc32c" => self.hasher.crc32c = Some(s3s::crypto::Crc32c::new()),
            "crc64nvme" => self.hasher.crc64nvme = Some(s3s::crypto::Crc64Nvme::new()),
            "sha1" => self.hasher.sha1 = Some(s3s::crypto::Sha1::new()),
            "sha256" => self.hasher.sha256 = Some(Sha256::new()),
            _ => return false,
        }
        true
    }

    fn update(&mut self, data: &[u8]) {
        self.hasher.update(data);
        if let Some((_, sha256)) = &mut self.sha256 {
            sha256.update(data);
        }
    }

    fn verify(&mut self) -> S3Result<()> {
        if let Some((expected, sha256)) = self.sha256.take()
            && hex(sha256.finalize().as_ref()) != expected
        {
            return Err(s3_error!(BadDigest, "the body is not what {CONTENT_SHA256} says"));
        }
        let computed = std::mem::take(&mut self.hasher).finalize();
        for (algorithm, expected) in &self.digests {
            let actual = match algorithm.as_str() {
                "crc32" => &computed.checksum_crc32,
                "crc32c" => &computed.checksum_crc32c,
                "crc64nvme" => &computed.checksum_crc64nvme,
                "sha1" => &computed.checksum_sha1,
                _ => &computed.checksum_sha256,
            };
            if actual.as_ref() != Some(expected) {
                return Err(s3_error!(
                    BadDigest,
                    "the body does not have the {algorithm} checksum that was sent with it"
                ));
            }
        }
        Ok(())
    }
}

enum State {
    Plain,
    Size,
    Data(usize),
    EndOfData,
    Trailers,
    Done,
}

struct Incoming {
    body: BodyDataStream,
    buffer: BytesMut,
    state: State,
    expected: Expected,
}

impl Incoming {
    fn into_stream(self) -> impl Stream<Item = S3Result<Bytes>> + Send + 'static {
        stream::try_unfold(self, async |mut incoming| Ok(incoming.next().await?.map(|data| (data, incoming))))
    }

    async fn next(&mut self) -> S3Result<Option<Bytes>> {
        loop {
            match self.state {
                State::Done => return Ok(None),
                State::Plain => {
                    let Some(data) = self.body.next().await else {
                        self.expected.verify()?;
                        self.state = State::Done;
                        continue;
                    };
                    let data = data.map_err(broken)?;
                    self.expected.update(&data);
                    return Ok(Some(data));
                }
                State::Size => {
                    let line = self.line().await?.ok_or_else(truncated)?;
                    let size = line.split(';').next().unwrap_or_default().trim();
                    let size = usize::from_str_radix(size, 16)
                        .map_err(|_| s3_error!(InvalidRequest, "`{size}` is no chunk size"))?;
                    self.state = if size == 0 { State::Trailers } else { State::Data(size) };
                }
                State::Data(0) => self.state = State::EndOfData,
                State::Data(left) => {
                    if self.buffer.is_empty() && !self.fill().await? {
                        return Err(truncated());
                    }
                    let data = self.buffer.split_to(left.min(self.buffer.len())).freeze();
                    self.state = State::Data(left - data.len());
                    self.expected.update(&data);
                    return Ok(Some(data));
                }
                State::EndOfData => {
                    if !self.line().await?.ok_or_else(truncated)?.is_empty() {
                        return Err(s3_error!(InvalidRequest, "a chunk is longer than its size"));
                    }
                    self.state = State::Size;
                }
                State::Trailers => match self.line().await? {
                    Some(line) if !line.is_empty() => {
                        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
                        if let Some(algorithm) = name.trim().to_ascii_lowercase().strip_prefix(CHECKSUM_PREFIX) {
                            self.expected.digests.push((algorithm.to_owned(), value.trim().to_owned()));
                        }
                    }
                    _ => {
                        self.expected.verify()?;
                        self.state = State::Done;
                    }
                },
            }
        }
    }

    async fn fill(&mut self) -> S3Result<bool> {
        let Some(data) = self.body.next().await else { return Ok(false) };
        self.buffer.extend_from_slice(&data.map_err(broken)?);
        Ok(true)
    }

    /// The next line without its end; none at the end of the body.
    async fn line(&mut self) -> S3Result<Option<String>> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.buffer.split_to(end);
                self.buffer.advance(2);
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            if self.buffer.len() > MAX_LINE_BYTES {
                return Err(s3_error!(InvalidRequest, "a line between chunks is longer than {MAX_LINE_BYTES} bytes"));
            }
            if !self.fill().await? {
                let rest = self.buffer.split();
                return Ok((!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned()));
            }
        }
    }
}

fn broken(error: axum::Error) -> S3Error {
    S3Error::with_source(s3s::S3ErrorCode::IncompleteBody, Box::new(error))
}

fn truncated() -> S3Error {
    s3_error!(IncompleteBody, "the body ends within a chunk")
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    async fn decode(body: &str, headers: &[(&'static str, &'static str)]) -> S3Result<Vec<u8>> {
        let mut request = Request::put("/b/k").body(Body::from(body.to_owned())).unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        let expected = Expected::from_headers(request.headers(), "");
        let incoming = Incoming {
            body: request.into_body().into_data_stream(),
            buffer: BytesMut::new(),
            state: State::Size,
            expected,
        };
        incoming
            .into_stream()
            .try_fold(Vec::new(), async |mut all, data| {
                all.extend_from_slice(&data);
                Ok(all)
            })
            .await
    }

    const TRAILER: (&str, &str) = ("x-amz-trailer", "x-amz-checksum-crc32");

    #[tokio::test]
    async fn chunks_are_joined_and_their_trailing_checksum_is_checked() {
        let good = "5;chunk-signature=abc\r\n12345\r\n4\r\n6789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n";
        assert_eq!(decode(good, &[TRAILER]).await.unwrap(), b"123456789");
        let bad = good.replace("6789", "678X");
        let error = decode(&bad, &[TRAILER]).await.unwrap_err();
        assert_eq!(error.code(), &s3s::S3ErrorCode::BadDigest);
    }

    #[tokio::test]
    async fn a_body_that_ends_early_is_refused() {
        for body in ["", "5\r\n123", "5\r\n12345", "zz\r\n"] {
            assert!(decode(body, &[]).await.is_err(), "{body:?}");
        }
    }

    #[test]
    fn a_presigned_url_loses_its_signature_and_nothing_else() {
        let uri =
            "/b/k?x-id=GetObject&X-Amz-Algorithm=A&X-Amz-Credential=c&X-Amz-Signature=s&versionId=1".parse().unwrap();
        assert_eq!(without_signature(&uri).to_string(), "/b/k?x-id=GetObject&versionId=1");
        let uri = "/b/k?AWSAccessKeyId=any&Signature=s%3D&Expires=1".parse().unwrap();
        assert_eq!(without_signature(&uri).to_string(), "/b/k");
    }
}
