//! The documents over HTTP, for everybody: who sets up a mail program has not logged in yet.
//!
//! A domain is asked for, by an address or by the name the server is asked under. For one that has mail here the answer
//! is the same whether or not somebody has the address; for any other there is none. Beside the one `Host` that stands for a domain
//! nothing of a request is believed, and nothing in an answer is secret, so it does not matter which page asks.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http_body_util::{BodyExt, Limited};

use super::{Offer, documents};
use crate::directory::{Address, normalise_domain};
use crate::session::Context;

/// The routes, to be served beside those of administration.
pub fn routes(context: &Context) -> Router {
    let mut router = Router::new();
    for path in ["/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml"] {
        let context = context.clone();
        router = router.route(path, get(async move |request: Request| autoconfig(&context, &request)));
    }
    // Outlook writes it in both ways.
    for path in ["/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml"] {
        let (of_get, of_post) = (context.clone(), context.clone());
        let asked = get(async move |request: Request| autodiscover(&of_get, asked_for(request.uri())));
        let asked = asked.post(async move |request: Request| {
            let question = question(request).await;
            autodiscover(&of_post, question.as_deref().and_then(documents::asked_address))
        });
        router = router.route(path, asked);
    }
    let context = context.clone();
    router.route("/mail/apple.mobileconfig", get(async move |request: Request| apple(&context, &request)))
}

fn autoconfig(context: &Context, request: &Request) -> Response {
    // A placeholder, or no address at all, is what a program sends that does not want to tell whose it is.
    let domain = asked_for(request.uri()).map(|address| address.domain().to_owned());
    let domain = domain.or_else(|| own_domain(request.uri(), request.headers()));
    match domain.and_then(|domain| offer(context, &domain).map(|offer| (offer, domain))) {
        Some((offer, domain)) => answer(XML, documents::autoconfig(&offer, &domain)),
        None => nothing(),
    }
}

fn autodiscover(context: &Context, asked: Option<Address>) -> Response {
    let Some(address) = asked else {
        let time = jiff::Timestamp::now().strftime("%H:%M:%S").to_string();
        return answer(XML, documents::autodiscover_invalid(&time));
    };
    match offer(context, address.domain()) {
        Some(offer) => answer(XML, documents::autodiscover(&offer, &address)),
        None => nothing(),
    }
}

fn apple(context: &Context, request: &Request) -> Response {
    let profile = asked_for(request.uri()).and_then(|address| {
        let offer = offer(context, address.domain())?;
        documents::apple_profile(&offer, &address)
    });
    let Some(profile) = profile else { return nothing() };
    let name = (header::CONTENT_DISPOSITION, "attachment; filename=\"mail.mobileconfig\"");
    ([name], answer(PROFILE, profile)).into_response()
}

/// What is told of a domain: nothing, unless it has mail here and programs could be set up.
fn offer(context: &Context, domain: &str) -> Option<Offer> {
    let picture = context.directory.picture();
    picture.domain(domain).filter(|domain| domain.enabled)?;
    Some(Offer::of(&context.config)).filter(Offer::is_whole)
}

/// The address in a query.
fn asked_for(uri: &Uri) -> Option<Address> {
    let query = uri.query()?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let (_, address) = pairs.find(|(name, _)| name.eq_ignore_ascii_case(ADDRESS))?;
    Address::parse(&address).ok()
}

/// The domain of the name under which the server is asked: `autoconfig.x.test` or `x.test` itself.
fn own_domain(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let host = || headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = uri.authority().map(axum::http::uri::Authority::as_str).or_else(host)?;
    let name = authority.split(':').next().unwrap_or_default();
    let name = normalise_domain(name).ok()?;
    Some(name.strip_prefix("autoconfig.").unwrap_or(&name).to_owned())
}

/// The body of a request, if it is as short as a question is.
async fn question(request: Request) -> Option<String> {
    let body = Limited::new(request.into_body(), QUESTION_MAX).collect();
    let body = tokio::time::timeout(QUESTION_TIMEOUT, body).await.ok()?.ok()?;
    String::from_utf8(body.to_bytes().into()).ok()
}

fn answer(kind: &'static str, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

fn nothing() -> Response {
    let text = "Nothing is known of such a domain here.\n".to_owned();
    (StatusCode::NOT_FOUND, answer("text/plain; charset=utf-8", text)).into_response()
}

const XML: &str = "text/xml; charset=utf-8";

const PROFILE: &str = "application/x-apple-aspen-config";

/// The name of the address in a query.
const ADDRESS: &str = "emailaddress";

/// Octets of a question.
const QUESTION_MAX: usize = 16 * 1024;

const QUESTION_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);
