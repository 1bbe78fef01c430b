//! The HTTP interface: the operations as JSON, on a socket in the data directory and on the addresses of
//! `[listen] http`. An error is a problem document (RFC 9457).
//!
//! Who can open the socket is an administrator of the server: it is for the owner of the data directory alone. On an
//! address, each request carries a name and password (RFC 7617) or a token (RFC 6750); failures count towards a ban as
//! they do everywhere. Addresses of the machine itself speak plain HTTP, for a web server in front; all others speak
//! TLS, with the certificate of the mail services.
//!
//! A request that asks for `application/x-ndjson` is told of progress: a line with `progress` now and then, and at
//! the end one with `answer` or `problem`. What a page of another site could have sent is refused before anybody is
//! asked for a password (`origin`).

mod authenticate;
mod body;
mod lines;
mod observe;
mod openapi;
mod origin;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on};
use bytes::Bytes;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use posthaste_tokio::{Accepted, Limits, Listener, Source};
use rustls::ServerConfig;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

pub use observe::observe;
pub use openapi::document;
pub use origin::Names;

use lines::Lines;

use super::operation::{Method, Route, routes};
use super::{Admin, Principal, Problem, ProblemKind};
use crate::store::Progress;

/// Where a connection came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The socket in the data directory.
    Local,
    /// An address.
    Peer(SocketAddr),
}

/// The file of the socket in the data directory.
pub const SOCKET: &str = "admin.sock";

/// The whole interface, at these names. `besides` is what else is served on the same addresses, such as metrics and health; it sees
/// to its own access and finds the [`Door`] among the extensions of a request.
pub fn router(admin: &Admin, names: &Names, besides: Router) -> Router {
    let description = Bytes::from(document().to_string());
    let describe = move || {
        let description = description.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], description) }
    };
    let mut router = Router::new().route("/api/openapi.json", get(describe));
    for route in routes() {
        let numbers = openapi::numbers(&route);
        let served = Arc::new(Served { admin: admin.clone(), names: names.clone(), numbers, route });
        let handle = move |request: Request| Arc::clone(&served).handle(request);
        router = router.route(route.path, on(filter(route.method), handle));
    }
    let missing = || async { problem(&Problem::not_found("such path").remedy("see /api/openapi.json")) };
    router.merge(besides).fallback(missing)
}

