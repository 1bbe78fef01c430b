//! What is answered at port 80, so that an authority sees that a host is this server (RFC 8555 8.3).
//!
//! One path is served, `/.well-known/acme-challenge/` and a token, while an order waits for it; all else is not there.
//! Nobody learns more than the authority has made up itself and whom of its accounts it is for.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use posthaste_tokio::{Accepted, Limits, Listener};
use tokio_util::sync::CancellationToken;

/// What authorities are told that ask: by token, the key authorization (RFC 8555 8.1). Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Challenges(Arc<Mutex<BTreeMap<String, String>>>);

/// An answer that is given for as long as this lives.
#[derive(Debug)]
pub(super) struct Posted {
    challenges: Challenges,
    token: String,
}

impl Challenges {
    /// Has an answer given to whoever asks with a token.
    pub(super) fn post(&self, token: &str, authorization: &str) -> Posted {
        self.locked().insert(token.to_owned(), authorization.to_owned());
        Posted { challenges: self.clone(), token: token.to_owned() }
    }

    fn answer(&self, path: &str) -> Option<String> {
        self.locked().get(path.strip_prefix(PREFIX)?).cloned()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Posted {
    fn drop(&mut self) {
        self.challenges.locked().remove(&self.token);
    }
}

/// Answers until it is told to stop.
pub async fn serve(listener: Listener, challenges: Challenges, stop: CancellationToken) {
    let mut limits = Limits::default();
    limits.connections_max = CONNECTIONS_MAX;
    limits.per_network_max = PER_NETWORK_MAX;
    let ending = stop.clone();
    posthaste_tokio::serve(listener.with_name("acme"), limits, stop, move |accepted| {
        converse(accepted, challenges.clone(), ending.clone())
    })
    .await;
}

async fn converse(accepted: Accepted, challenges: Challenges, stop: CancellationToken) {
    let service = service_fn(|request| {
        let answer = respond(&challenges, &request);
        async { Ok::<_, Infallible>(answer) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(TIMEOUT).max_buf_size(HEADER_MAX).keep_alive(false);
    let connection = http.serve_connection(TokioIo::new(accepted.stream), service);
    tokio::select! {
        // A client that goes away, or takes too long, is no error of the server.
        _ = tokio::time::timeout(TIMEOUT, connection) => {}
        () = stop.cancelled() => {}
    }
}

fn respond(challenges: &Challenges, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let answer = challenges.answer(request.uri().path()).filter(|_| is_read);
    tracing::debug!(path = %request.uri().path().escape_debug(), is_known = answer.is_some(), "asked at port 80");
    let status = if answer.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let mut response = Response::new(Full::new(answer.unwrap_or_default().into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    response
}

/// RFC 8555 8.3.
const PREFIX: &str = "/.well-known/acme-challenge/";

/// Connections at the same time. An authority asks from several places.
const CONNECTIONS_MAX: usize = 64;

/// Connections at the same time from one network.
const PER_NETWORK_MAX: usize = 16;

/// So long may a request and its answer take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Octets of the header of a request.
const HEADER_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_there_while_it_is_waited_for() {
        let challenges = Challenges::default();
        let posted = challenges.post("token", "token.thumbprint");
        let answer = |path: &str| challenges.answer(path);
        assert_eq!(answer("/.well-known/acme-challenge/token").as_deref(), Some("token.thumbprint"));
        for path in ["", "/", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/toke", "token"] {
            assert_eq!(answer(path), None, "{path}");
        }
        drop(posted);
        assert_eq!(answer("/.well-known/acme-challenge/token"), None);
    }
}
