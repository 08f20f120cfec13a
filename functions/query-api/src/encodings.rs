//! `Accept-Encoding` -> a compressed body, and `If-None-Match` -> a 304: what express and its compression do for Backstage.

use std::io::Write;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use bytes::Bytes;
use delivery::api::header;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream::{BoxStream, StreamExt, unfold};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue, VARY};

use crate::answers::{Answer, AnswerBody, BrokenOff};

/// Shorter bodies are sent as they are.
const MIN_BYTES: usize = 1024;

/// Fast ones: JSON of entities loses nine tenths of its length with either.
const GZIP_LEVEL: u32 = 4;
const ZSTD_LEVEL: i32 = 1;

/// The answer as it goes to this caller.
pub(crate) fn finished(mut answer: Answer, request: &ApiGatewayProxyRequest) -> Answer {
    if request.http_method.as_str() == "GET" && answer.status == 200 && is_fresh(&answer, request) {
        answer.status = 304;
        answer.headers.remove(CONTENT_TYPE);
        answer.body = AnswerBody::Full(Bytes::new());
        return answer;
    }
    if !answer.headers.contains_key(CONTENT_TYPE) {
        return answer;
    }
    answer.headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    let is_short = matches!(&answer.body, AnswerBody::Full(bytes) if bytes.len() < MIN_BYTES);
    let accepted = header(request, "accept-encoding").unwrap_or_default();
    let Some(coding) = Coding::best(accepted).filter(|_| !is_short) else { return answer };
    answer.headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    answer.body = match answer.body {
        AnswerBody::Full(bytes) => match Encoder::of(coding).and_then(|encoder| encoder.whole(&bytes)) {
            Ok(encoded) => AnswerBody::Full(encoded),
            Err(_) => {
                answer.headers.remove(CONTENT_ENCODING);
                AnswerBody::Full(bytes)
            }
        },
        AnswerBody::Stream(pieces) => AnswerBody::Stream(encoded(pieces, coding)),
    };
    answer
}

/// Whether the caller has the answer already: tags are compared weakly. `no-cache` asks for it all the same.
fn is_fresh(answer: &Answer, request: &ApiGatewayProxyRequest) -> bool {
    let Some(tag) = answer.headers.get(ETAG).and_then(|tag| tag.to_str().ok()) else { return false };
    let Some(known) = header(request, "if-none-match") else { return false };
    let is_unconditional = header(request, "cache-control")
        .is_some_and(|control| control.split(',').any(|part| part.trim().eq_ignore_ascii_case("no-cache")));
    // Nothing here has a date, so a condition on one never holds.
    if is_unconditional || header(request, "if-modified-since").is_some() {
        return false;
    }
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.trim() == "*" || known.split(',').any(|known| opaque(known) == opaque(tag))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Zstd,
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// The one with the greatest weight that is as welcome as no coding at all; zstd before gzip.
    fn best(accepted: &str) -> Option<Self> {
        let weights: Vec<(String, u32)> = accepted
            .split(',')
            .filter_map(|entry| {
                let mut parts = entry.split(';').map(str::trim);
                let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
                let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
                Some((name, weight.map_or(Some(1_000), thousandths)?))
            })
            .collect();
        let named = |name: &str| weights.iter().find(|(known, _)| known == name).map(|(_, weight)| *weight);
        let of = |name: &str| named(name).or_else(|| named("*")).unwrap_or(0);
        let plain = named("identity").unwrap_or(0);
        let weighed = [(of("gzip"), Self::Gzip), (of("zstd"), Self::Zstd)];
        let best = weighed.into_iter().max_by_key(|(weight, _)| *weight)?;
        (best.0 > 0 && best.0 >= plain).then_some(best.1)
    }
}

/// `0.8` -> 800.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: u32 = whole.parse().ok().filter(|whole| *whole <= 1)?;
    let fraction: u32 = format!("{fraction:0<3}").parse().ok()?;
    Some(whole * 1_000 + fraction).filter(|weight| *weight <= 1_000)
}

enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    fn of(coding: Coding) -> std::io::Result<Self> {
        Ok(match coding {
            Coding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))),
            Coding::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?),
        })
    }

    fn whole(mut self, bytes: &[u8]) -> std::io::Result<Bytes> {
        match &mut self {
            Self::Gzip(encoder) => encoder.write_all(bytes)?,
            Self::Zstd(encoder) => encoder.write_all(bytes)?,
        }
        self.rest()
    }

    /// What is to be sent for a piece, so that the receiver can read it at once.
    fn piece(&mut self, bytes: &[u8]) -> std::io::Result<Bytes> {
        Ok(match self {
            Self::Gzip(encoder) => {
                encoder.write_all(bytes)?;
                encoder.flush()?;
                std::mem::take(encoder.get_mut())
            }
            Self::Zstd(encoder) => {
                encoder.write_all(bytes)?;
                encoder.flush()?;
                std::mem::take(encoder.get_mut())
            }
        }
        .into())
    }

    fn rest(self) -> std::io::Result<Bytes> {
        Ok(match self {
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Zstd(encoder) => encoder.finish()?,
        }
        .into())
    }
}

type Pieces = BoxStream<'static, Result<Bytes, BrokenOff>>;

fn encoded(pieces: Pieces, coding: Coding) -> Pieces {
    let broken = |error: std::io::Error| BrokenOff(error.to_string());
    let begin = Encoder::of(coding).map_err(broken);
    unfold(Some((pieces, begin)), move |state| async move {
        let (mut pieces, encoder) = state?;
        let mut encoder = match encoder {
            Ok(encoder) => encoder,
            Err(error) => return Some((Err(error), None)),
        };
        match pieces.next().await {
            Some(Ok(piece)) => match encoder.piece(&piece) {
                Ok(bytes) => Some((Ok(bytes), Some((pieces, Ok(encoder))))),
                Err(error) => Some((Err(broken(error)), None)),
            },
            Some(Err(error)) => Some((Err(error), None)),
            None => Some((encoder.rest().map_err(broken), None)),
        }
    })
    .boxed()
}

#[cfg(test)]
#[path = "encodings_tests.rs"]
mod tests;