/// Opens the socket in a data directory, for its owner alone.
///
/// # Errors
///
/// Another server listens there, or the system does not allow it.
#[cfg(unix)]
pub fn bind_local(data: &Path) -> std::io::Result<Listener> {
    use std::os::unix::fs::PermissionsExt;
    let path = data.join(SOCKET);
    // The directory is private, so that nobody comes in before the socket is.
    let listener = Listener::bind_unix(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves until it is told to stop. Give `tls` for an address that is not of the machine itself.
pub async fn serve(
    listener: Listener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    stop: CancellationToken,
) {
    let listener = match tls {
        Some(tls) => listener.with_implicit_tls(tls),
        None => listener,
    };
    let mut limits = Limits::default();
    limits.connections_max = CONNECTIONS_MAX;
    limits.per_network_max = PER_NETWORK_MAX;
    let ending = stop.clone();
    posthaste_tokio::serve(listener.with_name("http"), limits, stop, move |accepted| {
        converse(accepted, router.clone(), ending.clone())
    })
    .await;
}

/// Whether an address is of the machine itself, where plain HTTP is spoken.
pub fn is_plain(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

async fn converse(accepted: Accepted, router: Router, stop: CancellationToken) {
    let door = match accepted.peer {
        Source::Ip(address) => Door::Peer(address),
        _ => Door::Local,
    };
    let router = router.layer(axum::Extension(door));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HEADER_MAX);
    let connection = http.serve_connection(TokioIo::new(accepted.stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // A client that goes away in the middle is no error of the server.
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// One operation, as it is served.
struct Served {
    admin: Admin,
    names: Names,
    route: Route,
    /// The fields that are numbers or switches, which a query has as text.
    numbers: Vec<String>,
}

impl Served {
    async fn handle(self: Arc<Self>, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        let door = parts.extensions.get::<Door>().copied();
        // First of all: a page of another site is not to have anybody shut out for wrong passwords either.
        if let Err(refused) = self.names.check(door, self.route.method, &parts.uri, &parts.headers) {
            return problem(&refused);
        }
        let who = match authenticate::principal(&self.admin, door, &parts.headers).await {
            Ok(who) => who,
            Err(refused) => return problem(&refused),
        };
        let path = RawPathParams::from_request_parts(&mut parts, &()).await.ok();
        let request = match self.request(path, parts.uri.query(), body).await {
            Ok(request) => request,
            Err(refused) => return problem(&refused),
        };
        if wants_progress(&parts.headers) {
            return self.with_progress(who, request);
        }
        match self.route.run(self.admin.clone(), who, request, Progress::silent()).await {
            Ok(answer) => respond(StatusCode::OK, "application/json", answer.to_string()),
            Err(refused) => problem(&refused),
        }
    }

    /// The fields of the request, from wherever they are; those of the path count.
    async fn request(
        &self,
        path: Option<RawPathParams>,
        query: Option<&str>,
        body: Body,
    ) -> Result<Value, Problem> {
        let mut fields = if self.route.method.has_body() { body::read(body).await? } else { Map::new() };
        if !self.route.method.has_body() {
            for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
                let value = self.value(&name, &value);
                if fields.insert(name.clone().into_owned(), value).is_some() {
                    return Err(Problem::invalid(format!("{:?} is in the query twice", name.escape_debug())));
                }
            }
        }
        for (name, value) in path.iter().flatten() {
            fields.insert(name.to_owned(), self.value(name, value));
        }
        Ok(Value::Object(fields))
    }

    /// What a text stands for.
    fn value(&self, name: &str, text: &str) -> Value {
        let parsed = || serde_json::from_str::<Value>(text).ok().filter(|value| !value.is_string());
        let is_number = self.numbers.iter().any(|number| number == name);
        is_number.then(parsed).flatten().unwrap_or_else(|| Value::from(text))
    }

    /// An answer of lines, which begins before the operation ends.
    fn with_progress(self: Arc<Self>, who: Principal, request: Value) -> Response {
        let (lines, body) = Lines::new();
        tokio::spawn(async move {
            let (tell, mut told) = tokio::sync::watch::channel((0, 0));
            let progress = Progress::new(move |done, of| {
                tell.send_replace((done, of));
            });
            let mut running = self.route.run(self.admin.clone(), who, request, progress);
            let last = loop {
                tokio::select! {
                    outcome = &mut running => break match outcome {
                        Ok(answer) => json!({ "answer": answer }),
                        Err(refused) => json!({ "problem": refused }),
                    },
                    Ok(()) = told.changed() => {
                        let (done, of) = *told.borrow_and_update();
                        let line = json!({ "progress": { "done": done, "of": of } });
                        if lines.send(format!("{line}\n").into()).await.is_err() {
                            // Nobody waits any more; what has been begun is brought to its end.
                            break running.await.map_or(Value::Null, |answer| answer);
                        }
                    }
                }
            };
            let _ = lines.send(format!("{last}\n").into()).await;
        });
        respond(StatusCode::OK, NDJSON, Body::new(body))
    }
}

fn wants_progress(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accepted| accepted == NDJSON)
}

fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    }
}

fn problem(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_string(problem).unwrap_or_default();
    let mut response = respond(status, "application/problem+json", body);
    if problem.kind == ProblemKind::Unauthorized {
        let challenge = HeaderValue::from_static("Basic realm=\"posthaste\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

fn respond(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body.into()).into_response()
}

/// What a peer sent, fit to be said back to it.
fn shown(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_default).collect()
}

/// One JSON value a line.
pub const NDJSON: &str = "application/x-ndjson";

/// Connections at the same time, at each address.
const CONNECTIONS_MAX: usize = 256;

/// Connections at the same time from one network.
const PER_NETWORK_MAX: usize = 32;

/// So long may the header of a request take.
const HEADER_TIMEOUT: Duration = Duration::from_secs(20);

/// Octets of the header of a request.
const HEADER_MAX: usize = 32 * 1024;
