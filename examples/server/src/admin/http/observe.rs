//! What is served beside the operations, for programs that watch: `/health`, `/ready` and `/metrics`.
//!
//! `/health` says that the process answers. `/ready` says whether it can do its work, and why not, with status 503. Both
//! are for everybody. `/metrics` is for whoever can open the socket in the data directory; over TCP a request carries the
//! name and password of an administrator of the server, unless the configuration lets programs on the machine itself
//! in without (`open_metrics`).

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;

use super::{Door, Names, authenticate, is_plain, problem, respond};
use crate::admin::{Admin, Problem};
use crate::health;
use crate::metrics;
use crate::session::Context;

/// The routes; `router` takes them as what is served besides.
pub fn observe(admin: &Admin, context: &Context) -> Router {
    let (admin, of_metrics, of_ready) = (admin.clone(), context.clone(), context.clone());
    Router::new()
        .route("/health", get(|| async { respond(StatusCode::OK, TEXT, "ok\n") }))
        .route("/ready", get(move || ready(of_ready.clone())))
        .route("/metrics", get(move |request: Request| figures(admin.clone(), of_metrics.clone(), request)))
}

async fn ready(context: Context) -> Response {
    let found = health::readiness(&context).await;
    let status = if found.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    respond(status, "application/json", serde_json::to_string(&found).unwrap_or_default())
}

async fn figures(admin: Admin, context: Context, request: Request) -> Response {
    let door = request.extensions().get::<Door>().copied();
    // The body is not looked at, and is not held while the password is checked.
    let (parts, _) = request.into_parts();
    if !matches!(door, Some(Door::Local))
        && let Err(refused) = Names::of(&context.config).check_host(&parts.uri, &parts.headers)
    {
        return problem(&refused);
    }
    let is_open = context.config.http.open_metrics;
    if let Err(refused) = may_look(&admin, door, &parts.headers, is_open).await {
        return problem(&refused);
    }
    health::readiness(&context).await;
    respond(StatusCode::OK, EXPOSITION, metrics::render(&context))
}

async fn may_look(
    admin: &Admin,
    door: Option<Door>,
    headers: &HeaderMap,
    is_open: bool,
) -> Result<(), Problem> {
    let is_passed_on = PASSED_ON.iter().any(|name| headers.contains_key(*name));
    if let Some(Door::Peer(address)) = door
        && is_open
        && is_plain(&address)
        && !is_passed_on
    {
        return Ok(());
    }
    authenticate::principal(admin, door, headers).await?.must_be_server_admin()
}

/// What a web server adds to requests that it passes on.
const PASSED_ON: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

const TEXT: &str = "text/plain; charset=utf-8";

/// The text format of Prometheus.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";
