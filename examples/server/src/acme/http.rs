//! How requests get to an authority: HTTP/1.1 over TLS (RFC 8555 6.1), a connection for each.
//!
//! Decides what is taken from the other side: so many octets, within such a time, from `https` URLs only. What says in HTTP
//! that it failed is an error even where it is no problem document, and when the authority wants to be asked again is
//! remembered ([`Http::wait`]), bounded, for whoever tries again.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient, Problem};
use jiff::Timestamp;
use posthaste_tokio::tls::{Alpn, ClientSettings, Trust};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

/// The way to an authority. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Http {
    tls: Arc<ClientConfig>,
    wait: Arc<Mutex<Option<Duration>>>,
}

impl Http {
    /// Asks whom `trust` says to be the authority, or public authorities do.
    pub(super) fn new(trust: Option<Trust>) -> Result<Self, rustls::Error> {
        let settings = ClientSettings::new(Alpn::Smtp);
        let settings = match trust {
            Some(trust) => settings.with_trust(trust),
            None => settings,
        };
        let mut tls = ClientConfig::clone(&*settings.build()?);
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { tls: Arc::new(tls), wait: Arc::default() })
    }

    /// How long the authority wanted to be left alone in its last answer, if it said so; once.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.wait.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, wait: Option<Duration>) {
        *self.wait.lock().unwrap_or_else(PoisonError::into_inner) = wait;
    }

    async fn send(self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
        let (uri, method) = (request.uri().clone(), request.method().clone());
        let failed = |reason: String| Error::Other(format!("{uri}: {reason}").into());
        self.note(None);
        let answered = tokio::time::timeout(REQUEST_TIMEOUT, self.exchange(request)).await;
        let late = |_| failed(format!("no answer within {} seconds", REQUEST_TIMEOUT.as_secs()));
        let mut answer = answered.map_err(late)?.map_err(&failed)?;
        let wait = retry_after(answer.headers(), Timestamp::now());
        self.note(wait);
        // Whatever it was, it is a number of seconds now, and not too many.
        answer.headers_mut().remove(RETRY_AFTER);
        if let Some(wait) = wait {
            answer.headers_mut().insert(RETRY_AFTER, wait.as_secs().into());
        }
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.map(Full::new).into());
        }
        match serde_json::from_slice::<Problem>(answer.body()) {
            // Answers to POST are looked at by whoever has asked: some are no failures.
            Ok(_) if is_problem(answer.headers()) && method == Method::POST => {
                Ok(answer.map(Full::new).into())
            }
            Ok(problem) if is_problem(answer.headers()) => Err(Error::Api(problem)),
            _ => Err(failed(format!("it answered {status}"))),
        }
    }

    /// A request and its answer. The error is a sentence.
    async fn exchange(&self, request: Request<BodyWrapper<Bytes>>) -> Result<Response<Bytes>, String> {
        let (mut parts, body) = request.into_parts();
        if parts.uri.scheme_str() != Some("https") {
            return Err("this is no URL that begins with https://".to_owned());
        }
        let authority = parts.uri.authority().ok_or("this URL names no host")?.clone();
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.headers.insert(HOST, HeaderValue::from_str(authority.as_str()).map_err(text)?);
        parts.headers.insert(USER_AGENT, HeaderValue::from_static(PROGRAM));
        parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let uri = path.parse::<Uri>().map_err(text)?;
        let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(443))).await.map_err(text)?;
        let name = ServerName::try_from(host.to_owned()).map_err(text)?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await.map_err(text)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(text)?;
        let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
        parts.uri = uri;
        let answer = sender.send_request(Request::from_parts(parts, body)).await.map_err(text)?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, BODY_MAX).collect().await.map_err(|error| error.to_string())?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        Box::pin(self.clone().send(request))
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// RFC 9457 3.
fn is_problem(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/problem+json"))
}

/// How long to wait (RFC 9110 10.2.3): a number of seconds, or a date; [`WAIT_MAX`] at most.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = match value.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) if value.bytes().all(|c| c.is_ascii_digit()) => u64::MAX,
        Err(_) => {
            let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
            u64::try_from(date.as_second().saturating_sub(now.as_second())).unwrap_or(0)
        }
    };
    Some(Duration::from_secs(seconds).min(WAIT_MAX))
}

const PROGRAM: &str = concat!("posthaste/", env!("CARGO_PKG_VERSION"));

/// So long may an authority take for an answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Octets of an answer: a chain of certificates is some thousands.
const BODY_MAX: usize = 256 * 1024;

/// However long an authority wants to be left alone, it is asked again after a day.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_seconds_or_dates_and_bounded() {
        let now: Timestamp = "2026-11-21T20:00:00Z".parse().unwrap();
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sat, 21 Nov 2026 20:01:00 GMT", Some(60)),
            ("Sat, 21 Nov 2026 19:00:00 GMT", Some(0)),
            ("Sat, 21 Nov 2099 19:00:00 GMT", None),
            ("18446744073709551615", Some(86_400)),
            ("99999999999999999999999999", Some(86_400)),
            ("soon", None),
            ("-1", None),
            ("", Some(86_400)),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            let wait = retry_after(&headers, now).map(|wait| wait.as_secs());
            if value.contains("2099") {
                // The day of the week is wrong: taken as a date or not at all.
                assert!(wait.is_none_or(|wait| wait == 86_400));
            } else if !value.is_empty() {
                assert_eq!(wait, seconds, "{value:?}");
            }
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[tokio::test]
    async fn nothing_is_asked_without_tls() {
        let http = Http::new(None).unwrap();
        let request = Request::get("http://127.0.0.1:1/directory").body(BodyWrapper::default()).unwrap();
        let error = http.request(request).await.err().unwrap().to_string();
        assert!(error.contains("https://"), "{error}");
    }
}
